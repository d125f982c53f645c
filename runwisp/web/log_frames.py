"""Lines of logs as events, made once for all who are at the same line (spec: rest, log stream)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring

from attrs import frozen

from runwisp.logs.follow import LINES_LIMIT, TEXT_LIMIT
from runwisp.logs.reader import LogLine, text_size
from runwisp.model import RunId, Stream
from runwisp.web.sse import frame

_STREAMS = {stream: stream.name.lower() for stream in Stream}


@frozen(eq=False)
class Frame:
    """The event with the lines ``first`` to ``last``, which are of these streams."""

    first: int
    last: int
    streams: frozenset[Stream]
    text: bytes


def frame_of(lines: Sequence[LogLine]) -> Frame:
    """One event with all of ``lines``, of which there is at least one."""
    items = ",".join(map(_line, lines))
    data = f'{{"items":[{items}]}}'.encode("utf-8", "replace")
    first, last = lines[0].n, lines[-1].n
    streams = frozenset(line.stream for line in lines)
    return Frame(first, last, streams, frame("lines", data, str(last)))


def frames_of(lines: Sequence[LogLine]) -> Iterator[Frame]:
    """Events with all of ``lines``, each with as many as one may have."""
    start, room = 0, TEXT_LIMIT
    for at, line in enumerate(lines):
        size = text_size(line.text)
        if at > start and (room < size or at - start == LINES_LIMIT):
            yield frame_of(lines[start:at])
            start, room = at, TEXT_LIMIT
        room -= size
    if start < len(lines):
        yield frame_of(lines[start:])


def _line(line: LogLine) -> str:
    """The line as JSON, as the resource of it would be written, in a fraction of the time."""
    return (
        f'{{"n":{line.n},"ts":{"null" if line.ts is None else line.ts},"stream":"{_STREAMS[line.stream]}",'
        f'"text":{encode_basestring(line.text)},"continued":{"true" if line.continued else "false"},'
        '"frame_count":null}'
    )


class Frames:
    """The events that were made or used last, of all logs that are followed."""

    def __init__(self, most_bytes: int, most: int) -> None:
        self._most_bytes = most_bytes
        self._most = most
        self._bytes = 0
        self._frames: OrderedDict[tuple[RunId, int], Frame] = OrderedDict()

    def put(self, run_id: RunId, made: Frame) -> None:
        before = self._frames.pop((run_id, made.first), None)
        self._bytes += len(made.text) - (0 if before is None else len(before.text))
        self._frames[run_id, made.first] = made
        while self._bytes > self._most_bytes or len(self._frames) > self._most:
            _, oldest = self._frames.popitem(last=False)
            self._bytes -= len(oldest.text)

    def get(self, run_id: RunId, first: int) -> Frame | None:
        """The event that begins with the line ``first``."""
        found = self._frames.get((run_id, first))
        if found is not None:
            self._frames.move_to_end((run_id, first))
        return found

    def next_start(self, run_id: RunId, line: int) -> int | None:
        """The first line of the next event after ``line``."""
        starts = (first for owner, first in self._frames if owner == run_id and first > line)
        return min(starts, default=None)

    def forget(self, run_id: RunId) -> None:
        """Nobody follows this log any more."""
        for key in [key for key in self._frames if key[0] == run_id]:
            self._bytes -= len(self._frames.pop(key).text)
