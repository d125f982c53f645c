"""All of notifications in one object, for the daemon to start and stop (spec: notifications, overview)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from runwisp.config.settings import Config
from runwisp.events import Bus, Event, TasksChanged
from runwisp.model import NotifyEvent
from runwisp.notify.coalescer import Coalescer
from runwisp.notify.inapp import InApp
from runwisp.notify.router import Router
from runwisp.notify.seams import IOutbound
from runwisp.policy.coalescing import Rule
from runwisp.policy.routing import RouteTable
from runwisp.units import RunIds


class Notifiers:
    """Hears the bus, fills the bell and hands messages to ``outbound``; obeys reloads by itself.

    :param config: the configuration that holds at the moment
    """

    def __init__(
        self,
        *,
        clock: IReactorTime,
        wall: Callable[[], float],
        ids: RunIds,
        bus: Bus,
        bell: InApp,
        outbound: IOutbound,
        config: Callable[[], Config],
    ) -> None:
        self._clock = clock
        self._bus = bus
        self._config = config
        self._bell = bell
        self._outbound = outbound
        self._coalescers: dict[str, Coalescer] = {}
        self._router = Router(bus=bus, ids=ids, wall=wall, bell=bell, dispatch=self._dispatch)
        self._obeyed: Config | None = None
        self._is_hurried = False
        self._sending: Deferred[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self, fingerprint: str) -> None:
        """Hear what happens from now on, and send what an earlier daemon could not."""
        config = self._obeyed = self._config()
        self._bell.start()
        self._outbound.start(config, fingerprint)
        self._unsubscribe = self._bus.subscribe(self._heard)
        self._router.start(RouteTable.of(config))

    async def stop(self, within_s: float) -> None:
        """Finish: write the rows of what has happened, and send for at most ``within_s`` seconds.

        To be called when nothing happens any more; without a start it does nothing.
        """
        if self._obeyed is None:
            return
        # What was published in this turn is heard by the end of the next one.
        for _ in range(2):
            await deferLater(self._clock, 0)
        self._unsubscribe()
        await self._router.stop()
        self._flush()
        self._sending = self._outbound.stop(0.0 if self._is_hurried else max(0.0, within_s))
        with suppress(CancelledError):
            await self._sending
        await self._bell.stop()

    def cut_short(self) -> None:
        """Send no more during :meth:`stop`, also if that has not begun."""
        self._is_hurried = True
        if self._sending is not None:
            self._sending.cancel()

    def _heard(self, heard: Event) -> None:
        if isinstance(heard, TasksChanged):
            self._change(self._config())

    def _change(self, config: Config) -> None:
        """Obey a new configuration; what is held goes out before, unless it is the same about messages."""
        before, self._obeyed = self._obeyed, config
        self._router.table = RouteTable.of(config)
        if before is None or _own(before) != _own(config):
            self._flush()
            self._outbound.change(config)

    def _flush(self) -> None:
        coalescers, self._coalescers = self._coalescers, {}
        for coalescer in coalescers.values():
            coalescer.flush()

    def _dispatch(self, token: str, event: NotifyEvent) -> None:
        coalescer = self._coalescers.get(token)
        if coalescer is None:
            assert self._obeyed is not None
            notify = self._obeyed.notify
            coalescer = self._coalescers[token] = Coalescer(
                self._clock,
                Rule(notify.coalesce_window, notify.occurrence_ring),
                partial(self._outbound.send, token),
            )
        coalescer.take(event)


def _own(config: Config) -> object:
    """What of a configuration makes messages and their ways, beside the lists of units."""
    return config.notify, config.notifiers, config.routes, config.daemon.external_url, config.timezone
