from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from runwisp.errors import PasswordUnusable, RunWispError, UsageError
from runwisp.web.auth import words
from runwisp.web.auth.passwords import Password, Source, resolve


def never() -> str:
    raise AssertionError("a password was generated although there is one")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "password"


@pytest.fixture
def credentials(tmp_path: Path) -> Callable[[bytes], dict[str, str]]:
    """Write a credential, and return the environment that leads to it."""

    def write(content: bytes) -> dict[str, str]:
        directory = tmp_path / "credentials"
        directory.mkdir()
        (directory / "runwisp-password").write_bytes(content)
        return {"CREDENTIALS_DIRECTORY": str(directory)}

    return write


def test_the_variable_wins_over_credential_and_file(
    file: Path, credentials: Callable[[bytes], dict[str, str]]
) -> None:
    environ = credentials(b"from-credential\n")
    file.write_text("from-file\n")
    both = environ | {"RUNWISP_PASSWORD": "from-variable"}
    assert resolve(both, file, never) == Password("from-variable", Source.VARIABLE)
    assert resolve(environ, file, never) == Password("from-credential", Source.CREDENTIAL)
    assert resolve({}, file, never) == Password("from-file", Source.FILE)


def test_an_empty_variable_counts_as_unset(file: Path) -> None:
    file.write_text("from-file")
    environ = {"RUNWISP_PASSWORD": "", "RUNWISP_NO_AUTH": "", "CREDENTIALS_DIRECTORY": ""}
    assert resolve(environ, file, never) == Password("from-file", Source.FILE)


def test_a_credentials_directory_without_a_password_says_nothing(file: Path, tmp_path: Path) -> None:
    file.write_text("from-file")
    assert resolve({"CREDENTIALS_DIRECTORY": str(tmp_path)}, file, never) == Password(
        "from-file", Source.FILE
    )


def test_the_operators_password_is_not_written_to_disk(
    file: Path, credentials: Callable[[bytes], dict[str, str]]
) -> None:
    resolve({"RUNWISP_PASSWORD": "secret"}, file, never)
    resolve(credentials(b"secret"), file, never)
    assert not file.exists()


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"plain\n", "plain"),
        (b"plain", "plain"),
        (b" blanks stay \n", " blanks stay "),
        ("pässwörd\n".encode(), "pässwörd"),
        (b"a" * 4095 + b"\n", "a" * 4095),
    ],
)
def test_a_file_or_credential_is_one_line(
    file: Path, credentials: Callable[[bytes], dict[str, str]], content: bytes, password: str
) -> None:
    file.write_bytes(content)
    assert resolve({}, file, never) == Password(password, Source.FILE)
    assert resolve(credentials(content), file, never) == Password(password, Source.CREDENTIAL)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\n\n", "has more than one line"),
        (b"one\ntwo\n", "has more than one line"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a" * 4097, "is longer than 4096 bytes"),
    ],
)
def test_a_file_or_credential_that_holds_no_password_stops_the_start(
    file: Path, credentials: Callable[[bytes], dict[str, str]], content: bytes, reason: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(PasswordUnusable, match=f"cannot take the password from {file}: {reason}"):
        resolve({}, file, never)
    environ = credentials(content)
    file.unlink()
    with pytest.raises(PasswordUnusable, match=f"from the credential runwisp-password: {reason}"):
        resolve(environ, file, never)
    assert not file.exists()


def test_a_variable_that_is_not_utf_8_stops_the_start(file: Path) -> None:
    with pytest.raises(PasswordUnusable, match="RUNWISP_PASSWORD: is not UTF-8"):
        resolve({"RUNWISP_PASSWORD": "\udcff"}, file, never)


def test_a_password_is_generated_where_there_is_none(file: Path) -> None:
    password = resolve({}, file, lambda: "generated")
    assert password == Password("generated", Source.GENERATED)
    assert file.read_bytes() == b"generated\n"
    assert resolve({}, file, never) == Password("generated", Source.FILE)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_the_generated_file_is_private_whatever_the_umask_says(file: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        resolve({}, file, words.password)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == ["password"]


@pytest.mark.parametrize("target", ["there", "missing"])
def test_a_symbolic_link_is_neither_read_nor_written_through(file: Path, tmp_path: Path, target: str) -> None:
    aim = tmp_path / target
    if target == "there":
        aim.write_text("elsewhere\n")
    file.symlink_to(aim)
    with pytest.raises(PasswordUnusable, match=f"{file}: is a symbolic link"):
        resolve({}, file, never)
    assert aim.exists() is (target == "there")
    assert file.is_symlink()


def test_a_link_in_place_of_the_scratch_file_is_not_written_through(file: Path, tmp_path: Path) -> None:
    aim = tmp_path / "aim"
    (tmp_path / ".password.new").symlink_to(aim)
    resolve({}, file, lambda: "generated")
    assert not aim.exists()
    assert file.read_text() == "generated\n"


def test_a_pipe_in_place_of_the_file_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(PasswordUnusable, match="is not a regular file"):
        resolve({}, file, never)


def test_a_directory_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(PasswordUnusable, match="cannot be written: No such file or directory"):
        resolve({}, tmp_path / "missing" / "password", lambda: "generated")


@pytest.mark.parametrize("value", ["1", "true"])
def test_authentication_can_be_off_and_then_nothing_is_generated(file: Path, value: str) -> None:
    assert resolve({"RUNWISP_NO_AUTH": value}, file, never) is None
    assert not file.exists()


@pytest.mark.parametrize("value", ["0", "false", "yes", "TRUE", " 1", " "])
def test_any_other_value_of_no_auth_stops_the_start(file: Path, value: str) -> None:
    with pytest.raises(UsageError, match=r"RUNWISP_NO_AUTH: .* is not one of 1, true"):
        resolve({"RUNWISP_NO_AUTH": value}, file, never)


def test_authentication_off_contradicts_a_password(
    file: Path, credentials: Callable[[bytes], dict[str, str]]
) -> None:
    with pytest.raises(UsageError, match="RUNWISP_NO_AUTH and RUNWISP_PASSWORD are both set"):
        resolve({"RUNWISP_NO_AUTH": "1", "RUNWISP_PASSWORD": "secret"}, file, never)
    with pytest.raises(UsageError, match="RUNWISP_NO_AUTH and the credential runwisp-password are both set"):
        resolve(credentials(b"") | {"RUNWISP_NO_AUTH": "1"}, file, never)


def test_authentication_off_does_not_mind_a_password_file(file: Path) -> None:
    file.write_text("from-file")
    assert resolve({"RUNWISP_NO_AUTH": "1"}, file, never) is None


def test_no_error_shows_the_password(file: Path) -> None:
    file.write_text("hidden\nsecret\n")
    with pytest.raises(RunWispError) as caught:
        resolve({}, file, never)
    assert "hidden" not in str(caught.value)
    assert "hidden" not in repr(Password("hidden", Source.FILE))


def test_generated_words_have_the_length_and_letters_of_the_spec() -> None:
    assert [len(words.nonce()), len(words.ticket()), len(words.password())] == [64, 43, 22]
    assert set(words.nonce()) <= set("0123456789abcdef")
    assert words.ticket().isalnum()
    assert words.ticket().isascii()
    assert words.password() != words.password()
