"""When a message is delivered, tried again or given up (spec: notifications, attempts)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from runwisp.model import Seconds, UnixMs

FIRST_PAUSE = Seconds(1.0)
LONGEST_PAUSE = Seconds(60.0)
#: An attempt takes no longer; who hands on mail may let others wait on purpose.
LONGEST_HTTP_ATTEMPT = Seconds(15.0)
LONGEST_MAIL_ATTEMPT = Seconds(60.0)
#: How far a pause may be from its length, as a part of that.
SPREAD = 0.5
_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS = 408, 429
#: Of a number of seconds with more digits no more than that is known: it is long.
_MOST_DIGITS = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: More doublings would not make a pause longer.
_MOST_DOUBLINGS = 16


class Verdict(Enum):
    """What an answer means for the message."""

    DELIVERED = "delivered"
    RETRY = "retry"
    PERMANENT = "permanent"


def verdict_of_http(status: int) -> Verdict:
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status in (_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS) or 500 <= status < 600:
        return Verdict.RETRY
    return Verdict.PERMANENT


def verdict_of_smtp(code: int) -> Verdict:
    """``code`` is below 0 if there was no reply."""
    if 200 <= code < 300:
        return Verdict.DELIVERED
    return Verdict.PERMANENT if code >= 500 else Verdict.RETRY


def asks_to_wait(status: int) -> bool:
    """Whether an answer may say how long to wait."""
    return status == _TOO_MANY_REQUESTS


def retry_after(header: str, now: UnixMs) -> Seconds | None:
    """The wait that ``Retry-After`` asks for: whole seconds or an HTTP date; None if it is neither."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        return Seconds(float(header)) if len(header) <= _MOST_DIGITS else LONGEST_PAUSE
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return Seconds(max(0.0, (date - _EPOCH).total_seconds() - now / 1000))


def pause(
    failures: int, asked: Seconds | None, *, elapsed: Seconds, budget: Seconds, chance: float
) -> Seconds | None:
    """How long to wait before the next attempt; None if the message is given up.

    An attempt is never cut short by the budget, so that there always is one.

    :param failures: how many attempts there have been
    :param asked: the wait that the other side asks for, which takes the place of ours
    :param elapsed: since the first attempt began
    :param chance: a random number from 0 to 1
    """
    if asked is None:
        doubled = FIRST_PAUSE * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
        wait = min(doubled, LONGEST_PAUSE) * (1 + SPREAD * (2 * chance - 1))
    else:
        # Who asks for no wait at all would be asked over and over again.
        wait = max(asked, FIRST_PAUSE)
    wait = min(wait, LONGEST_PAUSE)
    return None if elapsed + wait > budget else Seconds(wait)
