from __future__ import annotations

import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runwisp.logs.matching import _LONG_S_AND_KELVIN, PIECE_SIZE, BadPattern, Matcher
from tests.logs.lines import shown, split, torn_blocks


def substring(text: str, *, case: bool = False) -> Matcher:
    return Matcher(text, is_regex=False, is_case_sensitive=case)


def regex(text: str, *, case: bool = True) -> Matcher:
    return Matcher(text, is_regex=True, is_case_sensitive=case)


def folded(text: str) -> str:
    """With the case of each character folded by itself, to one character."""
    return "".join(_folded(character) for character in text)


def _folded(character: str) -> str:
    if len(character.casefold()) == 1:
        return character.casefold()
    return character.lower() if len(character.lower()) == 1 else character


def finds(matcher: Matcher, block: bytes) -> list[int]:
    """The lines that match, the way a search finds them."""
    lines = split(block)
    candidates = matcher.candidates(block)
    assert list(candidates) == sorted(set(candidates))
    return [number for number in candidates if matcher.matches(lines[number])]


texts = st.text(
    st.sampled_from("aAbBsSkK1. \t[méÉяſ\N{KELVIN SIGN}ß漢°\N{REPLACEMENT CHARACTER}"), min_size=1, max_size=4
)


@given(torn_blocks, texts)
@example(b"\xc3\x00\xa9\n", "\N{REPLACEMENT CHARACTER}" * 2)
@example(b"a\x1b[31mb\n", "ab")
@example(b"xb\ra\n", "ab")
@example(b"a\tb\r", "a  ")
def test_a_substring_is_found_in_exactly_the_lines_that_show_it(block: bytes, text: str) -> None:
    expected = [number for number, line in enumerate(split(block)) if text in shown(line)]
    assert finds(substring(text, case=True), block) == expected


@given(torn_blocks, texts)
@example(b"\xe2\x84\xaa\n", "k")
@example(b"k\n", "\N{KELVIN SIGN}")
@example(b"\xc5\xbfa\n", "SA")
def test_case_is_folded_unless_it_counts(block: bytes, text: str) -> None:
    expected = [number for number, line in enumerate(split(block)) if folded(text) in folded(shown(line))]
    assert finds(substring(text), block) == expected


#: Expressions that mean the same to Python's engine in its ASCII mode.
_atoms = st.sampled_from(
    [
        "a",
        "b",
        "1",
        r"\.",
        " ",
        r"\t",
        "é",
        "漢",
        ".",
        "[ab]",
        "[^a]",
        "[^1 ]",
        r"\w",
        r"\W",
        r"\s",
        r"\S",
        r"\d",
        r"\b",
    ]
)
_repeated = st.builds(
    lambda atom, repeat: atom + (repeat if atom != r"\b" else ""),
    _atoms,
    st.sampled_from(["", "", "*", "+", "?", "{2}", "*?"]),
)
_sequences = st.lists(_repeated, max_size=4).map("".join)
_ends = st.sampled_from(["", "", "$", r"\z", "(?-m:$)"])
_begins = st.sampled_from(["", "", "^", r"\A", "(?-m)^"])
expressions = st.builds("{}(?:{}|{}){}".format, _begins, _sequences, _sequences, _ends)


@given(torn_blocks, expressions)
@example(b"a\n\n", "^$")
@example(b"a\n\x00", "^$")
@example(b"a\nb", "$")
@example(b"a", "a$")
@example(b"a\nb\n", r"\Ab")
@example(b"a\nb\n", "[^x]b")
@example(b"a\n\nb\n", r"a\s+b")
def test_an_expression_is_found_in_exactly_the_lines_that_show_it(block: bytes, text: str) -> None:
    pythons = re.compile(
        text.replace(r"\z", r"\Z").replace("(?-m)", "").replace("(?-m:$)", r"\Z").replace("$", r"\Z"),
        re.ASCII,
    )
    expected = [number for number, line in enumerate(split(block)) if pythons.search(shown(line))]
    assert finds(regex(text), block) == expected


def test_an_expression_folds_case_unless_it_counts() -> None:
    block = "ERROR\nerror\nÄrger\n".encode()
    assert finds(regex("^err", case=False), block) == [0, 1]
    assert finds(regex("^err"), block) == [1]
    assert finds(regex("ä", case=False), block) == [2]


def test_nothing_matches_across_lines() -> None:
    block = b"a\nb\n"
    assert finds(substring("a\nb"), block) == []
    for text in (r"a\nb", "a[^c]b", "(?s)a.b", r"a\sb", r"a\Wb", "a\nb"):
        assert finds(regex(text), block) == []


def test_styles_are_not_looked_at() -> None:
    assert finds(substring("31"), b"\x1b[31mred\n") == []
    assert finds(substring("\x1b"), b"\x1b[31mred\n") == []


def test_a_matching_line_behind_one_that_does_not_is_found() -> None:
    # A search for the next match in the block must not begin behind the end of the last one.
    assert finds(regex("a.*b|b"), b"a\nb\n") == [1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a(b", "missing )"),
        ("a(?=b)", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("a**", "bad repetition operator"),
        ("a{1001}", "invalid repetition size"),
        (r"\pL{900}", "too large"),
        ("(((x{30}){30}){30}){30}", "repetition"),
        (r"(?:\p{Han}|\pL|\pN){0,400}#", "too large"),
        ("|".join(f"[ab].{{{9 * number}}}Q{number}" for number in range(60)), "too large"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadPattern, match=re.escape(reason)) as caught:
        regex(text)
    assert "(?m)" not in str(caught.value)


def test_any_substring_can_be_looked_for() -> None:
    longest = "ꙋ" * 1024
    assert finds(substring(longest), longest.upper().encode() + b"\n") == [0]
    assert finds(substring("(?:.*[" * 170), b"(?:.*[" * 170) == [0]


@pytest.mark.parametrize("text", ["(a*)*b", "(x+x+)+y", "(?:a?){60}a{60}b", "(a|aa)+$", "(?:.*a){50}.*Z"])
def test_a_hostile_expression_comes_to_an_end(text: str) -> None:
    line = b"a" * 20_000 + b"x\n"
    assert finds(regex(text), line * 2) == []


def test_less_is_looked_through_at_once_the_larger_an_expression_is() -> None:
    assert substring("a").piece_size == PIECE_SIZE
    assert regex("a.*b").piece_size == PIECE_SIZE
    assert 4_000 < regex(".{400}").piece_size < PIECE_SIZE


def test_no_other_character_differs_from_ascii_in_its_case_only() -> None:
    characters = map(chr, range(0x80, sys.maxunicode + 1))
    foreign = "".join(c for c in characters if unicodedata.category(c) != "Cs" and folded(c).isascii())
    assert sorted(foreign) == sorted(_LONG_S_AND_KELVIN)


def test_the_engine_is_imported_for_the_first_search_only() -> None:
    check = "import sys, runwisp.logs.search; print('re2' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
