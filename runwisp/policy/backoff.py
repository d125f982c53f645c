"""Waiting times before retries and restarts (spec: runtime, retries and restart)."""

from __future__ import annotations

from runwisp.model import Curve, Seconds, Service, Task

LONGEST_RETRY_DELAY_S = 300.0
LONGEST_RESTART_DELAY_S = 60.0

#: Enough to take any delay above every cap, and no overflow after a thousand exits.
_MOST_DOUBLINGS = 64


def retry_delay(task: Task, retry_number: int) -> Seconds:
    """The wait before retry ``retry_number``, counted from 1; it begins at the end of the failed run."""
    return _delay(task.retry_backoff, task.retry_delay, retry_number, LONGEST_RETRY_DELAY_S)


def restart_delay(service: Service, exits_in_a_row: int) -> Seconds:
    """The wait before a slot is filled again after ``exits_in_a_row`` exits, counted from 1."""
    return _delay(service.restart_backoff, service.restart_delay, exits_in_a_row, LONGEST_RESTART_DELAY_S)


def _delay(curve: Curve, base: Seconds, number: int, longest: float) -> Seconds:
    match curve:
        case Curve.CONSTANT:
            delay: float = base
        case Curve.LINEAR:
            delay = base * number
        case Curve.EXPONENTIAL:
            delay = base * 2 ** min(number - 1, _MOST_DOUBLINGS)
    return Seconds(min(delay, longest))
