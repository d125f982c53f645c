"""Reads ``text/event-stream``, as far as the daemon makes use of it (spec: rest, event streams)."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field, frozen


@frozen
class Event:
    """``id`` is the last one that the stream has given, also for events without one; "" before the first."""

    name: str
    data: str
    id: str = ""


@define
class EventReader:
    """Takes the bytes of one stream in any pieces and gives its events."""

    _rest: bytes = field(default=b"", init=False)
    _name: str = field(default="", init=False)
    _data: list[str] = field(factory=list, init=False)
    _id: str = field(default="", init=False)

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that ``piece`` completes. What the stream breaks off in the middle of never comes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.removesuffix(b"\r").decode(errors="replace")
            if text:
                self._take(text)
            elif self._data:
                yield Event(self._name or "message", "\n".join(self._data), self._id)
                self._name, self._data = "", []
            else:
                self._name = ""

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
