from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import RunId, Seconds, UnixMs
from runwisp.policy.retention import StoredRun, expired, oldest_kept

_NOW = UnixMs(1_000_000)
_RUNS = st.lists(st.tuples(st.integers(0, _NOW), st.booleans(), st.booleans()), max_size=12).map(
    lambda drawn: [
        StoredRun(RunId(str(number)), UnixMs(created_at), is_ended, is_ended and has_retry)
        for number, (created_at, is_ended, has_retry) in enumerate(sorted(drawn, reverse=True))
    ]
)


def _hours_old(*hours: int) -> list[StoredRun]:
    return [StoredRun(RunId(f"{age}h"), UnixMs(_NOW - age * 3_600_000), is_ended=True) for age in hours]


def test_the_newest_runs_stay_and_the_oldest_goes_first() -> None:
    runs = _hours_old(0, 1, 2, 3)
    assert expired(runs, keep_runs=2, keep_for=None, now=_NOW) == ["3h", "2h"]
    assert expired(runs, keep_runs=0, keep_for=None, now=_NOW) == ["3h", "2h", "1h", "0h"]
    assert expired(runs, keep_runs=None, keep_for=None, now=_NOW) == []


def test_a_run_of_exactly_the_age_limit_stays() -> None:
    assert expired(_hours_old(0, 1, 2, 3), keep_runs=None, keep_for=Seconds(7200), now=_NOW) == ["3h"]


def test_an_age_limit_that_falls_between_two_milliseconds_keeps_the_later_one() -> None:
    assert oldest_kept(Seconds(0.0015), _NOW) == _NOW - 1
    assert oldest_kept(Seconds(0.002), _NOW) == _NOW - 2


def test_the_stricter_limit_wins() -> None:
    runs = _hours_old(0, 1, 2, 3)
    assert expired(runs, keep_runs=3, keep_for=Seconds(3600), now=_NOW) == ["3h", "2h"]
    assert expired(runs, keep_runs=1, keep_for=Seconds(7200), now=_NOW) == ["3h", "2h", "1h"]


def test_runs_in_flight_neither_go_nor_take_a_place() -> None:
    active = StoredRun(RunId("active"), UnixMs(0), is_ended=False)
    assert expired([active, *_hours_old(0, 1)], keep_runs=1, keep_for=Seconds(60), now=_NOW) == ["1h"]


def test_a_run_whose_retry_waits_stays() -> None:
    waiting = StoredRun(RunId("waiting"), UnixMs(0), is_ended=True, has_waiting_retry=True)
    assert expired([*_hours_old(0), waiting], keep_runs=0, keep_for=None, now=_NOW) == ["0h"]


@given(_RUNS, st.none() | st.integers(0, 12), st.none() | st.integers(1, 1000))
def test_what_goes_is_what_a_limit_does_not_cover(
    runs: list[StoredRun], keep_runs: int | None, keep_for: int | None
) -> None:
    limit = None if keep_for is None else Seconds(keep_for)
    gone = expired(runs, keep_runs=keep_runs, keep_for=limit, now=_NOW)
    ended = [run for run in runs if run.is_ended]
    newest = ended if keep_runs is None else ended[:keep_runs]
    young = [run for run in ended if keep_for is None or _NOW - run.created_at <= keep_for * 1000]
    stay = [run for run in ended if (run in newest and run in young) or run.has_waiting_retry]
    assert gone == [run.id for run in reversed(ended) if run not in stay]
