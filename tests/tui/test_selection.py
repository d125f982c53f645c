from __future__ import annotations

from runwisp.client.resources import BulkOutcome
from runwisp.tui.runlist import Bucket, Filter
from runwisp.tui.selection import Selection, sentence
from runwisp.units import parse_time
from tests.client import resources as sent
from tests.tui.fakes import NOW, run


def test_runs_are_selected_one_by_one() -> None:
    selection = Selection()
    assert not selection
    for number in (1, 2, 3, 2):
        selection.toggle(run(number))
    assert selection.holds(run(1))
    assert not selection.holds(run(2))
    assert selection.label() == "2 runs"
    assert selection.body(Filter()) == {"match_all": False, "ids": [sent.run_id(1), sent.run_id(3)]}


def test_all_means_those_that_are_there_now_but_for_some() -> None:
    selection = Selection()
    selection.select_all(NOW)
    selection.toggle(run(2))
    later = run(9, created_at="2026-03-02T03:00:00.000Z")
    selection.toggle(later)
    assert selection.holds(run(1))
    assert not selection.holds(run(2))
    assert not selection.holds(later)
    assert selection.label() == "all runs that match but 1"


def test_the_filter_goes_with_all() -> None:
    selection = Selection()
    selection.select_all(parse_time("2026-03-02T02:01:00.000Z"))
    assert selection.body(Filter("backup", Bucket.SKIPPED, "")) == {
        "match_all": True,
        "filter": {
            "created_before": "2026-03-02T02:01:00.000Z",
            "task_name": ["backup"],
            "status": ["skipped", "dst_skipped", "queue_full"],
            "group": "",
        },
        "except_ids": [],
    }
    assert list(selection.body(Filter())["filter"]) == ["created_before"]  # type: ignore[call-overload]  # object


def test_nothing_is_left_of_a_selection_that_is_cleared() -> None:
    selection = Selection()
    selection.select_all(NOW)
    selection.clear()
    assert not selection
    assert not selection.holds(run(1))


def test_what_was_passed_over_is_told_with_each_reason_once() -> None:
    assert sentence("deleted", BulkOutcome(affected=1200, skipped=(), created=())) == "1,200 deleted"
    outcome = BulkOutcome(affected=2, skipped=("active", "unknown", "active"), created=())
    assert sentence("deleted", outcome) == "2 deleted, 3 skipped (active, unknown)"
