from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runwisp.logs.follow import (
    HELD_LIMIT,
    LINES_LIMIT,
    Arrivals,
    Arrived,
    Lines,
    Passage,
    Rotated,
    Start,
    Step,
    lines_of,
)
from runwisp.logs.opening import open_log
from runwisp.logs.paths import LogPaths
from runwisp.logs.reader import LogLine, Snapshot
from runwisp.logs.writer import LogWriter
from tests.logs.helpers import ERR, EVERYTHING, OUT, close, make_paths, make_writer

_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def written(paths: LogPaths, *pieces: bytes) -> Passage:
    """A passage through an ended log."""
    writer = make_writer(paths)
    for piece in pieces:
        writer.write(OUT, piece)
    close(writer)
    return Passage(lambda: open_log(paths, is_ended=True))


def numbers(step: Step | None) -> list[int]:
    assert isinstance(step, Lines)
    return [line.n for line in step.items]


# The way through the files


@pytest.mark.parametrize(
    ("line", "start"), [(3, 3), (-2, 4), (-100, 1), (6, 6), (99, 6), (1, 1), (-5, 1), (-6, 1)]
)
def test_a_passage_begins_where_it_is_asked_to(tmp_path: Path, line: int, start: int) -> None:
    passage = written(make_paths(tmp_path), b"1\n2\n3\n4\n5\n")
    assert passage.start(line) == Start(start, False, 5)
    passage.close()


@pytest.mark.parametrize("line", [1, 7, -1000])
def test_a_log_without_lines_begins_with_the_first(tmp_path: Path, line: int) -> None:
    passage = written(make_paths(tmp_path))
    assert passage.start(line) == Start(1, False, 0)
    assert passage.read(1, EVERYTHING) is None
    passage.close()


def test_lines_come_in_handy_portions(tmp_path: Path) -> None:
    passage = written(make_paths(tmp_path), b"\n" * 1200, *[b"x" * 60_000 + b"\n"] * 10)
    sizes, line = [], 1
    while (step := passage.read(line, EVERYTHING)) is not None:
        assert numbers(step)[0] == line
        sizes.append(len(numbers(step)))
        line += sizes[-1]
    assert sizes == [LINES_LIMIT, LINES_LIMIT, 204, 4, 2]
    passage.close()


def test_only_the_lines_that_are_asked_for_come(tmp_path: Path) -> None:
    passage = written(make_paths(tmp_path), b"one\ntwo\nthree\nfour\n")
    step = passage.read(2, 3)
    assert isinstance(step, Lines)
    assert [(line.n, line.text) for line in step.items] == [(2, "two"), (3, "three")]
    passage.close()


def test_lines_that_are_gone_are_told(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path), max_size=400)
    for number in range(1, 100):
        writer.write(OUT, b"line %03d\n" % number)
    passage = Passage(writer.snapshot)
    start = passage.start(5)
    assert (start.is_gone, start.line > 5, start.total_lines) == (True, True, writer.total_lines)
    assert passage.read(5, EVERYTHING) == Rotated(start.line)
    assert numbers(passage.read(start.line, EVERYTHING)) == list(range(start.line, start.total_lines + 1))
    passage.close()
    close(writer)


def test_a_passage_finishes_the_segments_it_has_open(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path), max_size=100_000)
    writer.write(OUT, (b"y" * 9 + b"\n") * 2001)
    passage = Passage(writer.snapshot)
    assert numbers(passage.read(1, 500)) == list(range(1, 501))
    for _ in range(3):
        writer.write(OUT, (b"z" * 9 + b"\n") * 5000)
    for line in (501, 1001, 1501, 2001):
        assert numbers(passage.read(line, EVERYTHING))[0] == line
    step = passage.read(2002, EVERYTHING)
    assert isinstance(step, Rotated)
    assert step.first_available > 2002
    passage.close()
    close(writer)


def test_a_passage_goes_on_with_what_was_written_since(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    writer.write(OUT, b"one\n")
    passage = Passage(writer.snapshot)
    assert numbers(passage.read(1, EVERYTHING)) == [1]
    assert passage.read(2, EVERYTHING) is None
    writer.write(OUT, b"two\n")
    assert numbers(passage.read(2, EVERYTHING)) == [2]
    passage.close()
    close(writer)


def test_a_passage_that_rests_or_is_closed_holds_no_file(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    writer.write(OUT, b"one\n")
    opened: list[Snapshot] = []

    def open_snapshot() -> Snapshot:
        opened.append(writer.snapshot())
        return opened[-1]

    passage = Passage(open_snapshot)
    passage.read(1, EVERYTHING)
    passage.read(1, EVERYTHING)
    passage.rest()
    passage.read(1, EVERYTHING)
    passage.close()
    assert len(opened) == 2
    for snapshot in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            list(snapshot.lines(1, 1))
    close(writer)


def test_a_passage_that_is_closed_while_a_thread_reads_lets_go_after_that(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    writer.write(OUT, b"one\n")
    is_opening, may_go_on = Event(), Event()
    snapshots: list[Snapshot] = []

    def open_slowly() -> Snapshot:
        snapshots.append(writer.snapshot())
        is_opening.set()
        assert may_go_on.wait(30)
        return snapshots[-1]

    passage = Passage(open_slowly)
    steps: list[Step | None] = []
    reader = Thread(target=lambda: steps.append(passage.read(1, EVERYTHING)))
    reader.start()
    assert is_opening.wait(30)
    passage.close()
    may_go_on.set()
    reader.join()
    assert numbers(steps[0]) == [1]
    with pytest.raises(OSError, match="Bad file descriptor"):
        list(snapshots[0].lines(1, 1))
    close(writer)


# What has just been written


class Hearing:
    """Arrivals, and how often they have woken somebody."""

    def __init__(self, writer: LogWriter) -> None:
        self.wakes = 0
        self.arrivals = Arrivals(writer, self._wake)

    def _wake(self) -> None:
        self.wakes += 1


def arrived_lines(arrived: Arrived) -> list[LogLine]:
    return [line for batch in arrived.batches for line in lines_of(batch)]


def test_what_is_written_arrives_with_the_number_of_what_follows(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    writer.write(OUT, b"zero\n")
    arrivals = Hearing(writer).arrivals
    assert arrivals.take() == Arrived((), 2, False)
    writer.write(OUT, b"one\ntwo\n")
    writer.write(ERR, b"three\n")
    arrived = arrivals.take()
    assert [(line.n, line.text, line.stream) for line in arrived_lines(arrived)] == [
        (2, "one", OUT),
        (3, "two", OUT),
        (4, "three", ERR),
    ]
    assert (arrived.next_line, arrived.is_closed) == (5, False)
    close(writer)
    assert arrivals.take() == Arrived((), 5, True)
    arrivals.close()


def test_who_takes_is_woken_once_until_the_next_take(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    hearing = Hearing(writer)
    writer.write(OUT, b"one\n")
    writer.write(OUT, b"two\n")
    assert hearing.wakes == 1
    hearing.arrivals.take()
    writer.write(OUT, b"a tail")
    assert hearing.wakes == 2
    hearing.arrivals.take()
    writer.close()
    assert hearing.wakes == 3
    hearing.arrivals.close()
    writer.sync()


def test_too_much_of_what_nobody_takes_is_forgotten(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    arrivals = Hearing(writer).arrivals
    for _ in range(10):
        writer.write(OUT, (b"x" * 99 + b"\n") * 600)
    arrived = arrivals.take()
    assert arrived.next_line == 6001
    assert arrived.batches[0].first_line > 1
    assert sum(len(batch.data) for batch in arrived.batches) <= HELD_LIMIT
    lines = [line.n for line in arrived_lines(arrived)]
    assert lines == list(range(arrived.batches[0].first_line, 6001))
    arrivals.close()
    close(writer)


def test_nothing_arrives_from_a_log_that_is_closed_already(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    writer.write(OUT, b"one\n")
    close(writer)
    arrivals = Hearing(writer).arrivals
    assert arrivals.take() == Arrived((), 2, True)
    arrivals.close()


@_EXAMPLES
@given(
    st.lists(st.sampled_from(["write", "tail", "long", "take", "read", "reopen"]), max_size=40),
    st.sampled_from([None, 60, 400]),
)
def test_no_line_is_repeated_and_none_is_missing_but_those_told(
    tmp_path: Path, steps: list[str], max_size: int | None
) -> None:
    """A reader that is behind reads the files, and takes what arrives as soon as that is what it needs."""
    writer = make_writer(make_paths(tmp_path), max_size=max_size)
    arrivals, passage, expected, count = Hearing(writer).arrivals, Passage(writer.snapshot), 1, 0

    def got(lines: list[int]) -> None:
        nonlocal expected
        assert lines == list(range(expected, expected + len(lines)))
        expected += len(lines)

    def read() -> bool:
        nonlocal expected
        step = passage.read(expected, EVERYTHING)
        if isinstance(step, Rotated):
            assert step.first_available > expected
            expected = step.first_available
        elif step is not None:
            got(numbers(step))
        return step is not None

    for step in steps:
        if step == "take":
            arrived = arrivals.take()
            lines = [line.n for line in arrived_lines(arrived)]
            if lines and lines[0] == expected:
                got(lines)
            assert arrived.next_line == writer.total_lines + 1
        elif step == "read":
            read()
        elif step == "reopen":
            passage.close()
            passage = Passage(writer.snapshot)
        else:
            count += 1
            writer.write(OUT, {"write": b"line %d\n" % count, "tail": b"x", "long": b"a\nb\n" * 30}[step])
    close(writer)
    while read():
        pass
    assert expected == writer.total_lines + 1
    passage.close()
    arrivals.close()


def test_a_reader_in_another_thread_misses_nothing(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path), max_size=1_000_000)
    woken = Event()
    arrivals, passage, expected = Arrivals(writer, woken.set), Passage(writer.snapshot), 1

    def produce() -> None:
        for number in range(1000):
            writer.write(OUT, b"".join(b"line %d\n" % (number * 100 + n) for n in range(1, 101)))
        close(writer)

    producer = Thread(target=produce)
    producer.start()
    is_closed = False
    while not is_closed:
        woken.clear()
        arrived = arrivals.take()
        is_closed = arrived.is_closed
        lines = [line.n for line in arrived_lines(arrived)]
        if lines and lines[0] == expected:
            assert lines == list(range(expected, expected + len(lines)))
            expected += len(lines)
        while expected < arrived.next_line:
            expected = _read_on(passage, expected)
        assert is_closed or woken.wait(30)
    producer.join()
    assert expected == writer.total_lines + 1 > 100_000
    passage.close()
    arrivals.close()


def _read_on(passage: Passage, expected: int) -> int:
    step = passage.read(expected, EVERYTHING)
    if isinstance(step, Rotated):
        assert step.first_available > expected
        return step.first_available
    lines = numbers(step)
    assert lines == list(range(expected, expected + len(lines)))
    return expected + len(lines)
