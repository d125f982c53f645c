"""What must hold of runs whatever happens (spec: runtime, run lifecycle, concurrency, retries, services)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import evolve

from runwisp.events import RunCreated, RunEnded, RunStarted, RunUpdated, ServiceUpdated
from runwisp.model import EndReason, Run, RunId, Service, Status, Task
from runwisp.policy.backoff import retry_delay
from tests.engine.fakes import FakeChild
from tests.engine.model_store import Asked, Change, Transaction
from tests.engine.model_world import Heard, Life, Told, World, due_calls

_ORDER = {Status.PENDING: 0, Status.RUNNING: 1, Status.ENDED: 2}
_RETRIED = {EndReason.FAILED, EndReason.TIMEOUT, EndReason.CRASHED}
_NEVER_RAN = {EndReason.SKIPPED, EndReason.QUEUE_FULL, EndReason.DST_SKIPPED, EndReason.MISSED}
#: How long a run may last after its process is gone, and after an order that came meanwhile.
_DRAIN_S = 2.0


class RunRules:
    """Watches every transaction, event and process; ``problems`` are sentences about what was wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.world: World
        self._places: dict[RunId, int] = {}
        self._last_place = 0
        self._generations: dict[RunId, int] = {}
        self._definitions: dict[RunId, Task | Service] = {}
        self._due_s: dict[RunId, float] = {}
        self._retried: set[RunId] = set()
        self._spawned: set[RunId] = set()
        self._heard: set[Heard] = set()
        self._exited_s: dict[int, float] = {}

    def _check(self, holds: bool, what: str, run: Run | None = None) -> None:
        if not holds:
            self.problems.append(what if run is None else f"{what}: {run}")

    # A new daemon

    def booting(self) -> None:
        """A daemon begins: queued runs are taken up oldest first, and nothing of an earlier reload counts."""
        waiting = sorted(self.world.store.open.values(), key=lambda run: (run.created_at, run.id))
        for run in waiting:
            self._places[run.id] = self._next_place()
        self._generations = dict.fromkeys(self.world.store.rows, 0)
        for run in self.world.store.rows.values():
            if run.next_retry_at is not None:
                delay_s = max(0.0, run.next_retry_at / 1000 - self.world.wall_s)
                self._due_s[run.id] = self.world.clock_s + delay_s

    def _next_place(self) -> int:
        self._last_place += 1
        return self._last_place

    # Transactions

    def committed(self, transaction: Transaction) -> None:
        asked = transaction.asked
        for change in transaction.runs:
            if change.after is None:
                self.problems.append(f"deleted: {change.before}")
                continue
            self._check_shape(change.after)
            if change.before is None:
                self._inserted(change.after, asked)
            self._check_direction(change, asked)
            if change.after.next_retry_at is not None and change.before != change.after:
                self._check_planned_retry(change, change.after, asked)
        for change in transaction.runs:
            if change.after is not None and change.after.retry_of_run_id and change.before is None:
                self._check_retry(change.after, asked)

    def _inserted(self, run: Run, asked: Asked) -> None:
        self._places[run.id] = self._next_place()
        self._generations[run.id] = asked.generations.get(run.task_name, 0)
        self._expect(RunCreated, run)

    def _expect(self, kind: type[RunCreated | RunStarted | RunEnded], run: Run) -> None:
        self.world.life.expected[Heard(kind, run.id)] += 1

    def _check_shape(self, run: Run) -> None:
        ended = run.status is Status.ENDED
        self._check(ended == (run.end_at is not None), "end_at without end", run)
        self._check(ended == (run.end_reason is not None), "end_reason without end", run)
        self._check(ended == (run.exit_code is not None), "exit_code without end", run)
        self._check(run.status is not Status.PENDING or run.start_at is None, "started while pending", run)
        self._check(run.status is not Status.RUNNING or run.start_at is not None, "no start", run)
        if run.end_reason in _NEVER_RAN:
            self._check(run.start_at is None and run.exit_code == -1, "ran though it never did", run)
        if run.start_at is not None:
            self._check(run.start_at >= run.created_at, "started before it was created", run)
            self._check(run.end_at is None or run.end_at >= run.start_at, "ended before it started", run)
        self._check(run.next_retry_at is None or ended, "a retry of what has not ended", run)

    def _check_direction(self, change: Change, asked: Asked) -> None:
        before, after = change.before, change.after
        assert after is not None
        if before is not None:
            self._check(_ORDER[before.status] <= _ORDER[after.status], f"went back from {before}", after)
            if before.status is Status.ENDED:
                unchanged = evolve(before, next_retry_at=None) == after
                self._check(unchanged, f"changed after its end, it was {before}", after)
        was = None if before is None else before.status
        if after.status is Status.RUNNING and was is not Status.RUNNING:
            self._expect(RunStarted, after)
            self._check_start(after, asked)
        if after.status is Status.ENDED and was is not Status.ENDED:
            self._expect(RunEnded, after)
            self._check_end(was, after)

    def _check_start(self, run: Run, asked: Asked) -> None:
        unit = asked.config.unit(run.task_name)
        if unit is None or self._generations[run.id] != asked.generations[run.task_name]:
            self.problems.append(f"started though its unit is gone: {run}")
            return
        self._definitions[run.id] = unit
        others = [other for other in self._companions(run) if other.status is Status.RUNNING]
        limit = unit.parallelism if isinstance(unit, Task) else unit.instances
        if isinstance(unit, Task):
            self._check(len(others) < limit, f"one too many, {len(others)} are running", run)
        else:
            self._check(run.replica_index < limit, f"no such slot among {limit}", run)
            taken = {other.replica_index for other in others}
            self._check(run.replica_index not in taken, f"slot taken, of {taken}", run)
        for other in self._companions(run):
            if other.status is Status.PENDING and self._places[other.id] < self._places[run.id]:
                self.problems.append(f"overtook {other}: {run}")

    def _companions(self, run: Run) -> Iterator[Run]:
        """Other runs of the same unit that have not ended."""
        for other in self.world.store.open.values():
            is_same = self._generations[other.id] == self._generations[run.id]
            if other.task_name == run.task_name and is_same and other.id != run.id:
                yield other

    def _check_end(self, was: Status | None, run: Run) -> None:
        if run.start_at is None:
            self._check(was is not Status.RUNNING, "its start is lost", run)
            self._check(run.id not in self._spawned, "has had a process", run)
        else:
            self._check(was is Status.RUNNING, "ended without having run", run)
        if run.end_reason in _RETRIED and run.start_at is not None and run.is_failure:
            self._check_retry_is_planned(run)
        else:
            self._check(run.next_retry_at is None, "a retry that nothing has earned", run)

    # Retries

    def _check_retry_is_planned(self, run: Run) -> None:
        life = self.world.life
        unit: Task | Service | None = self._definitions.get(run.id)
        if run.end_reason is EndReason.CRASHED:
            unit = life.config.unit(run.task_name)
        earned = isinstance(unit, Task) and run.retry_attempt < unit.retry_attempts
        if run.next_retry_at is not None:
            self._check(earned, "a retry too many", run)
        elif earned and self._generations[run.id] == life.generations.get(run.task_name, 0):
            self._check(False, "a retry is forgotten", run)

    def _check_planned_retry(self, change: Change, run: Run, asked: Asked) -> None:
        unit = self._definitions.get(run.id)
        if run.end_reason is EndReason.CRASHED:
            unit = asked.config.unit(run.task_name)
        if change.before is not None and change.before.next_retry_at is not None:
            return
        if not isinstance(unit, Task):
            self.problems.append(f"a retry of what is no task: {run}")
            return
        delay_s = retry_delay(unit, run.retry_attempt + 1)
        assert run.next_retry_at is not None
        self._check(abs(run.next_retry_at - asked.wall - delay_s * 1000) <= 1, "wrong time of retry", run)
        self._due_s[run.id] = asked.clock_s + delay_s

    def _check_retry(self, run: Run, asked: Asked) -> None:
        assert run.retry_of_run_id is not None
        failed = self.world.store.rows.get(run.retry_of_run_id)
        if failed is None:
            self.problems.append(f"a retry of nothing: {run}")
            return
        self._check(failed.id not in self._retried, "retried again", failed)
        self._retried.add(failed.id)
        self._check(failed.next_retry_at is None, "still says that a retry will come", failed)
        self._check(run.retry_attempt == failed.retry_attempt + 1, "miscounted", run)
        self._check(failed.end_reason in _RETRIED and failed.is_failure, "no reason to retry", failed)
        copied = ("task_name", "triggered_by", "trigger_source")
        self._check(all(getattr(run, key) == getattr(failed, key) for key in copied), "not a copy", run)
        self._check(asked.clock_s >= self._due_s.pop(failed.id, 0.0) - 0.001, "retried too early", run)

    # Events and processes

    def heard(self, life: Life, event: Told) -> None:
        if isinstance(event, ServiceUpdated):
            life.reports[event.name] = event.report
        if life.loses_rows:
            return
        if isinstance(event, ServiceUpdated):
            for replica in event.report.replicas:
                is_told = replica.run_id is None or Heard(RunStarted, replica.run_id) in self._heard
                self._check(is_told, f"told of a run that has not started: {event}")
        elif isinstance(event, RunUpdated):
            self._heard_update(life, event)
        else:
            self._heard_of(event)

    def _heard_update(self, life: Life, event: RunUpdated) -> None:
        # Of rows that are tried together at the end, one that follows from the first may be told of before
        # the second if the database answers within the call, which a real one does not.
        is_in_order = life.database.is_lazy or not life.engine.is_closing
        has_ended = Heard(RunEnded, event.run.id) in self._heard and is_in_order
        if event.is_stopping:
            has_started = Heard(RunStarted, event.run.id) in self._heard
            self._check(has_started and not has_ended, f"told at the wrong time: {event}")
        else:
            row = self.world.store.rows.get(event.run.id)
            said = (event.run.id, event.run.end_reason, event.run.next_retry_at)
            written = None if row is None else (row.id, row.end_reason, row.next_retry_at)
            self._check(said == written, f"told otherwise than written: {event}", row)

    def _heard_of(self, event: RunCreated | RunStarted | RunEnded) -> None:
        heard = Heard(type(event), event.run.id)
        row = self.world.store.rows.get(event.run.id)
        self._check(heard not in self._heard, f"told twice: {event}")
        self._heard.add(heard)
        if row is None:
            self.problems.append(f"told before it was committed: {event}")
        elif isinstance(event, RunStarted):
            self._check(row.status is not Status.PENDING, f"told before it was committed: {event}")
        elif isinstance(event, RunEnded):
            said = (event.run.end_reason, event.run.exit_code, event.run.end_at, event.run.start_at)
            written = (row.end_reason, row.exit_code, row.end_at, row.start_at)
            self._check(said == written, f"told otherwise than written: {event}", row)

    def spawned(self, child: FakeChild) -> None:
        run_id = RunId(child.launch.env["RUNWISP_RUN_ID"])
        row = self.world.store.rows.get(run_id)
        if row is None or row.status is not Status.RUNNING:
            self.problems.append(f"started before its row was committed: {run_id} {row}")
            return
        self._check(run_id not in self._spawned, "started twice", row)
        self._spawned.add(run_id)
        definition = self._definitions.get(run_id)
        is_right = definition is not None and child.launch.argv[-1] == definition.run
        self._check(is_right, f"started as {child.launch.argv}, not as {definition}", row)
        for leftover in self.world.leftovers.alive.values():
            self._check(leftover.task_name != row.task_name, f"started beside {leftover}", row)

    # At rest

    def at_rest(self) -> None:
        """Nothing is under way but time and processes."""
        life, store = self.world.life, self.world.store
        if not life.loses_rows:
            self._check(life.heard == life.expected, f"events: {_difference(life.heard, life.expected)}")
        running = {run.id: run for run in store.open.values() if run.status is Status.RUNNING}
        if life.booted_at is None:
            return
        self._check_processes(life, running)
        if not life.loses_rows:
            count = life.engine.active_count
            self._check(count == len(running), f"{count} runs are active, {len(running)} rows say so")
        self._check_delayed_calls(life, len(running))
        if life.is_up:
            self._check_waiting(life)
            self._check_retries(life)
            for name, supervisor in life.engine.supervisors.items():
                told, report = life.reports.get(name), supervisor.report()
                self._check(told in (None, report), f"told of {name} last: {told}, it is {report}")

    def _check_processes(self, life: Life, running: dict[RunId, Run]) -> None:
        found: Counter[RunId] = Counter()
        for child in life.spawner.children:
            run_id = RunId(child.launch.env["RUNWISP_RUN_ID"])
            if child.is_alive:
                self._check(run_id in running or life.loses_rows, f"a process without a run: {run_id}")
                found[run_id] += 1
            elif run_id in running:
                found[run_id] += 1
                since = self._exited_s.setdefault(child.pid + 10_000 * life.number, life.clock_s)
                late = life.clock_s - since
                self._check(late <= _DRAIN_S, f"over for {late} s and still running", running[run_id])
        for run in running.values():
            self._check(found[run.id] == 1 or life.loses_rows, f"{found[run.id]} processes", run)

    def _check_delayed_calls(self, life: Life, running: int) -> None:
        retries = sum(run.next_retry_at is not None for run in self.world.store.rows.values())
        replicas = sum(service.instances for service in life.config.services.values())
        most = 6 + 4 * running + retries + replicas
        self._check(len(due_calls(life)) <= most, f"{len(due_calls(life))} delayed calls, {most} are enough")

    def _check_waiting(self, life: Life) -> None:
        """No queue stands still, and none is left without its unit."""
        for run in self.world.store.open.values():
            if run.status is not Status.PENDING:
                continue
            unit = life.config.unit(run.task_name)
            generation = self._generations[run.id]
            if unit is None or generation != life.generations.get(run.task_name, 0):
                self.problems.append(f"waits though its unit is gone: {run}")
                continue
            active = sum(other.status is Status.RUNNING for other in self._companions(run))
            limit = unit.parallelism if isinstance(unit, Task) else unit.instances
            self._check(active >= limit, f"waits while {active} of {limit} are running", run)

    def _check_retries(self, life: Life) -> None:
        for run in self.world.store.rows.values():
            if run.next_retry_at is None:
                continue
            is_known = run.task_name in life.config.tasks
            self._check(is_known, "the retry of a task that is gone", run)
            overdue = life.clock_s - self._due_s[run.id]
            self._check(overdue < 0.001, f"its retry is overdue for {overdue} s", run)

    def stopped(self, name: str) -> None:
        """An operator has stopped the unit ``name``, and its rows are written."""
        generation = self.world.life.generations.get(name, 0)
        for run in self.world.store.rows.values():
            if run.task_name == name and self._generations[run.id] == generation:
                self._check(run.status is not Status.PENDING, "waits after the stop", run)
                self._check(run.next_retry_at is None, "will be retried after the stop", run)

    def ended(self) -> None:
        """The daemon has shut down."""
        life = self.world.life
        self._check(not life.spawner.alive, f"left alive: {life.spawner.alive}")
        self._check(not due_calls(life), f"left to be called: {due_calls(life)}")
        if not life.loses_rows and life.booted_at is not None:
            for run in self.world.store.open.values():
                self._check(run.status is Status.PENDING, "still running after the shutdown", run)


def _difference(first: Counter[Heard], second: Counter[Heard]) -> str:
    return f"told and not written {first - second}, written and not told {second - first}"
