"""Searches the logs of several runs, line after line, until there is enough (spec: logs, search).

Blocks; it belongs in a worker thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import define, field, frozen

from runwisp.logs.matching import Matcher
from runwisp.logs.pieces import entries, line_at, offset_of, pieces
from runwisp.logs.reader import PAGE_TEXT_LIMIT, LogLine, SegmentReader, Snapshot, log_line, text_size
from runwisp.model import RunId


@frozen
class Source:
    """The log of a run, which is opened when its turn comes."""

    run_id: RunId
    open_snapshot: Callable[[], Snapshot]


@frozen
class Hit:
    run_id: RunId
    line: LogLine


@frozen
class Place:
    """Where a search goes on: at this line of this run."""

    run_id: RunId
    n: int


@frozen
class Found:
    """``scanned`` logs were looked into; ``rest`` is None if nothing is left of those that were given."""

    hits: tuple[Hit, ...]
    scanned: int
    rest: Place | None


def search(
    sources: Sequence[Source],
    matcher: Matcher,
    *,
    limit: int,
    should_stop: Callable[[], bool],
    first_line: int = 1,
) -> Found:
    """The lines that match, in the order of ``sources``: at most ``limit``, and as much text as a page has.

    :param should_stop: asked after each piece of a log, so that every search gets on
    :param first_line: where to begin in the first log
    :raises OSError: a file cannot be read
    """
    hits: list[Hit] = []
    room = PAGE_TEXT_LIMIT
    for scanned, source in enumerate(sources, 1):
        with source.open_snapshot() as snapshot:
            scan = _Scan(snapshot, matcher, should_stop, first_line)
            for line in scan.hits():
                hits.append(Hit(source.run_id, line))
                room -= text_size(line.text)
                if len(hits) == limit or room <= 0:
                    break
            if scan.next_line <= snapshot.total_lines:
                return Found(tuple(hits), scanned, Place(source.run_id, scan.next_line))
        if scanned < len(sources) and (len(hits) == limit or room <= 0 or should_stop()):
            return Found(tuple(hits), scanned, Place(sources[scanned].run_id, 1))
        first_line = 1
    return Found(tuple(hits), len(sources), None)


@define
class _Scan:
    """Goes through one log; every line before ``next_line`` has been looked at."""

    snapshot: Snapshot
    matcher: Matcher
    should_stop: Callable[[], bool]
    next_line: int
    _is_stopped: bool = field(default=False, init=False)

    def hits(self) -> Iterator[LogLine]:
        for segment in self.snapshot.segments:
            if segment.extent.last_line >= self.next_line and segment.index.count:
                yield from self._hits_in(segment)
                if self._is_stopped:
                    return
        self.next_line = self.snapshot.total_lines + 1

    def _hits_in(self, segment: SegmentReader) -> Iterator[LogLine]:
        start = offset_of(segment, max(self.next_line, segment.extent.first_line))
        for piece in pieces(segment, start, self.matcher.piece_size):
            for entry in entries(segment, piece, self.matcher.candidates(piece.data)):
                self.next_line = entry.n + 1
                if self.matcher.matches(entry.data):
                    yield log_line(entry)
                if self.should_stop():
                    self._is_stopped = True
                    return
            if self.should_stop():
                self.next_line = line_at(segment, piece.end)
                self._is_stopped = True
                return
