"""A wall clock for one daemon, which a test can set while the daemon runs; its monotonic clock stays true."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path


class WallClock:
    """What the daemon with the environment :attr:`environ` takes for the time of day.

    Give its units ``env_base = "clean"``, or their processes live by this clock as well.
    """

    def __init__(self, home: Path, start: datetime | None = None) -> None:
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        self._file = home / "wall_clock"
        self._offset_s = 0.0
        self.environ = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            # Its name depends on the version of the library.
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        if start is None:
            self.step(0)
        else:
            self.set(start)

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._offset_s

    def step(self, seconds: float) -> None:
        """Set it ahead, or back."""
        self._offset_s += seconds
        # The daemon may look at any moment, so the file must never be empty.
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._offset_s:+.3f}")
        os.replace(new, self._file)

    def set(self, moment: datetime) -> None:
        """Set it to ``moment``, which has a zone."""
        self.step(moment.timestamp() - self.now())
