"""Which events are the same again, and when repeats are told (spec: notifications, coalescing)."""

from __future__ import annotations

from attrs import evolve, frozen

from runwisp.model import Notification, NotifyEvent, NotifyKind, Seconds, UnixMs
from runwisp.policy.notify_events import body, title

#: The bell folds repeats also when nothing else does.
DEFAULT_WINDOW = Seconds(3600.0)
_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_64_BITS = 0xFFFFFFFFFFFFFFFF


def fnv_1a(data: bytes) -> int:
    """The hash FNV-1a of 64 bits."""
    number = _FNV_OFFSET
    for byte in data:
        number = (number ^ byte) * _FNV_PRIME & _64_BITS
    return number


def dedup_key(event: NotifyEvent) -> str:
    """16 hex digits, the same for the same kind of thing in the same unit with the same outcome."""
    if event.kind is NotifyKind.DELIVERY_FAILED:
        outcome = f"{event.extra['channel']}|{event.extra['original_kind']}"
    else:
        reason = event.run.end_reason if event.run is not None else None
        outcome = "" if reason is None else reason.value
    return f"{fnv_1a('|'.join((event.kind, event.task_name or '', outcome)).encode()):016x}"


@frozen
class Rule:
    """Repeats within ``window`` are held back, and told at each ``ring``-th of them unless that is 1."""

    window: Seconds
    ring: int


@frozen
class Due:
    """A message that is to be sent now: a first one, or one that stands for ``coalesced_count`` events.

    It is the closing one of its window if ``coalesced_summary``, else a check-in.
    """

    event: NotifyEvent
    coalesced_count: int | None = None
    coalesced_summary: bool = False


@frozen
class Repeats:
    """What is known of one key at one notifier: ``held`` is the latest of ``pending`` events not told yet.

    ``last_sent`` is on the monotonic clock, in seconds.
    """

    last_sent: float
    pending: int = 0
    held: NotifyEvent | None = None

    def is_over(self, rule: Rule, now: float) -> bool:
        """Whether the window that began with the last message has ended."""
        return self.last_sent + rule.window <= now


def arrive(repeats: Repeats | None, event: NotifyEvent, rule: Rule, now: float) -> tuple[Repeats, Due | None]:
    """What comes of one more event: it is told at once, as a check-in, or held.

    What was due before ``now`` must have been taken with :func:`expire`.
    """
    if repeats is None or repeats.is_over(rule, now):
        return Repeats(now), Due(event)
    pending = repeats.pending + 1
    if rule.ring > 1 and pending >= rule.ring:
        return Repeats(now), Due(event, pending)
    return evolve(repeats, pending=pending, held=event), None


def expire(repeats: Repeats, now: float) -> tuple[Repeats | None, Due | None]:
    """What comes of the end of the window: the summary of what is held; without that the key is forgotten."""
    if repeats.held is None:
        return None, None
    return Repeats(now), Due(repeats.held, repeats.pending, coalesced_summary=True)


def fold(
    row: Notification | None,
    event: NotifyEvent,
    *,
    window: Seconds,
    ring: int,
    is_silent: bool = False,
) -> tuple[Notification, bool]:
    """The row of the bell that ``event`` makes, and whether it is a new one.

    :param row: the newest with the key of ``event``, if there is one
    :param window: 0 counts as :data:`DEFAULT_WINDOW`
    :param ring: so many moments are kept
    :param is_silent: it is read from the start, so that the bell does not light up
    """
    now = event.timestamp
    read_at = now if is_silent else None
    if row is not None and row.last_occurred_at >= now - round((window or DEFAULT_WINDOW) * 1000):
        again = evolve(
            row,
            count=row.count + 1,
            occurrence_ring=(now, *row.occurrence_ring)[:ring],
            last_occurred_at=now,
            title=title(event),
            body=body(event),
            run_id=event.run.id if event.run is not None else None,
            read_at=read_at,
        )
        return again, False
    return _new_row(event, read_at), True


def _new_row(event: NotifyEvent, read_at: UnixMs | None) -> Notification:
    return Notification(
        id=event.id,
        dedup_key=dedup_key(event),
        kind=event.kind.value,
        severity=event.severity,
        task_name=event.task_name,
        run_id=event.run.id if event.run is not None else None,
        title=title(event),
        body=body(event),
        count=1,
        occurrence_ring=(event.timestamp,),
        created_at=event.timestamp,
        last_occurred_at=event.timestamp,
        read_at=read_at,
    )
