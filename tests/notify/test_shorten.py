from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from runwisp.notify import escape
from runwisp.notify.shorten import Size, end, fitted, head, units, utf8_bytes
from tests.notify.hostile import MEGABYTE, texts

_sizes = st.sampled_from((units, utf8_bytes, lambda part: units(escape.slack(part))))
_limits = st.integers(0, 400)


def test_what_fits_stays_whole() -> None:
    assert head("abcdef", 6) == end("abcdef", 6) == "abcdef"


def test_a_cut_leaves_an_ellipsis_where_something_is_missing() -> None:
    assert head("abcdef", 4) == "abc…"
    assert end("abcdef", 4) == "…def"


def test_no_character_is_cut_in_two() -> None:
    assert head("ééé", 6, utf8_bytes) == "ééé"
    assert head("ééé", 5, utf8_bytes) == "é…"
    assert end("a😀😀", 4) == "…😀"


def test_an_ellipsis_that_does_not_fit_is_left_out_too() -> None:
    assert head("ééé", 2, utf8_bytes) == ""
    assert end("abc", 0) == ""


@given(texts, _limits, _sizes)
@example("x" * MEGABYTE, 300, units)
def test_a_part_fits_and_one_character_more_would_not(text: str, limit: int, size: Size) -> None:
    start, rest = head(text, limit, size), end(text, limit, size)
    assert size(start) <= limit
    assert size(rest) <= limit
    if start != text and start:
        assert start[-1] == "…"
        assert text.startswith(start[:-1])
        assert size(text[: len(start)] + "…") > limit or len(start) == len(text)
    if rest != text and rest:
        assert rest[0] == "…"
        assert text.endswith(rest[1:])


@given(texts, texts, st.integers(10, 400))
def test_the_tail_goes_before_the_sentence(sentence: str, tail: str, limit: int) -> None:
    composed = fitted(lambda first, second: f"{first}|{second}", sentence, tail, limit)
    assert units(composed) <= limit
    if units(sentence) < limit:
        assert composed == f"{sentence}|{end(tail, limit - 1 - units(sentence))}"
