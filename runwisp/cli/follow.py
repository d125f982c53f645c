"""``runwisp logs --follow``: several runs at the same time, and those to come (spec: interfaces, logs).

A thread for each run and one for the events put what they get into one queue; whoever follows prints it. The
queue is short, so that a slow terminal slows down what is read and not what is kept in memory.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Queue
from threading import Thread
from typing import TypeAlias

from attrs import define, field, frozen

from runwisp.cli.output import note
from runwisp.cli.printers import Printer, tell_rotation
from runwisp.client import resources
from runwisp.client.api import RUNS_LIMIT, Api
from runwisp.client.errors import NotFound
from runwisp.client.following import RESYNC, NewLines, Rotated, Step, follow_events, follow_log
from runwisp.client.resources import RemoteRun
from runwisp.errors import RunWispError
from runwisp.model import Run, RunId

_ROOM = 16

#: Events that tell of a run that may be new; one that never executes only ends.
_TELLING = frozenset({"run.created", "run.started", "run.ended"})


@frozen
class Said:
    """A step in the log of a run."""

    run: Run
    step: Step


@frozen
class Created:
    """A run that there was not when following began, perhaps one of another unit."""

    run: RemoteRun


@frozen
class Ready:
    """What happens from here on is told."""


@frozen
class Missed:
    """Runs may have been created that were not told."""


@frozen
class Gone:
    """The run has been deleted."""

    run: Run


@frozen
class Failed:
    """It is not possible to go on."""

    error: RunWispError


News: TypeAlias = Said | Created | Ready | Missed | Gone | Failed


@define
class Follower:
    """Prints what runs write. One thread may call it."""

    _api: Api
    _news: Queue[News] = field(factory=lambda: Queue(_ROOM), init=False)
    _known: set[RunId] = field(factory=set, init=False)
    _live: int = field(default=0, init=False)
    _newest: str = field(default="", init=False)

    def watch(self) -> None:
        """Look for new runs from now on; to be called before the first run is followed."""
        self._start(self._watch_events)
        first = self._news.get()
        if isinstance(first, Failed):
            raise first.error

    def add(self, run: Run, start: int) -> None:
        """Follow the run from line ``start`` on, unless it is followed already."""
        if run.id not in self._known:
            self._known.add(run.id)
            self._live += 1
            self._start(lambda: self._follow(run, start))

    def run(self, printer: Printer, is_wanted: Callable[[str], bool] | None) -> None:
        """Print until all runs have ended; with ``is_wanted`` for ever, and also new runs of such units.

        :raises Unreachable: the daemon is gone
        """
        while self._live or is_wanted is not None:
            news = self._news.get()
            if isinstance(news, Failed):
                raise news.error
            if isinstance(news, Said):
                self._say(printer, news.run, news.step)
            elif isinstance(news, Gone):
                note(f"{news.run.label} {news.run.id}: the run has been deleted")
                self._live -= 1
            elif is_wanted is not None:
                for run in self._new_runs(news):
                    if is_wanted(run.task_name):
                        self.add(run, 1)

    def _new_runs(self, news: Created | Ready | Missed) -> Iterable[RemoteRun]:
        """The runs that are or may be new, oldest first."""
        runs: Sequence[RemoteRun] = ()
        if isinstance(news, Created):
            runs = [news.run]
        elif isinstance(news, Missed):
            since = {"created_after": self._newest} if self._newest else {"status": "pending,running"}
            runs = self._api.runs(since, RUNS_LIMIT)[::-1]
        self._newest = max([self._newest, *(run.document["created_at"] for run in runs)])
        return runs

    def _say(self, printer: Printer, run: Run, step: Step) -> None:
        if isinstance(step, NewLines):
            printer.print(run, step.items)
        elif isinstance(step, Rotated):
            tell_rotation(run, step.first_available)
        else:
            printer.end(step.run)
            self._live -= 1

    def _start(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except RunWispError as error:
                self._news.put(Failed(error))

        Thread(target=guarded, daemon=True).start()

    def _follow(self, run: Run, start: int) -> None:
        try:
            for step in follow_log(self._api, run.id, start, time.sleep):
                self._news.put(Said(run, step))
        except NotFound:
            self._news.put(Gone(run))

    def _watch_events(self) -> None:
        for number, event in enumerate(follow_events(self._api, time.sleep)):
            if not number:
                self._news.put(Ready())
            if event.name == RESYNC:
                self._news.put(Missed())
            elif event.name in _TELLING:
                with self._api.judged():
                    run = resources.run(json.loads(event.data)["run"])
                self._news.put(Created(run))
