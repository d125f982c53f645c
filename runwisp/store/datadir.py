"""The data directory: its layout, its modes and the lock that makes one process its owner.

Spec: runtime, data directory and database. No Twisted here: commands of the CLI look in as well.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from runwisp.errors import DataDirLocked, DataDirUnusable
from runwisp.store.files import DIRECTORY_MODE, FILE_MODE, tighten

#: Parents that have to be made; the umask may take more away.
_PARENT_MODE = 0o755
_PID_DIGITS = 20
#: How often, and how long apart, to ask for a lock whose owner is dead.
_TRIES, _PAUSE_S = 100, 0.02


class DataDir:
    """Paths below ``path``; nothing is touched before :meth:`prepare`."""

    def __init__(self, path: Path, pause: Callable[[float], object] = time.sleep) -> None:
        self.path = path.absolute()
        self._pause = pause
        self._lock: int | None = None

    @property
    def database(self) -> Path:
        return self.path / "runwisp.db"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def pid_file(self) -> Path:
        return self.path / "runwisp.pid"

    @property
    def socket(self) -> Path:
        return self.path / "runwisp.sock"

    @property
    def password(self) -> Path:
        return self.path / "password"

    @property
    def daemon_log(self) -> Path:
        return self.path / "daemon.log"

    @property
    def tls(self) -> Path:
        return self.path / "tls"

    def prepare(self) -> None:
        """Create the directory and ``logs`` in it, and correct modes that are too loose.

        :raises DataDirUnusable: it belongs to somebody else, cannot be made, or holds a symbolic link or a
            device where a private file belongs
        """
        try:
            _make_directory(self.path)
            _make_directory(self.logs)
            if self.tls.exists():
                _make_directory(self.tls)
            for file in (self.database, self.password, self.pid_file, self.daemon_log):
                tighten(file)
        except OSError as error:
            raise DataDirUnusable(str(self.path), _reason(error)) from error

    def lock(self) -> None:
        """Become the owner until :meth:`unlock` or the end of the process.

        To be called in the process that stays, after any fork: its number is written to the file. What an
        owner that is gone has left behind is taken over.

        :raises DataDirLocked: another process is the owner
        :raises DataDirUnusable: the file cannot be opened or written
        """
        try:
            tries = _TRIES
            while self._lock is None:
                try:
                    self._lock = self._try_lock()
                except DataDirLocked as error:
                    # A killed owner may leave a child that has not come to its exec, and so has the lock too.
                    tries -= 1
                    if not tries or error.pid is None or _exists(error.pid):
                        raise
                    self._pause(_PAUSE_S)
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise DataDirUnusable(str(self.path), _reason(error)) from error

    def unlock(self) -> None:
        """Remove the pid file if it is still the one we locked, and let go of it."""
        if self._lock is None:
            return
        if _is_same_file(self._lock, self.pid_file):
            self.pid_file.unlink()
        os.close(self._lock)
        self._lock = None

    def owner(self) -> int | None:
        """The process that holds the lock, None if nobody does or it cannot be told; nothing is changed."""
        try:
            descriptor = os.open(self.pid_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_pid(descriptor)
        finally:
            os.close(descriptor)
        return None

    def _try_lock(self) -> int | None:
        """The locked descriptor, None if the file was replaced meanwhile."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.pid_file, flags, FILE_MODE)
        try:
            os.fchmod(descriptor, FILE_MODE)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(descriptor, self.pid_file):
                return descriptor
        except BlockingIOError:
            pid = _read_pid(descriptor)
            os.close(descriptor)
            raise DataDirLocked(str(self.path), pid) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None


def _make_directory(path: Path) -> None:
    """Create it with its parents, or check whose it is; in the end nobody else may enter it."""
    if not path.parent.exists():
        _make_parents(path.parent)
    with suppress(FileExistsError):
        path.mkdir(DIRECTORY_MODE)
    status = path.stat()
    if status.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, f"it belongs to user {status.st_uid}", str(path))
    if stat.S_IMODE(status.st_mode) != DIRECTORY_MODE:
        path.chmod(DIRECTORY_MODE)


def _make_parents(path: Path) -> None:
    if not path.parent.exists():
        _make_parents(path.parent)
    path.mkdir(_PARENT_MODE, exist_ok=True)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_pid(descriptor: int) -> int | None:
    """The number in the file; None while its owner has not written it yet."""
    text = os.pread(descriptor, _PID_DIGITS, 0).strip()
    return int(text) if text.isdigit() else None


def _reason(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)
