"""Output as the dashboard shows it: styles of terminals, hostile text, places in a log, outcomes in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from runwisp.web.static import DASHBOARD

ESC = "\x1b"

#: What the console is drawn on.
GROUND = "#0a0f10"

PIECES = """async (texts) => {
    const { pieces, plain } = await import('/js/ansi.js');
    return texts.map((text) => [pieces(text).map(({ text, look }) => [text, look]), plain(text)]);
}"""


def pieces(modules: Page, text: str) -> list[list[Any]]:
    [[found, plain]] = modules.evaluate(PIECES, [text])
    assert "".join(piece for piece, _ in found) == plain
    return list(found)


def styled(modules: Page, parameters: str) -> dict[str, Any] | None:
    """The look of what follows a sequence."""
    [[_, look]] = pieces(modules, f"{ESC}[{parameters}mx")
    return look  # type: ignore[no-any-return]  # as the browser gives it


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain [31m", "plain [31m"),
        (f"{ESC}[31mred{ESC}[0m", "red"),
        (f"a{ESC}]8;;https://a.example{ESC}\\link{ESC}]8;;\x07b", "alinkb"),
        (f"{ESC}[2K{ESC}[10;3H{ESC}[?25lx", "x"),
        (f"{ESC}(B{ESC}=x{ESC}[", "x"),
        (f"{ESC}", ""),
    ],
)
def test_only_styles_are_left_of_sequences(modules: Page, text: str, shown: str) -> None:
    assert "".join(piece for piece, _ in pieces(modules, text)) == shown


def test_neighbours_of_one_look_are_one_piece(modules: Page) -> None:
    assert pieces(modules, f"a{ESC}[mb{ESC}[39mc") == [["abc", None]]


@pytest.mark.parametrize(
    ("parameters", "classes"),
    [
        ("1", "sgr-bold"),
        ("3;4", "sgr-italic sgr-underline"),
        ("9", "sgr-strike"),
        ("8", "sgr-hidden"),
        ("4:3", "sgr-underline"),
    ],
)
def test_marks_of_text_become_classes(modules: Page, parameters: str, classes: str) -> None:
    assert styled(modules, parameters) == {"classes": classes, "style": {}}


@pytest.mark.parametrize(
    "parameters", ["0", "", "1;22", "3;23", "4;24", "4;4:0", "7;27", "8;28", "9;29", "31;39", "41;49", "77"]
)
def test_what_is_reset_or_unknown_leaves_no_look(modules: Page, parameters: str) -> None:
    assert styled(modules, parameters) is None


@pytest.mark.parametrize(
    ("parameters", "colour"),
    [
        ("38;5;231", "#ffffff"),
        ("38;5;226", "#ffff00"),
        ("38;2;255;128;0", "#ff8000"),
        ("38:2:255:128:0", "#ff8000"),
        ("38:2::255:128:0", "#ff8000"),
        ("38:5:226", "#ffff00"),
        ("31;38;5;300", "#f0788c"),
        ("31;38;5", "#f0788c"),
        ("31;38", "#f0788c"),
    ],
)
def test_colours_are_read_in_every_notation(modules: Page, parameters: str, colour: str) -> None:
    look = styled(modules, parameters)
    assert look is not None
    assert look["style"]["color"] == colour


def test_inverse_swaps_with_the_colours_of_the_console(modules: Page) -> None:
    assert styled(modules, "7") == {"classes": "", "style": {"color": GROUND, "background-color": "#d3dcd9"}}


def contrast(first: str, second: str) -> float:
    """By WCAG 2.1."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(first), luminance(second)])
    return (light + 0.05) / (dark + 0.05)


parameters = st.lists(
    st.one_of(
        st.sampled_from(["1", "2", "7", "22", "27", "30", "34", "37", "90", "40", "44", "47", "100", "107"]),
        st.integers(0, 255).map("38;5;{}".format),
        st.integers(0, 255).map("48;5;{}".format),
        st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "38;2;{};{};{}".format(*rgb)),
        st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "48;2;{};{};{}".format(*rgb)),
    ),
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(codes=parameters)
def test_whatever_a_program_picks_can_be_read(modules: Page, codes: list[str]) -> None:
    look = styled(modules, ";".join(codes)) or {"style": {}}
    style = look["style"]
    assert contrast(style.get("color", "#d3dcd9"), style.get("background-color", GROUND)) >= 4.5


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.sampled_from(f"{ESC}[]m;:01348;5A\\\x07 é"), max_size=30))
def test_no_escape_gets_through(modules: Page, text: str) -> None:
    assert ESC not in "".join(piece for piece, _ in pieces(modules, text))


PAINT = """async ([row, changes]) => {
    const { paintRow } = await import('/js/logpaint.js');
    const paper = {
        time: 'off', most: 4000, start: null, matcher: null, hit: null, picked: null, flash: null,
        whole: new Set(), hrefOf: (n) => `/${n}`, ...changes,
    };
    if (changes.find) paper.matcher = new RegExp(changes.find, 'giu');
    const node = document.createElement('div');
    paintRow(node, { n: 7, ts: 0, stream: 'stdout', text: '', continued: false, ...row }, 7, paper);
    const { textContent: text, innerHTML: html } = node.querySelector('.log-text');
    const marks = [...node.querySelectorAll('mark')].map((one) => one.textContent);
    return { text, html, marks, time: node.querySelector('.log-ts').textContent };
}"""


def paint(modules: Page, text: str, ts: int | None = 0, **changes: object) -> dict[str, Any]:
    found: dict[str, Any] = modules.evaluate(PAINT, [{"text": text, "ts": ts}, changes])
    return found


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "\"'&amp;&#60;", "\u202egnp.exe", "\u2066a\u2069\u200fb", "שלום abc"],
)
def test_hostile_output_is_only_text(modules: Page, text: str) -> None:
    assert paint(modules, text)["text"] == text
    assert paint(modules, f"{ESC}[31m{text}")["text"] == text


def test_characters_that_reorder_are_fenced_and_named(modules: Page) -> None:
    assert '<span class="log-control" data-name="RLO">\u202e</span>' in paint(modules, "a\u202eb")["html"]


def test_matches_are_marked_across_styles(modules: Page) -> None:
    painted = paint(modules, f"one Er{ESC}[31mror{ESC}[0m error", find="error")
    assert painted["marks"] == ["Er", "ror", "error"]
    assert painted["text"] == "one Error error"


def test_a_long_line_is_cut_unless_it_is_asked_for_or_matches_further_on(modules: Page) -> None:
    text = "x" * 4000 + "needle"
    assert paint(modules, text)["text"] == "x" * 4000 + "… 6 more"
    assert paint(modules, text, find="needle")["text"] == text


@pytest.mark.parametrize(
    ("ts", "start", "shown"),
    [
        (1_000, 0, "+0:01.000"),
        (61_005, 0, "+1:01.005"),
        (3_723_004, 0, "+1:02:03.004"),
        (0, 1500, "−0:01.500"),
        (None, 0, ""),
    ],
)
def test_times_count_from_the_start(modules: Page, ts: int | None, start: int, shown: str) -> None:
    assert paint(modules, "a", ts, time="since", start=start)["time"] == shown


def test_times_of_day_are_the_browsers(modules: Page) -> None:
    assert paint(modules, "a", 5, time="clock")["time"] == "01:00:00.005"


#: 2026-03-02 23:30:15 in Berlin.
START = 1_772_490_615_000


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1", {"line": 1}),
        (" 1,200 ", {"line": 1200}),
        ("-50", {"fromEnd": 50}),
        ("12.5%", {"part": 0.125}),
        ("400%", {"part": 1}),
        ("23:30", {"at": START - 15_000}),
        ("23:31:02.5", {"at": START + 47_500}),
        ("0:10", {"at": START + 2_385_000}),
        ("23:29", {"at": START + 86_325_000}),
        ("2026-03-02 23:31", {"at": START + 45_000}),
        ("+90", {"at": START + 90_000}),
        ("+2m30s", {"at": START + 150_000}),
        ("+1h0.5", {"at": START + 3_600_500}),
        ("0", None),
        ("-0", None),
        ("+", None),
        ("abc", None),
        ("", None),
        ("1.5", None),
    ],
)
def test_places_are_lines_or_times(modules: Page, text: str, place: dict[str, float] | None) -> None:
    call = "async ([text, start]) => (await import('/js/consoleparts.js')).placeOf(text, start)"
    assert modules.evaluate(call, [text, START]) == place


def test_before_a_run_has_started_there_are_no_times_in_it(modules: Page) -> None:
    call = """async (texts) => {
        const { placeOf } = await import('/js/consoleparts.js');
        return texts.map((text) => placeOf(text, null));
    }"""
    assert modules.evaluate(call, ["+5", "12:00", "7"]) == [None, None, {"line": 7}]


def test_a_search_takes_its_text_literally_unless_told_otherwise(modules: Page) -> None:
    call = """async (queries) => {
        const { matcherOf } = await import('/js/log.js');
        const find = (query) => 'A.b a.b axb'.match(matcherOf(query) ?? /$^/);
        return queries.map(([q, regex, isCase]) => find({ q, regex, case: isCase }));
    }"""
    queries = [
        ["a.b", False, False],
        ["a.b", False, True],
        ["a.b", True, True],
        ["(", True, False],
        ["", False, False],
    ]
    assert modules.evaluate(call, queries) == [["A.b", "a.b"], ["a.b"], ["a.b", "axb"], None, None]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"end_reason": "success"}, ""),
        ({"end_reason": "failed", "exit_code": 3, "is_failure": True}, "Exited with code 3."),
        ({"end_reason": "failed", "exit_code": 127}, "Exited with code 127: the command was not found."),
        ({"end_reason": "failed", "exit_code": 143}, "Exited with code 143: as after SIGTERM."),
        (
            {"end_reason": "failed", "exit_code": 1, "is_failure": True, "retry_attempt": 2},
            "Exited with code 1. It was the last of 3 attempts.",
        ),
        (
            {"end_reason": "failed", "exit_code": -1, "start_at": None, "message": "no such directory: /x"},
            "It could not be started. No such directory: /x.",
        ),
        ({"end_reason": "timeout"}, "Ended because it took longer than its timeout of 30m."),
        ({"end_reason": "skipped", "start_at": None}, "It never ran: another run was still going on."),
        ({"end_reason": "skipped", "message": "a run is active."}, "It never ran. A run is active."),
        ({"end_reason": "log_overflow"}, "Ended because its output reached 10 MB."),
        ({"end_reason": "a_new_word"}, "Ended: a new word."),
        ({"status": "pending", "start_at": None}, "It waits for its turn."),
        ({"status": "running"}, ""),
    ],
)
def test_an_outcome_is_a_sentence(modules: Page, changes: dict[str, object], sentence: str) -> None:
    call = """async (changes) => {
        const { explain } = await import('/js/outcome.js');
        const { ended, makeRun, makeTask } = await import('/tests/fake_daemon.js');
        const limits = { timeout: 1800, log_max_size: 10485760 };
        const unit = makeTask('a', { retry_attempts: 2, on_overlap: 'queue', ...limits });
        return explain({ ...ended(makeRun(1)), ...changes }, unit);
    }"""
    assert modules.evaluate(call, changes) == sentence


def test_no_module_makes_markup() -> None:
    for module in DASHBOARD.glob("js/*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", module.read_text()), (
            module
        )
