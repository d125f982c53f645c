from __future__ import annotations

import pytest

from runwisp.model import EndReason
from runwisp.policy.outcome import outcome


@pytest.mark.parametrize(
    ("cause", "exit_status", "signal", "reason", "exit_code"),
    [
        (None, 0, None, "success", 0),
        (None, 3, None, "failed", 3),
        (None, 137, None, "failed", 137),
        (None, None, 9, "failed", -1),
        (None, 0, 9, "failed", -1),
        (None, None, None, "failed", -1),
        ("stopped", 0, None, "stopped", 0),
        ("stopped", None, 15, "stopped", -1),
        ("stopped", None, None, "stopped", -1),
        ("timeout", 0, None, "timeout", 0),
        ("timeout", 143, None, "timeout", 143),
        ("timeout", None, 9, "timeout", -1),
        ("log_overflow", None, 15, "log_overflow", -1),
        ("daemon_stopped", None, 9, "daemon_stopped", -1),
        ("unhealthy", 1, None, "unhealthy", 1),
    ],
)
def test_a_recorded_cause_names_the_end_and_the_process_its_exit_code(
    cause: str | None, exit_status: int | None, signal: int | None, reason: str, exit_code: int
) -> None:
    recorded = None if cause is None else EndReason(cause)
    assert outcome(recorded, exit_status, signal) == (EndReason(reason), exit_code)
