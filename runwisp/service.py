"""Where ``twistd runwisp`` comes in, and ``runwisp daemon`` with it: options, log, configuration.

The reactor is imported when all of that is known to be good; :mod:`runwisp.tree` then builds the daemon.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from twisted.application.service import MultiService
from twisted.python import usage
from twisted.python.logfile import LogFile

from runwisp.cli.options import FLAGS, Globals, resolve
from runwisp.cli.output import print_error
from runwisp.config.loader import find, load
from runwisp.daemonlog import LogObserver, observer
from runwisp.errors import RunWispError, UsageError
from runwisp.lean import import_reactor

#: twistd takes the name of a function without arguments for its log, so what it needs has to be found here.
_log_observer: LogObserver | None = None


def log_observer() -> LogObserver:
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
    settings = options.settings
    try:
        if "NOTIFY_SOCKET" in os.environ and options.parent is not None and not options.parent["nodaemon"]:
            raise UsageError("twistd must run with -n under systemd (NOTIFY_SOCKET is set)")
        path = find(settings.config, os.environ, Path.cwd(), os.geteuid() == 0)
        config = load(path, os.environ)
    except RunWispError as error:
        print_error(error)
        raise SystemExit(1) from None
    import_reactor()
    from twisted.internet import reactor
    from twisted.internet.posixbase import PosixReactorBase

    from runwisp.tree import build

    assert isinstance(reactor, PosixReactorBase)
    in_foreground = options.parent is not None and options.parent["nodaemon"]
    is_watched = in_foreground and settings.log_format == "auto" and sys.stderr.isatty()
    return build(reactor, config, settings, log_observer(), sys.stderr if is_watched else None)
