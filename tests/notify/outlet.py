"""A stand-in for outbound delivery, verified against its interface."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from runwisp.config.settings import Config
from runwisp.notify.seams import IOutbound
from runwisp.policy.coalescing import Due


@implementer(IOutbound)
class FakeOutbound:
    """Remembers what it is asked for, in order; :meth:`stop` ends at once unless it ``is_slow``."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.is_slow = False
        self.stopping: Deferred[None] | None = None

    @property
    def sent(self) -> list[tuple[str, Due]]:
        return [item for item in self.asked if isinstance(item, tuple)]

    def start(self, config: Config, fingerprint: str) -> None:
        self.asked.append("start")

    def send(self, token: str, due: Due) -> None:
        self.asked.append((token, due))

    def change(self, config: Config) -> None:
        self.asked.append("change")

    def stop(self, within_s: float) -> Deferred[None]:
        self.asked.append(f"stop within {within_s:g}")
        if not self.is_slow:
            return succeed(None)
        self.stopping = Deferred()
        return self.stopping
