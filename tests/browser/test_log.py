"""How the dashboard reads a log: pages where they are looked at, the stream of a live run, and times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page


@pytest.fixture
def page(modules: Page) -> Iterator[Page]:
    """With the browser's own way to fetch afterwards."""
    modules.evaluate("() => { globalThis.ownFetch ??= globalThis.fetch; }")
    yield modules
    modules.evaluate("() => { globalThis.fetch = globalThis.ownFetch; }")


def with_log(page: Page, steps: str, log: dict[str, Any], line: int | None = None) -> Any:
    """Do steps with ``server``, ``reader``, ``told`` and ``when`` at hand; what they return."""
    call = """async ([steps, log, line]) => {
        const { makeLine, openedLog, retried } = await import('/tests/fake_log.js');
        const opened = await openedLog(log, line);
        const given = { makeLine, retried, ...opened };
        const AsyncFunction = (async () => {}).constructor;
        try {
            return await new AsyncFunction(...Object.keys(given), steps)(...Object.values(given));
        } finally {
            opened.reader.close();
        }
    }"""
    return page.evaluate(call, [steps, log, line])


def test_a_log_opens_at_its_end_with_one_request(page: Page) -> None:
    steps = "return [reader.state, reader.total, reader.line(5000).text, reader.line(4000), server.pages];"
    ended, total, last, earlier, pages = with_log(page, steps, {"total": 5000})
    assert (ended, total, last, earlier) == ("ended", 5000, "line 5000", None)
    assert pages == ["limit=1000"]


def test_a_link_to_a_line_opens_there_with_one_request(page: Page) -> None:
    steps = "return [reader.line(2500).text, reader.total, server.pages];"
    assert with_log(page, steps, {"total": 5000}, line=2500) == ["line 2500", 5000, ["from=2000&limit=1000"]]


def test_what_comes_into_view_is_fetched_in_whole_chunks(page: Page) -> None:
    steps = """
        reader.need(2400, 2440);
        await when(() => reader.line(2700));
        return [reader.line(2100).text, reader.line(1900), server.pages];
    """
    text, missing, pages = with_log(page, steps, {"total": 5000})
    assert (text, missing) == ("line 2100", None)
    assert pages == ["limit=1000", "from=2001&limit=1000"]


def test_a_page_that_ends_early_is_gone_on_with(page: Page) -> None:
    steps = """
        reader.need(2000, 2001);
        await when(() => reader.line(1701) && reader.line(2301));
        return [...new Set(server.pages)].length > 3;
    """
    assert with_log(page, steps, {"total": 5000, "most": 300}) is True


def test_what_is_far_from_view_is_forgotten(page: Page) -> None:
    steps = """
        for (let n = 500; n < 62_000; n += 1000) {
            reader.need(n, n);
            await when(() => reader.line(n));
        }
        const here = (n) => reader.line(n) !== undefined;
        return [here(500), here(20_500), here(61_500), here(63_000)];
    """
    assert with_log(page, steps, {"total": 63_000}) == [False, True, True, True]


def test_lines_that_rotated_away_meanwhile_are_not_asked_for_again(page: Page) -> None:
    steps = """
        server.first = 3001;
        reader.need(2500, 2600);
        await when(() => reader.first === 3001);
        return [reader.first, reader.line(3001)?.n ?? null];
    """
    assert with_log(page, steps, {"total": 5000}) == [3001, 3001]


def test_a_live_log_is_followed_from_its_end(page: Page) -> None:
    steps = """
        await when(() => server.streams.length > 0 && reader.state === 'live');
        const [stream] = server.streams;
        stream.send('lines', { items: [makeLine(11), makeLine(12)] });
        await when(() => reader.total === 12);
        stream.send('done', { total_lines: 12, run: { id: 'R' } });
        await when(() => reader.state === 'ended');
        return [stream.from, told.lines, told.runs, reader.line(12).text, reader.state];
    """
    log = {"total": 10, "finalized": False}
    assert with_log(page, steps, log) == ["11", [11, 12], [{"id": "R"}], "line 12", "ended"]


def test_a_tail_is_replaced_and_ends_with_its_line(page: Page) -> None:
    steps = """
        const seen = [];
        const tails = () => reader.partials.map(({ stream, text }) => `${stream} ${text}`);
        const [stream] = server.streams;
        for (const [name, text] of [['stdout', '10%'], ['stdout', '20%'], ['stderr', '?'], ['stderr', '']]) {
            const before = reader.partials;
            stream.send('partial', { stream: name, text });
            await when(() => reader.partials !== before);
            seen.push(tails());
        }
        stream.send('lines', { items: [makeLine(1)] });
        await when(() => reader.total === 1);
        return [...seen, tails()];
    """
    log = {"total": 0, "finalized": False}
    assert with_log(page, steps, log) == [
        ["stdout 10%"],
        ["stdout 20%"],
        ["stderr ?", "stdout 20%"],
        ["stdout 20%"],
        [],
    ]


def test_a_stream_that_breaks_off_goes_on_after_the_last_line(page: Page) -> None:
    steps = """
        server.streams[0].send('lines', { items: [makeLine(1), makeLine(2), makeLine(3)] });
        await when(() => reader.total === 3);
        server.streams[0].end();
        while (server.streams.length < 2) await retried(reader);
        return server.streams.map(({ from }) => from);
    """
    assert with_log(page, steps, {"total": 0, "finalized": False}) == ["1", "4"]


def test_without_a_stream_to_spare_it_is_said_and_tried_again(page: Page) -> None:
    steps = """
        await when(() => reader.state === 'limited');
        while (reader.state !== 'live') await retried(reader);
        return server.streams.map(({ refusal = null }) => refusal);
    """
    log = {"total": 3, "finalized": False, "refusals": ["stream-limit"]}
    assert with_log(page, steps, log) == ["stream-limit", None]


def test_a_run_that_was_deleted_is_gone(page: Page) -> None:
    steps = "await when(() => reader.state === 'gone'); return server.streams.length;"
    assert with_log(page, steps, {"total": 3, "finalized": False, "refusals": ["not-found"]}) == 1


def test_what_rotated_away_under_a_follower_is_let_go(page: Page) -> None:
    steps = """
        server.streams[0].send('rotated', { first_available: 4001 });
        server.streams[0].send('lines', { items: [makeLine(4001)] });
        await when(() => reader.total === 4001);
        return [reader.first, reader.line(1500) ?? null, reader.line(4001).n];
    """
    assert with_log(page, steps, {"total": 2000, "finalized": False}) == [4001, None, 4001]


@pytest.mark.parametrize("ms", [0, 1, 2, 777, 4999, 5000, 9999])
def test_a_time_is_found_with_few_requests(page: Page, ms: int) -> None:
    steps = f"return [await reader.lineAt({ms}), server.pages.length];"
    line, requests = with_log(page, steps, {"total": 5000})
    assert line == max(1, min(ms, 5000))
    assert requests < 30


def test_lines_are_copied_in_as_many_pages_as_it_takes(page: Page) -> None:
    steps = "const lines = await reader.lines(95, 1405); return [lines.length, lines[0].n, lines.at(-1).n];"
    assert with_log(page, steps, {"total": 5000, "most": 400}) == [1311, 95, 1405]
