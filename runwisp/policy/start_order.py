"""In which order services start with the daemon, and in which they stop (spec: runtime, start order)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from graphlib import TopologicalSorter

from runwisp.model import Service

#: How long after the time at which it should be healthy a dependency is waited for.
PATIENCE_S = 30.0


class Verdict(Enum):
    """What a service that waits for its start makes of one of its dependencies."""

    WAIT = "wait"
    HEALTHY = "healthy"
    GONE = "gone"
    LATE = "late"


def start_order(services: Iterable[Service]) -> list[Service]:
    """By priority, low numbers first, then by name."""
    return sorted(services, key=lambda service: (service.priority, service.name))


def stop_waves(services: Iterable[Service]) -> list[list[str]]:
    """Names to stop together, wave by wave: each service comes after all that depend on it.

    Names in ``depends_on`` that are not among ``services`` count for nothing. Within a wave the order is that
    of the start.
    """
    ordered = start_order(services)
    names = {service.name for service in ordered}
    graph: dict[str, list[str]] = {service.name: [] for service in ordered}
    for service in ordered:
        for dependency in names.intersection(service.depends_on):
            graph[dependency].append(service.name)
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    place = {name: number for number, name in enumerate(graph)}
    waves: list[list[str]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        waves.append(sorted(ready, key=place.__getitem__))
        sorter.done(*ready)
    return waves


def judge(
    dependency: Service, *, is_healthy: bool, is_idle: bool, is_waiting: bool, since_start_s: float
) -> Verdict:
    """Whether ``dependency`` still has to be waited for.

    :param is_healthy: one of its replicas is healthy
    :param is_idle: it has no process and will not get one by itself
    :param is_waiting: its own start is still to come
    :param since_start_s: seconds since its own start, or since that of the daemon if it was not started
    """
    if is_healthy:
        return Verdict.HEALTHY
    if is_waiting:
        return Verdict.WAIT
    if is_idle:
        return Verdict.GONE
    return Verdict.LATE if since_start_s >= dependency.healthy_after + PATIENCE_S else Verdict.WAIT
