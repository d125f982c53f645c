"""How often a client may try (spec: rest, limits)."""

from __future__ import annotations

import math
from collections import deque
from ipaddress import IPv6Address, IPv6Network

from attrs import define, field

from runwisp.model import Seconds
from runwisp.web.addresses import parse_ip

#: How much of an IPv6 address tells one client from another: who has one address has its whole network.
_CLIENT_PREFIX = 64


@define
class SlidingWindow:
    """At most ``per_client`` events of one client, and ``in_all`` of everybody, within ``window``.

    Only what was counted is remembered, so never more clients than ``in_all``. Times are monotonic seconds.
    """

    per_client: int
    in_all: int
    window: Seconds
    _events: deque[tuple[float, str]] = field(factory=deque, init=False)

    def wait(self, address: str, now_s: float) -> int | None:
        """Whole seconds until one more event of this client is within the limits; None if it is now."""
        self._forget(now_s)
        client = client_of(address)
        own = [at for at, whose in self._events if whose == client]
        blocking = [times[-most] for times, most in self._limits(own) if len(times) >= most]
        return max(1, math.ceil(max(blocking) + self.window - now_s)) if blocking else None

    def count(self, address: str, now_s: float) -> None:
        """Remember an event; to be called only when :meth:`wait` has nothing against it."""
        self._forget(now_s)
        if len(self._events) >= self.in_all:
            self._events.popleft()
        self._events.append((now_s, client_of(address)))

    def __len__(self) -> int:
        return len(self._events)

    def _limits(self, own: list[float]) -> tuple[tuple[list[float], int], ...]:
        return (own, self.per_client), ([at for at, _ in self._events], self.in_all)

    def _forget(self, now_s: float) -> None:
        while self._events and now_s - self._events[0][0] >= self.window:
            self._events.popleft()


def client_of(address: str) -> str:
    """What counts as one client: an IPv4 address, the first half of an IPv6 address, or the text itself."""
    ip = parse_ip(address)
    if isinstance(ip, IPv6Address):
        return str(IPv6Network((int(ip), _CLIENT_PREFIX), strict=False))
    return str(ip) if ip is not None else address
