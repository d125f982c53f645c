from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import Seconds
from runwisp.web.auth.single_use import SingleUse


def numbered(life_s: float, most: int) -> SingleUse:
    numbers = count(1)
    return SingleUse(lambda: f"word-{next(numbers)}", Seconds(life_s), most)


def test_a_word_is_good_once() -> None:
    words = numbered(60, 10)
    word = words.issue(0)
    assert words.take(word, 1)
    assert not words.take(word, 2)


def test_a_word_is_good_until_its_life_is_over() -> None:
    words = numbered(60, 10)
    early, late = words.issue(0), words.issue(0)
    assert words.take(early, 59.999)
    assert not words.take(late, 60)


def test_a_word_that_came_too_late_is_forgotten_as_well() -> None:
    words = numbered(60, 10)
    assert not words.take(words.issue(0), 60)
    assert len(words) == 0


def test_the_oldest_word_goes_when_there_are_too_many() -> None:
    words = numbered(60, 3)
    issued = [words.issue(0) for _ in range(5)]
    assert [words.take(word, 1) for word in issued] == [False, False, True, True, True]


def test_ten_thousand_words_take_the_room_of_a_few() -> None:
    words = numbered(60, 100)
    for at in range(10_000):
        words.issue(at)
    assert len(words) == 100


@given(st.text())
def test_any_other_text_is_no_word(text: str) -> None:
    assert not numbered(60, 3).take(text, 0)


@given(
    st.integers(1, 4),
    st.lists(st.one_of(st.just("issue"), st.integers(0, 12), st.floats(0, 30))),
)
def test_words_go_like_those_of_a_naive_list(most: int, steps: list[str | int | float]) -> None:
    """Steps are: issue a word, take the word of that number, let that many seconds pass."""
    words, now_s = numbered(10, most), 0.0
    issued: list[str] = []
    outstanding: list[tuple[str, float]] = []
    for step in steps:
        if isinstance(step, float):
            now_s += step
        elif step == "issue":
            issued.append(words.issue(now_s))
            outstanding = [*outstanding, (issued[-1], now_s)][-most:]
        else:
            word = issued[int(step)] if int(step) < len(issued) else "unknown"
            is_good = any(word == known and now_s - at < 10 for known, at in outstanding)
            assert words.take(word, now_s) is is_good
            outstanding = [(known, at) for known, at in outstanding if known != word]
        assert len(words) <= most
