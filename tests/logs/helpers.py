"""What the tests of the log share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from runwisp.logs.index import CONTINUES, NEWLINE_ADDED
from runwisp.logs.masking import Masker
from runwisp.logs.opening import open_log
from runwisp.logs.paths import LogPaths, log_paths
from runwisp.logs.reader import Entry, LogPage
from runwisp.logs.space import Shortage
from runwisp.logs.writer import LogWriter
from runwisp.model import Bytes, LogOnFull, RunId, Stream, UnixMs

OUT, ERR, SYSTEM = Stream.STDOUT, Stream.STDERR, Stream.SYSTEM
CREATED_AT = UnixMs(1_772_416_835_120)
EVERYTHING = 10**9


class Wall:
    """A wall clock that moves only when told to; ``ms`` is Unix time."""

    def __init__(self, ms: int = CREATED_AT) -> None:
        self.ms = ms

    def __call__(self) -> float:
        return (self.ms + 0.5) / 1000


def make_paths(directory: Path, task_name: str = "backup") -> LogPaths:
    return log_paths(directory / "logs", task_name, RunId("01KJPV6VSG0000000000000000"), CREATED_AT)


def make_writer(
    paths: LogPaths,
    *,
    max_size: int | None = None,
    on_full: LogOnFull = LogOnFull.DROP_OLD,
    secrets: Iterable[str] = (),
    wall: Callable[[], float] | None = None,
    shortage: Callable[[], Shortage | None] = lambda: None,
    on_error: Callable[[OSError], None] = lambda error: None,
    later: Callable[[Callable[[], None]], object] = lambda work: work(),
) -> LogWriter:
    return LogWriter(
        paths,
        max_size=None if max_size is None else Bytes(max_size),
        on_full=on_full,
        masker=Masker(secrets) or None,
        wall=wall or Wall(),
        shortage=shortage,
        on_error=on_error,
        later=later,
    )


def close(writer: LogWriter) -> None:
    writer.close()
    writer.sync()


def page(paths: LogPaths, start: int | None = 1, limit: int = EVERYTHING) -> LogPage:
    """A page of the log of an ended run."""
    with open_log(paths, is_ended=True) as snapshot:
        return snapshot.page(start, limit)


def texts(paths: LogPaths) -> list[str]:
    return [line.text for line in page(paths).items]


def entries(paths: LogPaths) -> list[Entry]:
    with open_log(paths, is_ended=True) as snapshot:
        return list(snapshot.entries(1, EVERYTHING))


def raw(paths: LogPaths) -> bytes:
    with open_log(paths, is_ended=True) as snapshot:
        return b"".join(snapshot.raw())


def stream_bytes(stored: Iterable[Entry], stream: Stream) -> bytes:
    """What was written to the stream, put together from its lines."""
    parts = []
    for entry in stored:
        if entry.stream is stream:
            parts.append(entry.data[:-1] if entry.flags & NEWLINE_ADDED else entry.data)
            assert bool(entry.flags & CONTINUES) <= (len(parts) > 1)
    return b"".join(parts)


def log_size(paths: LogPaths) -> int:
    """Bytes of the ``.log`` files together."""
    return sum(path.stat().st_size for path in (paths.log, paths.previous_log) if path.exists())
