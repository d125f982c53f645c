"""Long-running programs in the background: started, watched until they rest, stopped."""

from __future__ import annotations

import compileall
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import runwisp
from benchmarks import proc
from benchmarks.contest import MeasurementFailed

#: A program rests when it has used less than this much processor time, in seconds, in each of ...
_REST_S = 0.01
#: ... this many glances in a row, half a second apart.
_GLANCES = 4
_GLANCE_S = 0.5
_PATIENCE_S = 120.0
_LEAVE_S = 30.0


@contextmanager
def running(command: Sequence[str], directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``command`` in ``directory``, its output in ``output.txt`` there; asked to end by SIGTERM."""
    with (
        open(directory / "output.txt", "wb") as output,
        subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as program,
    ):
        try:
            yield program
        finally:
            program.terminate()
            try:
                program.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                program.kill()


def wait_until(holds: Callable[[], bool], what: str, pause_s: float, patience_s: float = _PATIENCE_S) -> None:
    """Look every ``pause_s`` seconds.

    :raises MeasurementFailed: it does not hold after ``patience_s`` seconds
    """
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise MeasurementFailed(f"waited {patience_s:g} s in vain: {what}")
        time.sleep(pause_s)


def wait_for_rest(program: subprocess.Popen[bytes], directory: Path) -> None:
    """Wait until ``program`` has come up and does nothing any more.

    :raises MeasurementFailed: it ended, or goes on working
    """
    used_s = 0.0
    glances = 0

    def rests() -> bool:
        nonlocal used_s, glances
        if program.poll() is not None:
            last = (directory / "output.txt").read_text(errors="replace")[-500:]
            raise MeasurementFailed(f"{program.args!r} ended with {program.returncode}: {last}")
        before_s, used_s = used_s, proc.cpu_s(program.pid)
        glances = glances + 1 if used_s - before_s < _REST_S else 0
        return glances >= _GLANCES

    wait_until(rests, "the program should come to rest", _GLANCE_S)


def runwisp_daemon(directory: Path, config: str) -> list[str]:
    """The command of the real daemon with ``config``, which is written into ``directory``."""
    (directory / "runwisp.toml").write_text(config)
    twistd = Path(sys.executable).with_name("twistd")
    options = ["-c", "runwisp.toml", "--data", "data", "--port", str(_free_port())]
    return [str(twistd), "--pidfile=", "-n", "runwisp", *options]


def compile_runwisp() -> None:
    """Compile its modules, as an installation does; a checkout may be kept from it by the environment."""
    compileall.compile_dir(Path(runwisp.__file__).parent, quiet=2)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
