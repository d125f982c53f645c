"""The web side as the daemon sees it: bound, prepared, opened, and closed within its time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.interfaces import IProtocolFactory

from runwisp.web.listen.listeners import Listeners


class Server:
    """``make_site`` is called when the database is open and before anything is started."""

    def __init__(self, listeners: Listeners, make_site: Callable[[], Awaitable[IProtocolFactory]]) -> None:
        self.listeners = listeners
        self._make_site = make_site
        self._site: IProtocolFactory | None = None
        self._is_open = False

    def bind(self) -> None:
        """Take every address, and answer nobody yet.

        :raises CannotListen: one of them cannot be had
        """
        try:
            self.listeners.bind()
        except BaseException:
            self.listeners.abandon()
            raise

    async def prepare(self) -> None:
        """Find out whom to let in.

        :raises RunWispError: what that takes is not there
        """
        self._site = await self._make_site()

    def open(self) -> None:
        """Answer."""
        assert self._site is not None
        self.listeners.open(self._site, None)
        self._is_open = True

    async def close(self) -> None:
        """Let go of every address and connection."""
        if self._is_open:
            await self.listeners.close()
        else:
            self.listeners.abandon()
