"""Makes the rows of runs, up to their start or to an end without one."""

from __future__ import annotations

from attrs import evolve

from runwisp.engine.resources import Resources
from runwisp.model import EndReason, Run, Status, TriggeredBy, TriggerSource, Unit
from runwisp.policy.failures import is_failure
from runwisp.policy.outcome import NO_EXIT_CODE
from runwisp.units import now_ms


def new_run(
    resources: Resources, unit: Unit, triggered_by: TriggeredBy, source: TriggerSource | None = None
) -> Run:
    """A pending run of ``unit`` that is created now."""
    return Run(
        id=resources.ids(),
        task_name=unit.name,
        status=Status.PENDING,
        created_at=now_ms(resources.wall),
        triggered_by=triggered_by,
        trigger_source=source,
    )


def begun(resources: Resources, run: Run, replica_index: int = 0) -> Run:
    """The pending ``run`` as it starts now."""
    start_at = max(now_ms(resources.wall), run.created_at)
    return evolve(run, status=Status.RUNNING, start_at=start_at, replica_index=replica_index)


def never_ran(resources: Resources, unit: Unit | None, run: Run, reason: EndReason, message: str) -> Run:
    """The pending ``run`` as it ends now, for ``reason``; None for a unit that is no longer configured."""
    return evolve(
        run,
        status=Status.ENDED,
        end_reason=reason,
        exit_code=NO_EXIT_CODE,
        end_at=max(now_ms(resources.wall), run.created_at),
        is_failure=unit is not None and is_failure(unit.failures, reason, NO_EXIT_CODE),
        message=message,
    )
