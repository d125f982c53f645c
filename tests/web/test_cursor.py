from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.web.cursor import MAX_CURSOR, read_cursor, write_cursor
from runwisp.web.problem import Problem

SCOPE = ("runs", "desc", ("backup",))


def pair(first: str, second: str) -> tuple[str, str]:
    return first, second


@given(st.text(), st.text())
def test_a_cursor_gives_back_the_key_of_its_list(first: str, second: str) -> None:
    assert read_cursor(write_cursor(SCOPE, first, second), SCOPE, pair) == (first, second)


@given(st.text(max_size=12))
def test_a_cursor_is_safe_in_an_address_and_short(name: str) -> None:
    cursor = write_cursor(SCOPE, "2026-03-02T02:00:00.412Z", "01JA9XQ4Z6M8T2V7C3K5N0RBHD", name)
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert len(cursor) <= MAX_CURSOR


@pytest.mark.parametrize("other", [("runs", "asc", ("backup",)), ("runs", "desc", ("mail",)), "runs"])
def test_a_cursor_of_another_list_is_refused(other: object) -> None:
    with pytest.raises(Problem) as raised:
        read_cursor(write_cursor(other, "a", "b"), SCOPE, pair)
    assert raised.value.status == 422
    assert raised.value.errors[0].location == "query.cursor"
    assert "other filters" in raised.value.errors[0].message


@given(st.text(max_size=MAX_CURSOR))
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(Problem) as raised:
        read_cursor(text, SCOPE, pair)
    assert raised.value.status == 422


@given(st.data())
def test_a_cursor_with_a_character_missing_or_put_in_is_refused(data: st.DataObject) -> None:
    cursor = write_cursor(SCOPE, "2026-03-02T02:00:00.412Z", "01JA9XQ4Z6M8T2V7C3K5N0RBHD")
    place = data.draw(st.integers(0, len(cursor) - 1))
    broken = data.draw(st.sampled_from([cursor[:place], cursor[:place] + "*" + cursor[place:]]))
    with pytest.raises(Problem):
        read_cursor(broken, SCOPE, pair)


def test_a_key_that_the_list_cannot_use_is_refused() -> None:
    with pytest.raises(Problem):
        read_cursor(write_cursor(SCOPE, "only one"), SCOPE, pair)
    with pytest.raises(Problem):
        read_cursor(write_cursor(SCOPE, "no", "numbers"), SCOPE, lambda a, b: (int(a), int(b)))
