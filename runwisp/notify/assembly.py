"""Puts together the notifications of the daemon."""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.posixbase import PosixReactorBase
from zope.interface import implementer

from runwisp.config.settings import Config
from runwisp.engine.assembly import Assembly
from runwisp.notify.inapp import InApp
from runwisp.notify.seams import IOutbound
from runwisp.notify.service import Notifiers
from runwisp.policy.coalescing import Due
from runwisp.store.interfaces import IDatabase


@implementer(IOutbound)
class _Nowhere:
    """Nothing leaves the machine; the configuration warns of notifiers that have no effect."""

    def start(self, config: Config, fingerprint: str) -> None: ...

    def send(self, token: str, due: Due) -> None: ...

    def change(self, config: Config) -> None: ...

    def stop(self, within_s: float) -> Deferred[None]:
        return succeed(None)


def assemble_notifiers(
    reactor: PosixReactorBase, database: IDatabase, parts: Assembly, config: Callable[[], Config]
) -> Notifiers:
    """The notifications of a daemon with the resources of ``parts``.

    :param config: the configuration that holds at the moment
    """
    return Notifiers(
        clock=reactor,
        wall=time.time,
        ids=parts.resources.ids,
        bus=parts.bus,
        bell=InApp(reactor, time.time, database, parts.bus, lambda: config().notify),
        outbound=_Nowhere(),
        config=config,
    )
