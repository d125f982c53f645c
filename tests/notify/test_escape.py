from __future__ import annotations

import html
import re

import pytest
from hypothesis import given

from runwisp.notify import escape
from tests.notify.hostile import texts


@given(texts)
def test_html_reads_as_what_it_was(text: str) -> None:
    escaped = escape.html(text)
    assert not {"<", ">", '"'} & set(escaped)
    assert html.unescape(escaped) == html.unescape(html.escape(text, quote=False))


@given(texts)
def test_no_backticks_stand_together(text: str) -> None:
    assert "``" not in escape.unfenced(text)
    assert escape.unfenced(text).replace("\u200b", "") == text.replace("\u200b", "")


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("@all", "@\u200ball"),
        ("(@joe)@x", "(@\u200bjoe)@\u200bx"),
        ("ops@example.net", "ops@example.net"),
        ("@ 5", "@ 5"),
    ],
)
def test_only_what_calls_somebody_is_parted(text: str, parted: str) -> None:
    assert escape.unmentioned(text) == parted


@given(texts)
def test_markdown_v2_leaves_nothing_with_a_meaning(text: str) -> None:
    plain = re.sub(r"\\.", "", escape.telegram_markdown(text), flags=re.DOTALL)
    assert not set(r"_*[]()~`>#+-=|{}.!" + "\\") & set(plain)


def test_markers_of_discord_count_at_the_beginning_of_a_line_or_everywhere() -> None:
    assert escape.discord("# a-b #1 > c") == r"\# a-b #1 > c"
    assert escape.discord("- *x* <@1> [a](b)") == r"\- \*x\* \<@1> \[a\](b)"
