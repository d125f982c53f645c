"""The installed program, driven from outside: a daemon in a directory of its own, and the command line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from types import TracebackType

from runwisp.engine import procfs
from runwisp.engine.environment import RUN_ID
from runwisp.model import Run
from runwisp.store import runs
from runwisp.store.connection import open_reader

BIN = Path(sys.executable).parent
#: Longer than the scheduler sleeps when the clock was set back, also on a busy machine.
DEADLINE_S = 60.0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_S) -> None:
    """Return when ``condition`` holds; fail with ``what`` if it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"within {seconds} s: {what}"
        threading.Event().wait(0.02)


def is_alive(pid: int) -> bool:
    """The process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def fires_every_second(rows: list[Run]) -> bool:
    """No slot of a task that fires every second was lost, and none fired twice.

    On a busy machine a slot may be late by more than the next one: then there is one run for both.
    """
    times = [run.created_at for run in rows]
    return len(rows) <= (times[-1] - times[0]) / 1000 + 2 and all(
        later - earlier < 3000 for earlier, later in pairwise(times)
    )


#: Ports that nobody else gets while this process lives. Who is bound and does not listen leaves the port to
#: everybody who asks for it by number, but the kernel gives it to nobody who asks for any.
_reserved: list[socket.socket] = []


def reserve_port(host: str = "127.0.0.1") -> int:
    """A port of ``host`` that a daemon of a test may listen at."""
    holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((host, 0))
    _reserved.append(holder)
    port: int = holder.getsockname()[1]
    return port


class Daemon:
    """A daemon with ``config`` as its file, in ``home``; as a context manager it is killed at the end.

    It has a port of its own, and its control socket is in its data directory.
    """

    def __init__(self, home: Path, config: str, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.data = home / "data"
        self.config = home / "runwisp.toml"
        self.config.write_text(config)
        self.environ = {**os.environ, **(environ or {})}
        self.port = reserve_port()
        self.lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Daemon:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running:
            self.kill()
        ids = {run.id for run in self.rows()}
        for process in procfs.all_processes():
            if procfs.environment_value(process.pid, RUN_ID) in ids:
                procfs.kill(process)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    @property
    def resident_bytes(self) -> int:
        """The memory that it takes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def command(self) -> list[str]:
        twistd = [str(BIN / "twistd"), "--pidfile=", "-n", "runwisp"]
        files = ["-c", str(self.config), "--data", str(self.data)]
        return [*twistd, *files, "--port", str(self.port), "--log-format", "text"]

    def start(self, *, is_ready: bool = True) -> Daemon:
        """Start it and, unless told otherwise, wait until it says that it is ready."""
        self.lines = []
        self._process = subprocess.Popen(
            self.command(), cwd=self.home, env=self.environ, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if is_ready:
            wait_until(lambda: self.said(" ready ") or self.process.poll() is not None, "ready")
            assert self.said(" ready "), "\n".join(self.lines)
        return self

    def said(self, text: str) -> bool:
        """A line of its log contains ``text``."""
        return any(text in line for line in self.lines)

    def kill(self) -> None:
        """``kill -9``, as a power cut would."""
        self.process.kill()
        self.wait()

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signum)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(DEADLINE_S)
        assert self._reader is not None
        self._reader.join(DEADLINE_S)
        return code

    def rows(self, name: str | None = None) -> list[Run]:
        """The rows of a unit, or all, oldest first."""
        if not (self.data / "runwisp.db").exists():
            return []
        wanted = runs.RunFilter() if name is None else runs.RunFilter(task_names=(name,))
        with closing(open_reader(self.data / "runwisp.db")) as connection:
            return runs.page(connection.cursor(), wanted, 10_000, None, oldest_first=True)

    def wait_for_rows(self, name: str, condition: Callable[[list[Run]], bool], what: str) -> list[Run]:
        wait_until(lambda: condition(self.rows(name)), f"{name}: {what}\n" + "\n".join(self.lines))
        return self.rows(name)

    def run(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        """A command of the command line on the same configuration and data."""
        return runwisp("-c", str(self.config), "--data", str(self.data), *arguments, cwd=self.home)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))


def runwisp(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "runwisp", *arguments], cwd=cwd, capture_output=True, text=True, timeout=DEADLINE_S
    )


@contextmanager
def running(home: Path, config: str, environ: Mapping[str, str] | None = None) -> Iterator[Daemon]:
    """A daemon that is ready."""
    with Daemon(home, config, environ) as daemon:
        yield daemon
