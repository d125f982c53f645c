"""A view of rows without end, as a browser lays it out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

HEIGHT = 400
LINE = 20


@pytest.fixture(scope="module")
def page(modules: Page) -> Iterator[Page]:
    open_view = """async (height) => {
        globalThis.bench = await (await import('/tests/long_view.js')).openView(height);
    }"""
    modules.evaluate(open_view, HEIGHT)
    yield modules
    modules.evaluate("() => bench.close()")


def run(page: Page, steps: str, *arguments: object) -> Any:
    """Do steps with ``bench``, ``view`` and ``args`` at hand; what they return."""
    return page.evaluate(f"async (args) => {{ const {{ view }} = bench; {steps} }}", list(arguments))


@pytest.mark.parametrize("count", [1, 5, 20, 1000, 400_000, 5_000_000])
def test_it_opens_at_the_end_and_reaches_both(page: Page, count: int) -> None:
    steps = """
        await bench.begin(args[0]);
        const [, end] = bench.shown();
        await bench.scrollTo(0);
        const [start] = bench.shown();
        await bench.scrollTo(bench.scroller.scrollHeight);
        return [end, start, bench.shown()[1]];
    """
    assert run(page, steps, count) == [count, 1, count]


def test_only_rows_near_the_view_exist(page: Page) -> None:
    steps = """
        await bench.begin(5_000_000);
        await bench.scrollTo(3_000_000);
        return bench.tops().size;
    """
    assert run(page, steps) <= HEIGHT / LINE + 2 + 2 * 50


@settings(max_examples=16, deadline=None)
@given(
    is_wrapped=st.booleans(),
    count=st.sampled_from([300, 30_000, 5_000_000]),
    part=st.floats(0, 1),
    moves=st.lists(st.integers(-380, 380), min_size=1, max_size=8),
)
def test_rows_move_by_as_much_as_they_are_moved(
    page: Page, is_wrapped: bool, count: int, part: float, moves: list[int]
) -> None:
    steps = """
        const [count, isWrapped, n, moves] = args;
        await bench.begin(count, { isWrapped });
        await bench.show(n);
        const errors = [];
        for (const pixels of moves) errors.push(await bench.move(pixels));
        return [...errors, await bench.rest()];
    """
    case = (count, is_wrapped, 1 + int(part * (count - 1)), moves)
    errors = run(page, steps, *case)
    assert max(errors) <= 1, (case, errors)


@pytest.mark.parametrize("is_wrapped", [False, True])
@pytest.mark.parametrize("n", [1, 17, 2_500_000, 4_999_990, 5_000_000])
def test_a_row_is_brought_into_view(page: Page, n: int, is_wrapped: bool) -> None:
    steps = """
        const [n, isWrapped] = args;
        await bench.begin(5_000_000, { isWrapped });
        await bench.show(n);
        const [first, last] = bench.shown();
        return [first <= n && n <= last, view.isFollowing];
    """
    assert run(page, steps, n, is_wrapped) == [True, False]


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_the_end_stays_in_view_as_rows_come(page: Page, is_wrapped: bool) -> None:
    steps = """
        await bench.begin(1000, { isWrapped: args[0] });
        const last = [];
        for (const count of [1001, 1002, 1500, 900_000]) {
            view.setRange(1, count);
            await bench.settled();
            last.push(bench.shown()[1]);
        }
        return last;
    """
    assert run(page, steps, is_wrapped) == [1001, 1002, 1500, 900_000]


def test_leaving_the_last_two_lines_ends_following_and_coming_back_begins_it(page: Page) -> None:
    steps = """
        await bench.begin(1000);
        const told = [view.isFollowing];
        for (const pixels of [-30, -60, 500]) {
            await bench.move(pixels);
            await bench.settled();
            told.push(view.isFollowing);
        }
        return told;
    """
    assert run(page, steps) == [True, True, False, True]


def test_a_slow_movement_gets_away_from_a_log_that_grows(page: Page) -> None:
    steps = """
        await bench.begin(1000);
        for (let count = 1001; count < 1030; count += 1) {
            view.setRange(1, count);
            await bench.move(-4);
        }
        const [first] = bench.shown();
        view.setRange(1, 2000);
        await bench.settled();
        return [view.isFollowing, bench.shown()[0] === first];
    """
    assert run(page, steps) == [False, True]


def test_rows_that_go_at_the_start_leave_the_others_where_they_are(page: Page) -> None:
    steps = """
        await bench.begin(1000);
        await bench.show(700);
        const before = bench.tops().get(700);
        view.setRange(500, 1000);
        await bench.settled();
        const after = bench.tops().get(700);
        view.setRange(800, 1000);
        await bench.settled();
        return [before === after, bench.shown()[0]];
    """
    assert run(page, steps) == [True, 800]
