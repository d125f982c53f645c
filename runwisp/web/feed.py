"""What happens in the daemon, as numbered events for any number of clients (spec: rest, /api/events).

An event is written down once, whoever gets it. A client is a place in the row of the kept events, not a
queue, so one that takes nothing costs no memory.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from runwisp.engine.background import Background
from runwisp.engine.samples import MetricsSample, Samples
from runwisp.errors import UnknownUnit
from runwisp.events import (
    Bus,
    ConfigStale,
    Event,
    NotificationChanged,
    RunCreated,
    RunDeleted,
    RunEnded,
    RunStarted,
    RunUpdated,
    ServiceUpdated,
    TasksChanged,
    TaskUpdated,
    UnreadCountChanged,
)
from runwisp.model import Run, Seconds
from runwisp.web.resources.daemon import reload_result
from runwisp.web.resources.events import (
    OfConfig,
    OfDeletedRun,
    OfNotification,
    OfRun,
    OfService,
    OfSystem,
    OfTask,
    Reason,
    Resync,
)
from runwisp.web.resources.notification import UnreadCount, notification_resource
from runwisp.web.resources.run import run_resource
from runwisp.web.resources.task import TaskResource, service_state_resource
from runwisp.web.routing import Outlet
from runwisp.web.sse import PING, Nudge, event

#: How many events are kept for those who come back.
KEPT = 1024
#: A client with more events, or more bytes of them, that it has not taken loses them.
MOST_UNSENT = 256
MOST_UNSENT_BYTES = 1024 * 1024
#: So many bytes or a little more are written at once.
_PIECE_BYTES = 64 * 1024

_ID = re.compile(r"([0-9a-f]{8})-(0|[1-9][0-9]{0,17})", re.ASCII)


def place_after(last_id: str | None, boot: str, oldest: int, newest: int) -> int | Reason:
    """The number of the event that a client needs next, or why it has to begin anew.

    :param last_id: of the last event that it has got; None or "" if it has got none
    :param boot: the first part of the ids of this daemon
    :param oldest: the lowest number that is kept, ``newest`` + 1 if there is none
    """
    if not last_id:
        return newest + 1
    match = _ID.fullmatch(last_id)
    if match is None:
        return Reason.UNKNOWN_ID
    if match[1] != boot:
        return Reason.RESTARTED
    following = int(match[2]) + 1
    if following > newest + 1:
        return Reason.UNKNOWN_ID
    return following if following >= oldest else Reason.BEHIND


@define(eq=False)
class _Kept:
    """An event; what nobody asks for is never written down.

    ``start`` is how many bytes were written down before it while there were clients.
    """

    start: int
    _id: str
    _name: str
    _make: Callable[[], object]
    _text: bytes | None = field(default=None, init=False)

    def text(self) -> bytes:
        if self._text is None:
            self._text = event(self._name, self._make(), self._id)
        return self._text


@define(eq=False)
class _Client:
    """``place`` is the number of the event that it gets next, unless it is ``lost``."""

    outlet: Outlet
    place: int
    lost: Reason | None
    is_replaying: bool = True
    nudge: Nudge = field(factory=Nudge)


class Feed:
    """Hears of everything on the bus and hands it to the clients.

    :param boot: 8 hex digits that no other daemon of this data directory has
    :param uptime: seconds since the start of the daemon
    :param show_task: a task as it is now
    :param on_join: called when there is one more client
    """

    def __init__(
        self,
        *,
        clock: IReactorTime,
        bus: Bus,
        background: Background,
        samples: Samples,
        boot: str,
        uptime: Callable[[], Seconds],
        show_task: Callable[[str], Awaitable[TaskResource]],
        on_join: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._background = background
        self._samples = samples
        self._boot = boot
        self._uptime = uptime
        self._show_task = show_task
        self._on_join = on_join
        self._kept: deque[_Kept] = deque(maxlen=KEPT)
        self._newest = 0
        self._bytes = 0
        self._piece: tuple[int, int, bytes, int] = (0, 0, b"", 0)
        self._clients: set[_Client] = set()
        self._call: IDelayedCall | None = None
        bus.subscribe(self._heard)
        samples.subscribe(self._sampled)

    @property
    def has_clients(self) -> bool:
        return bool(self._clients)

    async def send(self, outlet: Outlet, last_id: str | None) -> None:
        """Write to ``outlet`` what follows the event ``last_id``, until somebody ends it."""
        client = self._join(outlet, last_id)
        try:
            outlet.write(PING)
            while True:
                await outlet.ready()
                if not self._send_piece(client):
                    await client.nudge.wait()
        finally:
            self._clients.discard(client)
            self._samples.release()

    # Clients

    def _join(self, outlet: Outlet, last_id: str | None) -> _Client:
        place = place_after(last_id, self._boot, self._oldest, self._newest)
        if isinstance(place, Reason):
            client = _Client(outlet, self._newest + 1, place)
        else:
            client = _Client(outlet, place, None)
        self._clients.add(client)
        self._samples.hold()
        self._on_join()
        return client

    def _send_piece(self, client: _Client) -> bool:
        """Write the next of what ``client`` has not got; False if it has got everything."""
        if client.place < self._oldest:
            client.lost = Reason.BEHIND
        if client.lost is not None:
            client.outlet.write(event("resync", Resync(client.lost), self._id(self._newest)))
            client.lost, client.place = None, self._newest + 1
        elif client.place <= self._newest:
            text, count = self._text_from(client.place)
            client.outlet.write(text)
            client.place += count
        else:
            client.is_replaying = False
            return False
        return True

    def _text_from(self, number: int) -> tuple[bytes, int]:
        """The events from ``number`` on, as many as are written at once, and how many these are."""
        start, newest, text, count = self._piece
        if (start, newest) == (number, self._newest):
            return text, count
        texts, size = [], 0
        for kept in islice(self._kept, number - self._oldest, None):
            texts.append(kept.text())
            size += len(texts[-1])
            if size >= _PIECE_BYTES:
                break
        text, count = b"".join(texts), len(texts)
        self._piece = (number, self._newest, text, count)
        return text, count

    def _hand_out(self) -> None:
        """Give every client what is new, or note that it has not taken it."""
        self._call = None
        for client in tuple(self._clients):
            if client.outlet.is_ready:
                self._send_piece(client)
            elif self._has_too_much(client):
                client.lost = client.lost or Reason.BEHIND
            if client.place <= self._newest:
                client.nudge.give()

    def _has_too_much(self, client: _Client) -> bool:
        """More waits for the client than it may leave; what was there before it came does not count."""
        if client.is_replaying or client.place > self._newest:
            return False
        if self._newest - client.place >= MOST_UNSENT:
            return True
        return self._bytes - self._kept[client.place - self._oldest].start > MOST_UNSENT_BYTES

    # Events

    @property
    def _oldest(self) -> int:
        return self._newest - len(self._kept) + 1

    def _id(self, number: int) -> str:
        return f"{self._boot}-{number}"

    def _keep(self, name: str, make: Callable[[], object]) -> None:
        """Give the next number to an event with the data that ``make`` makes."""
        kept = _Kept(self._bytes, self._id(self._newest + 1), name, make)
        if self._clients:
            # If this fails, there is no such event.
            self._bytes += len(kept.text())
            if self._call is None:
                self._call = self._clock.callLater(0, self._hand_out)
        self._kept.append(kept)
        self._newest += 1

    def _heard(self, heard: Event) -> None:
        match heard:
            case RunCreated(run):
                self._keep("run.created", partial(_of_run, run, False))
            case RunStarted(run):
                self._keep("run.started", partial(_of_run, run, False))
            case RunUpdated(run, is_stopping):
                self._keep("run.updated", partial(_of_run, run, is_stopping))
            case RunEnded(run):
                self._keep("run.ended", partial(_of_run, run, False))
            case RunDeleted(run_id, task_name):
                self._keep("run.deleted", partial(OfDeletedRun, run_id, task_name))
            case ServiceUpdated():
                self._keep("service.updated", partial(_of_service, heard))
            case TaskUpdated(name):
                self._background.start("a changed task for the clients", self._keep_task(name))
            case TasksChanged(warnings=warnings):
                self._keep("tasks.changed", partial(reload_result, heard, warnings))
            case ConfigStale(is_stale):
                self._keep("config.stale", partial(OfConfig, is_stale))
            case NotificationChanged(is_new=is_new):
                name = "notification.created" if is_new else "notification.updated"
                self._keep(name, partial(_of_notification, heard))
            case UnreadCountChanged(count):
                self._keep("notification.unread_count_changed", partial(UnreadCount, count))

    async def _keep_task(self, name: str) -> None:
        try:
            task = await self._show_task(name)
        except UnknownUnit:
            # A reload has removed it meanwhile, and told so.
            return
        self._keep("task.updated", partial(OfTask, task))

    def _sampled(self, sample: MetricsSample) -> None:
        """Only the newest sample is of any use, so who takes nothing just misses it."""
        if not self._clients:
            return
        text = event("system", OfSystem(sample, self._uptime()))
        for client in tuple(self._clients):
            if client.outlet.is_ready:
                client.outlet.write(text)


def _of_run(run: Run, is_stopping: bool) -> OfRun:
    return OfRun(run_resource(run, is_stopping))


def _of_service(updated: ServiceUpdated) -> OfService:
    return OfService(updated.name, service_state_resource(updated.report))


def _of_notification(changed: NotificationChanged) -> OfNotification:
    return OfNotification(notification_resource(changed.notification), changed.unread_count)
