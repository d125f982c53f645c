from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import EndReason, Restart, Run, Status
from runwisp.policy.slot import AT_REST, LIVE, NEXT, Input, Phase, after_exit
from tests.make import run, service

_SERVICE = service()
_ORDERS = {Input.START, Input.STOP}
_EXITS = {Input.AGAIN, Input.LATER, Input.REST, Input.GIVE_UP}


def _ended(reason: EndReason, *, failure: bool = True) -> Run:
    return run(status=Status.ENDED, end_reason=reason, is_failure=failure)


def test_every_input_that_a_phase_can_get_is_in_the_table() -> None:
    """Orders come at any time; a run ends only where one is; a delay is over only where one is waited for."""
    expected = {(phase, what) for phase in Phase for what in _ORDERS}
    expected |= {(phase, what) for phase in LIVE for what in {Input.END} | _EXITS}
    expected |= {(Phase.BACKING_OFF, Input.DUE)}
    assert set(NEXT) == expected


@pytest.mark.parametrize("phase", Phase)
def test_a_slot_is_live_at_rest_or_waiting(phase: Phase) -> None:
    assert [phase in LIVE, phase in AT_REST, phase is Phase.BACKING_OFF].count(True) == 1


@pytest.mark.parametrize("phase", Phase)
def test_a_start_fills_a_free_slot_and_leaves_a_live_one_as_it_is(phase: Phase) -> None:
    assert NEXT[phase, Input.START] is (phase if phase in LIVE else Phase.RUNNING)


@pytest.mark.parametrize("phase", Phase)
def test_after_a_stop_nothing_comes_by_itself_but_the_end_of_a_process(phase: Phase) -> None:
    after = NEXT[phase, Input.STOP]
    assert after is Phase.STOPPING if phase in LIVE else after in AT_REST


def test_nothing_but_a_start_leads_out_of_rest() -> None:
    left = {what for (phase, what), after in NEXT.items() if phase in AT_REST and after is not phase}
    assert left == {Input.START}


def test_fatal_is_reached_only_by_giving_up() -> None:
    ways = {what for (phase, what), after in NEXT.items() if after is Phase.FATAL is not phase}
    assert ways == {Input.GIVE_UP}


@pytest.mark.parametrize("what", _EXITS)
def test_the_end_of_a_process_means_the_same_in_every_live_phase(what: Input) -> None:
    assert len({NEXT[phase, what] for phase in LIVE}) == 1


@given(st.sampled_from(Restart), st.sampled_from(EndReason), st.booleans(), st.booleans(), st.booleans())
def test_who_waits_for_a_slot_gets_it_whatever_else_holds(
    restart: Restart, reason: EndReason, is_failure: bool, is_wanted: bool, is_fatal: bool
) -> None:
    ended = _ended(reason, failure=is_failure)
    unit = evolve(_SERVICE, restart=restart)
    after = after_exit(unit, ended, is_wanted=is_wanted, is_fatal=is_fatal, is_awaited=True)
    assert after is Input.AGAIN


@given(st.sampled_from(Restart), st.sampled_from(EndReason), st.booleans(), st.booleans())
def test_a_slot_that_is_not_wanted_stays_empty(
    restart: Restart, reason: EndReason, is_failure: bool, is_fatal: bool
) -> None:
    ended = _ended(reason, failure=is_failure)
    unit = evolve(_SERVICE, restart=restart)
    after = after_exit(unit, ended, is_wanted=False, is_fatal=is_fatal, is_awaited=False)
    assert after is Input.REST


@pytest.mark.parametrize("restart", Restart)
def test_a_fatal_slot_is_given_up_whatever_restart_says(restart: Restart) -> None:
    unit = evolve(_SERVICE, restart=restart)
    ended = _ended(EndReason.FAILED)
    assert after_exit(unit, ended, is_wanted=True, is_fatal=True, is_awaited=False) is Input.GIVE_UP


@pytest.mark.parametrize(
    ("restart", "reason", "failure", "after"),
    [
        ("always", "success", False, Input.LATER),
        ("always", "failed", True, Input.LATER),
        ("always", "daemon_stopped", False, Input.REST),
        ("on_failure", "failed", True, Input.LATER),
        ("on_failure", "failed", False, Input.REST),
        ("on_failure", "success", False, Input.REST),
        ("on_failure", "log_overflow", True, Input.LATER),
        ("never", "failed", True, Input.REST),
        ("never", "success", False, Input.REST),
        ("always", "stopped", False, Input.LATER),
        ("on_failure", "stopped", False, Input.LATER),
        ("never", "stopped", False, Input.LATER),
    ],
)
def test_restart_decides_what_follows_an_exit_but_not_the_stop_of_a_single_run(
    restart: str, reason: str, failure: bool, after: Input
) -> None:
    unit = evolve(_SERVICE, restart=Restart(restart))
    ended = _ended(EndReason(reason), failure=failure)
    assert after_exit(unit, ended, is_wanted=True, is_fatal=False, is_awaited=False) is after
