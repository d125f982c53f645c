from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from runwisp.store.files import read_private, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_file_is_written_whole_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    write_private(file, b"a" * 100_000)
    assert mode(file) == 0o600
    assert read_private(file, 200_000) == b"a" * 100_000
    assert read_private(file, 10) == b"a" * 10


def test_a_file_that_is_there_is_replaced_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old and longer")
    file.chmod(0o644)
    write_private(file, b"new")
    assert (file.read_bytes(), mode(file), os.listdir(tmp_path)) == (b"new", 0o600, ["secret"])


def test_a_link_is_replaced_by_what_is_written_and_not_followed(tmp_path: Path) -> None:
    file, aim = tmp_path / "secret", tmp_path / "aim"
    aim.write_text("untouched")
    file.symlink_to(aim)
    write_private(file, b"new")
    assert (file.is_symlink(), file.read_bytes(), aim.read_text()) == (False, b"new", "untouched")


def test_what_a_crash_has_left_of_a_write_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / ".secret.new").write_text("half")
    (tmp_path / ".secret.new").chmod(0o666)
    write_private(tmp_path / "secret", b"new")
    assert (mode(tmp_path / "secret"), os.listdir(tmp_path)) == (0o600, ["secret"])


def test_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "aim").write_text("elsewhere")
    (tmp_path / "secret").symlink_to(tmp_path / "aim")
    with pytest.raises(OSError, match="is a symbolic link"):
        read_private(tmp_path / "secret", 10)


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match="is not a regular file"):
            read_private(path, 10)


def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "secret", 10)
