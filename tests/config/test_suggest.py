from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.suggest import closest

_WORDS = st.text(alphabet="abcX", max_size=8)


def _distance(left: str, right: str) -> int:
    """Levenshtein distance by its definition."""
    if not left or not right:
        return len(left) + len(right)
    if left[-1] == right[-1]:
        return _distance(left[:-1], right[:-1])
    return 1 + min(_distance(left[:-1], right), _distance(left, right[:-1]), _distance(left[:-1], right[:-1]))


def test_letter_case_counts_for_nothing() -> None:
    assert closest("RETRY_DELEY", ["timeout", "retry_delay"]) == "retry_delay"


def test_the_first_of_equals_wins() -> None:
    assert closest("ab", ["ac", "ad"]) == "ac"
    assert closest("ab", ["abc", "ab"]) == "ab"


def test_a_long_word_may_be_a_third_wrong() -> None:
    assert closest("abcdefghi", ["abcdef"]) == "abcdef"
    assert closest("abcdefgh", ["abcde"]) is None


@given(st.text(alphabet="abX", max_size=5), st.lists(st.text(alphabet="abX", max_size=5), max_size=4))
def test_the_nearest_candidate_within_reach_is_found(word: str, candidates: list[str]) -> None:
    distances = [_distance(word.lower(), candidate.lower()) for candidate in candidates]
    best = min(distances, default=99)
    expected = candidates[distances.index(best)] if best <= max(2, len(word) // 3) else None
    assert closest(word, candidates) == expected
