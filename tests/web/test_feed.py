from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from runwisp.engine.background import Background
from runwisp.engine.samples import WATCHED_S, HostFigures, Samples
from runwisp.errors import UnknownUnit
from runwisp.events import (
    Bus,
    ConfigStale,
    DiskPressure,
    Event,
    NotificationChanged,
    RunCreated,
    RunDeleted,
    RunEnded,
    RunStarted,
    RunUpdated,
    ServiceFatal,
    ServiceUpdated,
    TasksChanged,
    TaskUpdated,
    UnreadCountChanged,
)
from runwisp.model import (
    Bytes,
    Notification,
    ReplicaReport,
    ReplicaState,
    RunId,
    Seconds,
    ServiceReport,
    ServiceState,
    Severity,
    UnixMs,
)
from runwisp.web.feed import KEPT, MOST_UNSENT, MOST_UNSENT_BYTES, Feed, place_after
from runwisp.web.resources.events import Reason
from runwisp.web.resources.run import run_resource
from runwisp.web.resources.task import TaskResource, UnitState, task_resource
from runwisp.web.wire import plain
from tests.make import run, task
from tests.web.outlets import PINGED, Listener, Told

BOOT = "5f0c91aa"
GIB = Bytes(2**30)


def shown(name: str = "t") -> TaskResource:
    state = UnitState(
        next_run_at=None, active_runs=0, queued_runs=0, last_run=None, service=None, paused_at=UnixMs(0)
    )
    return task_resource(task(name=name), state)


class Daemon:
    """A bus, a feed of it and its clients."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.bus = Bus(self.clock)
        self.joined = 0
        self.asked: list[Deferred[TaskResource]] = []
        self.samples = Samples(
            self.clock, lambda: 0.0, lambda: HostFigures(cpu_usage=12.5, mem_used=GIB, mem_total=GIB)
        )
        self.feed = Feed(
            clock=self.clock,
            bus=self.bus,
            background=Background(),
            samples=self.samples,
            boot=BOOT,
            uptime=lambda: Seconds(7.5),
            show_task=self._show_task,
            on_join=self._join,
        )
        self._deleted = 0

    async def _show_task(self, name: str) -> TaskResource:
        answer: Deferred[TaskResource] = Deferred()
        self.asked.append(answer)
        return await answer

    def _join(self) -> None:
        self.joined += 1

    def listen(self, last_id: str | None = None, room: int | None = None) -> Listener:
        return Listener(lambda outlet: self.feed.send(outlet, last_id), room)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.bus.publish(event)
        self.settle()

    def settle(self) -> None:
        self.clock.advance(0)
        self.clock.advance(0)

    def happen(self, times: int = 1, size: int = 0) -> None:
        """So many events, numbered by their task name from 1, of which each has ``size`` bytes more."""
        for _ in range(times):
            self._deleted += 1
            self.bus.publish(RunDeleted(RunId("x" * size), str(self._deleted)))
        self.settle()


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


def numbers(told: list[Told]) -> list[int]:
    """The numbers of events of :meth:`Daemon.happen`, each of which is its id too."""
    found = [each for each in told if each.name == "run.deleted"]
    assert all(each.id == f"{BOOT}-{each.data['task_name']}" for each in found)
    return [int(each.data["task_name"]) for each in found]


def resyncs(told: list[Told]) -> list[tuple[str, str | None]]:
    return [(each.data["reason"], each.id) for each in told if each.name == "resync"]


# What there is to tell


def test_events_of_runs_carry_the_run(daemon: Daemon) -> None:
    listener, it = daemon.listen(), run()
    daemon.tell(
        RunCreated(it), RunStarted(it), RunUpdated(it, is_stopping=True), RunEnded(it), RunUpdated(it)
    )
    daemon.tell(RunDeleted(it.id, it.task_name))
    still, stopping = (plain(run_resource(it, stopping=is_stopping)) for is_stopping in (False, True))
    assert listener.news() == [
        PINGED,
        Told("run.created", {"run": still}, f"{BOOT}-1"),
        Told("run.started", {"run": still}, f"{BOOT}-2"),
        Told("run.updated", {"run": stopping}, f"{BOOT}-3"),
        Told("run.ended", {"run": still}, f"{BOOT}-4"),
        Told("run.updated", {"run": still}, f"{BOOT}-5"),
        Told("run.deleted", {"run_id": it.id, "task_name": "t"}, f"{BOOT}-6"),
    ]
    listener.leave()


def test_events_of_services_reloads_and_the_configuration_carry_what_is_new(daemon: Daemon) -> None:
    listener = daemon.listen()
    replica = ReplicaReport(
        replica_index=0,
        state=ReplicaState.RESTARTING,
        is_wanted=True,
        run_id=None,
        start_at=None,
        next_start_at=UnixMs(1500),
        restarts=3,
        failed_starts=2,
        last_exit_code=1,
    )
    daemon.tell(
        ServiceUpdated("web", ServiceReport(ServiceState.DEGRADED, 0, (replica,))),
        TasksChanged(
            added=("a",), removed=(), changed={"b": ("run", "cron")}, settings=(), warnings=("careful",)
        ),
        ConfigStale(True),
    )
    slot = {
        "replica_index": 0,
        "state": "restarting",
        "run_id": None,
        "start_at": None,
        "next_start_at": "1970-01-01T00:00:01.500Z",
        "restarts": 3,
        "failed_starts": 2,
        "last_exit_code": 1,
    }
    state = {"state": "degraded", "running": 0, "replicas": [slot]}
    changed = [{"name": "b", "reasons": ["run", "cron"]}]
    reloaded = {"added": ["a"], "removed": [], "changed": changed, "settings": [], "warnings": ["careful"]}
    assert listener.news()[1:] == [
        Told("service.updated", {"task_name": "web", "service": state}, f"{BOOT}-1"),
        Told("tasks.changed", reloaded, f"{BOOT}-2"),
        Told("config.stale", {"stale": True}, f"{BOOT}-3"),
    ]
    listener.leave()


def test_events_of_notifications_carry_the_count_of_unread_ones(daemon: Daemon) -> None:
    listener = daemon.listen()
    row = Notification(
        id="01JA9Y0H8N3QF5W6B2X4M7TCKE",
        dedup_key="9c1f04b27ae35d68",
        kind="run.failed",
        severity=Severity.ERROR,
        task_name="t",
        run_id=None,
        title="t failed",
        body="",
        count=2,
        occurrence_ring=(UnixMs(0),),
        created_at=UnixMs(0),
        last_occurred_at=UnixMs(0),
        read_at=None,
    )
    daemon.tell(
        NotificationChanged(notification=row, is_new=True, unread_count=1),
        NotificationChanged(notification=row, is_new=False, unread_count=0),
        UnreadCountChanged(4),
    )
    told = listener.news()[1:]
    assert [(each.name, each.data["unread_count"]) for each in told] == [
        ("notification.created", 1),
        ("notification.updated", 0),
        ("notification.unread_count_changed", 4),
    ]
    assert told[0].data["notification"]["fingerprint"] == "9c1f04b27ae35d68"
    listener.leave()


def test_what_only_others_want_to_know_is_no_event(daemon: Daemon) -> None:
    listener = daemon.listen()
    daemon.tell(
        ServiceFatal(run(), 3),
        DiskPressure(run=run(), free_bytes=None, min_free_bytes=Bytes(0), killed_task=False),
    )
    daemon.happen()
    assert numbers(listener.news()) == [1]
    listener.leave()


def test_a_task_is_told_of_when_it_is_known_how_it_is(daemon: Daemon) -> None:
    listener = daemon.listen()
    daemon.tell(TaskUpdated("t"))
    daemon.happen()
    daemon.asked.pop().callback(shown())
    daemon.settle()
    told = listener.news()[1:]
    assert [(each.name, each.id) for each in told] == [
        ("run.deleted", f"{BOOT}-1"),
        ("task.updated", f"{BOOT}-2"),
    ]
    assert told[1].data == {"task": plain(shown())}
    listener.leave()


def test_a_task_that_is_gone_meanwhile_is_not_told_of(daemon: Daemon) -> None:
    daemon.tell(TaskUpdated("t"))
    daemon.asked.pop().errback(UnknownUnit("t", []))
    daemon.happen()
    listener = daemon.listen(f"{BOOT}-0")
    assert numbers(listener.news()) == [1]
    listener.leave()


def test_the_machine_is_measured_more_often_while_there_are_clients(daemon: Daemon) -> None:
    assert daemon.clock.getDelayedCalls() == []
    listeners = [daemon.listen(), daemon.listen()]
    listeners[1].outlet.pause()
    daemon.clock.advance(WATCHED_S)
    sample = {
        "at": "1970-01-01T00:00:00.000Z",
        "cpu_usage": 12.5,
        "mem_usage": 100.0,
        "mem_used": GIB,
        "mem_total": GIB,
    }
    assert listeners[0].news()[1:] == [Told("system", {"sample": sample, "uptime": 7.5, "usage": None})]
    listeners[1].outlet.resume()
    assert listeners[1].news() == [PINGED]
    for listener in listeners:
        listener.leave()
    assert daemon.clock.getDelayedCalls() == []


def test_who_joins_is_noticed(daemon: Daemon) -> None:
    assert not daemon.feed.has_clients
    listener = daemon.listen()
    assert (daemon.joined, daemon.feed.has_clients) == (1, True)
    listener.leave()
    assert not daemon.feed.has_clients


# Resuming


@pytest.mark.parametrize(
    ("last_id", "place"),
    [
        (None, 501),
        ("", 501),
        (f"{BOOT}-500", 501),
        (f"{BOOT}-499", 500),
        (f"{BOOT}-100", 101),
        (f"{BOOT}-99", Reason.BEHIND),
        (f"{BOOT}-0", Reason.BEHIND),
        ("00000000-500", Reason.RESTARTED),
        (f"{BOOT}-501", Reason.UNKNOWN_ID),
        (f"{BOOT}-0500", Reason.UNKNOWN_ID),
        (f"{BOOT}-", Reason.UNKNOWN_ID),
        (f"{BOOT}-५००", Reason.UNKNOWN_ID),
        (f"{BOOT}-500\n", Reason.UNKNOWN_ID),
        (f"{BOOT}-" + "9" * 5000, Reason.UNKNOWN_ID),
        (f"{BOOT.upper()}-500", Reason.UNKNOWN_ID),
        ("garbage", Reason.UNKNOWN_ID),
        ("500", Reason.UNKNOWN_ID),
    ],
)
def test_where_a_client_goes_on_follows_from_the_id_it_names(
    last_id: str | None, place: int | Reason
) -> None:
    assert place_after(last_id, BOOT, oldest=101, newest=500) == place


def test_before_the_first_event_there_is_an_id_to_come_back_with() -> None:
    assert place_after(f"{BOOT}-0", BOOT, oldest=1, newest=0) == 1


def test_without_an_id_only_what_happens_from_now_on_is_sent(daemon: Daemon) -> None:
    daemon.happen(3)
    listener = daemon.listen()
    assert listener.news() == [PINGED]
    daemon.happen(2)
    assert numbers(listener.news()) == [4, 5]
    listener.leave()


def test_all_that_was_missed_is_sent_also_more_than_a_slow_client_may_leave(daemon: Daemon) -> None:
    daemon.happen(KEPT - 1)
    listener = daemon.listen(f"{BOOT}-0", room=1)
    daemon.happen()
    told = []
    while news := listener.news():
        told += news
        listener.outlet.resume()
    assert numbers(told) == list(range(1, KEPT + 1))
    assert resyncs(told) == []
    listener.leave()


@pytest.mark.parametrize(
    ("last_id", "reason"),
    [
        (f"{BOOT}-2000", "unknown_id"),
        (f"{BOOT}-1", "behind"),
        ("00000000-3", "restarted"),
        ("nonsense", "unknown_id"),
    ],
)
def test_who_cannot_be_served_from_the_kept_events_is_told_so_and_gets_the_next(
    daemon: Daemon, last_id: str, reason: str
) -> None:
    daemon.happen(KEPT + 2)
    listener = daemon.listen(last_id)
    told = listener.news()
    assert told == [PINGED, Told("resync", {"reason": reason}, f"{BOOT}-{KEPT + 2}")]
    daemon.happen()
    assert numbers(listener.news()) == [KEPT + 3]
    listener.leave()


# Slow clients


def test_a_client_with_too_many_events_loses_them_and_goes_on_live(daemon: Daemon) -> None:
    slow, quick = daemon.listen(), daemon.listen()
    slow.outlet.pause()
    daemon.happen(MOST_UNSENT)
    daemon.happen()
    assert numbers(quick.news()) == list(range(1, MOST_UNSENT + 2))
    slow.outlet.resume()
    assert slow.news() == [PINGED, Told("resync", {"reason": "behind"}, f"{BOOT}-{MOST_UNSENT + 1}")]
    daemon.happen()
    assert numbers(slow.news()) == [MOST_UNSENT + 2]
    for listener in (slow, quick):
        listener.leave()


def test_a_client_that_has_just_as_many_gets_all_of_them(daemon: Daemon) -> None:
    slow = daemon.listen()
    slow.outlet.pause()
    daemon.happen(MOST_UNSENT)
    slow.outlet.resume()
    told = slow.news()
    assert numbers(told) == list(range(1, MOST_UNSENT + 1))
    assert resyncs(told) == []
    slow.leave()


def test_a_client_with_too_many_bytes_loses_them_too(daemon: Daemon) -> None:
    slow = daemon.listen()
    slow.outlet.pause()
    for _ in range(9):
        daemon.happen(size=MOST_UNSENT_BYTES // 10)
    slow.outlet.resume()
    assert numbers(slow.news()) == list(range(1, 10))
    slow.outlet.pause()
    for _ in range(10):
        daemon.happen(size=MOST_UNSENT_BYTES // 10)
    slow.outlet.resume()
    assert resyncs(slow.news()) == [("behind", f"{BOOT}-19")]
    slow.leave()


def test_a_client_that_falls_out_of_the_kept_events_while_it_catches_up_has_to_begin_anew(
    daemon: Daemon,
) -> None:
    daemon.happen(KEPT)
    slow = daemon.listen(f"{BOOT}-0", room=1)
    daemon.happen(1)
    slow.outlet.resume()
    assert slow.news() == [PINGED, Told("resync", {"reason": "behind"}, f"{BOOT}-{KEPT + 1}")]
    slow.leave()


def test_an_event_is_written_down_for_all_at_once_and_not_at_all_for_nobody(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []

    def spy(resource: object) -> bytes:
        written.append(resource)
        return b"{}"

    monkeypatch.setattr("runwisp.web.sse.to_json", spy)
    daemon.happen(3)
    assert written == []
    listeners = [daemon.listen() for _ in range(5)]
    daemon.happen(2)
    assert len(written) == 2
    for listener in listeners:
        listener.leave()


def test_an_event_that_cannot_be_written_down_is_none(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, logged_failures: list[object]
) -> None:
    listener = daemon.listen()

    def fail(resource: object) -> bytes:
        raise ValueError("no JSON")

    with monkeypatch.context() as patch:
        patch.setattr("runwisp.web.sse.to_json", fail)
        daemon.tell(RunCreated(run()))
    assert len(logged_failures) == 1
    logged_failures.clear()
    daemon.happen()
    assert numbers(listener.news()) == [1]
    listener.leave()


# Whatever happens


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("happen"), st.sampled_from([1, 1, 2, 7, 60, 300, 1100])),
            st.tuples(st.just("cut"), st.integers(0, 3)),
            st.tuples(st.sampled_from(["pause", "resume", "large"]), st.just(1)),
        ),
        max_size=30,
    )
)
def test_cut_at_any_point_no_event_is_missing_and_none_comes_twice_unless_that_is_told(
    steps: list[tuple[str, int]],
) -> None:
    daemon = Daemon()
    listener = daemon.listen(room=3000)
    last_id: str | None = None
    expected, happened = 1, 0

    def look() -> None:
        nonlocal expected, last_id
        for told in listener.news():
            last_id = told.id or last_id
            if told.name == "resync":
                number = int(str(told.id).removeprefix(f"{BOOT}-"))
                assert number >= expected - 1
                expected = number + 1
            elif told.name == "run.deleted":
                assert numbers([told]) == [expected]
                expected += 1

    for step, amount in steps:
        if step == "happen":
            daemon.happen(amount)
            happened += amount
        elif step == "large":
            daemon.happen(size=300_000)
            happened += 1
        elif step == "pause":
            listener.outlet.pause()
        elif step == "resume":
            listener.outlet.resume()
        else:
            # The client has read all but the last events when the connection breaks.
            look()
            listener.leave()
            if last_id is not None:
                number = max(0, int(last_id.removeprefix(f"{BOOT}-")) - amount)
                last_id, expected = f"{BOOT}-{number}", number + 1
            listener = daemon.listen(last_id, room=3000)
            if last_id is None:
                expected = happened + 1
    look()
    for _ in range(happened + 1):
        listener.outlet.resume()
        daemon.settle()
    look()
    assert expected == happened + 1
    listener.leave()
    assert daemon.clock.getDelayedCalls() == []
