"""``depends_on``: do the names exist, and does every chain end? (spec: config, [services.NAME])"""

from __future__ import annotations

from collections.abc import Container, Mapping
from graphlib import CycleError, TopologicalSorter

from runwisp.config.problems import shown
from runwisp.config.reading import Report
from runwisp.config.source import Entry
from runwisp.config.suggest import closest
from runwisp.errors import ProblemClass
from runwisp.model import Service

_KEY = "depends_on"


def check_dependencies(
    services: Mapping[str, Service], tasks: Container[str], entries: Mapping[str, Entry], report: Report
) -> None:
    """Report names that are no other service, and one circle of services, if there is any."""
    for name, service in services.items():
        for other in service.depends_on:
            rule = _fault(name, other, services, tasks)
            if rule:
                report.add(entries[name], ProblemClass.REF, f"names {shown(other)}, {rule}", _KEY)
    graph = {
        name: [other for other in service.depends_on if other in services and other != name]
        for name, service in services.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # The sorter names each service before those that need it, and the first one again at the end.
        circle: list[str] = error.args[1][:0:-1]
        first = circle.index(min(circle))
        circle = [*circle[first:], *circle[:first]]
        rule = f"goes in a circle: {' -> '.join([*circle, circle[0]])}; drop one of these"
        report.add(entries[circle[0]], ProblemClass.CONFLICT, rule, _KEY)


def _fault(name: str, other: str, services: Mapping[str, Service], tasks: Container[str]) -> str:
    if other == name:
        return "the service itself"
    if other in tasks:
        return "which is a task, not a service"
    if other in services:
        return ""
    nearest = closest(other, services)
    return "which is no service" + (f"; did you mean {nearest}?" if nearest else "")
