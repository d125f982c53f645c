"""Brings the engine up in order (spec: runtime, boot sequence, steps 3 to 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from sqlite3 import Cursor

from attrs import evolve, frozen
from twisted.logger import Logger

from runwisp.engine import procfs
from runwisp.engine.births import never_ran
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.engine.scheduler import Entry, Gap
from runwisp.model import EndReason, Run, RunOnStart, Task, TriggeredBy, UnixMs
from runwisp.policy.clock import ClockChange, judge_start
from runwisp.policy.triggering import why_not_pausable
from runwisp.store import marks, runs
from runwisp.store.interfaces import IDatabase
from runwisp.store.marks import Registration
from runwisp.units import now_ms

_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


def boot_identity() -> str | None:
    """What is different after each boot of the machine or start of the container; None if unknown."""
    try:
        kernel = _BOOT_ID_FILE.read_text("ascii").strip()
    except OSError:
        return None
    first = procfs.read_process(1)
    return f"{kernel}:{first.started}" if first is not None else None


@frozen
class Legacy:
    """What an earlier daemon left in the database."""

    registrations: Mapping[str, Registration]
    pending: Sequence[Run]
    retries: Sequence[Run]


@frozen(kw_only=True)
class Taken:
    """Runs that died with an earlier daemon, and missed slots that are made up for now."""

    crashed: int
    made_up_for: int


class Boot:
    """Takes up what an earlier daemon left, arms the schedules, and starts what is to run."""

    log = Logger()

    def __init__(
        self,
        engine: Engine,
        recovery: Recovery,
        database: IDatabase,
        identify_boot: Callable[[], str | None] = boot_identity,
    ) -> None:
        self._engine = engine
        self._recovery = recovery
        self._database = database
        self._identify_boot = identify_boot
        self._ledger = engine.resources.ledger

    async def bring_up(self) -> Taken:
        """Everything up to the moment when connections may be accepted.

        :return: what there was to take up
        :raises StorageError: the database cannot be read; then nothing was started
        """
        engine = self._engine
        crashed = await self._recovery.reconcile(await self._database.read(runs.running))
        now = now_ms(engine.resources.wall)
        legacy = await self._read(now)
        gaps = self._register(legacy, now)
        plans = await engine.catching_up.plan(gaps, now)
        # One turn from here on: the gaps are queued for writing before any new slot can move a task's mark.
        self._resume(legacy.pending)
        engine.scheduler.start()
        self._run_on_start(legacy.registrations)
        engine.start_order.start()
        rerun = engine.catching_up.carry_out(plans)
        self._resume_retries(legacy.retries, {run.id for run in crashed if run.task_name in rerun})
        return Taken(crashed=len(crashed), made_up_for=sum(len(plans[name].rerun) for name in rerun))

    async def _read(self, now: UnixMs) -> Legacy:
        names = sorted(self._engine.config.tasks)

        def register(cursor: Cursor) -> Mapping[str, Registration]:
            for gone in marks.registrations(cursor).keys() - set(names):
                marks.forget(cursor, gone)
            for name in names:
                marks.register(cursor, name, now)
            return marks.registrations(cursor)

        registrations = await self._database.write(register)
        pending = await self._database.read(runs.pending)
        retries = await self._database.read(runs.waiting_retries)
        return Legacy(registrations, pending, retries)

    def _register(self, legacy: Legacy, now: UnixMs) -> list[Gap]:
        """Put every task on the schedule; where slots may have been missed, that gap is in the result."""
        gaps = []
        for name, registration in legacy.registrations.items():
            task = self._engine.config.tasks[name]
            if registration.paused_at is not None:
                if self._stays_paused(task, now):
                    self._engine.paused[name] = registration.paused_at
                    continue
                registration = evolve(registration, resumed_at=now)
            anchor = self._anchor(registration, now)
            entry = Entry.of(task, anchor)
            # Intervals are of elapsed time, and each daemon counts them from its own start.
            is_interval = entry is not None and entry.is_interval
            self._engine.scheduler.add(task, after=now if is_interval else max(anchor, now))
            if entry is not None and anchor < now:
                gaps.append(Gap(entry))
        return gaps

    def _stays_paused(self, task: Task, now: UnixMs) -> bool:
        reason = why_not_pausable(task)
        if reason is not None:
            self.log.warn("pause lifted", task=task.name, why=reason)
            self._ledger.resume(task.name, now)
        return reason is None

    def _anchor(self, registration: Registration, now: UnixMs) -> UnixMs:
        """The moment from which slots count as missed or, if it lies ahead, up to which none fires."""
        known = [at for at in (registration.last_tick_at, registration.resumed_at) if at is not None]
        anchor = max(known) if known else registration.first_seen_at
        if judge_start(last_tick_at=anchor, now=now) is ClockChange.FAR_BACK:
            self.log.warn("the clock was set far back: the schedule starts anew", task=registration.task_name)
            self._ledger.move_mark(registration.task_name, now)
            return now
        return anchor

    def _resume(self, pending: Sequence[Run]) -> None:
        """Queued runs, oldest first (spec: runtime, pending rows)."""
        config = self._engine.config
        for run in pending:
            keeper = self._engine.keepers.get(run.task_name)
            if keeper is not None:
                keeper.resume(run)
                continue
            service = config.services.get(run.task_name)
            if service is not None:
                reason, why = EndReason.FAILED, "the daemon was started again"
            else:
                reason, why = EndReason.SKIPPED, "the task is no longer configured"
            self.log.info("run not started", task=run.label, run=run.id, reason=reason, why=why)
            self._ledger.end(never_ran(self._engine.resources, service, run, reason, why))

    def _run_on_start(self, registrations: Mapping[str, Registration]) -> None:
        identity = self._identify_boot()
        for name, keeper in sorted(self._engine.keepers.items()):
            when = keeper.task.run_on_start
            if when is None or name in self._engine.paused:
                continue
            if when is RunOnStart.DAEMON:
                keeper.fire(TriggeredBy.STARTUP)
            elif identity is None:
                self.log.warn("the boot of this machine cannot be told: running at every start", task=name)
                keeper.fire(TriggeredBy.STARTUP)
            elif registrations[name].boot_id != identity:
                keeper.fire(TriggeredBy.STARTUP, boot_id=identity)

    def _resume_retries(self, retries: Sequence[Run], superseded: set[str]) -> None:
        """Waiting retries; catch-up makes those of crashed runs of the same task superfluous."""
        for run in retries:
            keeper = self._engine.keepers.get(run.task_name)
            if keeper is not None and run.id not in superseded:
                keeper.resume_retry(run)
                continue
            why = "the task is no longer configured" if keeper is None else "catch-up runs the task"
            self.log.info("retry dropped", task=run.task_name, run=run.id, why=why)
            self._ledger.drop_retry(run)
