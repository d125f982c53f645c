from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runwisp.logs.follow import LINES_LIMIT, Done, Follower, Lines, Rotated, Step
from runwisp.logs.opening import open_log
from runwisp.logs.paths import LogPaths
from runwisp.logs.reader import PartialLine
from runwisp.logs.writer import LogWriter
from runwisp.model import LogOnFull
from tests.logs.helpers import ERR, OUT, close, make_paths, make_writer

_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def _follow(writer: LogWriter, start: int = 1, wake: Callable[[], None] = lambda: None) -> Follower:
    return Follower(writer.snapshot, start, writer=writer, wake=wake)


def _follow_files(paths: LogPaths, start: int) -> Follower:
    return Follower(lambda: open_log(paths, is_ended=True), start)


def _drain(follower: Follower) -> list[Step]:
    """Everything there is to read now."""
    steps: list[Step] = []
    while (step := follower.read()) is not None:
        steps.append(step)
        if isinstance(step, Done):
            break
    return steps


def _numbers(steps: list[Step]) -> list[int]:
    return [line.n for step in steps if isinstance(step, Lines) for line in step.items]


def test_an_ended_log_gives_its_lines_and_is_done(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\ntwo\n")
    close(writer)
    follower = _follow_files(paths, 1)
    first, *rest = _drain(follower)
    assert isinstance(first, Lines)
    assert [(line.n, line.text) for line in first.items] == [(1, "one"), (2, "two")]
    assert rest == [Done(2)]
    follower.close()


def test_a_log_without_lines_is_done_at_once(tmp_path: Path) -> None:
    assert _drain(_follow_files(make_paths(tmp_path), -1000)) == [Done(0)]


@pytest.mark.parametrize(
    ("start", "numbers"), [(3, [3, 4, 5]), (-2, [4, 5]), (-100, [1, 2, 3, 4, 5]), (6, []), (99, [])]
)
def test_following_starts_where_it_is_asked_to(tmp_path: Path, start: int, numbers: list[int]) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"1\n2\n3\n4\n5\n")
    follower = _follow(writer, start)
    assert _numbers(_drain(follower)) == numbers
    writer.write(OUT, b"6\n")
    close(writer)
    steps = _drain(follower)
    assert _numbers(steps) == [6]
    assert steps[-1] == Done(6)
    follower.close()


def test_a_follower_that_keeps_up_does_not_touch_the_files(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    woken: list[int] = []
    follower = _follow(writer, wake=lambda: woken.append(writer.total_lines))
    assert follower.is_behind
    assert follower.read() is None
    for number in range(1, 4):
        writer.write(OUT, b"one\ntwo\n")
        assert woken == list(range(2, 2 * number + 1, 2))
        assert not follower.is_behind
        assert _numbers(_drain(follower)) == [2 * number - 1, 2 * number]
    follower.close()
    close(writer)


def test_a_reader_is_woken_once_until_it_reads_again(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    woken: list[None] = []
    follower = _follow(writer, wake=lambda: woken.append(None))
    writer.write(OUT, b"one\n")
    assert woken == []
    assert _numbers(_drain(follower)) == [1]
    writer.write(OUT, b"two\n")
    writer.write(OUT, b"three\ntail")
    assert woken == [None]
    assert _numbers(_drain(follower)) == [2, 3]
    close(writer)
    assert woken == [None, None]
    follower.close()
    assert len(woken) == 2


def test_batches_that_nobody_fetches_are_forgotten_and_read_from_the_files(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    follower = _follow(writer)
    assert follower.read() is None
    for _ in range(10):
        writer.write(OUT, (b"x" * 99 + b"\n") * 600)
    assert follower.is_behind
    assert _numbers(_drain(follower)) == list(range(1, 6001))
    assert not follower.is_behind
    follower.close()
    close(writer)


def test_lines_come_in_handy_portions(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"\n" * 1200)
    for _ in range(10):
        writer.write(OUT, b"x" * 60_000 + b"\n")
    close(writer)
    steps = _drain(_follow_files(paths, 1))
    sizes = [len(step.items) for step in steps if isinstance(step, Lines)]
    assert sizes == [LINES_LIMIT, LINES_LIMIT, 204, 4, 2]
    assert _numbers(steps) == list(range(1, 1211))


def test_lines_that_are_gone_are_told(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=400)
    follower = _follow(writer)
    assert follower.read() is None
    for number in range(1, 21):
        writer.write(OUT, b"line %03d\n" % number)
    first = follower.read()
    assert isinstance(first, Lines)
    for number in range(21, 30_000):
        writer.write(OUT, b"line %03d\n" % number)
    steps = _drain(follower)
    with writer.snapshot() as snapshot:
        available = snapshot.first_available
    assert Rotated(available) in steps
    at = steps.index(Rotated(available))
    assert _numbers(steps[at:]) == list(range(available, writer.total_lines + 1))
    follower.close()
    follower = _follow(writer, 5)
    assert _drain(follower)[0] == Rotated(available)
    follower.close()
    close(writer)


def test_a_follower_finishes_the_segments_it_has_open(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=100_000)
    writer.write(OUT, b"x" * 9 + b"\n" + (b"y" * 9 + b"\n") * 2000)
    follower = _follow(writer)
    assert _numbers([follower.read() or Done(0)]) == list(range(1, 501))
    for _ in range(3):
        writer.write(OUT, (b"z" * 9 + b"\n") * 5000)
    steps = _drain(follower)
    rotated = next(step for step in steps if isinstance(step, Rotated))
    before = _numbers(steps[: steps.index(rotated)])
    assert before == list(range(501, 2002))
    assert rotated.first_available > 2002
    follower.close()
    close(writer)


def test_tails_are_told_when_they_change_and_the_follower_has_caught_up(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path))
    woken: list[None] = []
    writer.write(OUT, b"one\nprompt> ")
    writer.write(ERR, b"10%\r20%")
    follower = _follow(writer, wake=lambda: woken.append(None))
    assert follower.partials() == ()
    _drain(follower)
    assert follower.partials() == (PartialLine(OUT, "prompt> "), PartialLine(ERR, "20%"))
    assert follower.partials() == ()
    writer.write(OUT, b"yes")
    assert woken == [None]
    assert follower.read() is None
    assert follower.partials() == (PartialLine(OUT, "prompt> yes"),)
    writer.write(OUT, b"\nprompt> yes")
    assert follower.partials() == ()
    assert _numbers(_drain(follower)) == [2]
    assert follower.partials() == (PartialLine(OUT, "prompt> yes"),)
    writer.write(OUT, b"\n")
    writer.end_stream(ERR)
    assert _numbers(_drain(follower)) == [3, 4]
    assert follower.partials() == ()
    follower.close()
    close(writer)


def test_a_tail_that_is_dropped_is_cleared(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path), max_size=20, on_full=LogOnFull.DROP_NEW)
    writer.write(ERR, b"tail")
    follower = _follow(writer)
    _drain(follower)
    assert follower.partials() == (PartialLine(ERR, "tail"),)
    writer.write(OUT, b"x" * 30 + b"\n")
    _drain(follower)
    assert follower.partials() == (PartialLine(ERR, ""),)
    follower.close()
    close(writer)


def test_a_log_whose_files_are_deleted_after_its_end_is_done(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    follower = _follow(writer)
    assert follower.read() is None
    for _ in range(10):
        writer.write(OUT, (b"x" * 99 + b"\n") * 600)
    close(writer)
    for path in paths.all():
        path.unlink(missing_ok=True)
    assert _drain(follower) == [Done(0)]
    follower.close()


@_EXAMPLES
@given(
    st.lists(st.sampled_from(["write", "tail", "long", "read", "drain", "reopen"]), max_size=40),
    st.sampled_from([None, 60, 400]),
)
def test_no_line_is_repeated_and_none_is_missing_but_those_told(
    tmp_path: Path, steps: list[str], max_size: int | None
) -> None:
    writer = make_writer(make_paths(tmp_path), max_size=max_size)
    follower, expected = _follow(writer), 1
    written = 0

    def check(step: Step | None) -> None:
        nonlocal expected
        if isinstance(step, Lines):
            assert [line.n for line in step.items] == list(range(expected, expected + len(step.items)))
            expected += len(step.items)
        elif isinstance(step, Rotated):
            assert step.first_available > expected
            expected = step.first_available

    for step in steps:
        if step == "read":
            check(follower.read())
        elif step == "drain":
            for each in _drain(follower):
                check(each)
            assert expected == writer.total_lines + 1
        elif step == "reopen":
            follower.close()
            follower = _follow(writer, expected)
        else:
            written += 1
            writer.write(OUT, {"write": b"line %d\n" % written, "tail": b"x", "long": b"a\nb\n" * 30}[step])
    close(writer)
    last = _drain(follower)
    for each in last:
        check(each)
    assert last[-1] == Done(writer.total_lines)
    assert expected == writer.total_lines + 1
    follower.close()


def test_a_follower_in_another_thread_sees_every_line(tmp_path: Path) -> None:
    writer = make_writer(make_paths(tmp_path), max_size=1_000_000)
    woken = Event()
    follower = _follow(writer, wake=woken.set)

    def produce() -> None:
        for number in range(1000):
            writer.write(OUT, b"".join(b"line %d\n" % (number * 100 + n) for n in range(1, 101)))
        close(writer)

    producer = Thread(target=produce)
    producer.start()
    expected = 1
    while True:
        woken.clear()
        step = follower.read()
        if step is None:
            assert woken.wait(30)
        elif isinstance(step, Lines):
            assert [line.n for line in step.items] == list(range(expected, expected + len(step.items)))
            expected += len(step.items)
        elif isinstance(step, Rotated):
            assert step.first_available > expected
            expected = step.first_available
        else:
            break
    producer.join()
    assert expected == writer.total_lines + 1 > 100_000
    follower.close()
