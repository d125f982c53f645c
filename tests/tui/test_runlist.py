from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runwisp.client import resources
from runwisp.client.resources import RemoteRun, RunPage
from runwisp.model import RunId, UnixMs
from runwisp.tui import runlist
from runwisp.tui.runlist import KEPT, PAGE, Bucket, Filter, RunList, Want
from runwisp.units import format_time
from tests.client import resources as sent
from tests.tui.fakes import NOW, failed_run, live_run, run, task


def at(number: int, milliseconds: int | None = None, **changes: object) -> RemoteRun:
    """The run with this number, created so many seconds after the first."""
    moment = number * 1000 if milliseconds is None else milliseconds
    created = format_time(UnixMs(NOW + moment))
    return resources.run(sent.run(1, id=f"01JA9XQ4Z6M8T2V7C3{number:08}", created_at=created, **changes))


def loaded(*runs: RemoteRun, filter_: Filter | None = None, cursor: str | None = None) -> RunList:
    runs_list = RunList(filter_ or Filter())
    runs_list.take(Want.FIRST, RunPage(runs, cursor, len(runs)))
    return runs_list


def numbers(runs: RunList) -> list[int]:
    return [int(row.id[-8:]) for row in runs.rows]


@pytest.mark.parametrize(
    ("bucket", "holds"),
    [
        (
            Bucket.ALL,
            {"pending", "running", "success", "failed", "timeout", "skipped", "queue_full", "stopped"},
        ),
        (Bucket.RUNNING, {"pending", "running"}),
        (Bucket.SUCCEEDED, {"success"}),
        (Bucket.FAILED, {"failed", "timeout"}),
        (Bucket.SKIPPED, {"skipped", "queue_full"}),
        (Bucket.STOPPED, {"stopped"}),
    ],
)
def test_a_bucket_holds_the_runs_that_the_api_would_send(bucket: Bucket, holds: set[str]) -> None:
    runs = {
        "pending": live_run(status="pending"),
        "running": live_run(),
        "success": run(),
        "failed": failed_run(),
        "timeout": failed_run(end_reason="timeout"),
        "skipped": run(end_reason="skipped"),
        "queue_full": run(end_reason="queue_full"),
        "stopped": run(end_reason="stopped"),
    }
    assert {name for name, of_name in runs.items() if bucket.holds(of_name)} == holds


def test_a_filter_is_a_query_and_a_judge() -> None:
    wanted = Filter("backup", Bucket.FAILED, "nightly")
    assert wanted.query() == {"task_name": "backup", "status": "failure", "group": "nightly"}
    assert wanted.holds(failed_run(), task(group="nightly"))
    assert not wanted.holds(failed_run(), task(group=None))
    assert not wanted.holds(failed_run(), None)
    assert not wanted.holds(run(), task(group="nightly"))
    assert Filter(group="").holds(run(), task(group=None))


def test_the_first_page_is_wanted_first() -> None:
    runs = RunList()
    assert runs.wanted(0, 20) is Want.FIRST
    runs.take(Want.FIRST, RunPage((at(2), at(1)), None, 2))
    assert (numbers(runs), runs.total, runs.wanted(0, 20)) == ([2, 1], 2, None)


def test_a_new_run_is_on_top_and_one_that_changed_stays_in_its_place() -> None:
    runs = loaded(at(2), at(1))
    runs.put(at(3), None)
    runs.put(at(1, message="later"), None)
    assert (numbers(runs), runs.total) == ([3, 2, 1], 3)
    assert runs.rows[2].message == "later"


def test_a_run_that_was_reported_late_comes_where_its_time_is() -> None:
    runs = loaded(at(5), at(1))
    runs.put(at(3), None)
    assert numbers(runs) == [5, 3, 1]


def test_a_run_never_goes_back_to_an_earlier_phase() -> None:
    runs = loaded(at(1))
    runs.put(at(1, status="running", end_reason=None), None)
    assert runs.rows[0].end_reason == "success"


def test_a_run_that_does_not_match_any_more_goes() -> None:
    runs = loaded(at(1, status="running", end_reason=None), filter_=Filter(bucket=Bucket.RUNNING))
    runs.put(at(1), None)
    assert (numbers(runs), runs.total) == ([], 0)


def test_a_deleted_run_goes() -> None:
    runs = loaded(at(2), at(1))
    runs.drop(at(2).id)
    runs.drop(RunId("01JA9XQ4Z6M8T2V7C3K5N0R999"))
    assert (numbers(runs), runs.total) == ([1], 1)


def test_what_was_told_while_the_page_was_on_its_way_is_not_lost() -> None:
    runs = RunList()
    runs.put(at(2), None)
    runs.put(at(1), None)
    running = at(1, status="running", end_reason=None, end_at=None)
    runs.take(Want.FIRST, RunPage((running,), None, 1))
    assert numbers(runs) == [2, 1]
    assert runs.rows[1].end_reason == "success"


def test_a_run_deleted_while_the_page_was_on_its_way_does_not_come_back_by_itself() -> None:
    runs = RunList()
    runs.put(at(2), None)
    runs.drop(at(2).id)
    runs.take(Want.FIRST, RunPage((at(1),), None, 1))
    assert numbers(runs) == [1]


def test_runs_older_than_all_that_is_there_are_left_to_their_page() -> None:
    runs = loaded(at(9), at(8), cursor="more")
    runs.put(at(3), None)
    assert numbers(runs) == [9, 8]


class Server:
    """Pages of runs as the daemon makes them."""

    def __init__(self) -> None:
        self.runs: list[RemoteRun] = []

    def page(self, query: Mapping[str, str]) -> RunPage:
        def key(run: RemoteRun) -> tuple[str, str]:
            return format_time(run.created_at), run.id

        is_ascending = query.get("order") == "asc"
        found = sorted(self.runs, key=key, reverse=not is_ascending)
        if "created_before" in query:
            found = [run for run in found if key(run)[0] <= query["created_before"]]
        if "created_after" in query:
            found = [run for run in found if key(run)[0] >= query["created_after"]]
        if "cursor" in query:
            time, _, run_id = query["cursor"].partition(" ")
            found = [run for run in found if (key(run) > (time, run_id)) is is_ascending and run.id != run_id]
        items = tuple(found[: runlist.PAGE])
        cursor = " ".join(key(items[-1])) if len(found) > runlist.PAGE else None
        return RunPage(items, cursor, None if "cursor" in query else len(found))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlist, "PAGE", 4)
    monkeypatch.setattr(runlist, "KEPT", 10)
    monkeypatch.setattr(runlist, "AHEAD", 2)


def fetch(runs: RunList, server: Server, want: Want) -> None:
    runs.take(want, server.page(runs.query(want)))


@pytest.mark.usefixtures("small")
def test_one_can_scroll_to_the_oldest_run_and_back_with_few_in_memory() -> None:
    server, runs = Server(), RunList()
    server.runs = [at(number) for number in range(100)]
    seen: list[int] = []
    while (want := runs.wanted(len(runs.rows) - 3, len(runs.rows))) is not None and want is not Want.NEWER:
        fetch(runs, server, want)
        seen += [number for number in numbers(runs) if number not in seen]
        assert len(runs.rows) <= runlist.KEPT
    assert seen == list(range(99, -1, -1))
    assert runs.has_newer
    while (want := runs.wanted(0, 1)) is not None:
        fetch(runs, server, want)
        assert len(runs.rows) <= runlist.KEPT
    assert numbers(runs) == list(range(99, 89, -1))


@pytest.mark.usefixtures("small")
def test_the_end_is_one_request_away() -> None:
    server, runs = Server(), RunList()
    server.runs = [at(number) for number in range(100)]
    fetch(runs, server, Want.FIRST)
    fetch(runs, server, Want.LAST)
    assert (numbers(runs), runs.has_newer, runs.has_older) == ([3, 2, 1, 0], True, False)
    runs.put(at(100), None)
    assert numbers(runs) == [3, 2, 1, 0]


@pytest.mark.usefixtures("small")
def test_more_runs_of_one_millisecond_than_a_page_has_are_no_end() -> None:
    server, runs = Server(), RunList()
    server.runs = [at(number, 0) for number in range(30)]
    fetch(runs, server, Want.FIRST)
    seen = set(numbers(runs))
    while runs.has_older:
        fetch(runs, server, Want.OLDER)
        seen |= set(numbers(runs))
    assert seen == set(range(30))


class Browsing(RuleBasedStateMachine):
    """Whatever happens, the rows are a part of the true list without a gap."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes = runlist.PAGE, runlist.KEPT, runlist.AHEAD
        runlist.PAGE, runlist.KEPT, runlist.AHEAD = 3, 8, 2
        self.server = Server()
        self.runs = RunList()
        self.next = 0

    def teardown(self) -> None:
        runlist.PAGE, runlist.KEPT, runlist.AHEAD = self.sizes

    @rule(later=st.integers(0, 2))
    def begin(self, later: int) -> None:
        new = at(self.next, self.next // 3)
        self.next += 1
        self.server.runs.append(new)
        self.runs.put(new, None)

    @precondition(lambda self: self.server.runs)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.server.runs))
        self.server.runs.remove(gone)
        self.runs.drop(gone.id)

    @rule(want=st.sampled_from(Want))
    def fetch(self, want: Want) -> None:
        if want in {Want.FIRST, Want.LAST} or (
            self.runs.is_loaded
            and self.runs.rows
            and (self.runs.has_older if want is Want.OLDER else self.runs.has_newer)
        ):
            fetch(self.runs, self.server, want)

    @rule()
    def reload(self) -> None:
        fetch(self.runs, self.server, Want.FIRST)

    @invariant()
    def there_is_no_gap(self) -> None:
        if not self.runs.is_loaded:
            return
        truth = sorted((run.id for run in self.server.runs), reverse=True)
        rows = [run.id for run in self.runs.rows]
        assert len(rows) <= runlist.KEPT
        if rows:
            start = truth.index(rows[0])
            assert truth[start : start + len(rows)] == rows
            assert self.runs.has_newer or start == 0
            assert self.runs.has_older or start + len(rows) == len(truth)


TestBrowsing = Browsing.TestCase


def test_few_rows_are_kept() -> None:
    assert PAGE < KEPT <= 1000
