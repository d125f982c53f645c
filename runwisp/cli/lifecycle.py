"""Stops and restarts the daemon as a whole (spec: interfaces, stop, start, restart).

A daemon that a service manager runs is stopped through the manager, which would otherwise start it again.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from attrs import evolve, frozen

from runwisp.cli import manager
from runwisp.cli.connecting import connected, is_down
from runwisp.cli.options import Globals
from runwisp.cli.output import note, say
from runwisp.client.errors import Unreachable
from runwisp.client.resources import DaemonInfo
from runwisp.config.loader import find, load
from runwisp.errors import RunWispError
from runwisp.store.datadir import DataDir

#: How long a daemon may take until it answers: one of ours, and one that its manager starts.
START_S, _MANAGED_START_S = 10.0, 15.0
_POLL_S = 0.05
#: Lines of the daemon's log that are shown when it does not come up.
_TAIL = 10


@frozen
class Running:
    """A daemon that answers. ``pid`` is its number here, which is not its own if it is in a container."""

    pid: int
    info: DaemonInfo
    work_dir: str

    @property
    def unit(self) -> manager.SystemdUnit | None:
        """The unit that it is, if its manager would start it again."""
        if not self.info.service_managed:
            return None
        try:
            return manager.unit_of(Path(f"/proc/{self.pid}/cgroup").read_text())
        except OSError:
            return None

    @property
    def environ(self) -> dict[str, str] | None:
        """The environment it was started with, None where that is not for us to see."""
        try:
            entries = Path(f"/proc/{self.pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return None
        pairs = (os.fsdecode(entry).partition("=") for entry in entries if b"=" in entry)
        return {name: value for name, _, value in pairs}


def stop_daemon(settings: Globals, *, is_local: bool) -> None:
    """Stop the daemon and wait until it is gone; no daemon is no error.

    :raises Unreachable: there is one that does not answer
    """
    running = _find(settings)
    if running is None:
        note(f"no daemon runs for {settings.data}")
        return
    _stop(running, _unit(running, is_local=is_local))
    say(f"stopped (process {running.pid})")


def restart_daemon(settings: Globals, *, is_local: bool) -> None:
    """Stop the daemon if there is one, start it with the same files, and wait until it answers.

    :raises ConfigErrors: it could not start again; it is left alone
    :raises RunWispError: it does not come up
    """
    running = _find(settings)
    if running is not None:
        unit = _unit(running, is_local=is_local)
    else:
        unit = manager.chosen_unit(manager.installed_units(settings.data, Path.home()), is_local=is_local)
    if unit is not None:
        if running is not None and running.environ is not None:
            load(Path(running.info.config_path), running.environ)
        unit.tell("restart")
        say(f"restarted, {when_healthy(settings, _MANAGED_START_S).url}")
        return
    work_dir = Path.cwd()
    if running is not None:
        work_dir = Path(running.work_dir)
        settings = _as_before(settings, running.info)
    load(find(settings.config, os.environ, work_dir, os.geteuid() == 0), os.environ)
    if running is not None:
        _stop(running, None)
    child = spawn_daemon(settings, work_dir)
    say(f"restarted, {when_healthy(settings, START_S, child).url}")


def spawn_daemon(
    settings: Globals, work_dir: Path, *, is_work_dir_removed: bool = False
) -> subprocess.Popen[bytes]:
    """Start a daemon that outlives this process; what it has to say goes to its log in the data directory.

    :param is_work_dir_removed: when the daemon has been stopped, remove its working directory
    """
    data_dir = DataDir(settings.data)
    data_dir.prepare()
    command = [sys.executable, "-m", "runwisp", "daemon", *settings.flags()]
    if is_work_dir_removed:
        command = ["/bin/sh", "-c", '"$@" && rm -rf -- "$0"', str(work_dir), *command]
    log = os.open(data_dir.daemon_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            command,
            cwd=work_dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def _find(settings: Globals) -> Running | None:
    """The daemon, None if there is none."""
    try:
        with connected(settings) as api:
            info = api.daemon()
            return Running(_pid(settings, info), info, api.system().work_dir)
    except Unreachable as error:
        if is_down(settings, error):
            return None
        raise


def _pid(settings: Globals, info: DaemonInfo) -> int:
    """The number that the daemon's process has here.

    :raises RunWispError: it has none
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return info.pid
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.connect(str(settings.socket))
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    if pid == 0:
        raise RunWispError("the daemon runs in a container: stop or restart that")
    return pid


def _unit(running: Running, *, is_local: bool) -> manager.SystemdUnit | None:
    """The unit that the daemon is.

    :raises RunWispError: it is not the one that is meant
    """
    unit = running.unit
    if is_local and unit is not None and not unit.is_user:
        raise RunWispError(f"the daemon is {unit.name} of the system, not one of your own")
    return unit


def _stop(running: Running, unit: manager.SystemdUnit | None) -> None:
    """Stop it and return when its process is gone."""
    if unit is not None:
        unit.tell("stop")
        return
    note(f"stopping process {running.pid}, which waits for its runs")
    if not hasattr(os, "pidfd_open"):
        os.kill(running.pid, signal.SIGTERM)
        while _exists(running.pid):
            time.sleep(_POLL_S)
        return
    try:
        descriptor = os.pidfd_open(running.pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        select.select([descriptor], [], [])
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _as_before(settings: Globals, info: DaemonInfo) -> Globals:
    """What the daemon had, but for what is asked for otherwise now."""
    asked = settings.given
    return evolve(
        settings,
        config=settings.config if "config" in asked else info.config_path,
        data=Path(info.data_dir),
        socket=Path(info.socket_path),
        host=settings.host if "host" in asked else info.host,
        port=settings.port if "port" in asked else info.port,
    )


def when_healthy(
    settings: Globals, seconds: float, child: subprocess.Popen[bytes] | None = None
) -> DaemonInfo:
    """The daemon as soon as it answers.

    :raises RunWispError: it does not within ``seconds``, or its process has ended
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (child is None or child.poll() is None):
        try:
            with connected(settings) as api:
                if api.is_healthy():
                    return api.daemon()
        except Unreachable:
            pass
        time.sleep(_POLL_S)
    reason = (
        f"does not answer after {seconds:.0f} s" if child is None or child.poll() is None else "has ended"
    )
    error = RunWispError(f"the daemon was started and {reason}")
    error.hints = _tail(settings) if child is not None else ["its log says why: journalctl -u runwisp"]
    raise error


def _tail(settings: Globals) -> Sequence[str]:
    log = DataDir(settings.data).daemon_log
    try:
        return [f"the end of {log}:", *log.read_text(errors="replace").splitlines()[-_TAIL:]]
    except OSError:
        return []
