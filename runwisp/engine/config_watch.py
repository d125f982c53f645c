"""Notices that the files of the configuration no longer say what is loaded, and tells the bus."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from runwisp.config.settings import Config
from runwisp.config.staleness import is_stale
from runwisp.engine.background import Background
from runwisp.engine.seams import InThread
from runwisp.events import Bus, ConfigStale, Event, TasksChanged

#: Files are looked at no more often than this with the scheduler's wakes, of which there may be many.
LOOK_EVERY_S = 10.0


class ConfigWatch:
    """Looks when it is told to, or a reload was applied; it has no timer of its own.

    :param config: the configuration that is loaded at the moment
    :param look: whether the files say something else than a configuration; called in a thread
    """

    def __init__(
        self,
        clock: IReactorTime,
        config: Callable[[], Config],
        in_thread: InThread,
        background: Background,
        bus: Bus,
        look: Callable[[Config], bool] = is_stale,
    ) -> None:
        self._clock = clock
        self._config = config
        self._in_thread = in_thread
        self._background = background
        self._bus = bus
        self._look = look
        self._looked_s: float | None = None
        self._is_looking = False
        self._was_stale = False
        bus.subscribe(self._heard)

    def on_wake(self) -> None:
        """The scheduler is awake anyway, and somebody wants to know."""
        if self._looked_s is None or self._clock.seconds() - self._looked_s >= LOOK_EVERY_S:
            self.look()

    def look(self) -> None:
        """Look soon, unless that is under way."""
        if not self._is_looking:
            self._is_looking = True
            self._background.start("look at the configuration", self._compare())

    def _heard(self, event: Event) -> None:
        if isinstance(event, TasksChanged):
            self.look()

    async def _compare(self) -> None:
        try:
            config = None
            # What a reload loads meanwhile is to be compared, not what it replaces.
            while config is not self._config():
                config = self._config()
                self._looked_s = self._clock.seconds()
                is_stale_now = await self._in_thread(self._look, config)
        finally:
            self._is_looking = False
        if is_stale_now != self._was_stale:
            self._was_stale = is_stale_now
            self._bus.publish(ConfigStale(is_stale_now))
