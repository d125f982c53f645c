"""The harness of the benchmarks: its arithmetic, its table and its register. Nothing is measured here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from benchmarks.__main__ import exit_code, main
from benchmarks.allowance import ALLOWANCE, allow
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed, Readings, hold
from benchmarks.figures import Reading, Result, Row, Spread, Target, Unmeasured, at_least, at_most, judge
from benchmarks.rows import CONTESTS, ROWS
from benchmarks.scheduling import make_tasks
from benchmarks.table import render, to_json
from runwisp.config.loader import load

README = Path(__file__).parent.parent / "benchmarks" / "README.rst"
ROW = Row(
    name="speed",
    title="how fast it is",
    contest="race",
    subject="hare",
    peer="tortoise",
    quantity="metres",
    unit="m",
    target=at_least(2),
)


def readings(*figures: float) -> list[Reading]:
    return [{"metres": figure} for figure in figures]


def result(ratio: float) -> Result:
    return judge(ROW, readings(ratio * 10), readings(10))


def contender(name: str, turn: Callable[[], float]) -> Contender:
    @contextmanager
    def prepare(bench: Bench) -> Iterator[Measure]:
        yield lambda: {"metres": turn()}

    return Contender(name, prepare)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, tmp_path, is_quick=True)


def test_a_spread_is_the_median_and_both_ends() -> None:
    assert Spread.of([5.0, 1.0, 2.0, 9.0, 3.0]) == Spread(3.0, 1.0, 9.0)


def test_the_median_of_an_even_number_of_figures_lies_between_the_middle_two() -> None:
    assert Spread.of([4.0, 1.0, 2.0, 9.0]).median == 3.0


def test_ratios_are_made_for_each_repetition() -> None:
    judged = judge(ROW, readings(10, 20, 90), readings(10, 5, 30))
    # The medians alone would give 2.
    assert judged.ratio == Spread(3.0, 1.0, 4.0)
    assert (judged.subject.median, judged.peer.median, judged.repetitions) == (20, 10, 3)


def test_sides_with_different_numbers_of_readings_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        judge(ROW, readings(1, 2), readings(1))


@pytest.mark.parametrize(
    ("target", "ratio", "is_met"),
    [
        (at_least(2), 2.0, True),
        (at_least(2), 1.99, False),
        (at_most(1.5), 1.5, True),
        (at_most(1.5), 1.51, False),
    ],
)
def test_a_target_includes_its_limit(target: Target, ratio: float, is_met: bool) -> None:
    assert target.is_met_by(ratio) is is_met


def test_contenders_take_turns(bench: Bench) -> None:
    turns: list[str] = []

    def take_turn(name: str) -> float:
        turns.append(name)
        return len(turns)

    race = Contest("race", tuple(contender(name, partial(take_turn, name)) for name in ("hare", "tortoise")))
    outcome = hold(race, ("tortoise", "hare"), bench, 2)
    assert turns == ["hare", "tortoise", "hare", "tortoise"]
    assert outcome.readings == {"hare": readings(1, 3), "tortoise": readings(2, 4)}


def test_contenders_that_nobody_asked_for_do_not_take_part(bench: Bench) -> None:
    race = Contest("race", (contender("hare", lambda: 1.0), contender("tortoise", lambda: 2.0)))
    assert hold(race, ("hare",), bench, 1).readings == {"hare": readings(1)}


def test_a_contender_that_fails_drops_out_and_the_others_go_on(bench: Bench) -> None:
    def asleep() -> float:
        raise MeasurementFailed("asleep under a tree")

    race = Contest("race", (contender("hare", asleep), contender("tortoise", lambda: 1.0)))
    outcome = hold(race, ("hare", "tortoise"), bench, 2)
    assert outcome.readings == {"tortoise": readings(1, 1)}
    assert outcome.result(ROW) == Unmeasured(ROW, "hare: asleep under a tree")


def test_a_contender_that_cannot_be_set_up_drops_out(bench: Bench) -> None:
    @contextmanager
    def prepare(bench: Bench) -> Iterator[Measure]:
        raise OSError("no shoes")
        yield

    outcome = hold(Contest("race", (Contender("hare", prepare),)), ("hare",), bench, 1)
    assert outcome == Readings({}, {"hare": "no shoes"})


def test_a_limit_takes_part_like_a_peer(bench: Bench) -> None:
    race = Contest("race", (contender("hare", lambda: 1.0), allow("metres", 4)))
    outcome = hold(race, ("hare", ALLOWANCE), bench, 2)
    limited = outcome.result(evolve(ROW, peer=ALLOWANCE))
    assert isinstance(limited, Result)
    assert limited.ratio == Spread(0.25, 0.25, 0.25)


def test_tasks_to_schedule_have_names_of_their_own_and_share_schedules(tmp_path: Path) -> None:
    path = tmp_path / "runwisp.toml"
    path.write_text('[tasks.only]\ncron = "@daily"\nrun = "true"\n')
    tasks = make_tasks(load(path, {}).tasks["only"], 5000, 2000)
    assert len({task.name for task in tasks}) == 5000
    assert len({task.cron for task in tasks}) == 2000


def test_small_ratios_keep_two_digits() -> None:
    assert " 0.0042 (0.0042-0.0042) " in render([result(0.00423)])


def test_the_table_marks_what_is_met_missed_and_not_measured() -> None:
    table = render([result(3.0), result(1.0), Unmeasured(ROW, "hare: asleep")])
    met, missed, unmeasured = table.splitlines()[1:]
    assert "30 m" in met
    assert "10 m tortoise" in met
    assert "3.00 (3.00-3.00)" in met
    assert ">= 2" in met
    assert " met " in met
    assert " MISSED " in missed
    assert " NOT MEASURED " in unmeasured
    assert unmeasured.endswith("hare: asleep")


def test_json_has_the_figures_of_a_row() -> None:
    measured, unmeasured = json.loads(to_json([result(3.0), Unmeasured(ROW, "hare: asleep")]))
    assert measured["ratio"] == {"median": 3.0, "min": 3.0, "max": 3.0}
    assert measured["target"] == {"at_least": 2}
    assert measured["is_met"] is True
    assert (unmeasured["is_met"], unmeasured["reason"]) == (None, "hare: asleep")


@pytest.mark.parametrize(
    ("results", "strict", "code"),
    [
        ([result(3.0)], True, 0),
        ([result(1.0)], False, 0),
        ([result(1.0)], True, 1),
        ([Unmeasured(ROW, "asleep")], False, 1),
    ],
)
def test_a_missed_target_is_an_error_only_if_strict(
    results: Sequence[Result | Unmeasured], strict: bool, code: int
) -> None:
    assert exit_code(results, strict) == code


def test_every_row_takes_its_figures_from_contenders_of_its_contest() -> None:
    for row in ROWS.values():
        names = {contender.name for contender in CONTESTS[row.contest].contenders}
        assert {row.subject, row.peer} <= names


def test_every_contender_is_in_some_row() -> None:
    used = {(row.contest, side) for row in ROWS.values() for side in (row.subject, row.peer)}
    there = {(contest.name, one.name) for contest in CONTESTS.values() for one in contest.contenders}
    assert used == there


def test_every_row_is_explained_and_can_be_named_on_the_command_line() -> None:
    text = README.read_text()
    usage = CliRunner().invoke(main, ["no-such-row"])
    assert usage.exit_code == 2
    for name in ROWS:
        assert f"``{name}``" in text
        assert f"'{name}'" in usage.output
