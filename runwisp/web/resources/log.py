"""What runs have printed, as the API shows it (spec: rest, LogLine and LogPage)."""

from __future__ import annotations

from attrs import field, frozen

from runwisp.logs.reader import LogLine, LogPage
from runwisp.logs.search import Hit
from runwisp.model import Bytes, RunId, Stream


@frozen(kw_only=True)
class LogLineResource:
    n: int = field(metadata={"description": "number in the whole log, from 1"})
    ts: int | None = field(metadata={"description": "when it came, in Unix milliseconds"})
    stream: Stream = field(metadata={"description": "system is what the daemon wrote"})
    text: str = field(metadata={"description": "rendered, with styles, without newline"})
    continued: bool = field(metadata={"description": "goes on from a line that was cut for its length"})
    frame_count: None = field(default=None, metadata={"description": "reserved"})


@frozen(kw_only=True)
class PartialLine:
    stream: Stream
    text: str = field(metadata={"description": "rendered, without what will follow it"})


@frozen(kw_only=True)
class LogPageResource:
    items: tuple[LogLineResource, ...]
    partials: tuple[PartialLine, ...] = field(
        metadata={"description": "output without a newline yet, if the page reaches the end of a live log"}
    )
    first_available: int = field(metadata={"description": "the lowest line still kept; 1 for an empty log"})
    total_lines: int = field(metadata={"description": "the highest number given so far; 0 is no output"})
    truncated: bool = field(metadata={"description": "there were lines before first_available"})
    finalized: bool = field(metadata={"description": "the run has ended and the log is closed"})
    bytes: Bytes


@frozen(kw_only=True)
class LogHit:
    run_id: RunId
    n: int
    ts: int | None = field(metadata={"description": "when it came, in Unix milliseconds"})
    stream: Stream
    text: str = field(metadata={"description": "the whole line, rendered, with styles"})


@frozen(kw_only=True)
class LogHitList:
    items: tuple[LogHit, ...]
    next_cursor: str | None = field(metadata={"description": "also set when nothing was found so far"})
    scanned_runs: int = field(metadata={"description": "into how many logs this request has looked"})


def line_resource(line: LogLine) -> LogLineResource:
    return LogLineResource(n=line.n, ts=line.ts, stream=line.stream, text=line.text, continued=line.continued)


def page_resource(page: LogPage, *, has_ended: bool) -> LogPageResource:
    """:param has_ended: the run has; its log may be closed a moment before that is known"""
    return LogPageResource(
        items=tuple(map(line_resource, page.items)),
        partials=tuple(PartialLine(stream=tail.stream, text=tail.text) for tail in page.partials),
        first_available=page.first_available,
        total_lines=page.total_lines,
        truncated=page.truncated,
        finalized=page.finalized and has_ended,
        bytes=Bytes(page.bytes),
    )


def hit_resource(hit: Hit) -> LogHit:
    line = hit.line
    return LogHit(run_id=hit.run_id, n=line.n, ts=line.ts, stream=line.stream, text=line.text)
