"""A supervisor does, in whatever order things happen, what a naive model of it says."""

from __future__ import annotations

from collections import Counter
from signal import SIGTERM

from attrs import define, evolve, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runwisp.engine.supervisor import Supervisor
from runwisp.model import Run, Status, TriggeredBy
from tests.engine.stage import NOON_S, Stage
from tests.make import service

HEALTHY_AFTER_S, GRACE_S, MOST_INSTANCES = 20, 3, 4


@define(eq=False)
class Slot:
    """``state`` is empty, up, stopping, waiting (for its restart) or fatal; times are seconds."""

    state: str = "empty"
    is_wanted: bool = False
    comes_again: bool = False
    exits: int = 0
    failed_starts: int = 0
    since: int = 0
    run: int = 0
    turn: int = 0
    due: int = 0

    @property
    def is_free(self) -> bool:
        return self.state not in ("up", "stopping")


@define
class Model:
    """A service by the words of the specification; if it ``is_stubborn`` only SIGKILL ends its processes."""

    restart: str
    attempts: int | None
    on_overlap: str
    is_stubborn: bool
    instances: int
    slots: list[Slot] = field(factory=lambda: [Slot() for _ in range(MOST_INSTANCES)])
    now: int = 0
    is_up: bool = False
    queue: list[int] = field(factory=list)
    created: int = 0
    stops: int = 0
    ended: Counter[str] = field(factory=Counter)

    @property
    def current(self) -> list[Slot]:
        return self.slots[: self.instances]

    def new_run(self) -> int:
        """Runs are numbered in the order in which they are created."""
        self.created += 1
        return self.created

    def fill(self, slot: Slot, *, from_queue: bool = False, anew: bool = True) -> None:
        slot.run = self.queue.pop(0) if from_queue else self.new_run()
        slot.state, slot.is_wanted, slot.comes_again = "up", True, False
        slot.since = self.now
        if anew:
            slot.exits = slot.failed_starts = 0

    def want(self, slot: Slot) -> None:
        if slot.is_free:
            self.fill(slot)
        slot.comes_again |= slot.state == "stopping"
        slot.is_wanted = True

    def end(self, slot: Slot) -> None:
        if slot.state == "up":
            self.stops += 1
            slot.turn = self.stops
            slot.state, slot.due = "stopping", self.now + (GRACE_S if self.is_stubborn else 0)

    def empty(self, slot: Slot) -> None:
        slot.is_wanted = slot.comes_again = False
        if slot.state == "waiting":
            slot.state = "empty"
        self.end(slot)

    def bounce(self, slot: Slot) -> None:
        if slot.is_free:
            self.fill(slot)
        else:
            slot.is_wanted = slot.comes_again = True
            self.end(slot)

    def exited(self, slot: Slot, code: int) -> None:
        was_stopped = slot.state == "stopping"
        is_failed_start = False
        if self.now - slot.since >= HEALTHY_AFTER_S:
            slot.exits, slot.failed_starts = 1, 0
        else:
            is_failed_start = code != 0 and not was_stopped
            slot.exits += 1
            slot.failed_starts = slot.failed_starts + 1 if is_failed_start else 0
        is_fatal = slot.is_wanted and self.attempts is not None and slot.failed_starts > self.attempts
        if is_fatal:
            self.ended["start_failed"] += 1
        elif was_stopped:
            self.ended["stopped"] += 1
        else:
            self.ended["failed" if code else "success"] += 1
        slot.state = "empty"
        if self.queue and slot in self.current:
            self.fill(slot, from_queue=True)
        elif slot.comes_again:
            self.fill(slot)
        elif is_fatal:
            slot.state = "fatal"
        elif slot.is_wanted and (was_stopped or self._restarts(code)):
            slot.state, slot.due = "waiting", self.now + min(2 ** (slot.exits - 1), 60)
        else:
            slot.is_wanted = False

    def _restarts(self, code: int) -> bool:
        return self.restart == "always" or (self.restart == "on_failure" and code != 0)

    def trigger(self) -> None:
        free = [slot for slot in self.current if slot.is_free]
        staying = [slot for slot in self.current if slot.state == "up"]
        if free:
            self.fill(free[0])
        elif self.on_overlap == "skip":
            self.ended["skipped"] += 1
            self.new_run()
        else:
            is_room = self.on_overlap == "queue" or len(self.queue) < self.instances - len(staying)
            if not is_room and staying:
                self.end(min(staying, key=lambda slot: (slot.since, slot.run)))
            elif not is_room:
                self.queue.pop(0)
                self.ended["stopped"] += 1
            self.queue.append(self.new_run())

    def resize(self, instances: int) -> None:
        before, self.instances = self.instances, instances
        for slot in reversed(self.slots[instances:]):
            self.empty(slot)
        for slot in self.slots[before:instances]:
            if self.queue and slot.is_free:
                self.fill(slot, from_queue=True)
            elif self.is_up:
                self.want(slot)

    def settle(self) -> None:
        """Whatever is due happens; processes whose grace ends together go in the order of their stops."""
        for slot in sorted(self.slots, key=lambda slot: slot.turn):
            if slot.state == "stopping" and slot.due <= self.now:
                self.exited(slot, -1)
            elif slot.state == "waiting" and slot.due <= self.now:
                self.fill(slot, anew=False)


class Supervision(RuleBasedStateMachine):
    @initialize(
        instances=st.integers(1, 3),
        restart=st.sampled_from(["always", "on_failure", "never"]),
        attempts=st.sampled_from([None, 0, 2]),
        on_overlap=st.sampled_from(["skip", "queue", "terminate"]),
        is_stubborn=st.booleans(),
    )
    def configure(
        self, instances: int, restart: str, attempts: int | None, on_overlap: str, is_stubborn: bool
    ) -> None:
        lines = [
            f"instances = {instances}",
            f'restart = "{restart}"',
            f'on_overlap = "{on_overlap}"',
            f'healthy_after = "{HEALTHY_AFTER_S}s"',
            f'graceful_stop = "{GRACE_S}s"',
        ]
        if attempts is not None:
            lines.append(f"restart_attempts = {attempts}")
        self.stage = Stage()
        self.supervisor = Supervisor(self.stage.resources, service("\n".join(lines)))
        self.model = Model(restart, attempts, on_overlap, is_stubborn, instances)

    def _settle(self) -> None:
        self.stage.settle()
        self.model.settle()
        if self.model.is_stubborn:
            for child in self.stage.spawner.alive:
                child.ignores.add(SIGTERM)

    @rule()
    def start(self) -> None:
        self.supervisor.start(TriggeredBy.API)
        self.model.is_up = True
        for slot in self.model.current:
            self.model.want(slot)
        self._settle()

    @rule()
    def stop(self) -> None:
        self.supervisor.stop()
        self.model.is_up = False
        self.model.ended["stopped"] += len(self.model.queue)
        self.model.queue.clear()
        for slot in self.model.slots:
            self.model.empty(slot)
        self._settle()

    @rule()
    def restart(self) -> None:
        self.supervisor.restart()
        self.model.is_up = True
        for slot in self.model.current:
            self.model.bounce(slot)
        self._settle()

    @rule()
    def trigger(self) -> None:
        self.supervisor.trigger()
        self.model.trigger()
        self._settle()

    @precondition(lambda self: self.stage.spawner.alive)
    @rule(data=st.data())
    def stop_run(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.stage.with_status(Status.RUNNING)))
        assert self.supervisor.stop_run(run.id)
        self.model.end(self.model.slots[run.replica_index])
        self._settle()

    @precondition(lambda self: self.stage.spawner.alive)
    @rule(data=st.data(), code=st.sampled_from([0, 1, 1, 1]))
    def exit(self, data: st.DataObject, code: int) -> None:
        run = data.draw(st.sampled_from(self.stage.with_status(Status.RUNNING)))
        self._exit(run.replica_index, code)

    def _exit(self, index: int, code: int) -> None:
        (run,) = [run for run in self.stage.with_status(Status.RUNNING) if run.replica_index == index]
        self.stage.spawner.of(run).exit(code)
        self.model.exited(self.model.slots[index], code)
        self._settle()

    @rule(instances=st.integers(1, MOST_INSTANCES))
    def resize(self, instances: int) -> None:
        self.supervisor.resize(evolve(self.supervisor.service, instances=instances))
        self.model.resize(instances)
        self._settle()

    @rule()
    def replace(self) -> None:
        self.supervisor.replace(evolve(self.supervisor.service, run="another"))
        for slot in self.model.current:
            if slot.is_wanted and slot.state != "fatal":
                slot.exits = slot.failed_starts = 0
                self.model.bounce(slot)
        self._settle()

    @rule(seconds=st.sampled_from([1, 2, 3, 8, 20, 60]))
    def wait(self, seconds: int) -> None:
        self._wait_until(self.model.now + seconds)

    @precondition(lambda self: any(not slot.is_free for slot in self.model.current))
    @rule(data=st.data(), times=st.integers(1, 4))
    def fail_in_a_row(self, data: st.DataObject, times: int) -> None:
        live = [index for index, slot in enumerate(self.model.current) if not slot.is_free]
        index = data.draw(st.sampled_from(live))
        for _ in range(times):
            if self.model.slots[index].is_free:
                return
            self._exit(index, 1)
            if self.model.slots[index].state == "waiting":
                self._wait_until(self.model.slots[index].due)

    def _wait_until(self, then: int) -> None:
        """Let time pass, with a stop at every moment at which something is due."""
        while self.model.now < then:
            due = [slot.due for slot in self.model.slots if slot.state in ("stopping", "waiting")]
            moment = min([then, *due])
            self.stage.clock.advance(moment - self.model.now)
            self.model.now = moment
            self._settle()

    @invariant()
    def slots_are_as_the_model_says(self) -> None:
        states = {"empty": "stopped", "up": "running", "waiting": "restarting", "fatal": "fatal"}
        for replica, slot in zip(self.supervisor.report().replicas, self.model.current, strict=True):
            stopping = "restarting" if slot.is_wanted else "running"
            assert replica.state == states.get(slot.state, stopping)
            assert (replica.is_wanted, replica.failed_starts) == (slot.is_wanted, slot.failed_starts)
            due = (NOON_S + slot.due) * 1000 if slot.state == "waiting" else None
            assert replica.next_start_at == due

    @invariant()
    def no_slot_has_two_processes_and_no_process_is_without_a_slot(self) -> None:
        in_flight = [run.replica_index for run in self.stage.with_status(Status.RUNNING)]
        assert len(in_flight) == len(set(in_flight)) == len(self.stage.spawner.alive)
        assert sorted(in_flight) == [index for index, slot in enumerate(self.model.slots) if not slot.is_free]
        surplus = [index for index in in_flight if index >= self.model.instances]
        assert len(in_flight) - len(surplus) <= self.model.instances
        assert set(surplus) <= {run.replica_index for run in self._being_stopped()}
        assert self.supervisor.active_count == len(in_flight)

    def _being_stopped(self) -> list[Run]:
        waiting_for = self.supervisor.waiting_for()
        return [run for run in self.stage.with_status(Status.RUNNING) if run.id in waiting_for]

    @invariant()
    def runs_wait_only_while_every_slot_is_taken(self) -> None:
        waiting = len(self.stage.with_status(Status.PENDING))
        assert waiting == self.supervisor.queued_count == len(self.model.queue)
        assert not waiting or not any(slot.is_free for slot in self.model.current)

    @invariant()
    def every_run_has_ended_for_the_right_reason(self) -> None:
        ended = Counter(str(run.end_reason) for run in self.stage.with_status(Status.ENDED))
        assert ended == +self.model.ended

    def teardown(self) -> None:
        self.supervisor.stop()
        for _ in range(GRACE_S + 1):
            self.stage.clock.advance(1)
            self.stage.settle()
        assert self.supervisor.is_idle
        assert self.stage.spawner.alive == []
        assert self.stage.clock.getDelayedCalls() == []
        assert {run.status for run in self.stage.rows()} <= {Status.ENDED}


TestSupervision = Supervision.TestCase
TestSupervision.settings = settings(max_examples=60, stateful_step_count=30)
