"""What leaves the machine: a lane for each notifier, and the outbox (spec: notifications, delivery)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from runwisp.config.settings import Config, Notifier
from runwisp.engine.background import Background
from runwisp.engine.happening import Happening
from runwisp.errors import StorageError, UnknownNotifier
from runwisp.model import Run
from runwisp.notify.channel import Channel, Teller
from runwisp.notify.lane import Lane, Means
from runwisp.notify.message import WITH_TAIL, Message, build_message
from runwisp.notify.outbox import Outbox
from runwisp.notify.seams import IBell, IOutbound
from runwisp.notify.targets import find_notifier
from runwisp.policy.coalescing import Due
from runwisp.policy.notify_events import delivery_failed
from runwisp.store.interfaces import IDatabase
from runwisp.store.outbox import Entry
from runwisp.units import RunIds, now_ms

_GONE = "no such notifier is configured any more"
_UNKNOWN = "it may or may not have arrived: the daemon ended before the answer came"


@implementer(IOutbound)
class Outbound:
    """Sends messages through the notifiers of the configuration.

    :param wall: seconds since the epoch
    :param chance: a random number from 0 to 1
    :param make: makes the channel of a notifier
    :param read_tail: finds the end of a run's log, empty if there is none
    """

    log = Logger()

    def __init__(
        self,
        *,
        clock: IReactorTime,
        wall: Callable[[], float],
        chance: Callable[[], float],
        ids: RunIds,
        database: IDatabase,
        bell: IBell,
        make: Callable[[Notifier], Awaitable[Channel]],
        read_tail: Callable[[Run], Awaitable[str]],
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._ids = ids
        self._bell = bell
        self._read_tail = read_tail
        self._outbox = Outbox(database, wall)
        self._background = Background()
        self._lanes: dict[str, Lane] = {}
        self._is_stopping = False
        self._config: Config
        self._fingerprint = ""
        self._means = Means(
            clock=clock,
            chance=chance,
            outbox=self._outbox,
            background=self._background,
            opened=Happening(),
            compose=self._compose,
            make=make,
            budget=lambda: self._config.notify.retry_budget,
            lose=self._lose,
        )

    def start(self, config: Config, fingerprint: str) -> None:
        self._config = config
        self._fingerprint = fingerprint
        self._background.start("outbox", self._take_up(self._outbox.take_up()))

    def send(self, token: str, due: Due) -> None:
        entry = Entry(
            id=self._ids(),
            notifier=token,
            event=due.event,
            coalesced_count=due.coalesced_count,
            coalesced_summary=due.coalesced_summary,
            attempts=0,
            attempt_started_at=None,
            created_at=now_ms(self._wall),
        )
        lane = self._lane(token)
        self._background.start("outbox", self._outbox.add(entry))
        lane.put(entry)

    def change(self, config: Config) -> None:
        self._config = config
        for token, lane in list(self._lanes.items()):
            try:
                lane.change(find_notifier(config.notifiers, token))
            except UnknownNotifier:
                # What waits for it was due before it went, and is sent as it was.
                if lane.is_idle:
                    del self._lanes[token]

    def stop(self, within_s: float) -> Deferred[None]:
        return Deferred.fromCoroutine(self._stop(within_s))

    async def _stop(self, within_s: float) -> None:
        self._is_stopping = True
        for lane in self._lanes.values():
            lane.wind_up()
        deadline = self._clock.callLater(within_s, self._cut)
        quiet = Happening()
        Deferred.fromCoroutine(self._background.when_idle()).addCallback(lambda _: quiet.happen())
        try:
            await quiet.when()
        except CancelledError:
            self._cut()
            await quiet.when()
        finally:
            if deadline.active():
                deadline.cancel()

    def _cut(self) -> None:
        for lane in self._lanes.values():
            lane.cut()

    def _lane(self, token: str) -> Lane:
        """The lane of a notifier.

        :raises UnknownNotifier: there is none
        """
        lane = self._lanes.get(token)
        if lane is None:
            notifier = find_notifier(self._config.notifiers, token)
            lane = self._lanes[token] = Lane(notifier, self._means)
            if self._is_stopping:
                lane.wind_up()
        return lane

    async def _take_up(self, left: Deferred[list[Entry]]) -> None:
        """Send what an earlier daemon has left, before all else."""
        try:
            waiting: dict[str, list[Entry]] = {}
            for entry in await left:
                if self._is_configured(entry.notifier) and entry.attempt_started_at is None:
                    waiting.setdefault(entry.notifier, []).append(entry)
                else:
                    await self._write_off(entry)
            for token, those in waiting.items():
                self._lane(token).put_first(those)
        except StorageError as error:
            self.log.error("the outbox cannot be read: {error}", error=error)
        finally:
            self._means.opened.happen()

    def _is_configured(self, token: str) -> bool:
        try:
            find_notifier(self._config.notifiers, token)
        except UnknownNotifier:
            return False
        return True

    async def _write_off(self, entry: Entry) -> None:
        """End the delivery of what is not to be sent."""
        reason = _GONE if entry.attempt_started_at is None else _UNKNOWN
        try:
            teller = Teller(find_notifier(self._config.notifiers, entry.notifier))
            name, error = teller.redact(entry.notifier), teller.sentence(reason)
        except UnknownNotifier:
            # The target may be a secret.
            name = entry.notifier.partition(":")[0]
            error = f"{name}: {reason}"
        await self._lose(entry, name, error)
        await self._outbox.delete(entry)

    async def _lose(self, entry: Entry, channel: str, error: str) -> None:
        event = entry.event
        self.log.error(
            "notification not delivered: {error}", error=error, kind=event.kind.value, task=event.task_name
        )
        await self._bell.ring([delivery_failed(event, channel, error, self._ids(), now_ms(self._wall))])

    async def _compose(self, entry: Entry) -> Message:
        event = entry.event
        tail = ""
        if event.run is not None and event.kind in WITH_TAIL:
            tail = await self._read_tail(event.run)
        return build_message(
            event,
            fingerprint=self._fingerprint,
            zone=self._config.timezone,
            external_url=self._config.daemon.external_url,
            tail=tail,
            coalesced_count=entry.coalesced_count,
            coalesced_summary=entry.coalesced_summary,
        )
