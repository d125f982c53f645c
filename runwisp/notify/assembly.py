"""Puts together the notifications of the daemon."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger

from runwisp.config.settings import Config
from runwisp.engine.assembly import Assembly
from runwisp.engine.environment import inheritable
from runwisp.model import Run
from runwisp.notify.inapp import InApp
from runwisp.notify.outbound import Outbound
from runwisp.notify.service import Notifiers
from runwisp.notify.tail import tail_of
from runwisp.notify.workshop import Workshop
from runwisp.store.interfaces import IDatabase

log = Logger()


def assemble_notifiers(
    reactor: PosixReactorBase, database: IDatabase, parts: Assembly, config: Callable[[], Config]
) -> Notifiers:
    """The notifications of a daemon with the resources of ``parts``.

    :param config: the configuration that holds at the moment
    """
    resources = parts.resources
    workshop = Workshop(
        reactor=reactor,
        wall=time.time,
        spawner=resources.spawner,
        in_thread=resources.in_thread,
        environ=inheritable(os.environ),
    )

    async def read_tail(run: Run) -> str:
        try:
            return await resources.in_thread(lambda: tail_of(parts.library.snapshot(run)))
        except OSError as error:
            log.warn("the end of a log cannot be read: {error}", error=error, run=run.id)
            return ""

    bell = InApp(reactor, time.time, database, parts.bus, lambda: config().notify)
    outbound = Outbound(
        clock=reactor,
        wall=time.time,
        chance=random.random,
        ids=resources.ids,
        database=database,
        bell=bell,
        make=workshop.make,
        read_tail=read_tail,
    )
    return Notifiers(
        clock=reactor,
        wall=time.time,
        ids=resources.ids,
        bus=parts.bus,
        bell=bell,
        outbound=outbound,
        config=config,
    )
