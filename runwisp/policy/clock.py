"""What a jump of the wall clock means for the scheduler (spec: runtime, clock jumps and long sleep)."""

from __future__ import annotations

from enum import Enum

from runwisp.model import Seconds, UnixMs

FORWARD_S = 60.0
LONGEST_WAIT_S = 3 * 3600.0
#: A clock that is steered to the right time loses less than this between two wakes.
STEERING_S = 1.0


class ClockChange(Enum):
    NONE = "none"
    #: Time was lost to a suspend or a clock set ahead: what fell into it was missed.
    FORWARD = "forward"
    #: The clock was set back by a little: nothing fires again until it has passed the last fired slot.
    BACK = "back"
    #: The clock was set back by so much that every schedule starts anew on the new clock.
    FAR_BACK = "far_back"


def judge_wake(*, wall_elapsed: Seconds, elapsed: Seconds, planned: Seconds) -> ClockChange:
    """What happened while the scheduler slept.

    :param wall_elapsed: by how much the wall clock went on
    :param elapsed: monotonic time that passed
    :param planned: how long the sleep should have been, monotonic
    """
    gained = wall_elapsed - elapsed
    if gained <= -STEERING_S:
        return _back(-gained)
    if gained >= FORWARD_S or elapsed - planned >= FORWARD_S:
        return ClockChange.FORWARD
    return ClockChange.NONE


def judge_start(*, last_tick_at: UnixMs, now: UnixMs) -> ClockChange:
    """The same for a task whose last fired slot an earlier daemon has stored."""
    return _back((last_tick_at - now) / 1000) if last_tick_at > now else ClockChange.NONE


def _back(seconds: float) -> ClockChange:
    return ClockChange.FAR_BACK if seconds > LONGEST_WAIT_S else ClockChange.BACK
