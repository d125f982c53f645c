"""One run (spec: interfaces, run view)."""

from __future__ import annotations

import urwid

from runwisp.cli.wording import display_status
from runwisp.client.resources import RemoteRun
from runwisp.model import RunId
from runwisp.tui.desk import Desk, View
from runwisp.tui.draw import Line, canvas
from runwisp.tui.header import title
from runwisp.tui.keys import Place
from runwisp.tui.theme import badge_of


class RunView(View):
    """The page of one run."""

    def __init__(self, desk: Desk, run_id: RunId) -> None:
        self._desk = desk
        self._run_id = run_id
        self._run: RemoteRun | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place.LOG, Place.LIST, Place.RUN)

    def opened(self) -> None:
        self._desk.model.watched[self._run_id] = self._put
        self._desk.start(self._fetch())

    def closed(self) -> None:
        del self._desk.model.watched[self._run_id]

    def refetch(self) -> None:
        self._desk.start(self._fetch())

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        run = self._run
        if run is None:
            return canvas([Line([("muted", " loading…")])], width, height)
        status = display_status(run)
        badge = (badge_of(status), f" {status.replace('_', ' ')} ")
        name = f"{run.label}  #{run.id[-4:]}"
        return canvas([Line(title(name, [badge], width))], width, height)

    def _put(self, run: RemoteRun | None) -> None:
        self._run = run

    async def _fetch(self) -> None:
        self._run = await self._desk.wire.ask(lambda api: api.run(self._run_id))
        self._desk.invalidate()
