from __future__ import annotations

import pytest

from runwisp.model import ReplicaReport, ReplicaState, ServiceState
from runwisp.policy.service_state import report_on

_WORDS = {
    "u": ReplicaState.RUNNING,
    "b": ReplicaState.RESTARTING,
    "s": ReplicaState.STOPPED,
    "f": ReplicaState.FATAL,
}


def _replica(index: int, letter: str) -> ReplicaReport:
    """A capital letter is a slot that is wanted."""
    return ReplicaReport(
        replica_index=index,
        state=_WORDS[letter.lower()],
        is_wanted=letter.isupper(),
        run_id=None,
        start_at=None,
        next_start_at=None,
        restarts=0,
        failed_starts=0,
        last_exit_code=None,
    )


@pytest.mark.parametrize(
    ("replicas", "state", "running"),
    [
        ("UUU", "running", 3),
        ("Uss", "running", 1),
        ("sss", "stopped", 0),
        ("uuu", "stopped", 3),
        ("fff", "stopped", 0),
        ("F", "fatal", 0),
        ("FFF", "fatal", 0),
        ("FFf", "fatal", 0),
        ("FUU", "degraded", 2),
        ("FFs", "degraded", 0),
        ("UB", "degraded", 1),
        ("BB", "degraded", 0),
        ("Bs", "degraded", 0),
        ("fUU", "running", 2),
    ],
)
def test_the_state_of_a_service_follows_from_its_slots(replicas: str, state: str, running: int) -> None:
    report = report_on([_replica(index, letter) for index, letter in enumerate(replicas)])
    assert (report.state, report.running) == (ServiceState(state), running)
    assert [replica.replica_index for replica in report.replicas] == [*range(len(replicas))]
