"""How the screen is divided, and the widget that puts everything into its place (spec: interfaces, frame)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import urwid
from attrs import frozen

from runwisp.tui.desk import Overlay
from runwisp.tui.draw import Line, canvas, clip
from runwisp.tui.pane import Pane
from runwisp.tui.sidebar import WIDTH as SIDEBAR_WIDTH

SMALLEST = (60, 15)
WIDEST_VIEW = 110
#: Lines for each step of the wheel.
WHEEL_LINES = 3
_LEFT_BUTTON, _WHEEL_UP, _WHEEL_DOWN = 1, 4, 5
#: What urwid calls the button of a report of movement without one.
_NO_BUTTON = 4


@frozen
class Rect:
    left: int
    top: int
    width: int
    height: int

    def holds(self, column: int, row: int) -> bool:
        return self.left <= column < self.left + self.width and self.top <= row < self.top + self.height


@frozen
class Layout:
    """Where things are; None for what is not shown."""

    view: Rect
    sidebar: Rect | None = None
    footer: Rect | None = None
    bar: Rect | None = None


def layout(columns: int, rows: int, footer_rows: int, *, is_full: bool) -> Layout:
    """Where everything goes on a screen of that size."""
    if is_full:
        return Layout(Rect(0, 0, columns, rows))
    height = rows - footer_rows - 1
    return Layout(
        view=Rect(SIDEBAR_WIDTH, 0, min(WIDEST_VIEW, columns - SIDEBAR_WIDTH), height),
        sidebar=Rect(0, 0, SIDEBAR_WIDTH, height),
        footer=Rect(0, height, columns, footer_rows),
        bar=Rect(0, rows - 1, columns, 1),
    )


class Scene:
    """What is on the screen now; the application changes it."""

    def __init__(self, sidebar: Pane, view: Pane, footer: Pane, bar: Pane) -> None:
        self.sidebar = sidebar
        self.view = view
        self.footer = footer
        self.bar = bar
        self.overlay: Overlay | None = None
        self.focused: Pane = view
        self.footer_rows = 1
        self.is_full = False


class Frame(urwid.Widget):
    """The one widget of urwid: draws the panes, and hands keys and the mouse on."""

    _selectable = True
    no_cache: ClassVar[list[str]] = ["render"]

    def __init__(self, scene: Scene, on_key: Callable[[str], None]) -> None:
        super().__init__()
        self._scene = scene
        self._on_key = on_key
        self._places: list[tuple[Pane, Rect]] = []
        self._hovered: Pane | None = None

    def sizing(self) -> frozenset[urwid.Sizing]:
        return frozenset({urwid.BOX})

    def render(self, size: tuple[()] | tuple[int] | tuple[int, int], focus: bool = False) -> urwid.Canvas:
        columns, rows = _box(size)
        if columns < SMALLEST[0] or rows < SMALLEST[1]:
            self._places = []
            return _too_small(columns, rows)
        picture = self._picture(columns, rows)
        overlay = self._scene.overlay
        if overlay is None:
            return picture
        width, height = overlay.size(columns, rows)
        place = Rect((columns - width) // 2, (rows - height) // 2, width, height)
        self._places = [(overlay, place)]
        return urwid.CanvasOverlay(overlay.paint(width, height, True), picture, place.left, place.top)

    def keypress(self, size: tuple[()] | tuple[int] | tuple[int, int], key: str) -> None:
        self._on_key(key)

    def mouse_event(
        self,
        size: tuple[()] | tuple[int] | tuple[int, int],
        event: str,
        button: int,
        col: int,
        row: int,
        focus: bool,
    ) -> bool:
        pane, place = next(
            ((pane, place) for pane, place in self._places if place.holds(col, row)), (None, None)
        )
        if event.endswith("drag") and button == _NO_BUTTON:
            self._move(pane)
        if pane is None or place is None:
            return True
        column, line = col - place.left, row - place.top
        if event.endswith("drag"):
            pane.hover(column, line)
        elif event == "mouse press" and button == _LEFT_BUTTON:
            if pane is not self._scene.bar and pane is not self._scene.overlay:
                self._scene.focused = pane
            pane.click(column, line)
        elif event == "mouse press" and button in {_WHEEL_UP, _WHEEL_DOWN}:
            pane.wheel(WHEEL_LINES if button == _WHEEL_DOWN else -WHEEL_LINES)
        return True

    def _move(self, pane: Pane | None) -> None:
        if self._hovered is not None and self._hovered is not pane:
            self._hovered.leave()
        self._hovered = pane

    def _picture(self, columns: int, rows: int) -> urwid.Canvas:
        scene = self._scene
        places = layout(columns, rows, scene.footer_rows, is_full=scene.is_full)
        self._places = [(scene.view, places.view)]
        has_overlay = scene.overlay is not None

        def paint(pane: Pane, place: Rect) -> urwid.Canvas:
            self._places.append((pane, place))
            return pane.paint(place.width, place.height, pane is scene.focused and not has_overlay)

        view = paint(scene.view, places.view)
        if places.sidebar is None or places.footer is None or places.bar is None:
            return view
        beside = columns - places.view.left - places.view.width
        upper = [
            (paint(scene.sidebar, places.sidebar), None, False, SIDEBAR_WIDTH),
            (view, None, True, places.view.width),
        ]
        if beside:
            upper.append((canvas([], beside, places.view.height), None, False, beside))
        parts = [
            (urwid.CanvasJoin(upper), None, True),
            (paint(scene.footer, places.footer), None, False),
            (paint(scene.bar, places.bar), None, False),
        ]
        return urwid.CanvasCombine(parts)


def _box(size: tuple[()] | tuple[int] | tuple[int, int]) -> tuple[int, int]:
    if len(size) != 2:
        raise ValueError("the frame has a width and a height")
    return size


def _too_small(columns: int, rows: int) -> urwid.Canvas:
    text = clip(f"the window is too small: {columns}×{rows}, {SMALLEST[0]}×{SMALLEST[1]} is needed", columns)
    line = Line([("text", " " * ((columns - len(text)) // 2)), ("warning", text)])
    return canvas([*[Line()] * ((rows - 1) // 2), line], columns, rows)
