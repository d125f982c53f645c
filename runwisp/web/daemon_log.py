"""The daemon's own log for those who follow it (spec: rest, /api/daemon/log/stream)."""

from __future__ import annotations

from collections.abc import Callable

from runwisp.daemonlog import LogObserver
from runwisp.web.resources.events import TextLines
from runwisp.web.routing import Outlet
from runwisp.web.sse import PING, Nudge, event

#: Most lines in one event.
_LINES_AT_ONCE = 200


class DaemonLog:
    """Hands the lines of ``observer``, as far as they are kept, to any number of clients.

    Nothing here is logged: that would be one more line to hand out.

    :param in_reactor: calls a function soon, in the thread of the reactor; it may be called in any thread
    """

    def __init__(self, observer: LogObserver, in_reactor: Callable[[Callable[[], None]], object]) -> None:
        self._observer = observer
        self._in_reactor = in_reactor
        self._followers: set[Nudge] = set()
        self._is_waking = False
        observer.listen(self._heard)

    async def send(self, outlet: Outlet, tail: int) -> None:
        """Write the last ``tail`` lines to ``outlet``, and then those that come, until somebody ends it."""
        number = max(0, self._observer.count - tail)
        nudge = Nudge()
        self._followers.add(nudge)
        try:
            outlet.write(PING)
            while True:
                await outlet.ready()
                lines, number = self._observer.lines_after(number, _LINES_AT_ONCE)
                if lines:
                    outlet.write(event("lines", TextLines(tuple(lines))))
                else:
                    await nudge.wait()
        finally:
            self._followers.discard(nudge)

    def _heard(self) -> None:
        """There is another line; this may be any thread."""
        if self._followers and not self._is_waking:
            self._is_waking = True
            self._in_reactor(self._wake)

    def _wake(self) -> None:
        self._is_waking = False
        for nudge in tuple(self._followers):
            nudge.give()
