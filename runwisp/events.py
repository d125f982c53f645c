"""What the engine tells the rest of the program, and the bus that carries it.

An event goes out after its row is committed, never before. Subscribers are called in a later turn of the
reactor, in the order of publication, so none of them can call back into an actor that is still working.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from runwisp.model import Bytes, Notification, Run, RunId, ServiceReport


@frozen
class RunCreated:
    run: Run


@frozen
class RunStarted:
    run: Run


@frozen
class RunUpdated:
    """A started run that is to be stopped, or an ended one whose retry exists now or will never."""

    run: Run
    is_stopping: bool = False


@frozen
class RunEnded:
    run: Run


@frozen
class ServiceFatal:
    """A replica gave up: ``run`` is its last run."""

    run: Run
    attempts: int


@frozen
class RunDeleted:
    """The log and the row of an ended run are gone."""

    run_id: RunId
    task_name: str


@frozen(kw_only=True)
class DiskPressure:
    """The output of ``run`` is no longer stored, for lack of space; ``killed_task`` if that ends the run too.

    ``min_free_bytes`` is what should be free, 0 without such a limit; ``free_bytes`` is None if unknown.
    """

    run: Run
    free_bytes: Bytes | None
    min_free_bytes: Bytes
    killed_task: bool


@frozen(kw_only=True)
class NotificationChanged:
    """A row of the bell is new or other than before; ``unread_count`` is the count after that."""

    notification: Notification
    is_new: bool
    unread_count: int


@frozen
class UnreadCountChanged:
    """All rows of the bell were marked read, or old ones were deleted."""

    unread_count: int


@frozen
class ServiceUpdated:
    """Something about the slots of a service has changed; ``report`` is how they are after that."""

    name: str
    report: ServiceReport


@frozen
class TaskUpdated:
    """The schedule of the task ``name`` was paused or resumed."""

    name: str


@frozen(kw_only=True)
class TasksChanged:
    """A reload was applied: names of units, the changed keys of each, changed settings, and warnings."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    settings: tuple[str, ...]
    warnings: tuple[str, ...]


@frozen
class ConfigStale:
    """Whether the files of the configuration differ from what is loaded; it was otherwise before."""

    is_stale: bool


Event: TypeAlias = (
    RunCreated
    | RunStarted
    | RunUpdated
    | RunEnded
    | ServiceFatal
    | RunDeleted
    | DiskPressure
    | NotificationChanged
    | UnreadCountChanged
    | ServiceUpdated
    | TaskUpdated
    | TasksChanged
    | ConfigStale
)
Subscriber: TypeAlias = Callable[[Event], None]


class Bus:
    """Delivers events to subscribers; an error of one subscriber is logged and reaches no other."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._subscribers: list[Subscriber] = []
        self._waiting: deque[Event] = deque()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Add ``subscriber``; the returned function removes it again and may be called twice."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def publish(self, event: Event) -> None:
        if not self._subscribers:
            return
        if not self._waiting:
            self._clock.callLater(0, self._deliver)
        self._waiting.append(event)

    def _deliver(self) -> None:
        events, self._waiting = self._waiting, deque()
        for event in events:
            for subscriber in tuple(self._subscribers):
                with self.log.failuresHandled("subscriber of {event} failed", event=type(event).__name__):
                    subscriber(event)
