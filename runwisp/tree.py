"""Builds the tree of services and wires it: the only place that knows everyone."""

from __future__ import annotations

import os
import time
from typing import TextIO

from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger

from runwisp.cli.options import Globals
from runwisp.config.loader import load
from runwisp.config.settings import Config
from runwisp.daemon import Daemon, identify
from runwisp.daemonlog import LogObserver
from runwisp.engine.assembly import assemble, use_monotonic_clock
from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.housekeeping import Housekeeping
from runwisp.engine.recovery import Recovery
from runwisp.engine.samples import Samples
from runwisp.lifeline import Lifeline
from runwisp.notify.assembly import assemble_notifiers
from runwisp.sdnotify import Notifier
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir
from runwisp.units import now_ms
from runwisp.web.about import About, is_service_managed
from runwisp.web.assembly import Apps, Backing
from runwisp.web.auth.opening import open_auth
from runwisp.web.daemon_log import DaemonLog
from runwisp.web.listen.listeners import Listeners, Places
from runwisp.web.server import Server

log = Logger()


def _not_notified(error: OSError) -> None:
    log.debug("the service manager does not listen: {error}", error=error)


def build(
    reactor: PosixReactorBase,
    config: Config,
    settings: Globals,
    observer: LogObserver,
    terminal: TextIO | None,
) -> Daemon:
    """Wire a daemon whose log is what ``observer`` writes; nothing is touched before it is started.

    :param terminal: where somebody watches the start
    """
    use_monotonic_clock(reactor)
    data_dir = DataDir(settings.data)
    database = Database(data_dir.database, reactor)
    parts = assemble(
        reactor,
        database,
        data_dir.logs,
        os.environ,
        min_free_space=lambda: engine.config.storage.min_free_space,
    )
    engine = Engine(parts.resources, config)
    boot = Boot(engine, Recovery(parts.resources, config, parts.finish_log), database)
    housekeeping = Housekeeping(parts.resources, database, lambda: engine.config, data_dir.logs, parts.bus)
    notifier = Notifier.from_environ(os.environ, _not_notified)
    lifeline = Lifeline(reactor, notifier, engine, database, parts.bus)
    places = Places(host=settings.host, port=settings.port, socket=settings.socket, tls=data_dir.tls)
    listeners = Listeners(reactor, places, config.daemon, time.time)

    started_at, began_s = now_ms(time.time), reactor.seconds()
    samples = Samples(reactor, time.time)

    async def make_apps() -> Apps:
        auth = await open_auth(database, data_dir, os.environ, time.time, reactor.seconds)
        samples.start()
        about = About(
            fingerprint=await database.write(identify),
            pid=os.getpid(),
            started_at=started_at,
            began_s=began_s,
            host=settings.host,
            port=settings.port,
            data_dir=data_dir.path,
            socket=settings.socket,
            work_dir=os.getcwd(),
            is_auth_required=auth.is_required,
            is_service_managed=is_service_managed(os.environ, os.getpid()),
            can_switch_user=os.geteuid() == 0,
        )
        return Backing(
            clock=reactor,
            in_reactor=reactor.callFromThread,
            wall=time.time,
            engine=engine,
            database=database,
            bus=parts.bus,
            logs=data_dir.logs,
            library=parts.library,
            url=listeners.url,
            about=about,
            samples=samples,
            daemon_log=DaemonLog(observer, reactor.callFromThread),
            reload=daemon.reload,
        ).make_apps(auth)

    # The zone of the machine is kept as it was found at the start (spec: config, scheduler).
    is_host_zone = config.timezone_source == "system"
    daemon = Daemon(
        reactor=reactor,
        data_dir=data_dir,
        database=database,
        engine=engine,
        boot=boot,
        housekeeping=housekeeping,
        notifiers=assemble_notifiers(reactor, database, parts, lambda: engine.config),
        lifeline=lifeline,
        server=Server(listeners, make_apps),
        load=lambda: load(config.path, os.environ, config.timezone if is_host_zone else None),
        terminal=terminal,
    )
    return daemon
