"""``kill -9`` of the daemon at random moments."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.system.kill_rounds import Rounds

pytestmark = pytest.mark.system


def test_whenever_it_is_killed_nothing_is_lost_nothing_happens_twice_and_nothing_is_left(
    tmp_path: Path,
) -> None:
    seed = time.time_ns() % 1_000_000
    print(f"seed {seed}")
    Rounds(tmp_path, seed).play(40)
