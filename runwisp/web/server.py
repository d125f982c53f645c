"""The web side as the daemon sees it: bound, prepared, opened, and closed within its time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred, DeferredList

from runwisp.web.app import App
from runwisp.web.assembly import Apps
from runwisp.web.channel import ApiSite
from runwisp.web.listen.listeners import Listeners


class Server:
    """Owns the listeners and the site behind them.

    ``make_apps`` is called when the database is open, and before anything is started.
    """

    def __init__(self, listeners: Listeners, make_apps: Callable[[], Awaitable[Apps]]) -> None:
        self.listeners = listeners
        self._make_apps = make_apps
        self._apps: Apps | None = None
        self._sites: list[ApiSite] = []

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
        self._apps = await self._make_apps()

    def open(self) -> None:
        """Answer, also those who have waited."""
        assert self._apps is not None
        main = self._make_site(self._apps.main)
        metrics = self._make_site(self._apps.metrics) if self._apps.metrics is not None else None
        self.listeners.open(main, metrics)

    async def close(self) -> None:
        """Let go of every address, and end every stream and connection, within a moment."""
        await self.listeners.close()
        if self._apps is not None:
            self._apps.main.close_streams()
        await DeferredList([Deferred.fromCoroutine(site.close()) for site in self._sites])

    def _make_site(self, app: App) -> ApiSite:
        site = ApiSite(app, self.listeners.reactor)
        self._sites.append(site)
        return site
