"""Daemons with nothing to do: the memory they take, the processor time they use and how often they wake."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import cronstable, proc
from benchmarks.background import running, runwisp_daemon, wait_for_rest
from benchmarks.contest import Bench, Contender, Contest, Measure
from benchmarks.figures import Reading
from benchmarks.peers import SUPERVISOR, install

DAEMON = "daemon"
SUPERVISORD = "supervisord"
CRONSTABLE = "cronstable"
MEBIBYTES = "MiB resident"
CPU_MS = "ms of CPU per minute"
WAKES = "wake-ups per minute"
TASKS = 100
SERVICES = 10
SCHEDULED = 1000
_SLEEPER = "exec sleep 1000000"
_WINDOW_S = 60.0
_QUICK_WINDOW_S = 20.0

Command = Callable[[Bench, Path], list[str]]


def _minute_and_hour(number: int) -> str:
    """Both first fields of a schedule for 29 February, spread over the day: not due in any measurement."""
    return f"{number % 60} {number // 60 % 24}"


def _tasks(count: int) -> str:
    return "".join(
        f"""
[tasks.task-{number}]
cron = "{_minute_and_hour(number)} 29 2 *"
run = "true"
"""
        for number in range(count)
    )


def _runwisp_units(bench: Bench, home: Path) -> list[str]:
    services = "".join(
        f"""
[services.service-{number}]
run = "{_SLEEPER}"
"""
        for number in range(SERVICES)
    )
    return runwisp_daemon(home, _tasks(TASKS) + services)


def _runwisp_scheduled(bench: Bench, home: Path) -> list[str]:
    return runwisp_daemon(home, _tasks(SCHEDULED))


def _supervisord(bench: Bench, home: Path) -> list[str]:
    """As many programs as we have units, of which as many run as we have services."""
    programs = "".join(
        f"""
[program:program-{number}]
command = sleep 1000000
autostart = {"true" if number < SERVICES else "false"}
"""
        for number in range(TASKS + SERVICES)
    )
    (home / "supervisord.conf").write_text(f"[supervisord]\nnodaemon = true\n{programs}")
    return [str(install(bench.tools, SUPERVISOR) / "supervisord"), "-c", "supervisord.conf"]


def _cronstable(count: int, bench: Bench, home: Path) -> list[str]:
    jobs = [
        cronstable.Job(f"job-{number}", f"{_minute_and_hour(number)} 29 2 *", "true")
        for number in range(count)
    ]
    return cronstable.command(bench, home, jobs)


@contextmanager
def _memory(command: Command, bench: Bench) -> Iterator[Measure]:
    with TemporaryDirectory(dir=bench.scratch) as directory:
        home = Path(directory)
        words = command(bench, home)

        def measure() -> Reading:
            with running(words, home) as daemon:
                wait_for_rest(daemon, home)
                return {MEBIBYTES: proc.resident_bytes(daemon.pid) / 2**20}

        yield measure


@contextmanager
def _activity(command: Command, bench: Bench) -> Iterator[Measure]:
    window_s = _QUICK_WINDOW_S if bench.is_quick else _WINDOW_S
    per_minute = 60 / window_s

    with TemporaryDirectory(dir=bench.scratch) as directory:
        home = Path(directory)
        with running(command(bench, home), home) as daemon:
            wait_for_rest(daemon, home)

            def measure() -> Reading:
                cpu_s, wakes = proc.cpu_s(daemon.pid), proc.wakes(daemon.pid)
                time.sleep(window_s)
                return {
                    CPU_MS: (proc.cpu_s(daemon.pid) - cpu_s) * 1000 * per_minute,
                    WAKES: (proc.wakes(daemon.pid) - wakes) * per_minute,
                }

            yield measure


MEMORY = Contest(
    "memory",
    (
        Contender(DAEMON, partial(_memory, _runwisp_units)),
        Contender(SUPERVISORD, partial(_memory, _supervisord)),
        Contender(CRONSTABLE, partial(_memory, partial(_cronstable, TASKS + SERVICES))),
    ),
)
ACTIVITY = Contest(
    "idle",
    (
        Contender(DAEMON, partial(_activity, _runwisp_scheduled)),
        Contender(CRONSTABLE, partial(_activity, partial(_cronstable, SCHEDULED))),
    ),
    at_once=True,
)
