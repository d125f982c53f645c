"""A session with a daemon in the network: log in by challenge and response, and remember the token.

The password never leaves this process (spec: rest, login).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from attrs import define, field, frozen

#: Asks the daemon: method, path, body. What comes back is JSON.
Ask: TypeAlias = Callable[[str, str, Mapping[str, str] | None], Any]

#: A longer file is no token of ours.
_LONGEST = 8192


@frozen
class TokenCache:
    """Tokens in ``directory``, a file for each base URL that only its owner can read."""

    directory: Path

    def get(self, url: str) -> str | None:
        """The token that was kept for ``url``; not a file that others could have written."""
        try:
            descriptor = os.open(self._path(url), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            is_private = stat.S_ISREG(status.st_mode) and not status.st_mode & 0o077
            if not is_private or status.st_uid != os.geteuid():
                return None
            token = file.read(_LONGEST).strip()
        return token.decode() if token and token.isascii() else None

    def put(self, url: str, token: str) -> None:
        """Keep the token; where that is not possible, the next command logs in anew."""
        path = self._path(url)
        new = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(token + "\n")
            new.replace(path)

    def _path(self, url: str) -> Path:
        return self.directory / f"token-{hashlib.sha256(url.encode()).hexdigest()[:32]}"


@define
class Session:
    """The session with the daemon at ``url``. ``password`` is called when it is needed, for each login."""

    _url: str
    _cache: TokenCache
    _password: Callable[[], str]
    _token: str | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._token = self._cache.get(self._url)

    @property
    def token(self) -> str | None:
        """None before the first login."""
        return self._token

    def log_in(self, ask: Ask) -> None:
        """Get a token.

        :raises LoginRejected: the password is wrong
        :raises RateLimited: there were too many attempts
        """
        password = self._password()
        nonce = ask("GET", "/api/auth/challenge", None)["nonce"]
        answer = ask("POST", "/api/auth/login", {"nonce": nonce, "response": response(password, nonce)})
        self._token = token = str(answer["token"])
        self._cache.put(self._url, token)


def response(password: str, nonce: str) -> str:
    """The proof that one knows the password."""
    return hashlib.sha256(f"{password}:{nonce}".encode()).hexdigest()
