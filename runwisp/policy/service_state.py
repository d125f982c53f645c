"""How a service is, from the states of its replicas (spec: runtime, reported state)."""

from __future__ import annotations

from collections.abc import Sequence

from runwisp.model import ReplicaReport, ReplicaState, ServiceReport, ServiceState


def report_on(replicas: Sequence[ReplicaReport]) -> ServiceReport:
    """The service that has these slots."""
    running = sum(replica.state is ReplicaState.RUNNING for replica in replicas)
    return ServiceReport(_state(replicas), running, tuple(replicas))


def _state(replicas: Sequence[ReplicaReport]) -> ServiceState:
    wanted = [replica.state for replica in replicas if replica.is_wanted]
    if not wanted:
        return ServiceState.STOPPED
    if all(replica.state is ReplicaState.FATAL for replica in replicas):
        return ServiceState.FATAL
    if all(state is ReplicaState.RUNNING for state in wanted):
        return ServiceState.RUNNING
    return ServiceState.DEGRADED
