from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runwisp.logs.matching import Matcher
from runwisp.logs.opening import open_log
from runwisp.logs.paths import LogPaths, log_paths
from runwisp.logs.reader import PAGE_TEXT_LIMIT, LogLine, Snapshot
from runwisp.logs.search import Found, Place, Source, search
from runwisp.model import RunId, Stream
from tests.logs.helpers import CREATED_AT, ERR, OUT, close, make_writer, page
from tests.logs.lines import contents, shown

_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


class SmallPieces(Matcher):
    """Looks through a few bytes at once, so that a small log has many pieces."""

    piece_size = 40


def looking_for(text: str, *, is_regex: bool = False) -> Matcher:
    return SmallPieces(text, is_regex=is_regex, is_case_sensitive=True)


@frozen
class Log:
    run_id: RunId
    paths: LogPaths

    @property
    def source(self) -> Source:
        return Source(self.run_id, partial(open_log, self.paths, is_ended=True))

    @property
    def lines(self) -> tuple[LogLine, ...]:
        return page(self.paths).items


def make_log(directory: Path, number: int, *writes: tuple[Stream, bytes], max_size: int | None = None) -> Log:
    run_id = RunId(f"{number:026d}")
    log = Log(run_id, log_paths(directory, "t", run_id, CREATED_AT))
    writer = make_writer(log.paths, max_size=max_size)
    for stream, data in writes:
        writer.write(stream, data)
    close(writer)
    return log


def never() -> bool:
    return False


def after(times: int) -> Callable[[], bool]:
    """True when it is asked for the ``times``-th time, and from then on."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= times

    return should_stop


def find(
    logs: Sequence[Log],
    matcher: Matcher,
    *,
    limit: int = 1000,
    place: Place | None = None,
    should_stop: Callable[[], bool] = never,
) -> Found:
    sources = [log.source for log in logs]
    if place is not None:
        sources = sources[[source.run_id for source in sources].index(place.run_id) :]
    first_line = 1 if place is None else place.n
    return search(sources, matcher, limit=limit, should_stop=should_stop, first_line=first_line)


def places(found: Found) -> list[tuple[int, int]]:
    return [(int(hit.run_id), hit.line.n) for hit in found.hits]


def test_hits_come_in_the_order_of_the_runs_and_of_their_lines(tmp_path: Path) -> None:
    logs = [make_log(tmp_path, number, (OUT, b"a\nb\nab\n")) for number in (2, 1)]
    found = find(logs, looking_for("a"))
    assert places(found) == [(2, 1), (2, 3), (1, 1), (1, 3)]
    assert (found.scanned, found.rest) == (2, None)


def test_a_hit_is_the_line_as_a_page_has_it(tmp_path: Path) -> None:
    log = make_log(tmp_path, 1, (OUT, b"one\n"), (ERR, b"\x1b[31mtwo\n"), (OUT, b"x" * 66_000 + b"two\n"))
    assert [hit.line for hit in find([log], looking_for("two")).hits] == [log.lines[1], log.lines[3]]
    assert log.lines[3].continued
    assert log.lines[1].text == "\x1b[31mtwo\x1b[0m"


def test_nothing_is_found_where_nothing_was_written(tmp_path: Path) -> None:
    assert find([make_log(tmp_path, 1)], looking_for("a")) == Found((), 1, None)
    assert find([], looking_for("a")) == Found((), 0, None)


def test_at_the_limit_the_rest_begins_behind_the_last_hit(tmp_path: Path) -> None:
    logs = [make_log(tmp_path, number, (OUT, b"a\na\na\nb\n")) for number in (2, 1)]
    found = find(logs, looking_for("a"), limit=2)
    assert (places(found), found.scanned) == ([(2, 1), (2, 2)], 1)
    assert found.rest == Place(logs[0].run_id, 3)


def test_after_the_last_line_of_a_run_the_rest_begins_with_the_next_run(tmp_path: Path) -> None:
    logs = [make_log(tmp_path, number, (OUT, b"a\n")) for number in (2, 1)]
    assert find(logs, looking_for("a"), limit=1).rest == Place(logs[1].run_id, 1)
    assert find(logs[1:], looking_for("a"), limit=1).rest is None


def test_much_text_ends_a_search_like_many_hits(tmp_path: Path) -> None:
    logs = [make_log(tmp_path, number, *[(OUT, b"x" * 60_000 + b"\n")] * 40) for number in (3, 2, 1)]
    found = find(logs, looking_for("x"))
    assert PAGE_TEXT_LIMIT <= sum(len(hit.line.text) for hit in found.hits) < PAGE_TEXT_LIMIT + 60_000
    assert found.rest == Place(logs[1].run_id, 31)


def test_a_search_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    data = b"".join(b"line %d\n" % number for number in range(1, 100))
    logs = [make_log(tmp_path, number, (OUT, data)) for number in (2, 1)]
    found = find(logs, looking_for("line 77"), should_stop=after(1))
    # 40 bytes are five whole lines.
    assert (found.hits, found.scanned, found.rest) == ((), 1, Place(logs[0].run_id, 6))


def test_a_line_that_did_not_match_in_time_is_not_tried_again(tmp_path: Path) -> None:
    log = make_log(tmp_path, 1, (OUT, b"a\rb\na\n"))
    found = find([log], looking_for("a"), should_stop=after(1))
    assert (found.hits, found.rest) == ((), Place(log.run_id, 2))


def test_a_rotated_log_is_searched_through_both_segments(tmp_path: Path) -> None:
    data = b"".join(b"line %d\n" % number for number in range(2000))
    log = make_log(
        tmp_path, 1, *((OUT, data[at : at + 500]) for at in range(0, len(data), 500)), max_size=10_000
    )
    with open_log(log.paths, is_ended=True) as snapshot:
        assert len(snapshot.segments) == 2
        first = snapshot.first_available
    assert first > 1
    found = find([log], looking_for("line"))
    assert [hit.line for hit in found.hits] == [line for line in log.lines if "line" in line.text][:1000]
    # A place from before the rotation means the oldest line that is left.
    assert find([log], looking_for("line"), place=Place(log.run_id, 1), limit=1).hits == found.hits[:1]


def test_a_file_that_cannot_be_read_fails_the_search(tmp_path: Path) -> None:
    log = make_log(tmp_path, 1)
    log.paths.directory.mkdir(parents=True)
    log.paths.log.mkdir()
    with pytest.raises(OSError, match="directory"):
        find([log], looking_for("a"))


def test_each_log_is_opened_when_its_turn_comes_and_closed_again(tmp_path: Path) -> None:
    logs = [make_log(tmp_path, number, (OUT, b"a\n")) for number in (3, 2, 1)]
    opened: list[Snapshot] = []

    def is_closed(snapshot: Snapshot) -> bool:
        try:
            os.fstat(snapshot.segments[0].log)
        except OSError:
            return True
        return False

    def open_one(log: Log) -> Snapshot:
        assert all(map(is_closed, opened))
        opened.append(open_log(log.paths, is_ended=True))
        return opened[-1]

    sources = [Source(log.run_id, partial(open_one, log)) for log in logs]
    found = search(sources, looking_for("a"), limit=2, should_stop=never)
    assert len(opened) == found.scanned == 2
    assert all(map(is_closed, opened))


def pages(logs: Sequence[Log], matcher: Matcher, limit: int, patience: int) -> list[tuple[int, int]]:
    """All hits, put together from searches that each get a little further."""
    hits: list[tuple[int, int]] = []
    place = None
    for _ in range(1000):
        found = find(logs, matcher, limit=limit, place=place, should_stop=after(patience))
        assert len(found.hits) <= limit
        hits += places(found)
        place = found.rest
        if place is None:
            return hits
    raise AssertionError("the search does not end")


_writes = st.lists(
    st.tuples(
        st.sampled_from([OUT, ERR]),
        st.lists(contents).map(lambda lines: b"".join(line + b"\n" for line in lines)),
    ),
    max_size=6,
)


@_EXAMPLES
@given(
    st.lists(_writes, min_size=1, max_size=3),
    st.sampled_from(["a", "ab", "é", " ", "[", "\N{REPLACEMENT CHARACTER}", "line"]),
    st.booleans(),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([None, 100, 8192]),
)
def test_however_a_search_is_cut_it_finds_every_line_once(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[list[tuple[Stream, bytes]]],
    text: str,
    is_regex: bool,
    limit: int,
    patience: int,
    max_size: int | None,
) -> None:
    directory = tmp_path_factory.mktemp("search")
    logs = [make_log(directory, n, *writes, max_size=max_size) for n, writes in enumerate(runs, 1)]
    expected = []
    for log in logs:
        with open_log(log.paths, is_ended=True) as snapshot:
            expected += [
                (int(log.run_id), entry.n)
                for entry in snapshot.entries(1, 10**9)
                if text in shown(entry.data)
            ]
    matcher = looking_for(text.replace("[", r"\["), is_regex=True) if is_regex else looking_for(text)
    assert pages(logs, matcher, limit, patience) == expected
