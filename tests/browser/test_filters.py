"""What runs are wanted, in the address of a page and as the API takes it (spec: interfaces, run history)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page


def filtered(modules: Page, query: str, body: str) -> Any:
    """What an expression gives that has the module and the filters of an address."""
    script = f"""async (query) => {{
        const of = await import('/js/filters.js');
        const filters = of.filtersOf(new URLSearchParams(query));
        return {body};
    }}"""
    return modules.evaluate(script, query)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", None, None),
        ("137", 137, 137),
        ("=137", 137, 137),
        (">100", 101, None),
        (">= 100", 100, None),
        ("<=2", None, 2),
        ("<0", None, -1),
        (">100 <150", 101, 149),
        (">100<150", 101, 149),
        ("-1", -1, -1),
    ],
)
def test_exit_codes(modules: Page, text: str, low: int | None, high: int | None) -> None:
    assert filtered(modules, "", f"of.exitRange({text!r})") == {"min": low, "max": high}


@pytest.mark.parametrize("text", ["abc", ">", "1x", ">100 or 2", "12345678901"])
def test_exit_codes_that_nobody_understands(modules: Page, text: str) -> None:
    assert filtered(modules, "", f"of.exitRange({text!r})") is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?status=failure%2Csuccess&exit=%3E6+%3C8&order=asc",
        "?task=a%2Cb&trigger=cron&source=ui&from=2026-03-01&to=2026-03-02&q=K7QD&group=&retries=true",
    ],
)
def test_an_address_says_all_and_no_more(modules: Page, query: str) -> None:
    told = filtered(modules, query, "of.filterText(filters)")
    assert sorted(told.lstrip("?").split("&")) == sorted(query.lstrip("?").split("&"))


def test_nonsense_in_an_address_filters_nothing(modules: Page) -> None:
    assert (
        filtered(modules, "from=yesterday&order=upwards&retries=1&exit=x", "of.apiFilters(filters, null)")
        == {}
    )


def test_days_are_those_of_the_browser(modules: Page) -> None:
    assert filtered(modules, "from=2026-03-01&to=2026-03-02", "of.apiFilters(filters, null)") == {
        "created_after": "2026-02-28T23:00:00.000Z",
        "created_before": "2026-03-02T22:59:59.999Z",
    }


def test_units_without_a_group_are_asked_for_by_an_empty_name(modules: Page) -> None:
    assert filtered(modules, "group=", "of.apiFilters(filters, null)") == {"group": ""}


def test_on_the_page_of_a_unit_no_other_is_asked_for(modules: Page) -> None:
    assert filtered(modules, "task=b&group=Ops&q=x&retries=true", "of.apiFilters(filters, 'a')") == {
        "task_name": ["a"],
        "retries_only": True,
    }


@pytest.mark.parametrize(
    ("query", "changes", "is_wanted"),
    [
        ("", {}, True),
        ("status=running", {}, True),
        ("status=success", {}, False),
        ("status=failure", {"status": "ended", "end_reason": "timeout", "is_failure": True}, True),
        ("status=failure", {"status": "ended", "end_reason": "failed", "is_failure": False}, False),
        ("status=timeout,success", {"status": "ended", "end_reason": "timeout"}, True),
        ("task=b", {}, False),
        ("trigger=cron", {"triggered_by": "api"}, False),
        ("source=cli", {"triggered_by": "api", "trigger_source": "cli"}, True),
        ("retries=true", {}, False),
        ("retries=true", {"retry_attempt": 2}, True),
        ("exit=>2", {"exit_code": 3}, True),
        ("exit=>2", {"exit_code": 2}, False),
        ("exit=>2", {"exit_code": None}, False),
        ("from=2026-03-02", {"created_at": "2026-03-01T23:00:00.000Z"}, True),
        ("from=2026-03-02", {"created_at": "2026-03-01T22:59:59.999Z"}, False),
        ("to=2026-03-01", {"created_at": "2026-03-01T23:00:00.000Z"}, False),
        ("q=b", {"task_name": "ABC"}, True),
        ("q=u", {"task_name": "ABC"}, False),
        ("group=Ops", {}, False),
    ],
)
def test_a_run_that_the_stream_tells_of_is_listed_if_it_is_wanted(
    modules: Page, query: str, changes: dict[str, Any], is_wanted: bool
) -> None:
    script = """async ([query, changes]) => {
        const { apiFilters, filtersOf, isWanted } = await import('/js/filters.js');
        const { makeRun } = await import('/tests/fake_daemon.js');
        return isWanted(makeRun(1, changes), apiFilters(filtersOf(new URLSearchParams(query)), null));
    }"""
    assert modules.evaluate(script, [query, changes]) is is_wanted


def test_each_filter_has_a_chip_that_takes_it_away(modules: Page) -> None:
    chips = filtered(
        modules,
        "status=pending,running,timeout&from=2026-03-01&group=&exit=>2&retries=true",
        "of.chipsOf(filters, null).map((one) => [one.text, of.filterText({ ...filters, ...one.without })])",
    )
    assert [text for text, _ in chips] == [
        "Running",
        "Timeout",
        "from 2026-03-01",
        "Ungrouped",
        "exit >2",
        "only retries",
    ]
    assert chips[0][1] == "?status=timeout&from=2026-03-01&exit=%3E2&group=&retries=true"
    assert chips[3][1] == "?status=pending%2Crunning%2Ctimeout&from=2026-03-01&exit=%3E2&retries=true"
