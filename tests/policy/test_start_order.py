from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import Seconds, Service
from runwisp.policy.start_order import Verdict, judge, start_order, stop_waves
from tests.make import service

_SERVICE = service('healthy_after = "10s"')


def _service(name: str, *depends_on: str, priority: int = 0) -> Service:
    return evolve(_SERVICE, name=name, depends_on=depends_on, priority=priority)


def test_services_start_by_priority_and_then_by_name() -> None:
    services = [_service("b"), _service("z", priority=-1), _service("a"), _service("c", priority=10)]
    assert [found.name for found in start_order(services)] == ["z", "a", "b", "c"]


def test_dependents_are_stopped_before_what_they_depend_on() -> None:
    services = [
        _service("db"),
        _service("cache"),
        _service("api", "db", "cache"),
        _service("web", "api"),
        _service("mail", "db"),
        _service("alone"),
    ]
    assert stop_waves(services) == [["alone", "mail", "web"], ["api"], ["cache", "db"]]


def test_a_dependency_that_is_not_there_counts_for_nothing() -> None:
    assert stop_waves([_service("web", "gone")]) == [["web"]]
    assert stop_waves([]) == []


@st.composite
def _acyclic(draw: st.DrawFn) -> list[Service]:
    """Services of which each depends on some of those with a lower number."""
    count = draw(st.integers(0, 12))
    return [
        _service(
            f"s{number}",
            *(f"s{other}" for other in draw(st.sets(st.integers(0, number - 1))) if number),
            priority=draw(st.integers(-2, 2)),
        )
        if number
        else _service("s0")
        for number in range(count)
    ]


@given(_acyclic())
def test_every_service_is_stopped_once_after_all_its_dependents_and_no_later_than_it_has_to(
    services: list[Service],
) -> None:
    wave_of = {name: number for number, wave in enumerate(stop_waves(services)) for name in wave}
    assert sum(map(len, stop_waves(services))) == len(services) == len(wave_of)
    for dependency in services:
        dependents = [wave_of[other.name] for other in services if dependency.name in other.depends_on]
        assert wave_of[dependency.name] == max(dependents, default=-1) + 1


@pytest.mark.parametrize(
    ("is_healthy", "is_idle", "is_waiting", "since_s", "verdict"),
    [
        (False, False, False, 0, Verdict.WAIT),
        (True, False, False, 10, Verdict.HEALTHY),
        (False, False, False, 39.9, Verdict.WAIT),
        (False, False, False, 40, Verdict.LATE),
        (True, False, False, 99, Verdict.HEALTHY),
        (False, True, False, 0, Verdict.GONE),
        (False, True, True, 0, Verdict.WAIT),
        (False, True, True, 99, Verdict.WAIT),
    ],
)
def test_a_dependency_is_waited_for_until_it_is_healthy_gone_or_late(
    is_healthy: bool, is_idle: bool, is_waiting: bool, since_s: float, verdict: Verdict
) -> None:
    dependency = evolve(_SERVICE, healthy_after=Seconds(10))
    found = judge(
        dependency, is_healthy=is_healthy, is_idle=is_idle, is_waiting=is_waiting, since_start_s=since_s
    )
    assert found is verdict
