"""How a service is, from the states of its replicas (spec: runtime, reported state)."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from runwisp.model import ReplicaState, RunId, ServiceState, UnixMs


@frozen(kw_only=True)
class ReplicaReport:
    """One slot of a service, with the names of the API.

    ``is_wanted`` if it is to be filled. ``run_id`` and ``start_at`` are those of the run that is in it,
    ``next_start_at`` is set while it waits for its restart. ``restarts`` counts since the daemon's start,
    ``failed_starts`` the present row of them.
    """

    replica_index: int
    state: ReplicaState
    is_wanted: bool
    run_id: RunId | None
    start_at: UnixMs | None
    next_start_at: UnixMs | None
    restarts: int
    failed_starts: int
    last_exit_code: int | None


@frozen
class ServiceReport:
    """A service and its slots, by index; ``running`` is how many replicas are up."""

    state: ServiceState
    running: int
    replicas: tuple[ReplicaReport, ...]


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
