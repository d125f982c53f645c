"""Notifications: a line below every view, and a panel (spec: interfaces, notifications)."""

from __future__ import annotations

from collections.abc import Hashable

import urwid

from runwisp.client.resources import Notice
from runwisp.tui.desk import Desk
from runwisp.tui.draw import Line, Segment, between, canvas
from runwisp.tui.keys import Action, Place
from runwisp.tui.model import NOTICES
from runwisp.tui.rhythm import rhythm, since
from runwisp.tui.rows import Look, Rows

LINE_ROWS, PANEL_ROWS = 1, 10
_PAPER = "chart"
_INKS = {"error": "error", "warn": "warning"}


class Notices(Rows):
    """The footer. It has one row, or a title, eight rows of notifications and a hint."""

    paper = _PAPER

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.seconds)
        self.is_open = False
        self._desk = desk

    def places(self) -> tuple[Place, ...]:
        return (Place.NOTICES, Place.LIST)

    def count(self) -> int:
        return len(self._desk.model.notices)

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        if not self.is_open:
            return canvas([self._summary(width)], width, height, _PAPER)
        model = self._desk.model
        title = [("bright", " Notifications"), ("muted", f"  {model.notices_total}, {model.unread} unread")]
        hint: list[Segment] = [("bright", "n"), ("muted", " close ")]
        head = canvas([Line(between(title, hint, width), _PAPER)], width, 1, _PAPER)
        body = super().paint(width, height - 2, has_focus)
        rest = max(0, model.notices_total - len(model.notices))
        tail = [("muted", f" {rest} older ones are in the browser" if rest else "")]
        foot = canvas([Line(tail, _PAPER)], width, 1, _PAPER)
        return urwid.CanvasCombine([(head, None, False), (body, None, True), (foot, None, False)])

    def line(self, index: int, width: int, look: Look) -> Line:
        notice, now = self._desk.model.notices[index], self._desk.now()
        ink = "muted" if notice.is_read else "bright"
        count: list[Segment] = [("warning", f" ×{notice.count}")] if notice.count > 1 else []
        left: list[Segment] = [("text", " "), _dot(notice), (ink, f" {notice.title}"), *count]
        right: list[Segment] = [("muted", f"  {rhythm(notice, now)} ")]
        return Line(between(left, right, width), look.paper(_PAPER))

    def identity(self, index: int) -> Hashable:
        return self._desk.model.notices[index].id

    def place_of(self, identity: Hashable) -> int | None:
        notices = self._desk.model.notices
        return next((place for place, notice in enumerate(notices) if notice.id == identity), None)

    def empty_lines(self, width: int) -> list[Line]:
        return [Line([("muted", " No notifications")], _PAPER)]

    def open(self, index: int) -> None:
        notice = self._desk.model.notices[index]
        if notice.run_id is None:
            self._desk.flash("this notification is about no run", "warning")
        else:
            self._desk.start(self._open_run(notice))

    def act(self, action: Action) -> bool:
        if action is Action.TOGGLE_READ:
            if self.cursor < self.count():
                self._desk.start(self._toggle(self._desk.model.notices[self.cursor]))
            return True
        if action is Action.READ_ALL:
            self._desk.start(self._read_all())
            return True
        return super().act(action)

    def click(self, column: int, row: int) -> None:
        if not self.is_open:
            self._desk.toggle_notices()
        elif row >= 1:
            super().click(column, row - 1)

    def hover(self, column: int, row: int) -> None:
        super().hover(column, row - 1)

    def tick_s(self) -> float | None:
        """After how many seconds the line or the panel looks different."""
        notices = self._desk.model.notices[: None if self.is_open else 1]
        if not notices:
            return None
        is_young = any(self._desk.now() - notice.last_occurred_at < 60_000 for notice in notices)
        return 1.0 if is_young else 30.0

    def _summary(self, width: int) -> Line:
        model = self._desk.model
        if not model.notices:
            return Line([("muted", " No notifications")], _PAPER)
        newest = model.notices[0]
        count = f" (×{newest.count})" if newest.count > 1 else ""
        left: list[Segment] = [
            ("muted", f" Notifications ({model.notices_total}, {model.unread} unread)  "),
            _dot(newest),
            ("dim" if newest.is_read else "bright", f" {newest.title}{count}"),
        ]
        age = since(newest.last_occurred_at, self._desk.now())
        right: list[Segment] = [("muted", f"  {age}  "), ("bright", "n"), ("muted", " open ")]
        return Line(between(left, right, width), _PAPER)

    async def _open_run(self, notice: Notice) -> None:
        run_id = notice.run_id
        run = await self._desk.wire.ask(lambda api: api.run(run_id) if run_id is not None else None)
        if run is None:
            self._desk.flash("the run of this notification is gone", "warning")
            return
        await self._mark(notice, is_read=True)
        self._desk.toggle_notices()
        self._desk.show_run(run.id)

    async def _toggle(self, notice: Notice) -> None:
        await self._mark(notice, is_read=not notice.is_read)

    async def _mark(self, notice: Notice, *, is_read: bool) -> None:
        if notice.is_read is not is_read:
            await self._desk.wire.ask(lambda api: api.mark_notice(notice.id, is_read=is_read))

    async def _read_all(self) -> None:
        await self._desk.wire.ask(lambda api: api.mark_all_read())
        page = await self._desk.wire.ask(lambda api: api.notices(NOTICES))
        self._desk.model.set_notices(page)
        self._desk.invalidate()


def _dot(notice: Notice) -> Segment:
    return (_INKS.get(notice.severity, "success"), "○" if notice.is_read else "●")
