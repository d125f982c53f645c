"""The daemon that a command talks to: over its control socket, or at a URL with a login.

Where none answers, this says why and what to do about it (spec: interfaces, run-task; rest, Unix socket).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runwisp.cli.options import Globals
from runwisp.cli.output import note
from runwisp.client.address import SocketAddress, UrlAddress, parse_url
from runwisp.client.errors import LoginRejected, Reason, Unreachable
from runwisp.client.transport import Transport
from runwisp.errors import RunWispError

if TYPE_CHECKING:
    from runwisp.client.api import Api
    from runwisp.store.datadir import DataDir


@contextmanager
def connected(settings: Globals) -> Iterator[Api]:
    """The daemon at the control socket; nothing is asked yet.

    :raises Unreachable: in the body, with advice
    """
    from runwisp.client.api import Api

    with transport_to(settings) as transport:
        yield Api(transport)


@contextmanager
def transport_to(settings: Globals) -> Iterator[Transport]:
    """The same without the classes of the API, which take a while to import.

    :raises Unreachable: in the body, with advice
    """
    with closing(Transport(SocketAddress(settings.socket))) as transport:
        try:
            yield transport
        except Unreachable as error:
            error.hints = error.hints or _advice(settings, error.reason)
            raise


@contextmanager
def connected_to(url: str, settings: Globals) -> Iterator[Api]:
    """The daemon at ``url``; one logs in as soon as it asks for a session.

    :raises UsageError: it is no URL
    """
    from runwisp.client.api import Api
    from runwisp.client.certificates import Pins
    from runwisp.client.session import Session, TokenCache

    address = parse_url(url, Pins(_directory("XDG_STATE_HOME", ".local/state") / "known_certificates", note))
    cache = TokenCache(_directory("XDG_CACHE_HOME", ".cache"))
    session = Session(str(address), cache, lambda: _password(settings, address))
    with closing(Transport(address, session)) as transport:
        try:
            yield Api(transport)
        except Unreachable as error:
            error.hints = error.hints or ["is the URL right? `runwisp daemon` starts a daemon there"]
            raise
        except LoginRejected as error:
            rejected = RunWispError(f"wrong password for {address}")
            rejected.hints = ["RUNWISP_PASSWORD counts, else the password file of --data DIR, else a prompt"]
            raise rejected from error


def _directory(variable: str, default: str) -> Path:
    """Our directory in one of the user's."""
    return Path(os.environ.get(variable) or Path.home() / default) / "runwisp"


def _password(settings: Globals, address: UrlAddress) -> str:
    """From the environment, else the password file, else from whoever sits at the terminal."""
    if password := os.environ.get("RUNWISP_PASSWORD"):
        return password
    from runwisp.store.datadir import DataDir

    try:
        return DataDir(settings.data).password.read_text().removesuffix("\n")
    except OSError:
        pass
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(f"Password for {address}: ")
    missing = RunWispError(f"{address} wants a password")
    missing.hints = ["set RUNWISP_PASSWORD, or name the data directory with --data DIR"]
    raise missing


def _advice(settings: Globals, reason: Reason) -> Sequence[str]:
    from runwisp.store.datadir import DataDir

    data_dir = DataDir(settings.data)
    if reason is Reason.FORBIDDEN:
        return _advice_on_rights(data_dir)
    if reason is not Reason.ABSENT:
        return ["its log says what it is doing"]
    if not os.path.lexists(settings.data):
        return [
            f"there is no data directory {settings.data}",
            "name that of the daemon with --data DIR, or start one with `runwisp daemon`",
        ]
    owner = data_dir.owner()
    if owner is not None:
        return [
            f"process {owner} uses {settings.data}: it is starting or stopping, is a `runwisp exec`, "
            "or listens elsewhere (--socket PATH)"
        ]
    return ["start one with `runwisp daemon`, or name the data directory of the daemon with --data DIR"]


def _advice_on_rights(data_dir: DataDir) -> Sequence[str]:
    try:
        uid = data_dir.path.stat().st_uid
    except OSError:
        return ["only the user that runs the daemon may talk to it"]
    if uid == os.geteuid():
        return ["its log says why"]
    return [f"only the user that runs the daemon may talk to it: try `sudo -u {_user_name(uid)} runwisp …`"]


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"'#{uid}'"


def is_down(settings: Globals, error: Unreachable) -> bool:
    """No daemon runs, as opposed to one that does not answer."""
    from runwisp.store.datadir import DataDir

    return error.reason is Reason.ABSENT and DataDir(settings.data).owner() is None
