from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import Curve, Seconds
from runwisp.policy.backoff import restart_delay, retry_delay
from tests.make import service, task

_TASK = task()
_SERVICE = service()


@pytest.mark.parametrize(
    ("curve", "base", "delays"),
    [
        ("constant", 5, [5, 5, 5, 5, 5, 5, 5, 5]),
        ("constant", 600, [300, 300, 300, 300, 300, 300, 300, 300]),
        ("linear", 5, [5, 10, 15, 20, 25, 30, 35, 40]),
        ("linear", 30, [30, 60, 90, 120, 150, 180, 210, 240]),
        ("exponential", 2, [2, 4, 8, 16, 32, 64, 128, 256]),
        ("exponential", 5, [5, 10, 20, 40, 80, 160, 300, 300]),
        ("exponential", 10, [10, 20, 40, 80, 160, 300, 300, 300]),
        ("exponential", 30, [30, 60, 120, 240, 300, 300, 300, 300]),
        ("exponential", 0, [0, 0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_a_retry_waits(curve: str, base: float, delays: list[float]) -> None:
    task = evolve(_TASK, retry_backoff=Curve(curve), retry_delay=Seconds(base))
    assert [retry_delay(task, number) for number in range(1, 9)] == delays


@pytest.mark.parametrize(
    ("curve", "base", "delays"),
    [
        ("exponential", 0.5, [0.5, 1, 2, 4, 8, 16, 32, 60]),
        ("exponential", 1, [1, 2, 4, 8, 16, 32, 60, 60]),
        ("exponential", 2, [2, 4, 8, 16, 32, 60, 60, 60]),
        ("exponential", 5, [5, 10, 20, 40, 60, 60, 60, 60]),
        ("linear", 1, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("constant", 2, [2, 2, 2, 2, 2, 2, 2, 2]),
        ("constant", 0, [0, 0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_a_restart_waits(curve: str, base: float, delays: list[float]) -> None:
    service = evolve(_SERVICE, restart_backoff=Curve(curve), restart_delay=Seconds(base))
    assert [restart_delay(service, exits) for exits in range(1, 9)] == delays


def test_the_defaults_are_5_s_constant_and_1_s_exponential() -> None:
    assert [retry_delay(_TASK, number) for number in (1, 2, 3)] == [5.0, 5.0, 5.0]
    assert [restart_delay(_SERVICE, exits) for exits in (1, 2, 3)] == [1.0, 2.0, 4.0]


@given(st.sampled_from(Curve), st.integers(0, 10_000), st.integers(1, 5_000))
def test_a_delay_is_the_formula_up_to_the_cap(curve: Curve, base_ms: int, number: int) -> None:
    factor = {Curve.CONSTANT: 1, Curve.LINEAR: number, Curve.EXPONENTIAL: 2 ** (number - 1)}[curve]
    service = evolve(_SERVICE, restart_backoff=curve, restart_delay=Seconds(base_ms / 1000))
    assert restart_delay(service, number) == pytest.approx(min(base_ms * factor, 60_000) / 1000)
