"""Finds out what is owed for slots that nothing could fire, off the reactor (spec: runtime, catch-up)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from runwisp.engine.resources import Resources
from runwisp.engine.scheduler import Entry, Gap
from runwisp.engine.task import TaskKeeper
from runwisp.model import CatchUp, Task, UnixMs
from runwisp.policy.catch_up import SAFETY_LIMIT, CatchUpPlan, plan_catch_up


@frozen
class Debt:
    """A task and what it is owed."""

    task: Task
    entry: Entry

    def plan(self, now: UnixMs) -> CatchUpPlan | None:
        entry, task = self.entry, self.task
        return plan_catch_up(
            entry.schedule,
            entry.zone,
            anchor=entry.after,
            now=now,
            policy=task.catch_up,
            limit=task.catch_up_limit,
        )


class CatchingUp:
    """Plans gaps in a worker thread and lets the keepers carry them out, task by task in name order."""

    log = Logger()

    def __init__(self, resources: Resources, keepers: Mapping[str, TaskKeeper]) -> None:
        self._resources = resources
        self._keepers = keepers

    def plan(self, gaps: Sequence[Gap], now: UnixMs) -> Deferred[dict[str, CatchUpPlan]]:
        """The plans of those gaps in which something was missed, in name order."""
        debts = [
            Debt(self._keepers[gap.entry.name].task, gap.entry)
            for gap in sorted(gaps, key=lambda gap: gap.entry.name)
            if gap.entry.name in self._keepers
        ]
        return self._resources.in_thread(_plan_all, debts, now)

    def carry_out(self, plans: Mapping[str, CatchUpPlan]) -> set[str]:
        """Record the gaps and start or queue the re-runs; the names of the tasks that got some."""
        rerun = set()
        for name, plan in plans.items():
            keeper = self._keepers.get(name)
            if keeper is None:
                continue
            self._warn_if_capped(keeper.task, plan)
            keeper.catch_up(plan)
            if plan.rerun:
                rerun.add(name)
        return rerun

    def _warn_if_capped(self, task: Task, plan: CatchUpPlan) -> None:
        if task.catch_up is CatchUp.ALL and task.catch_up_limit is None and plan.is_at_least:
            dropped = plan.missed - len(plan.rerun)
            self.log.warn(
                "too many missed slots to run them all",
                task=task.name,
                missed=f"at least {plan.missed}",
                cap=SAFETY_LIMIT,
                dropped=f"at least {dropped}",
            )


def _plan_all(debts: Sequence[Debt], now: UnixMs) -> dict[str, CatchUpPlan]:
    return {debt.task.name: plan for debt in debts if (plan := debt.plan(now)) is not None}
