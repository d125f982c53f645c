"""Makes channels, and imports what they need when the first one is wanted.

HTTP, TLS and mail are a large part of what there is to import, and most daemons send nothing for days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from twisted.internet.posixbase import PosixReactorBase

from runwisp.config.settings import Notifier, NotifierType
from runwisp.engine.process import ISpawner
from runwisp.engine.seams import InThread
from runwisp.notify.channel import Channel
from runwisp.notify.transports.names import Names

if TYPE_CHECKING:
    from runwisp.notify.transports.connecting import Connector

_TRANSPORTS = "runwisp.notify.transports"
_MODULES = {NotifierType.SMTP: "smtp", NotifierType.SENDMAIL: "sendmail"}


class Workshop:
    """What channels are made of.

    :param in_thread: for imports, which take long enough for others to notice
    :param environ: the environment of programs that hand on mail
    """

    def __init__(
        self,
        *,
        reactor: PosixReactorBase,
        wall: Callable[[], float],
        spawner: ISpawner,
        in_thread: InThread,
        environ: Mapping[str, str],
    ) -> None:
        self._reactor = reactor
        self._wall = wall
        self._spawner = spawner
        self._in_thread = in_thread
        self._environ = environ
        self._connector: Connector | None = None

    async def make(self, notifier: Notifier) -> Channel:
        """The channel of a notifier."""
        name = _MODULES.get(notifier.type, "http")
        await self._in_thread(import_module, f"{_TRANSPORTS}.{name}")
        # They are there already by now.
        if notifier.type is NotifierType.SENDMAIL:
            from runwisp.notify.transports.sendmail import SendmailChannel

            return SendmailChannel(notifier, self._reactor, self._spawner, self._wall, self._environ)
        if notifier.type is NotifierType.SMTP:
            from runwisp.notify.transports.smtp import SmtpChannel

            return SmtpChannel(notifier, self._reactor, self._connected(), self._wall)
        from runwisp.notify.transports.http import HttpChannel

        return HttpChannel(notifier, self._reactor, self._connected(), self._wall)

    def _connected(self) -> Connector:
        if self._connector is None:
            from runwisp.notify.transports.connecting import Connector

            self._connector = Connector(self._reactor, Names(self._reactor))
        return self._connector
