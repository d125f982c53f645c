"""Holds the repeats of events back for one notifier (spec: notifications, coalescing, outbound)."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from runwisp.model import NotifyEvent
from runwisp.policy.coalescing import Due, Repeats, Rule, arrive, dedup_key, expire


class Coalescer:
    """Calls ``send`` with each message that is due, within :meth:`take` or when a window ends."""

    def __init__(self, clock: IReactorTime, rule: Rule, send: Callable[[Due], None]) -> None:
        self._clock = clock
        self._rule = rule
        self._send = send
        # By key, in the order in which their windows end: all are equally long.
        self._known: dict[str, Repeats] = {}
        self._timer: IDelayedCall | None = None

    def take(self, event: NotifyEvent) -> None:
        """One more event for the notifier."""
        now = self._clock.seconds()
        self._expire(now)
        key = dedup_key(event)
        repeats, due = arrive(self._known.get(key), event, self._rule, now)
        if due is not None:
            self._known.pop(key, None)
            self._send(due)
        if not repeats.is_over(self._rule, now):
            self._known[key] = repeats
        self._arm()

    def flush(self) -> None:
        """Send the summaries of what is held, and forget everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        known, self._known = self._known, {}
        now = self._clock.seconds()
        for repeats in known.values():
            _, due = expire(repeats, now)
            if due is not None:
                self._send(due)

    def _expire(self, now: float) -> None:
        while self._known:
            key, repeats = next(iter(self._known.items()))
            if not repeats.is_over(self._rule, now):
                break
            del self._known[key]
            again, due = expire(repeats, now)
            if again is not None:
                self._known[key] = again
            if due is not None:
                self._send(due)

    def _arm(self) -> None:
        """Keep one timer, which is never later than the end of the first window."""
        if self._known and self._timer is None:
            first = next(iter(self._known.values()))
            wait_s = first.last_sent + self._rule.window - self._clock.seconds()
            self._timer = self._clock.callLater(max(0.0, wait_s), self._window_ended)

    def _window_ended(self) -> None:
        self._timer = None
        self._expire(self._clock.seconds())
        self._arm()
