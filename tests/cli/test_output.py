"""Streams, colour, JSON and tables."""

from __future__ import annotations

import io
import json
import sys

import pytest

from runwisp.cli.output import note, paint, print_error, print_json, say, table
from runwisp.errors import Refused


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def colour_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_each_stream_is_judged_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert paint("x", "danger", sys.stdout) == "x"
    assert paint("x", "danger", sys.stderr) == "\x1b[31mx\x1b[0m"


def test_no_color_takes_the_colour_from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("x", "danger", Terminal()) == "x"


def test_the_badge_of_an_error_has_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    print_error(Refused("not now"))
    assert terminal.getvalue() == "\x1b[1;41;97mERROR\x1b[0m not now\n"


def test_notes_follow_the_lines_that_were_said_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    both = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(both, write_through=False))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(both, write_through=True))
    say("first")
    note("second")
    assert both.getvalue() == b"first\nsecond\n"


def test_a_document_is_indented_by_two_and_ends_with_a_newline(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "žltý", "none": None})
    text = capsys.readouterr().out
    assert text == '{\n  "schema_version": 1,\n  "name": "žltý",\n  "none": null\n}\n'
    assert json.loads(text)["name"] == "žltý"


def test_columns_are_three_blanks_apart_above_and_below_a_rule() -> None:
    assert table(["NAME", "N"], [["a", "10000"], ["longer", "2"]]).splitlines() == [
        "NAME     N",
        "--------------",
        "a        10000",
        "longer   2",
    ]


def test_colour_does_not_move_the_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    shown = table(["S", "N"], [["ok", "1"], ["failed", "2"]], {0: ["success", "danger"]})
    assert shown.splitlines()[2:] == ["\x1b[32mok\x1b[0m       1", "\x1b[31mfailed\x1b[0m   2"]
