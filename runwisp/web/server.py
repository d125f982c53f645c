"""The web side as the daemon sees it: bound, prepared, opened, and closed within its time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from runwisp.web.app import App
from runwisp.web.channel import ApiSite
from runwisp.web.listen.listeners import Listeners


class Server:
    """Owns the listeners and the site behind them.

    ``make_app`` is called when the database is open, and before anything is started.
    """

    def __init__(self, listeners: Listeners, make_app: Callable[[], Awaitable[App]]) -> None:
        self.listeners = listeners
        self._make_app = make_app
        self._app: App | None = None
        self._site: ApiSite | None = None

    def bind(self) -> None:
        """Take every address, and answer nobody yet.

        :raises CannotListen: one of them cannot be had, and none was taken
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
        self._app = await self._make_app()

    def open(self) -> None:
        """Answer, also those who have waited."""
        assert self._app is not None
        self._site = ApiSite(self._app, self.listeners.reactor)
        self.listeners.open(self._site)

    async def close(self) -> None:
        """Let go of every address, and end every stream and connection, within a moment."""
        await self.listeners.close()
        if self._app is not None:
            self._app.close_streams()
        if self._site is not None:
            await self._site.close()
