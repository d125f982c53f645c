"""Opens the database: files, modes and settings of every connection. No Twisted here, the CLI reads too.

The database is in WAL mode: readers and the one writer do not wait for each other. With
``synchronous = NORMAL`` what is committed survives a kill of the daemon, while a power cut may cost the last
moments (spec: runtime, durability).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict, TypeVar
from urllib.parse import quote

from runwisp.errors import StorageError
from runwisp.store import schema
from runwisp.store.files import create_private, tighten

T = TypeVar("T")

_BUSY_TIMEOUT_S = 5.0
_HURRIED_TIMEOUT_MS = 250
#: What a checkpoint leaves of the -wal file, bytes.
_JOURNAL_SIZE_LIMIT = 16 * 1024**2
#: Memory for pages, KiB per connection; it is taken only as far as pages are used.
_WRITER_CACHE_KIB = 4096
_READER_CACHE_KIB = 2048

#: Codes of SQLite that tell of trouble with the database, not of a mistake in the program.
_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


class ConnectOptions(TypedDict):
    """Arguments of :func:`sqlite3.connect`; transactions are always begun explicitly."""

    uri: bool
    timeout: float
    isolation_level: None
    check_same_thread: bool


#: A pool closes its connections from another thread than the one that opened them.
CONNECT_OPTIONS: ConnectOptions = {
    "uri": True,
    "timeout": _BUSY_TIMEOUT_S,
    "isolation_level": None,
    "check_same_thread": False,
}


def writer_uri(path: Path) -> str:
    return f"{_uri(path)}?mode=rw"


def reader_uri(path: Path) -> str:
    return f"{_uri(path)}?mode=ro"


def set_up_writer(connection: sqlite3.Connection) -> None:
    """Give a fresh connection its settings.

    :raises StorageError: the file system cannot hold a database in WAL mode
    """
    # Only before the first table, and before WAL mode writes the first page.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    # A database in memory has no log, and needs none.
    if mode not in ("wal", "memory"):
        raise StorageError(f"the database cannot use a write-ahead log here (journal mode {mode})")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_SIZE_LIMIT}")
    connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")


def hurry(connection: sqlite3.Connection) -> None:
    """Wait only a moment for locks of others."""
    connection.execute(f"PRAGMA busy_timeout = {_HURRIED_TIMEOUT_MS}")


def set_up_reader(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that may write to the database, whose file exists (:func:`migrate` makes it).

    :raises StorageError: it cannot be opened
    """
    with storage_errors(f"the database {path} cannot be opened"):
        connection = sqlite3.connect(writer_uri(path), **CONNECT_OPTIONS)
        return _set_up(connection, set_up_writer)


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection for a command that reads while no daemon runs, and changes nothing.

    After a clean shutdown the database is one file; it is then read without locks, so that no ``-wal`` and
    ``-shm`` appear. What a killed daemon left in ``-wal`` is read too; for that SQLite needs a ``-shm``.

    :raises StorageError: there is no database, it is of another version, or it cannot be read
    """
    try:
        uri, is_unmerged = _how_to_read(path)
    except FileNotFoundError as error:
        what = "no daemon and no exec has used this data directory yet"
        raise StorageError(f"there is no database at {path}; {what}") from error
    except OSError as error:
        raise StorageError(f"the database {path} cannot be read: {error.strerror}") from error
    try:
        with storage_errors(f"the database {path} cannot be read"):
            connection = sqlite3.connect(uri, **CONNECT_OPTIONS)
            return _set_up(connection, _check_and_set_up_reader)
    except StorageError as error:
        if is_unmerged and isinstance(error.__cause__, sqlite3.OperationalError):
            error.hints = [
                f"reading what stands in {path.name}-wal takes the right to write in {path.parent}"
            ]
        raise


def migrate(path: Path) -> int:
    """Create the database or bring it to the present schema; returns the number of migrations it has.

    No connection of this process to the database may be open.

    :raises StorageError: it cannot be opened or migrated, or it is newer than this program
    """
    _prepare_files(path)
    connection = open_writer(path)
    try:
        with storage_errors(f"the database {path} cannot be migrated"):
            return schema.migrate(connection)
    finally:
        connection.close()


def transact(connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Cursor], T]) -> T:
    """Run ``work`` between ``begin`` and COMMIT; whatever goes wrong, nothing of it stays.

    :raises StorageError: the database refused to begin or to commit
    """
    with storage_errors("the database failed"):
        cursor = connection.cursor()
        try:
            cursor.execute(begin)
            result = work(cursor)
            cursor.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
        finally:
            # A query that was not read to its end would keep the transaction open.
            cursor.close()
        return result


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Make a :class:`StorageError` of what no program can prevent: locked, full, I/O error, damaged."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        # The low byte is the primary code, the rest says more about it.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _TROUBLE:
            raise StorageError(f"{what}: {error}") from error
        raise


def _prepare_files(path: Path) -> None:
    """Create the database file unless it exists, mode 0600; SQLite gives its mode to ``-wal`` and ``-shm``.

    :raises StorageError: it cannot be created, or one of the three is not a regular file
    """
    try:
        create_private(path)
        for beside in (_beside(path, "-wal"), _beside(path, "-shm")):
            tighten(beside)
    except OSError as error:
        raise StorageError(f"the database {path} cannot be opened: {error.strerror}") from error


def _set_up(
    connection: sqlite3.Connection, set_up: Callable[[sqlite3.Connection], None]
) -> sqlite3.Connection:
    try:
        set_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _how_to_read(path: Path) -> tuple[str, bool]:
    """The URI for a reader alone, and whether a part of the database still stands in its log."""
    path.stat()
    wal = _beside(path, "-wal")
    is_unmerged = wal.exists() and wal.stat().st_size > 0
    if is_unmerged or _beside(path, "-shm").exists():
        return reader_uri(path), is_unmerged
    return f"{reader_uri(path)}&immutable=1", False


def _check_and_set_up_reader(connection: sqlite3.Connection) -> None:
    set_up_reader(connection)
    schema.check(connection)


def _uri(path: Path) -> str:
    return "file:" + quote(str(path.absolute()))


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
