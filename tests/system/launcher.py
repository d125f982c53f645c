"""Starts one daemon after the other without importing everything anew each time.

``python -m tests.system.launcher ARGUMENT...`` reads names of files from its standard input. For each it
forks a child that goes on as the real ``twistd`` with these arguments and the file as its standard error,
prints the child's process id, waits for its end and prints the exit code, negative for a signal.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from twisted.scripts import twistd

from runwisp.lean import import_reactor
from tests.system.program import DEADLINE_S, Daemon, is_alive, wait_until

_ROOT = Path(__file__).parents[2]


class QuickDaemon(Daemon):
    """A daemon that is up some ten times faster, for those who start it often."""

    def __init__(self, home: Path, config: str) -> None:
        super().__init__(home, config)
        self.pid = 0
        self.starts = 0
        self._is_running = False
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.system.launcher", *self.command()[1:]],
            cwd=home,
            env={**self.environ, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def is_running(self) -> bool:
        return self._is_running

    def start(self, *, is_ready: bool = True) -> QuickDaemon:
        self.starts += 1
        stdin, stdout = self._launcher.stdin, self._launcher.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{self._log}\n")
        stdin.flush()
        self.pid = int(stdout.readline())
        self._is_running = True
        if is_ready:
            wait_until(lambda: self.said(" ready ") or not is_alive(self.pid), "ready")
            assert self.said(" ready "), self._log.read_text()
        return self

    def said(self, text: str) -> bool:
        return self._log.exists() and text in self._log.read_text()

    def everything_said(self) -> str:
        """The logs of all starts."""
        return "".join(path.read_text() for path in sorted(self.home.glob("said.*")))

    def kill(self) -> None:
        if is_alive(self.pid):
            os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        os.kill(self.pid, signum)
        return self.wait()

    def wait(self) -> int:
        assert self._launcher.stdout is not None
        code = int(self._launcher.stdout.readline())
        self._is_running = False
        return code

    def close(self) -> None:
        """Start no more."""
        self._launcher.communicate(timeout=DEADLINE_S)

    @property
    def _log(self) -> Path:
        return self.home / f"said.{self.starts:05}"


def main(arguments: list[str]) -> None:
    # What the daemon needs. Nothing of it makes a reactor: all children would share its descriptors.
    import_reactor()
    import_module("runwisp.tree")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            said = os.open(line.rstrip("\n"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(said, sys.stderr.fileno())
            os.close(said)
            sys.argv = ["twistd", *arguments]
            sys.exit(twistd.run())
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
