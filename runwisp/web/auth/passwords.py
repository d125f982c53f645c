"""Where the password comes from (spec: rest, password and authentication off; operations, credential)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from attrs import field, frozen

from runwisp.errors import PasswordUnusable, UsageError
from runwisp.store.files import read_private, write_private

PASSWORD_VARIABLE = "RUNWISP_PASSWORD"
NO_AUTH_VARIABLE = "RUNWISP_NO_AUTH"
_CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
_CREDENTIAL = "runwisp-password"
_YES = ("1", "true")
#: Nobody types more, and one that long is a wrong file.
_LONGEST = 4096


class Source(Enum):
    """Who has chosen the password."""

    VARIABLE = f"the variable {PASSWORD_VARIABLE}"
    CREDENTIAL = f"the credential {_CREDENTIAL}"
    FILE = "the password file"
    #: Chosen at this start, and written to the file.
    GENERATED = "this daemon"

    @property
    def is_operator(self) -> bool:
        """The operator keeps it, so the daemon discloses it to nobody."""
        return self in (Source.VARIABLE, Source.CREDENTIAL)


@frozen
class Password:
    text: str = field(repr=False)
    source: Source


def resolve(environ: Mapping[str, str], file: Path, generate: Callable[[], str]) -> Password | None:
    """The password of this start, None if authentication is off.

    Where there is none anywhere, ``generate`` makes one that is written to ``file``.

    :raises UsageError: the variables contradict each other
    :raises PasswordUnusable: the first place that has to be asked cannot be read or holds no password
    """
    variable = environ.get(PASSWORD_VARIABLE, "")
    credential = _credential(environ)
    if is_off(environ.get(NO_AUTH_VARIABLE, "")):
        if variable:
            raise _contradiction(PASSWORD_VARIABLE)
        if credential is not None:
            raise _contradiction(f"the credential {_CREDENTIAL}")
        return None
    if variable:
        # The environment's bytes that are not UTF-8 are surrogates in its text.
        raw = variable.encode("utf-8", "surrogateescape")
        return Password(_decode(raw, PASSWORD_VARIABLE), Source.VARIABLE)
    if credential is not None:
        return Password(parse(credential, f"the credential {_CREDENTIAL}"), Source.CREDENTIAL)
    return _from_file(file, generate)


def is_off(value: str) -> bool:
    """What ``RUNWISP_NO_AUTH`` says."""
    if value and value not in _YES:
        raise UsageError(f"{NO_AUTH_VARIABLE}: {value!r} is not one of {', '.join(_YES)}")
    return bool(value)


def parse(raw: bytes, place: str) -> str:
    """The password that a file holds: one line, whose newline at the end does not count.

    :raises PasswordUnusable: there is none, or more than a line
    """
    hint = "write one line of text to it"
    if len(raw) > _LONGEST:
        raise PasswordUnusable(place, f"is longer than {_LONGEST} bytes", hint)
    text = _decode(raw, place).removesuffix("\n")
    if not text:
        raise PasswordUnusable(place, "is empty", hint)
    if "\n" in text:
        raise PasswordUnusable(place, "has more than one line", hint)
    return text


def _decode(raw: bytes, place: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise PasswordUnusable(place, "is not UTF-8", "write one line of text to it") from None


def _credential(environ: Mapping[str, str]) -> bytes | None:
    """What the service manager hands over, None if it hands over no password."""
    directory = environ.get(_CREDENTIALS_VARIABLE)
    if not directory:
        return None
    path = Path(directory, _CREDENTIAL)
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PasswordUnusable(str(path), str(error.strerror), "see LoadCredential= of the unit") from error


def _from_file(file: Path, generate: Callable[[], str]) -> Password:
    try:
        return Password(parse(read_private(file, _LONGEST + 1), str(file)), Source.FILE)
    except FileNotFoundError:
        text = generate()
    except OSError as error:
        hint = "put a file of mode 0600 there, or remove it to get a new password"
        raise PasswordUnusable(str(file), str(error.strerror), hint) from error
    try:
        write_private(file, f"{text}\n".encode())
    except OSError as error:
        hint = f"make the directory writable, or set {PASSWORD_VARIABLE}"
        raise PasswordUnusable(str(file), f"cannot be written: {error.strerror}", hint) from error
    return Password(text, Source.GENERATED)


def _contradiction(other: str) -> UsageError:
    return UsageError(f"{NO_AUTH_VARIABLE} and {other} are both set; only one of them can hold")
