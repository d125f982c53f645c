"""What is owed for slots that nothing could fire (spec: runtime, catch-up and start-up)."""

from __future__ import annotations

from attrs import frozen

from runwisp.config.cron import Schedule
from runwisp.model import CatchUp, UnixMs
from runwisp.policy.firing import Fate, next_run, slots_between

#: ``catch_up = "all"`` runs no more than this many of the newest slots.
SAFETY_LIMIT = 100_000
#: Slots are counted at least this far, whatever will be run.
_COUNTED = 1000
_FIRST_WINDOW_MS = 3_600_000


@frozen
class CatchUpPlan:
    """A gap: slots missed from ``since`` to ``latest``, and those of them to run now, oldest first.

    Counting stops when there are more than matter; then ``is_at_least`` is true and ``missed`` a lower bound.
    """

    missed: int
    is_at_least: bool
    since: UnixMs
    latest: UnixMs
    rerun: tuple[UnixMs, ...]


def plan_catch_up(
    schedule: Schedule, zone: str, *, anchor: UnixMs, now: UnixMs, policy: CatchUp, limit: int | None = None
) -> CatchUpPlan | None:
    """The gap in (anchor, now], without the skipped copies of slots; None if no slot was missed.

    Each slot counted costs about 50 us, so a long count belongs in a thread.

    :param limit: the most slots that ``CatchUp.ALL`` runs, if that is less than :data:`SAFETY_LIMIT`
    """
    since = next_run(schedule, zone, anchor, anchor)
    if since is None or since > now:
        return None
    cap = _cap(policy, limit)
    most = max(cap, _COUNTED) + 1
    slots = _newest(schedule, zone, anchor, now, most)
    return CatchUpPlan(
        missed=len(slots),
        is_at_least=len(slots) == most,
        since=since,
        latest=slots[-1],
        rerun=tuple(slots[-cap:] if cap else ()),
    )


def _cap(policy: CatchUp, limit: int | None) -> int:
    match policy:
        case CatchUp.SKIP:
            return 0
        case CatchUp.LATEST:
            return 1
        case CatchUp.ALL:
            return SAFETY_LIMIT if limit is None else min(limit, SAFETY_LIMIT)


def _newest(schedule: Schedule, zone: str, anchor: UnixMs, now: UnixMs, count: int) -> list[UnixMs]:
    """The newest ``count`` executed slots of (anchor, now], oldest first.

    Schedules only walk forward, so this looks at windows that double in length on the way back.
    """
    slots: list[UnixMs] = []
    end, width = now, _FIRST_WINDOW_MS
    while end > anchor and len(slots) < count:
        start = max(anchor, UnixMs(end - width))
        window = slots_between(schedule, zone, start, end, anchor)
        slots = [slot.at for slot in window if slot.fate is Fate.RUN] + slots
        end, width = start, width * 2
    return slots[-count:]
