"""The last line: keys for what has the focus, or for a moment what has just happened."""

from __future__ import annotations

from collections.abc import Callable

import urwid

from runwisp.tui import keys
from runwisp.tui.draw import Line, Segment, between, canvas, safe, width_of
from runwisp.tui.keys import Place
from runwisp.tui.model import Link, Model
from runwisp.tui.pane import Pane

_CHIPS = {Link.CONNECTING: " connecting… ", Link.LOST: " reconnecting… "}


class HelpBar(Pane):
    """``places`` tells where keys would go."""

    def __init__(self, model: Model, places: Callable[[], tuple[Place, ...]]) -> None:
        self._model = model
        self._places = places
        self.flash: Segment | None = None

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        chip = _CHIPS.get(self._model.link)
        right: list[Segment] = [("badge warning", chip)] if chip else []
        left = [("text", " "), self.flash] if self.flash else self._keys(width - len(chip or "") - 1)
        return canvas([Line(between(left, right, width), "raised")], width, height, "raised")

    def _keys(self, room: int) -> list[Segment]:
        """As many keys as there is room for, and always the way to the others."""
        tail: list[Segment] = [("bright", "?"), ("muted", " help  "), ("bright", "q"), ("muted", " quit")]
        room -= sum(width_of(text) for _, text in tail)
        segments: list[Segment] = []
        for key, label in keys.bar(self._places()):
            if key in {"?", "q"}:
                continue
            size = width_of(safe(key)) + width_of(label) + 3
            if size > room:
                break
            room -= size
            segments += [("bright", key), ("muted", f" {label}  ")]
        return [("text", " "), *segments, *tail]
