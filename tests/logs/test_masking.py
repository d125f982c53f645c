from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.masking import REPLACEMENT, Masker

# No letter of the replacement, so that masked text cannot look like a value.
_SECRETS = st.lists(st.text("xyz0", min_size=1, max_size=6), min_size=1, max_size=4)
_TEXT = st.text("xyz0 \n").map(str.encode)


@pytest.mark.parametrize(
    ("secrets", "line", "masked"),
    [
        (["hunter2"], b"password hunter2!", b"password [redacted]!"),
        (["ab", "abcd"], b"abcd ab", b"[redacted] [redacted]"),
        (["ab"], b"abab", b"[redacted][redacted]"),
        (["abc", "bcde"], b"-abcde-", b"-[redacted]-"),
        (["aba"], b"ababa", b"[redacted]"),
        (["käse"], "käse".encode(), b"[redacted]"),
        (["", "a"], b"xay", b"x[redacted]y"),
        (["(.*)"], b"anything (.*)", b"anything [redacted]"),
        (["token\n"], b"a token", b"a [redacted]"),
        (["-----BEGIN KEY-----\r\nMIIEpAIB\r\nshort"], b"MIIEpAIB short", b"[redacted] short"),
    ],
)
def test_values_become_the_replacement(secrets: list[str], line: bytes, masked: bytes) -> None:
    assert Masker(secrets).mask(line) == masked


def test_a_masker_without_values_is_false() -> None:
    assert not Masker([])
    assert not Masker(["", "\n", "short\nlines"])
    assert Masker(["a"])


def test_text_without_secrets_is_passed_on_as_it_is() -> None:
    line = b"nothing to see"
    assert Masker(["hunter2"]).mask(line) is line


@pytest.mark.parametrize(
    ("secrets", "tail", "settled"),
    [
        (["hunter2"], b"password hunt", 9),
        (["hunter2"], b"password hunter2", 16),
        (["hunter2"], b"nothing", 7),
        (["abab"], b"xaba", 1),
        (["ab", "abcd"], b"xabc", 1),
        (["xab", "abc"], b"xab", 0),
    ],
)
def test_the_beginning_of_a_value_at_the_end_is_not_settled(
    secrets: list[str], tail: bytes, settled: int
) -> None:
    assert Masker(secrets).settled(tail, len(tail)) == settled


def test_a_place_inside_a_value_is_not_settled() -> None:
    assert Masker(["hunter2"]).settled(b"a hunter2 b", 5) == 2
    assert Masker(["hunter2"]).settled(b"a hunter2 b", 9) == 9


@given(_SECRETS, _TEXT)
def test_no_value_is_left_in_masked_text(secrets: list[str], text: bytes) -> None:
    masked = Masker(secrets).mask(text)
    assert not any(secret.encode() in masked for secret in secrets)


@given(_SECRETS, _TEXT)
def test_masking_the_settled_beginning_gives_a_beginning_of_the_masked_whole(
    secrets: list[str], text: bytes
) -> None:
    masker = Masker(secrets)
    for end in range(len(text) + 1):
        settled = masker.settled(text[:end], end)
        assert masker.mask(text).startswith(masker.mask(text[:settled]))


@given(_SECRETS, _TEXT)
def test_all_text_outside_values_is_kept(secrets: list[str], text: bytes) -> None:
    kept = Masker(secrets).mask(text).split(REPLACEMENT)
    position = 0
    for part in kept:
        position = text.index(part, position) + len(part)
    assert position <= len(text)
