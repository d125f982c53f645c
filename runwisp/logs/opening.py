"""Opens the files of a log without a writer: its run has ended, or its daemon died (spec: logs, reading)."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path

from attrs import field, frozen

from runwisp.logs import files
from runwisp.logs.index import RECORD_SIZE, Index
from runwisp.logs.paths import LogPaths
from runwisp.logs.reader import SegmentReader, Snapshot
from runwisp.logs.repair import Findings, count_lines, examine, extent_of, rebuild
from runwisp.model import Stream

#: What was found out about indexes from this size on is remembered.
_REMEMBER_FROM = 64 * RECORD_SIZE
#: How often the files of a live log are opened until no rotation comes in between.
_ATTEMPTS = 5
_NO_TAILS: Mapping[Stream, bytes] = {}


def open_log(
    paths: LogPaths, *, is_ended: bool, repair: bool | None = None, tails: Mapping[Stream, bytes] = _NO_TAILS
) -> Snapshot:
    """A snapshot of the log in these files; of an empty one if there are none.

    A bad index does not fail the read: it is made anew.

    :param is_ended: nothing writes the log, nor will
    :param repair: replace what is damaged on disk; None means the same as ``is_ended``
    :raises OSError: a file exists and cannot be read
    """
    may_repair = is_ended if repair is None else repair
    attempts = 1 if is_ended else _ATTEMPTS
    while True:
        attempts -= 1
        current = _identity(paths.log)
        snapshot = _open_files(paths, is_ended, may_repair, tails)
        if not attempts or _identity(paths.log) == current:
            return snapshot
        # Another process has rotated the log meanwhile: the files may not belong together.
        snapshot.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _open_files(paths: LogPaths, is_ended: bool, may_repair: bool, tails: Mapping[Stream, bytes]) -> Snapshot:
    with ExitStack() as opened:
        current = _Opened.find(opened, paths.log, paths.index)
        previous_index = _previous_index(paths, current is not None, may_repair)
        previous = _Opened.find(opened, paths.previous_log, previous_index)
        new_index = paths.new_index if may_repair else None
        segments = []
        first_line = current.found.first_line if current is not None else None
        if previous is not None:
            segments.append(previous.reader(opened, previous.first_line(before=first_line), new_index))
            first_line = first_line or segments[0].extent.last_line + 1
        if current is not None:
            segments.append(current.reader(opened, first_line or 1, new_index))
        return Snapshot(tuple(segments), tails, is_ended, opened.pop_all())


def _previous_index(paths: LogPaths, has_current: bool, may_repair: bool) -> Path:
    """The index of the previous segment, which a rotation that broke off has left under its old name."""
    is_cut_short = not has_current and paths.previous_log.exists() and not paths.previous_index.exists()
    if not is_cut_short or not paths.index.exists():
        return paths.previous_index
    if may_repair:
        with suppress(OSError):
            files.rename(paths.index, paths.previous_index)
            return paths.previous_index
    return paths.index


@frozen
class _Opened:
    """The files of one segment and what the index says."""

    log: int
    index: int | None
    index_path: Path
    size: int
    found: Findings

    @classmethod
    def find(cls, opened: ExitStack, log_path: Path, index_path: Path) -> _Opened | None:
        log = files.open_existing(log_path)
        if log is None:
            return None
        files.held_by(opened, log)
        index = files.open_existing(index_path)
        if index is not None:
            files.held_by(opened, index)
        size = os.fstat(log).st_size
        return cls(log, index, index_path, size, _examine(index, size))

    def first_line(self, *, before: int | None) -> int:
        """The first line of this segment if the next one starts with the line ``before``."""
        if self.found.first_line is not None:
            return self.found.first_line
        return 1 if before is None else max(1, before - count_lines(self.log, 0, self.size))

    def reader(self, opened: ExitStack, first_line: int, new_index: Path | None) -> SegmentReader:
        """The segment; an index that has to be made anew goes by way of ``new_index``, or to memory."""
        if self.found.is_sound:
            extent = extent_of(self.log, self.size, self.found, first_line)
            return SegmentReader(self.log, Index(extent.records, self.index), extent)
        extent, data = rebuild(self.log, self.index, self.size, self.found, first_line)
        if new_index is not None:
            with suppress(OSError):
                index = files.held_by(opened, _replace(self.index_path, data, new_index, self.log))
                return SegmentReader(self.log, Index(extent.records, index), extent)
        return SegmentReader(self.log, Index(extent.records, memory=data), extent)


def _replace(index_path: Path, data: bytes, new_index: Path, log: int) -> int:
    """A descriptor of the index file that is now in the place of the old one.

    :raises OSError: it cannot be written, or the log has been deleted meanwhile
    """
    if _is_deleted(log):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(index_path))
    with ExitStack() as opened:
        index = files.held_by(opened, files.create(new_index))
        files.write_at(index, data, 0)
        files.rename(new_index, index_path)
        if _is_deleted(log):
            # A log goes before its index, so nobody will come for this one.
            files.unlink(index_path)
        opened.pop_all()
    return index


def _is_deleted(file: int) -> bool:
    return os.fstat(file).st_nlink == 0


@frozen
class _IndexFile:
    """An index file in one of its states; equal if it has not changed."""

    device: int
    inode: int
    size: int
    modified_ns: int
    log_size: int
    descriptor: int = field(eq=False)


def _examine(index: int | None, log_size: int) -> Findings:
    if index is None:
        return examine(None, log_size)
    status = os.fstat(index)
    if status.st_size < _REMEMBER_FROM:
        return examine(index, log_size)
    return _remembered(
        _IndexFile(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, log_size, index)
    )


@lru_cache(maxsize=256)
def _remembered(index_file: _IndexFile) -> Findings:
    return examine(index_file.descriptor, index_file.log_size)
