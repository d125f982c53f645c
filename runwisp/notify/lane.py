"""The messages for one notifier, which are sent one after the other (spec: notifications, delivery)."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from runwisp.config.settings import Notifier
from runwisp.engine.background import Background
from runwisp.engine.happening import Happening
from runwisp.model import Seconds
from runwisp.notify.channel import Channel, Retryable, Teller, Undelivered
from runwisp.notify.message import Message
from runwisp.notify.outbox import Outbox
from runwisp.policy.delivery import pause
from runwisp.store.outbox import Entry

#: So many messages may wait; for one more the oldest is dropped.
MOST_WAITING = 256


@frozen(kw_only=True)
class Means:
    """What all lanes work with.

    :ivar chance: a random number from 0 to 1
    :ivar opened: nothing is sent before
    :ivar compose: makes the message of an entry
    :ivar make: makes the channel of a notifier
    :ivar budget: how long a message may be tried
    :ivar lose: tells people that a message is given up, and why
    """

    clock: IReactorTime
    chance: Callable[[], float]
    outbox: Outbox
    background: Background
    opened: Happening
    compose: Callable[[Entry], Awaitable[Message]]
    make: Callable[[Notifier], Awaitable[Channel]]
    budget: Callable[[], Seconds]
    lose: Callable[[Entry, str, str], Awaitable[None]]


class Lane:
    """Sends what is :meth:`put` into it, in that order.

    A message that fails is tried again until it arrives or its budget is used; meanwhile the others wait.
    """

    log = Logger()

    def __init__(self, notifier: Notifier, means: Means) -> None:
        self._means = means
        self._queue: deque[Entry] = deque()
        self._dropped = 0
        self._is_working = False
        self._is_winding_up = False
        self._is_cut = False
        #: The attempt or the pause that is under way.
        self._attempt: Deferred[str] | None = None
        self._pause: Deferred[None] | None = None
        self.change(notifier)

    @property
    def is_idle(self) -> bool:
        return not self._is_working

    def change(self, notifier: Notifier) -> None:
        """Use other settings from the next attempt on."""
        self._notifier = notifier
        self._teller = Teller(notifier)
        #: How the notifier is called in rows and logs.
        self._name = self._teller.redact(notifier.id)
        self._channel: Channel | None = None

    def put(self, entry: Entry) -> None:
        if len(self._queue) >= MOST_WAITING:
            self._drop(self._queue.popleft())
        self._queue.append(entry)
        self._start()

    def put_first(self, entries: Sequence[Entry]) -> None:
        """What is older than all that is there."""
        self._queue.extendleft(reversed(entries))
        self._start()

    def wind_up(self) -> None:
        """Send what waits, until something fails; whatever is left stays in the outbox."""
        self._is_winding_up = True
        if self._pause is not None:
            self._pause.cancel()

    def cut(self) -> None:
        """Send nothing more, and give up the attempt that is under way."""
        self._is_cut = True
        self.wind_up()
        if self._attempt is not None:
            self._attempt.cancel()

    def _start(self) -> None:
        if not self._is_working:
            self._is_working = True
            self._means.background.start("notifier", self._work())

    async def _work(self) -> None:
        try:
            await self._means.opened.when()
            while self._queue and not self._is_cut:
                if not await self._deliver(self._queue.popleft()) and self._is_winding_up:
                    break
        finally:
            self._dropped = 0
            self._is_working = False

    async def _deliver(self, entry: Entry) -> bool:
        """Whether the message has arrived. If not, it is lost, or, at the end of the daemon, it stays."""
        try:
            message = await self._means.compose(entry)
            trouble = await self._tried(entry, message)
        except Exception as error:  # whatever it is, it must not keep the others from being sent
            # As a failure it would be logged with whatever secret its text may have.
            traceback = self._teller.redact(Failure().getTraceback())
            self.log.error("notifier {notifier} failed", notifier=self._name, traceback=traceback)
            trouble = Undelivered(self._teller.sentence(f"unexpected error: {type(error).__name__}"))
        if trouble is None:
            await self._means.outbox.delete(entry)
            return True
        if not self._is_winding_up:
            await self._means.lose(entry, self._name, str(trouble))
            await self._means.outbox.delete(entry)
        elif not (self._is_cut and trouble.has_gone_out):
            await self._means.outbox.end_attempt(entry)
        return False

    async def _tried(self, entry: Entry, message: Message) -> Undelivered | None:
        """Try until it arrives, or there is no sense in another attempt; why."""
        began_s = self._means.clock.seconds()
        failures = 0
        while True:
            try:
                await self._send(entry, message)
            except Undelivered as error:
                trouble = error
            else:
                self.log.debug("notification sent", notifier=self._name, attempts=failures + 1)
                return None
            failures += 1
            elapsed = Seconds(self._means.clock.seconds() - began_s)
            wait = self._wait(trouble, failures, elapsed)
            if wait is None or self._is_winding_up:
                return trouble
            await self._means.outbox.end_attempt(entry)
            self.log.info("notification not sent, trying again: {error}", error=str(trouble), delay=wait)
            await self._rest(wait)
            if self._is_winding_up:
                return trouble

    def _wait(self, trouble: Undelivered, failures: int, elapsed: Seconds) -> Seconds | None:
        if not isinstance(trouble, Retryable):
            return None
        return pause(
            failures,
            trouble.after,
            elapsed=elapsed,
            budget=self._means.budget(),
            chance=self._means.chance(),
        )

    async def _send(self, entry: Entry, message: Message) -> None:
        """One attempt.

        :raises Undelivered: it failed
        """
        if self._channel is None:
            self._channel = await self._means.make(self._notifier)
        channel = self._channel
        parcel = channel.write(message)
        await self._means.outbox.begin_attempt(entry)
        if self._is_cut:
            raise Undelivered("", has_gone_out=False)
        self._attempt = channel.send(parcel)
        try:
            await self._attempt
        finally:
            self._attempt = None

    async def _rest(self, wait: Seconds) -> None:
        self._pause = deferLater(self._means.clock, wait)
        try:
            await self._pause
        except CancelledError:
            """The daemon is about to end."""
        finally:
            self._pause = None

    def _drop(self, entry: Entry) -> None:
        self._dropped += 1
        # A dead channel drops as many as there are events: of them each is told that doubles their number.
        if self._dropped & (self._dropped - 1) == 0:
            self.log.warn(
                "too many notifications wait for {notifier}: the oldest is dropped",
                notifier=self._name,
                dropped=self._dropped,
            )
        self._means.background.start("outbox", self._means.outbox.delete(entry))
