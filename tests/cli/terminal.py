"""A shell at a terminal of its own, to press keys in."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_DEADLINE_S = 30.0
#: What moves the cursor or changes colours.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][0-9A-B]|[=>])|[\x00\x07\x0f]")
_LINE_ENDS = re.compile(r"[\r\n]+")


class Terminal:
    """As a context manager it ends the shell. ``shown`` is what has come since a key was pressed."""

    def __init__(self, command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> None:
        self._master, slave = os.openpty()
        self._shell = subprocess.Popen(
            ["setsid", "--ctty", *command], cwd=cwd, env=environ, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._master)

    def press(self, keys: str, expected: str) -> None:
        """Send ``keys``, and return when ``expected`` has been shown; lines end with ``\\n``."""
        self.shown = ""
        os.write(self._master, keys.encode())
        deadline = time.monotonic() + _DEADLINE_S
        while expected not in self.shown:
            ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {expected!r} in {self.shown!r}"
            with suppress(BlockingIOError):
                new = _ESCAPES.sub("", os.read(self._master, 65_536).decode(errors="replace"))
                self.shown = _LINE_ENDS.sub("\n", self.shown + new)
