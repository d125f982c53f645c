"""Keeps the model true: listens to the events of the daemon, and fetches anew where some were missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from runwisp.client.api import RUNS_LIMIT, Api
from runwisp.client.resources import DaemonInfo, Document, NoticePage, RemoteRun, RemoteUnit, Sample
from runwisp.client.sse import Event
from runwisp.errors import RunWispError
from runwisp.tui.desk import Desk
from runwisp.tui.model import NOTICES, RESYNC, Link, Model, News, news_of
from runwisp.tui.wire import Listening

#: After so many seconds a lost connection is tried again.
RETRY_S = 2.0
_PING = "ping"


@frozen
class Told:
    """An event: its name, its id and what it does to the model."""

    name: str
    id: str
    news: News | None


@frozen
class Everything:
    """What the model is made of."""

    daemon: DaemonInfo
    system: Document
    units: Sequence[RemoteUnit]
    live: Sequence[RemoteRun]
    notices: NoticePage
    samples: Sequence[Sample]
    tells_password: bool

    def put_into(self, model: Model) -> None:
        model.set_daemon(self.daemon)
        model.system = self.system
        model.set_units(self.units, self.live)
        model.set_notices(self.notices)
        model.samples.clear()
        model.samples.extend(self.samples)
        model.tells_password = self.tells_password


@define(eq=False)
class Subscription:
    """``on_fetched`` is called when the model was made anew, ``tell`` with what became of connections."""

    _desk: Desk
    _clock: IReactorTime
    _on_fetched: Callable[[], None]
    _tell: Callable[[str], None]
    _listening: Listening[Told] | None = field(default=None, init=False)
    _last_id: str = field(default="", init=False)
    _retry: IDelayedCall | None = field(default=None, init=False)
    _is_fetching: bool = field(default=False, init=False)
    _is_stale: bool = field(default=False, init=False)
    #: What has been told while everything was fetched, which may be older.
    _held: list[News] = field(factory=list, init=False)

    def start(self) -> None:
        """Connect, and connect again whenever the connection is lost."""
        last_id = self._last_id or None
        self._listening = self._desk.wire.listen(
            lambda api: api.events(last_id), _told, self._take, self._lose
        )

    def fetch(self) -> None:
        """Make the model anew; called again meanwhile, it is made once more after that."""
        if self._is_fetching:
            self._is_stale = True
            return
        self._is_fetching = True
        self._desk.start(self._fetch())

    def _take(self, told: Told) -> None:
        self._last_id = told.id or self._last_id
        model = self._desk.model
        if told.name == _PING and model.link is not Link.LIVE:
            self._tell("connected")
            self.fetch()
        elif told.name in {RESYNC, "tasks.changed"}:
            self.fetch()
        elif told.news is not None:
            if self._is_fetching:
                self._held.append(told.news)
            model.apply(told.news)
            # Figures of the machine are on one page only, which looks at them by itself.
            if told.name != "system":
                self._desk.invalidate()

    async def _fetch(self) -> None:
        try:
            known = self._desk.model.tells_password
            everything = await self._desk.wire.ask(lambda api: _everything(api, known))
        except RunWispError as error:
            self._tell(f"what the daemon has cannot be read: {error}")
            if self._listening is not None:
                self._listening.stop()
            self._lose(error)
            return
        finally:
            self._is_fetching = False
        model = self._desk.model
        everything.put_into(model)
        held, self._held = self._held, []
        for news in held:
            model.apply(news)
        model.link = Link.LIVE
        self._on_fetched()
        self._desk.invalidate()
        if self._is_stale:
            self._is_stale = False
            self.fetch()

    def _lose(self, error: RunWispError | None) -> None:
        self._tell(str(error) if error is not None else "the connection was lost")
        self._listening = None
        self._held.clear()
        self._desk.model.link = Link.LOST
        self._desk.model.tells_password = None
        self._desk.invalidate()
        if self._retry is None or not self._retry.active():
            self._retry = self._clock.callLater(RETRY_S, self._desk.wire.guard(self.start))


def _told(event: Event) -> Told:
    return Told(event.name, event.id, news_of(event))


def _everything(api: Api, tells_password: bool | None) -> Everything:
    return Everything(
        daemon=api.daemon(),
        system=api.system().document,
        units=api.units(),
        live=api.runs({"status": "pending,running"}, RUNS_LIMIT),
        notices=api.notices(NOTICES),
        samples=api.samples(),
        # Each time that it is asked is in the log of the daemon.
        tells_password=api.tells_password() if tells_password is None else tells_password,
    )
