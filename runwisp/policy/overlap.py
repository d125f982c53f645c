"""What becomes of a firing while earlier runs are active or wait (spec: runtime, concurrency)."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from runwisp.model import EndReason, Overlap, RunId

#: ``max_queued`` of a service, which has no such key.
SERVICE_MAX_QUEUED = 100


@frozen
class Active:
    """A run that holds a slot; ``stopping`` if it has been told to end."""

    run_id: RunId
    stopping: bool


@frozen
class Start:
    """The run starts now."""


@frozen
class Wait:
    """The run joins the end of the queue.

    ``victim`` is the active run to stop for it. With ``drop_oldest`` the run that has waited longest ends
    ``stopped``.
    """

    victim: RunId | None = None
    drop_oldest: bool = False


@frozen
class Refuse:
    """The run ends at once for ``reason`` and never starts."""

    reason: EndReason


def decide(
    *,
    on_overlap: Overlap,
    parallelism: int,
    max_queued: int,
    active: Sequence[Active],
    waiting: int,
    counted: int,
    exempt: bool = False,
) -> Start | Wait | Refuse:
    """The fate of one new firing, whatever its source.

    :param parallelism: slots of the unit; for a service its ``instances``
    :param active: oldest first
    :param waiting: how many runs are queued
    :param counted: how many of them take a place of ``max_queued``
    :param exempt: the firing is a catch-up or was resumed at boot, so ``max_queued`` does not apply to it
    """
    if len(active) < parallelism and not waiting:
        return Start()
    match on_overlap:
        case Overlap.SKIP:
            return Refuse(EndReason.SKIPPED)
        case Overlap.QUEUE:
            is_full = counted >= max_queued and not exempt
            return Refuse(EndReason.QUEUE_FULL) if is_full else Wait()
        case Overlap.TERMINATE:
            return _terminate(parallelism, [run.run_id for run in active if not run.stopping], waiting)


def _terminate(parallelism: int, staying: Sequence[RunId], waiting: int) -> Wait:
    if waiting < parallelism - len(staying):
        return Wait()
    if staying:
        return Wait(victim=staying[0])
    return Wait(drop_oldest=True)


def next_start(parallelism: int, active_count: int, waiting: int) -> int:
    """How many of the queued runs may start now."""
    return max(0, min(parallelism - active_count, waiting))
