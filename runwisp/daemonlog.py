"""The daemon's own log: log events as lines of text or JSON (spec: logs, the daemon's own log).

An event is a sentence and fields. Fields that its format string does not use are appended as ``key=value``,
so ``log.info("run started", task=name, run=run_id)`` is all that a caller writes. A number in a field called
``delay``, ``dur``, ``timeout`` or ``took`` is one of seconds.

What Twisted says about itself is for those who debug: below ``warn`` it is logged at ``debug``.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from io import TextIOBase
from itertools import islice
from string import Formatter
from threading import Lock
from typing import Protocol

from attrs import field, frozen
from twisted.logger import ILogObserver, LogEvent, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

from runwisp.model import UnixMs
from runwisp.units import format_duration, format_time

#: How many of the newest lines are kept in memory.
KEPT_LINES = 1_000

_RANKS = {"debug": 0, "info": 1, "warn": 2, "error": 3}
_DURATIONS = frozenset({"delay", "dur", "timeout", "took"})
_COLOURS = {"debug": "2", "info": "36", "warn": "33", "error": "31"}
_BARE = re.compile(r'[^\s"=\x00-\x1f\x7f]+')
_FIELD_END = re.compile(r"[.\[(]")


class Writable(Protocol):
    """Where lines go: a text stream, or a log file of Twisted's."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


@frozen
class Record:
    """One event as it is shown. ``at`` is in seconds since the epoch, ``level`` a word of ``--log-level``."""

    at: float
    level: str
    message: str
    fields: Mapping[str, object] = field(factory=dict)
    traceback: str | None = None


def observer(level: str, format: str, stream: Writable, environ: Mapping[str, str]) -> LogObserver:
    """An observer that writes the events of ``level`` and above to ``stream``.

    ``level`` and ``format`` are the words of ``--log-level`` and ``--log-format``.
    """
    is_terminal = isinstance(stream, TextIOBase) and stream.isatty()
    return LogObserver(
        level=level,
        stream=stream,
        is_json=format == "json",
        shows_time="JOURNAL_STREAM" not in environ,
        is_coloured=format == "auto" and is_terminal and not environ.get("NO_COLOR"),
    )


@implementer(ILogObserver)
class LogObserver:
    """Writes each event as one record, in one piece, and keeps the newest lines in :attr:`recent`.

    Events come from any thread.
    """

    def __init__(
        self, *, level: str, stream: Writable, is_json: bool, shows_time: bool, is_coloured: bool
    ) -> None:
        self.recent: deque[str] = deque(maxlen=KEPT_LINES)
        #: How many lines there have been.
        self.count = 0
        self._keeping = Lock()
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._threshold = _RANKS[level]
        self._stream = stream
        self._is_json = is_json
        self._shows_time = shows_time
        self._is_coloured = is_coloured

    def __call__(self, event: LogEvent) -> None:
        level = level_of(event)
        if _RANKS[level] < self._threshold:
            return
        record = record_of(event, level)
        if not record.message and record.traceback is None:
            return
        text = as_json(record) if self._is_json else as_text(record, self._shows_time)
        self._keep(text.splitlines())
        if self._is_coloured:
            tag = f"[{record.level.upper()}]"
            text = text.replace(tag, f"\x1b[{_COLOURS[record.level]}m{tag}\x1b[0m", 1)
        self._stream.write(text + "\n")
        self._stream.flush()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each event, in the thread of it; the returned function ends that."""
        self._listeners = (*self._listeners, listener)

        def leave() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return leave

    def lines_after(self, number: int, most: int) -> tuple[list[str], int]:
        """At most so many of the kept lines after the ``number``th, and the number of the last of them."""
        with self._keeping:
            oldest = self.count - len(self.recent)
            start = max(number, oldest)
            lines = list(islice(self.recent, start - oldest, start - oldest + most))
            return lines, start + len(lines)

    def _keep(self, lines: list[str]) -> None:
        with self._keeping:
            self.recent.extend(lines)
            self.count += len(lines)
        for listener in self._listeners:
            listener()


def level_of(event: LogEvent) -> str:
    """The level at which the event counts, a word of ``--log-level``."""
    level = getattr(event.get("log_level"), "name", "info")
    if level == "critical":
        return "error"
    if level == "info" and _is_twisted(event):
        return "debug"
    return level


def record_of(event: LogEvent, level: str) -> Record:
    """What is shown of the event, which counts as one of ``level``."""
    failure = event.get("log_failure")
    message = None
    if _is_legacy(event) and isinstance(event.get("failure"), Failure):
        # The text of such an event has the traceback in it.
        failure, message = event["failure"], str(event.get("why") or "Unhandled Error")
    return Record(
        at=event.get("log_time", 0.0),
        level=level,
        message=_sentence(event) if message is None else message,
        fields={} if _is_twisted(event) else _extra_fields(event),
        traceback=failure.getTraceback().rstrip() if isinstance(failure, Failure) else None,
    )


def as_text(record: Record, shows_time: bool) -> str:
    """``2026-03-01 02:00:00 [INFO] message key=value``, in local time; lines of a traceback follow."""
    words = [_local_time(int(record.at))] if shows_time else []
    words += [f"[{record.level.upper()}]", record.message]
    words += [f"{name}={_value(name, value)}" for name, value in record.fields.items()]
    line = " ".join(words)
    return line if record.traceback is None else f"{line}\n{record.traceback}"


def as_json(record: Record) -> str:
    """One JSON object on one line."""
    document: dict[str, object] = {
        "time": format_time(UnixMs(int(record.at * 1000))),
        "level": record.level.upper(),
        "msg": record.message,
        **record.fields,
    }
    if record.traceback is not None:
        document["traceback"] = record.traceback
    return json.dumps(document, ensure_ascii=False, default=str)


def _sentence(event: LogEvent) -> str:
    """The formatted message; most of ours have nothing in them to be formatted."""
    log_format = event.get("log_format")
    return log_format if isinstance(log_format, str) and "{" not in log_format else formatEvent(event)


@lru_cache(maxsize=8)
def _local_time(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _is_twisted(event: LogEvent) -> bool:
    """True for what Twisted says, and for messages of :mod:`twisted.python.log`."""
    return _is_of_twisted(event.get("log_namespace", ""))


@lru_cache(maxsize=256)
def _is_of_twisted(namespace: object) -> bool:
    return str(namespace).partition(".")[0] in ("twisted", "log_legacy")


def _is_legacy(event: LogEvent) -> bool:
    """True for messages of :mod:`twisted.python.log`."""
    return event.get("log_namespace") == "log_legacy"


def _extra_fields(event: LogEvent) -> dict[str, object]:
    used = _used_names(event.get("log_format") or "")
    return {name: value for name, value in event.items() if not name.startswith("log_") and name not in used}


@lru_cache(maxsize=256)
def _used_names(log_format: str) -> frozenset[str]:
    try:
        parts = list(Formatter().parse(log_format))
    except ValueError:
        return frozenset()
    return frozenset(_FIELD_END.split(name, maxsplit=1)[0] for _, name, _, _ in parts if name)


def _value(name: str, value: object) -> str:
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float) and name in _DURATIONS:
        return format_duration(value)
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
