"""Logs of runs, for the log view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runwisp.client.resources import RemotePage
from runwisp.logs.reader import LogLine
from runwisp.model import Stream
from runwisp.tui.loglines import Row, Tail
from tests.client.resources import Document


def line(n: int, text: str | None = None) -> LogLine:
    return LogLine(n, None, Stream.STDOUT, text if text is not None else f"line {n}", False)


def lines(first: int, last: int) -> list[LogLine]:
    return [line(n) for n in range(first, last + 1)]


def sent_lines(first: int, last: int, stream: str = "stdout") -> list[Document]:
    """Lines as a daemon sends them."""
    return [
        {"n": n, "ts": None, "stream": stream, "text": f"line {n}", "continued": False}
        for n in range(first, last + 1)
    ]


def remote_page(items: Sequence[LogLine], total: int, first_available: int = 1) -> RemotePage:
    return RemotePage(tuple(items), first_available, total)


def sent_page(query: Mapping[str, str], total: int, first_available: int = 1) -> Document:
    """The page of a log of ``total`` lines for which the query asks."""
    start = max(int(query["from"]), first_available)
    last = min(total, start + int(query["limit"]) - 1)
    return {
        "items": sent_lines(start, last),
        "partials": [],
        "first_available": first_available,
        "total_lines": total,
        "truncated": first_available > 1,
        "finalized": True,
        "bytes": 1,
    }


def shown(row: Row) -> object:
    """A row in short: a number, a tail's text, or how many lines are lost."""
    if isinstance(row, LogLine):
        return row.n
    return row.text if isinstance(row, Tail) else -row.count
