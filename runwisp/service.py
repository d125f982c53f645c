"""Builds the tree of services and wires it: the only place that knows everyone.

``twistd runwisp`` comes here through :class:`Options` and :func:`makeService`; ``runwisp daemon`` is the same
program, started by our own command.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from twisted.application.service import MultiService
from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import ILogObserver, Logger
from twisted.python import usage
from twisted.python.logfile import LogFile

from runwisp.cli.options import FLAGS, Globals, resolve
from runwisp.cli.output import print_error
from runwisp.config.loader import find, load
from runwisp.config.settings import Config
from runwisp.daemon import Daemon
from runwisp.daemonlog import observer
from runwisp.engine.assembly import assemble, use_monotonic_clock
from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.housekeeping import Housekeeping
from runwisp.engine.recovery import Recovery
from runwisp.errors import RunWispError, UsageError
from runwisp.lifeline import Lifeline
from runwisp.sdnotify import Notifier
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir

log = Logger()

#: twistd takes the name of a function without arguments for its log, so what it needs has to be found here.
_log_observer: ILogObserver | None = None


def log_observer() -> ILogObserver:
    """The observer of the daemon's own log, once the options are known."""
    assert _log_observer is not None
    return _log_observer


class Options(usage.Options):
    """The options of ``twistd runwisp``, the same as the global flags of ``runwisp`` (spec: interfaces)."""

    synopsis = "[options]"
    optParameters = [
        [flag.name, flag.short, None, f"{flag.help} [default: {flag.default}; variable: {flag.variable}]"]
        for flag in FLAGS
    ]
    longdesc = "Example: twistd --pidfile= -n runwisp -c /etc/runwisp/runwisp.toml --data /var/lib/runwisp"

    settings: Globals

    def postOptions(self) -> None:
        flags = {flag.key: self[flag.name] for flag in FLAGS}
        try:
            self.settings = resolve(flags, os.environ, Path.cwd(), os.geteuid() == 0)
        except UsageError as error:
            raise usage.UsageError(str(error)) from error
        if self.parent is not None:
            self._take_over_log(self.parent)

    def _take_over_log(self, twistd: usage.Options) -> None:
        global _log_observer
        if twistd["nodaemon"] and not twistd["logfile"]:
            stream: TextIO | LogFile = sys.stderr
        else:
            stream = LogFile.fromFullPath(twistd["logfile"] or "twistd.log")
        _log_observer = observer(self.settings.log_level, self.settings.log_format, stream, os.environ)
        twistd["logger"] = f"{__name__}.{log_observer.__name__}"


def makeService(options: Options) -> MultiService:
    """The daemon for ``options``; whatever is wrong with the configuration ends the program with 1 here."""
    from twisted.internet import reactor

    assert isinstance(reactor, PosixReactorBase)
    use_monotonic_clock(reactor)
    settings = options.settings
    try:
        if "NOTIFY_SOCKET" in os.environ and options.parent is not None and not options.parent["nodaemon"]:
            raise UsageError("twistd must run with -n under systemd (NOTIFY_SOCKET is set)")
        path = find(settings.config, os.environ, Path.cwd(), os.geteuid() == 0)
        config = load(path, os.environ)
    except RunWispError as error:
        print_error(error)
        raise SystemExit(1) from None
    return build(reactor, config, settings)


def _not_notified(error: OSError) -> None:
    log.debug("the service manager does not listen: {error}", error=error)


def build(reactor: PosixReactorBase, config: Config, settings: Globals) -> Daemon:
    """Wire a daemon; no file or port is touched before it is started."""
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
    # The zone of the machine is kept as it was found at the start (spec: config, scheduler).
    is_host_zone = config.timezone_source == "system"
    return Daemon(
        reactor=reactor,
        data_dir=data_dir,
        database=database,
        engine=engine,
        boot=boot,
        housekeeping=housekeeping,
        lifeline=lifeline,
        load=lambda: load(config.path, os.environ, config.timezone if is_host_zone else None),
    )
