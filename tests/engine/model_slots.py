"""Every slot of a schedule has exactly one fate (spec: runtime, schedules; catch-up and start-up)."""

from __future__ import annotations

import re

from runwisp.config.cron import Schedule, parse
from runwisp.model import EndReason, Run, TriggeredBy, UnixMs
from runwisp.policy.firing import Fate, slots_between
from tests.engine.model_store import Asked, Transaction
from tests.engine.model_world import World

#: A wake that is late by a minute, after a clock that was set by nearly as much.
_LATEST_MS = 150_000
#: After so much time in small steps the scheduler has looked at its clocks.
_AWAKE_S = 31.0


class SlotRules:
    """Follows, task by task, up to which moment every slot has got its fate: ``done``."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.world: World
        self._done: dict[str, UnixMs] = {}
        self._fired_at_s: dict[str, float] = {}
        self._booting = True

    def booting(self) -> None:
        """A daemon begins: it knows what the database says."""
        self._booting = True
        self._done = {}
        for name, marks in self.world.store.registrations.items():
            known = [at for at in (marks.last_tick_at, marks.resumed_at) if at is not None]
            self._done[name] = max(known) if known else marks.first_seen_at

    def committed(self, transaction: Transaction) -> None:
        for moved in transaction.marks:
            name, before, after = moved.name, moved.before, moved.after
            if after is None:
                self._done.pop(name, None)
            elif before is None:
                self._done[name] = after.first_seen_at
            elif before.resumed_at != after.resumed_at and after.resumed_at is not None:
                self._done[name] = after.resumed_at
            elif before.paused_at == after.paused_at and before.boot_id == after.boot_id:
                rows = [change.after for change in transaction.runs if change.before is None]
                new = [run for run in rows if run is not None and run.task_name == name]
                assert after.last_tick_at is not None
                if not new:
                    self._done[name] = after.last_tick_at
                elif before.paused_at is not None:
                    self.problems.append(f"a slot of a paused task: {new}")
                else:
                    self._slot(transaction.asked, name, after.last_tick_at, new)
        self._check_plain(transaction)

    def _check_plain(self, transaction: Transaction) -> None:
        """What comes of a slot moves the mark of its task."""
        moved = {moved.name for moved in transaction.marks}
        for change in transaction.runs:
            run = change.after
            if change.before is None and run is not None and run.triggered_by is TriggeredBy.CRON:
                is_slot = run.retry_of_run_id is None
                if is_slot and run.task_name not in moved:
                    self.problems.append(f"a slot whose task has kept its mark: {run}")

    def _slot(self, asked: Asked, name: str, tick: UnixMs, new: list[Run]) -> None:
        task = asked.config.tasks.get(name)
        if task is None or task.cron is None or task.timezone is None:
            self.problems.append(f"a slot of a task without a schedule: {new}")
            return
        schedule, run, done = parse(task.cron), new[0], self._done[name]
        if run.end_reason is EndReason.MISSED:
            self._gap(schedule, task.timezone, done, tick, run)
            self._done[name] = max(tick, done)
            return
        if run.created_at < tick:
            self.problems.append(f"fired before its second {tick}: {run}")
        if schedule.every is None:
            self._fired(schedule, task.timezone, done, tick, run)
        elif self._fired_at_s.get(name) == asked.clock_s:
            self.problems.append(f"fired twice in one moment: {run}")
        self._fired_at_s[name] = asked.clock_s
        self._done[name] = UnixMs(max(tick, run.created_at))

    def _gap(self, schedule: Schedule, zone: str, done: UnixMs, latest: UnixMs, run: Run) -> None:
        slots = [
            slot.at for slot in slots_between(schedule, zone, done, latest, done) if slot.fate is Fate.RUN
        ]
        said = re.match(r"(at least )?(\d+) slots? missed", run.message or "")
        if not slots or slots[-1] != latest or run.created_at != latest or run.end_at != latest:
            self.problems.append(f"no slot was missed at {latest}, all up to {done} are done: {run}")
        elif said is None or (len(slots) < int(said[2]) if said[1] else len(slots) != int(said[2])):
            self.problems.append(f"{len(slots)} slots were missed from {done} to {latest}: {run}")

    def _fired(self, schedule: Schedule, zone: str, done: UnixMs, tick: UnixMs, run: Run) -> None:
        slots = list(slots_between(schedule, zone, done, tick, done))
        if not slots or slots[-1].at != tick:
            self.problems.append(f"{tick} is no slot after {done}: {run}")
            return
        if run.created_at - slots[0].at > _LATEST_MS and not self._booting:
            self.problems.append(f"not missed but fired very late, for {tick}: {run}")
        is_skipped = slots[-1].fate is Fate.DST_SKIPPED
        if is_skipped != (run.end_reason is EndReason.DST_SKIPPED):
            self.problems.append(f"the wrong fate for {slots[-1]}: {run}")

    def at_rest(self) -> None:
        """Nothing is under way but time and processes."""
        life = self.world.life
        if not life.is_up or life.booted_at is None:
            return
        if self._booting:
            self._check_forgotten(life.booted_at)
            self._done = {name: max(done, life.booted_at) for name, done in self._done.items()}
            self._booting = False
        elif self.world.quiet_s >= _AWAKE_S:
            self._check_forgotten(life.wall)

    def check_anew(self) -> None:
        """The clock was set far back, and every schedule goes on from there."""
        for name, done in self._done.items():
            task = self.world.life.config.tasks.get(name)
            is_scheduled = task is not None and task.cron is not None
            is_paused = self.world.store.registrations[name].paused_at is not None
            if is_scheduled and not is_paused and done > self.world.life.wall:
                self.problems.append(f"{name} waits for {done}")

    def _check_forgotten(self, now: UnixMs) -> None:
        """Every slot up to ``now`` has its fate; a skipped copy that was slept through has none."""
        life = self.world.life
        slept = now if self._booting else now - (self.world.quiet_s - _AWAKE_S) * 1000
        for name, done in self._done.items():
            task = life.config.tasks.get(name)
            marks = self.world.store.registrations[name]
            if task is None or task.cron is None or task.timezone is None or marks.paused_at is not None:
                continue
            schedule = parse(task.cron)
            if schedule.every is not None and not self._booting:
                self._check_interval(name, schedule, done, now)
                continue
            slots = slots_between(schedule, task.timezone, done, now, done)
            forgotten = [slot for slot in slots if slot.fate is Fate.RUN or slot.at > slept]
            if forgotten:
                self.problems.append(f"no fate for {forgotten} of {name}, later than {done}")

    def _check_interval(self, name: str, schedule: Schedule, done: UnixMs, now: UnixMs) -> None:
        """Only while nobody sets the clock: intervals are of elapsed time."""
        assert schedule.every is not None
        quiet_ms = self.world.quiet_s * 1000
        if quiet_ms > schedule.every * 1000 + 60_000 and now - done > schedule.every * 1000 + 60_000:
            self.problems.append(f"{name} has not fired for {now - done} ms")
