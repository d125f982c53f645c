from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.errors import Problem
from tests.config.bad import SERVICE, TASK
from tests.config.loading import load_text, problems_of


def _only(problems: tuple[Problem, ...]) -> Problem:
    (problem,) = problems
    return problem


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("tiemout", "timeout"),
        ("crno", "cron"),
        ("RETRY_DELEY", "retry_delay"),
        ("max_concurent", "max_concurrent (that is, parallelism)"),
        ("qqqzzz", None),
    ],
)
def test_an_unknown_key_gets_the_nearest_one_as_suggestion(
    written: str, suggested: str | None, tmp_path: Path
) -> None:
    problem = _only(problems_of(tmp_path, f"{TASK}{written} = 1\n"))
    assert problem.class_ == "unknown"
    assert ("did you mean" in problem.message) is (suggested is not None)
    assert suggested is None or f"did you mean {suggested}?" in problem.message


def test_each_unknown_key_is_reported(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, f"{TASK}a1 = 1\nb1 = 2\n[storage]\nc1 = 3\n")
    assert [(problem.key, problem.line, problem.column) for problem in problems] == [
        ("tasks.t.a1", 3, 1),
        ("tasks.t.b1", 4, 1),
        ("storage.c1", 6, 1),
    ]


def test_a_misspelt_table_is_reported_once(tmp_path: Path) -> None:
    problem = _only(problems_of(tmp_path, "[servces.a]\nrun = 1\nnope = 1\n[servces.b]\n"))
    assert problem.key == "servces"
    assert "did you mean services?" in problem.message


def test_a_problem_of_keys_hides_nothing_behind_consequences(tmp_path: Path) -> None:
    assert _only(problems_of(tmp_path, "[tasks.t]\nrnu = 'x'\n")).key == "tasks.t.rnu"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[defaults]\non_overlap = 'skip'\n", "set it on the unit"),
        ("[defaults]\ntimezone = 'UTC'\n", "[scheduler] timezone"),
        ("[daemon]\nhost = 'x'\n", "--host or RUNWISP_HOST"),
        ("[daemon]\nport = 1\n", "--port or RUNWISP_PORT"),
        (f"{TASK}instances = 2\n", "only for services"),
        (f"{TASK}restart = 'always'\n", "retry_attempts"),
        (f"{TASK}restart = 'always'\n", "[services.NAME]"),
        (f"{TASK}restart_attempts = 2\n", "retry_attempts"),
        (f"{TASK}restart_delay = '1s'\n", "only for services"),
        (f"{TASK}restart_backoff = 'linear'\n", "only for services"),
        (f"{TASK}healthy_after = '1s'\n", "only for services"),
        (f"{TASK}priority = 1\n", "only for services"),
        (f"{TASK}autostart = true\n", "only for services"),
        (f"{TASK}depends_on = []\n", "only for services"),
        (f"{TASK}health_check = {{}}\n", "only for services"),
        (f"{SERVICE}cron = '@daily'\n", "not scheduled"),
        (f"{SERVICE}parallelism = 2\n", "instances"),
        (f"{SERVICE}timeout = '1s'\n", "no timeout"),
        *(
            (f"{SERVICE}{key} = 1\n", "only for tasks")
            for key in ("timezone", "jitter", "run_on_start", "catch_up", "max_queued", "params")
        ),
        *((f"{SERVICE}retry_{key} = 1\n", "only for tasks") for key in ("attempts", "delay", "backoff")),
    ],
)
def test_a_key_of_another_place_gets_a_hint(text: str, hint: str, tmp_path: Path) -> None:
    problem = _only(problems_of(tmp_path, text))
    assert problem.class_ == "unknown"
    assert hint in problem.message


def test_every_key_is_allowed_among_variables_and_headers(tmp_path: Path) -> None:
    text = f"{TASK}env = {{ timeot = 'x' }}\nsecrets = {{ crno = 'x' }}\n"
    text += "[[notifier]]\nid = 'n'\ntype = 'webhook'\nurl = 'http://x'\nheaders = { idd = 'x' }\n"
    assert load_text(tmp_path, text).tasks["t"].env == {"timeot": "x"}


def test_problems_of_an_alias_are_told_under_the_canonical_key_at_the_place_of_the_alias(
    tmp_path: Path,
) -> None:
    text = "[daemon]\ntimezone = 'Mars'\n[tasks.t]\nrun = 'x'\n  notify = ['gone']\n"
    problems = problems_of(tmp_path, text)
    assert [(problem.key, problem.line, problem.column) for problem in problems] == [
        ("scheduler.timezone", 2, 1),
        ("tasks.t.notify_on_failure", 5, 3),
    ]


def test_an_alias_on_a_unit_wins_over_the_canonical_key_in_defaults(tmp_path: Path) -> None:
    text = "[defaults]\nlog_on_full = 'drop_new'\n[tasks.t]\nrun = 'x'\nlog_on_full = 'kill'\n"
    assert load_text(tmp_path, text).tasks["t"].log_on_full == "kill_task"


def test_a_quoted_name_with_a_dot_is_one_name(tmp_path: Path) -> None:
    assert list(load_text(tmp_path, "[tasks.'db.backup']\nrun = 'x'\n").tasks) == ["db.backup"]
    (problem,) = problems_of(tmp_path, "[tasks.db.backup]\nrun = 'x'\n")
    assert (problem.class_, problem.key) == ("unknown", "tasks.db.backup")
    assert '[tasks."db.backup"]' in problem.message
