"""Binds the sockets that the daemon listens at, and tells what stands in the way.

A socket of :func:`bind_tcp` or :func:`bind_control` listens, so that no other program can take its place, and
the connections that come wait in the kernel until somebody accepts them.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

from attrs import frozen
from twisted.logger import Logger

from runwisp.errors import CannotListen
from runwisp.store.files import DIRECTORY_MODE, FILE_MODE

log = Logger()

_BACKLOG = 128
_NAME_HOST = "--host takes an address of this machine, 0.0.0.0 or ::"
_NAME_SOCKET = "name another path with --socket"
#: What the address of a socket has room for, without the byte that ends it.
_MAX_PATH = 107
#: How long the owner of a socket may take to let us in.
_ANSWER_S = 0.1
#: What file systems say that give a socket no mode of its own.
_NO_MODES = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
#: A name may have addresses that this machine cannot use.
_UNUSABLE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def addresses_of(host: str) -> list[str]:
    """The addresses that ``host``, a name or an address, stands for; a name may be asked for in the network.

    :raises CannotListen: it stands for none
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"cannot listen on {host}: {_reason(error)}", [_NAME_HOST]) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_loopback(address: str) -> bool:
    """Nobody outside this machine can reach it."""
    return ip_address(address.partition("%")[0]).is_loopback


def bind_tcp(host: str, port: int, flag: str = "--port") -> list[socket.socket]:
    """A socket for each address of ``host``; ``flag`` is where another port can be chosen.

    :raises CannotListen: the port is taken or not allowed, or the host is not an address of this machine
    """
    bound: list[socket.socket] = []
    refusal: OSError | None = None
    for address in addresses_of(host):
        try:
            bound.append(_bind_address(address, port))
        except OSError as error:
            refusal = error
            if error.errno not in _UNUSABLE:
                break
    if bound and (refusal is None or refusal.errno in _UNUSABLE):
        return bound
    for listening in bound:
        listening.close()
    assert refusal is not None
    raise _not_bound(host, port, flag, refusal) from refusal


def _bind_address(address: str, port: int) -> socket.socket:
    (family, kind, _, _, place), *_ = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    with _kept_if_bound(socket.socket(family, kind)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Whatever the system's default: "all addresses" includes those of IPv4.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "::")
        listening.bind(place)
        listening.listen(_BACKLOG)
    return listening


@contextmanager
def _kept_if_bound(fresh: socket.socket) -> Iterator[socket.socket]:
    fresh.setblocking(False)
    try:
        yield fresh
    except BaseException:
        fresh.close()
        raise


def _not_bound(host: str, port: int, flag: str, error: OSError) -> CannotListen:
    is_taken = error.errno == errno.EADDRINUSE
    reason = "the port is taken" if is_taken else _reason(error)
    sentence = f"cannot listen on {url_host(host)}:{port}: {reason}"
    if is_taken:
        who = f"`ss -ltnp 'sport = :{port}'` shows who has it"
        return CannotListen(sentence, [who, f"choose another port with {flag}"])
    if error.errno == errno.EACCES:
        return CannotListen(sentence, [f"choose a port above 1023 with {flag}"])
    return CannotListen(sentence, [_NAME_HOST])


def url_host(host: str) -> str:
    """``host`` as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


@frozen
class ControlSocket:
    """A bound Unix socket. ``identity`` is the device and inode of its file, None where that has gone."""

    listening: socket.socket
    path: Path
    identity: tuple[int, int] | None

    def remove(self) -> None:
        """Remove the file, unless somebody has put another one in its place."""
        if self.identity is not None and self.identity == _identity(self.path):
            self.path.unlink(missing_ok=True)


def bind_control(path: Path) -> ControlSocket:
    """Listen at ``path``, for nobody but our own user (spec: rest, unix socket).

    :raises CannotListen: another daemon answers there, something else is there, the path is too long, or the
        directory or the file system does not allow it
    """
    if len(os.fsencode(path)) > _MAX_PATH:
        sentence = f"cannot listen at {path}: the path of a socket has at most {_MAX_PATH} bytes"
        raise CannotListen(sentence, [_NAME_SOCKET])
    try:
        if not path.parent.exists():
            path.parent.mkdir(DIRECTORY_MODE, parents=True)
        _make_room(path)
        with _kept_if_bound(socket.socket(socket.AF_UNIX)) as listening:
            # Private from the first moment on: a chmod would come too late.
            old = os.umask(0o777 & ~FILE_MODE)
            try:
                listening.bind(os.fsencode(path))
            finally:
                os.umask(old)
            _make_private(path)
            listening.listen(_BACKLOG)
    except OSError as error:
        raise CannotListen(f"cannot listen at {path}: {_reason(error)}", [_NAME_SOCKET]) from error
    return ControlSocket(listening, path, _identity(path))


def _make_room(path: Path) -> None:
    """Remove a socket that a dead daemon has left; a living one, and whatever else is there, stays."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "something that is not a socket"
        raise CannotListen(
            f"cannot listen at {path}: {what} is there", ["remove it, or name another path with --socket"]
        )
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ANSWER_S)
        try:
            probe.connect(os.fsencode(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except (TimeoutError, BlockingIOError):
            # Who leaves others in the queue is alive all the same.
            pass
    hints = ["stop it", _NAME_SOCKET]
    raise CannotListen(f"cannot listen at {path}: another daemon answers there", hints)


def _make_private(path: Path) -> None:
    try:
        path.chmod(FILE_MODE)
    except OSError as error:
        if error.errno not in _NO_MODES:
            path.unlink(missing_ok=True)
            raise
        log.warn("the file system of {path} gives sockets no mode: {error}", path=str(path), error=error)


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        status = os.lstat(path)
        return status.st_dev, status.st_ino
    return None


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
