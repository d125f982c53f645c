"""``runwisp logs``."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from runwisp.cli.printers import TextPrinter
from runwisp.logs.reader import LogLine
from runwisp.model import RunId, Stream, UnixMs
from tests.cli.calling import Outcome, runwisp
from tests.cli.history import (
    BEGIN,
    ERR,
    FAILED,
    OUT,
    PENDING,
    RUN,
    RUNNING,
    SKIPPED,
    SYSTEM,
    History,
    contents,
)

CONFIG = """
[tasks.backup]
run = "true"
[tasks.db-dump]
run = "true"
api_trigger = false
[services.web]
run = "true"
instances = 3
"""

LINES = [(OUT, b"one\n"), (ERR, b"two\n"), (OUT, b"three\nfour\n"), (SYSTEM, b"five")]
NUMBERED = [(OUT, f"line {number}\n".encode()) for number in range(1, 13)]
#: More than the limit of the log lets stay.
MANY = [(OUT, f"line number {number}\n".encode()) for number in range(1, 51)]


def objects(done: Outcome) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def test_stdout_goes_to_stdout_and_everything_else_to_stderr(history: History) -> None:
    run = history.add("backup", FAILED, LINES)
    assert runwisp("logs", "backup") == Outcome(
        0, "one\nthree\nfour\n", f"two\nfive\nbackup {run.id}: failed, exit code 3, took 41.6s\n"
    )


def test_the_output_of_a_failed_run_is_shown_with_exit_code_0(history: History) -> None:
    history.add("backup", FAILED, LINES)
    assert runwisp("logs", "backup").code == 0


def test_a_name_stands_for_its_latest_run(history: History) -> None:
    history.add("backup", RUN, [(OUT, b"old\n")])
    history.add("backup", RUN, [(OUT, b"new\n")])
    history.add("backup", PENDING)
    assert runwisp("logs", "backup").out == "new\n"


def test_a_name_stands_for_its_running_runs_if_there_are_any(history: History) -> None:
    history.add("web", RUNNING, [(OUT, b"first\n")])
    history.add("web", RUNNING, [(OUT, b"second\n"), (OUT, b"not a line yet")], replica_index=1)
    history.add("web", RUN, [(OUT, b"ended\n")])
    assert runwisp("logs", "web") == Outcome(0, "web   | first\nweb#1 | second\n", "")


def test_a_run_id_stands_for_that_run(history: History) -> None:
    run = history.add("backup", RUN, [(OUT, b"old\n")])
    history.add("backup", RUN, [(OUT, b"new\n")])
    assert runwisp("logs", run.id).out == "old\n"


def test_a_pattern_stands_for_every_unit_that_it_matches(here: Path, history: History) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    history.add("db-old", RUN, [(OUT, b"b\n")])
    history.add("db-dump", RUN, [(OUT, b"a\n")])
    history.add("backup", RUN, [(OUT, b"c\n")])
    assert runwisp("logs", "db-*").out == "db-dump | a\ndb-old  | b\n"
    assert runwisp("logs", "[bd]*p").out == "backup  | c\ndb-dump | a\n"


def test_with_several_targets_each_line_says_whose_it_is(history: History) -> None:
    history.add("a", RUN, [(OUT, b"x\n"), (ERR, b"y\n")])
    history.add("longer", RUN, [(OUT, b"z\n")])
    done = runwisp("logs", "longer", "a")
    assert done.out == "longer | z\na      | x\n"
    assert "a      | y\n" in done.err


def test_a_run_that_is_meant_twice_is_shown_once(history: History) -> None:
    run = history.add("backup", RUN, [(OUT, b"x\n")])
    assert runwisp("logs", "backup", "back*", run.id).out == "x\n"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("3", [10, 11, 12]),
        ("+2", [1, 2]),
        ("0", []),
        ("+0", []),
        ("99", [*range(1, 13)]),
        ("+99", [*range(1, 13)]),
    ],
)
def test_a_number_of_lines_counts_from_the_end_and_with_plus_from_the_beginning(
    history: History, number: str, shown: list[int]
) -> None:
    history.add("backup", RUN, NUMBERED)
    for flag in ("-n", "--lines"):
        done = runwisp("logs", "backup", flag, number)
        assert done.out.splitlines() == [f"line {n}" for n in shown]
        assert done.err.count("\n") == 1


@pytest.mark.parametrize("number", ["x", "", "-1", "1.5", "++1", "1k"])
def test_what_is_not_a_number_of_lines_is_a_usage_error(history: History, number: str) -> None:
    done = runwisp("logs", "backup", "-n", number)
    assert (done.code, done.out) == (2, "")


def test_the_beginning_cannot_be_followed(here: Path) -> None:
    assert runwisp("logs", "backup", "-f", "-n", "+5").code == 2


def test_following_without_a_daemon_is_an_error(history: History) -> None:
    history.add("backup", RUN, LINES)
    done = runwisp("logs", "-f", "backup")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("ERROR no daemon answers at ")


def test_lines_that_were_rotated_away_are_told(history: History) -> None:
    history.add("backup", RUN, MANY)
    done = runwisp("logs", "backup", "--json")
    first = objects(done)[0]["n"]
    warning = f"backup: older lines are gone, the first one available is {first}\n"
    assert first > 1
    for args in ([], ["-n", "+2"], ["-n", "50"]):
        shown = runwisp("logs", "backup", *args)
        assert shown.err.startswith(warning)
        assert shown.out.splitlines()[0] == f"line number {first}"
    assert warning not in runwisp("logs", "backup", "-n", "2").err
    assert warning not in runwisp("logs", "backup", "-n", "+0").err


def test_json_has_an_object_for_each_line_and_one_for_the_end(history: History) -> None:
    run = history.add("backup", FAILED, [(OUT, b"one\n"), (ERR, b"\x1b[31mtwo\n"), (SYSTEM, b"three")])
    done = runwisp("logs", "backup", "--json")
    assert (done.code, done.err) == (0, "")
    *lines, end = objects(done)
    ts = run.created_at
    line = {"type": "line", "task": "backup", "run_id": run.id, "ts": ts}
    assert lines == [
        {**line, "n": 1, "stream": "stdout", "text": "one"},
        {**line, "n": 2, "stream": "stderr", "text": "\x1b[31mtwo\x1b[0m"},
        {**line, "n": 3, "stream": "system", "text": "three"},
    ]
    assert (end["type"], end["id"], end["end_reason"], end["exit_code"]) == ("end", run.id, "failed", 3)


def test_a_live_run_has_no_end(history: History) -> None:
    history.add("web", RUNNING, [(OUT, b"x\n")])
    assert [entry["type"] for entry in objects(runwisp("logs", "web", "--json"))] == ["line"]


def test_piped_output_has_no_escape_sequences(history: History) -> None:
    history.add("backup", RUN, [(OUT, b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07plain\n"), (ERR, b"\x1b[2Jx\n")])
    done = runwisp("logs", "backup")
    assert done.out == "red plain\n"
    assert "\x1b" not in done.err


def test_on_a_terminal_prefixes_have_a_colour_for_each_unit_and_text_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    first, second = evolve(RUNNING, task_name="a"), evolve(RUNNING, task_name="b")
    printer = TextPrinter([first, second], lambda: BEGIN)
    line = LogLine(1, UnixMs(0), Stream.STDOUT, "\x1b[1mx\x1b[0m", False)
    printer.print(first, [line])
    printer.print(second, [line])
    assert terminal.getvalue() == "\x1b[36ma | \x1b[0m\x1b[1mx\x1b[0m\n\x1b[32mb | \x1b[0m\x1b[1mx\x1b[0m\n"


def test_a_unit_that_never_ran_is_told(here: Path, history: History) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    history.add("web", PENDING)
    assert runwisp("logs", "backup") == Outcome(0, "", "backup has not run yet\n")
    assert runwisp("logs", "web") == Outcome(0, "", "web has not run yet\n")


def test_a_run_without_output_shows_what_became_of_it(history: History) -> None:
    run = history.add("backup", SKIPPED)
    assert runwisp("logs", "backup") == Outcome(0, "", f"backup {run.id}: skipped (a run of it was active)\n")


def test_an_unknown_name_is_an_error_with_a_suggestion(here: Path, history: History) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    assert runwisp("logs", "bakcup") == Outcome(
        1, "", "ERROR unknown task 'bakcup'\n\ndid you mean 'backup'?\nknown: backup, db-dump, web\n"
    )


def test_what_is_wrong_with_one_target_does_not_keep_the_others(history: History) -> None:
    history.add("backup", RUN, [(OUT, b"x\n")])
    missing = RunId("01JA9XQ4Z6M8T2V7C3K5N0RZZZ")
    done = runwisp("logs", "nothing", "backup", missing, "z*")
    assert (done.code, done.out) == (1, "x\n")
    assert "ERROR unknown task 'nothing'" in done.err
    assert f"ERROR there is no run {missing}" in done.err
    assert "ERROR no task or service matches 'z*'" in done.err


def test_without_targets_it_is_a_usage_error(here: Path) -> None:
    assert runwisp("logs").code == 2


def test_reading_changes_nothing_even_if_an_index_is_damaged(history: History) -> None:
    history.add("backup", RUN, NUMBERED)
    index = next(history.path.rglob("*.idx"))
    index.write_bytes(index.read_bytes()[:40])
    before = contents(history.path)
    assert runwisp("logs", "backup").out.count("\n") == 12
    assert contents(history.path) == before
