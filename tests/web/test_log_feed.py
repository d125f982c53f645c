from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from runwisp.logs.follow import HELD_LIMIT, LINES_LIMIT
from runwisp.logs.library import Library
from runwisp.logs.writer import LogWriter
from runwisp.model import Bytes, LogOnFull, Status, Stream
from runwisp.web.log_feed import HAND_OUT_EVERY_S, TAILS_EVERY_S, LogFeeds, Means
from runwisp.web.log_frames import Frames, frame_of
from runwisp.web.pace import Pace
from tests.make import run
from tests.web.outlets import Listener, Told

T = TypeVar("T")
OUT, ERR = Stream.STDOUT, Stream.STDERR


class Rig:
    """The log of one run, and those who follow it. Threads answer at once, unless they are held."""

    def __init__(self, logs: Path, max_size: int | None = None) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.library = Library(logs)
        self.run = run(status=Status.RUNNING)
        self.writer = LogWriter(
            self.library.paths(self.run),
            max_size=None if max_size is None else Bytes(max_size),
            on_full=LogOnFull.DROP_OLD,
            masker=None,
            wall=lambda: 1.5,
        )
        self.library.add(self.run.id, self.writer)
        self.held: list[Callable[[], object]] | None = None
        means = Means(
            clock=self.clock,
            in_thread=self._in_thread,
            in_reactor=partial(self.clock.callLater, 0),
            pace=Pace(self.clock, share=0.5, burst_s=1.0),
            frames=Frames(most_bytes=1_000_000, most=100),
        )
        self.feeds = LogFeeds(means, self.library)

    def _in_thread(self, work: Callable[..., T], /, *args: object) -> Deferred[T]:
        if self.held is None:
            return execute(work, *args)
        done: Deferred[T] = Deferred()
        self.held.append(lambda: execute(work, *args).chainDeferred(done))
        return done

    def answer(self) -> None:
        """The threads come to their end."""
        held, self.held = self.held or [], None
        for work in held:
            work()

    def follow(self, start: int = 1, room: int | None = None) -> Listener:
        return Listener(lambda outlet: self.feeds.follow(self.run, outlet, start), room)

    def write(self, data: bytes, stream: Stream = OUT) -> None:
        """The run prints, and time passes until that is handed out."""
        self.writer.write(stream, data)
        self.pass_time(HAND_OUT_EVERY_S)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(0)
        self.clock.advance(seconds)
        self.clock.advance(0)

    def end(self) -> None:
        self.writer.close()
        self.writer.sync()
        self.run = evolve(self.run, status=Status.ENDED)
        self.pass_time(HAND_OUT_EVERY_S)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.writer.close()
    rig.writer.sync()
    rig.pass_time(0)
    assert rig.clock.getDelayedCalls() == []


def numbers(told: list[Told]) -> list[int]:
    found = [[line["n"] for line in each.data["items"]] for each in told if each.name == "lines"]
    assert [str(lines[-1]) for lines in found] == [each.id for each in told if each.name == "lines"]
    return [n for lines in found for n in lines]


def tails(told: list[Told]) -> list[tuple[str, str]]:
    return [(each.data["stream"], each.data["text"]) for each in told if each.name == "partial"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first lines of the events that are made."""
    firsts: list[int] = []

    def spy(lines: object) -> object:
        frame = frame_of(lines)  # type: ignore[arg-type]  # passed through as it came
        firsts.append(frame.first)
        return frame

    monkeypatch.setattr("runwisp.web.log_feed.frame_of", spy)
    monkeypatch.setattr("runwisp.web.log_frames.frame_of", spy)
    return firsts


# Ended and live


def test_an_ended_log_is_sent_to_its_end(rig: Rig) -> None:
    rig.write(b"one\ntwo\nthree\n")
    rig.end()
    listener = rig.follow(2)
    (told,) = listener.news()
    assert [line["text"] for line in told.data["items"]] == ["two", "three"]
    assert listener.has_ended


@pytest.mark.parametrize("start", [1, -1000, 7])
def test_a_log_without_lines_ends_at_once(rig: Rig, start: int) -> None:
    rig.end()
    listener = rig.follow(start)
    assert (listener.news(), listener.has_ended) == ([], True)


@pytest.mark.parametrize(("start", "lines"), [(1, [1, 2, 3]), (-2, [2, 3]), (4, []), (99, [])])
def test_what_is_there_comes_first_and_then_what_is_new(rig: Rig, start: int, lines: list[int]) -> None:
    rig.write(b"one\ntwo\nthree\n")
    listener = rig.follow(start)
    assert numbers(listener.news()) == lines
    rig.write(b"four\n")
    rig.write(b"five\n", ERR)
    assert numbers(listener.news()) == [4, 5]
    assert not listener.has_ended
    rig.end()
    assert listener.has_ended


def test_followers_of_a_log_of_which_the_writer_is_gone_share_what_is_read(rig: Rig, made: list[int]) -> None:
    rig.write(b"x\n" * 1200)
    rig.end()
    for _ in range(3):
        listener = rig.follow(1, room=1)
        while not listener.has_ended:
            listener.outlet.resume()
        assert numbers(listener.news()) == list(range(1, 1201))
    assert made == [1, 501, 1001] * 3
    made.clear()
    listeners = [rig.follow(1, room=1) for _ in range(3)]
    for _ in range(4):
        for listener in listeners:
            listener.outlet.resume()
    assert all(numbers(listener.news()) == list(range(1, 1201)) for listener in listeners)
    assert made == [1, 501, 1001]


def test_who_has_caught_up_gets_what_was_written_without_a_look_at_the_files(
    rig: Rig, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners = [rig.follow() for _ in range(3)]
    monkeypatch.setattr(rig.writer, "snapshot", None)
    for _ in range(3):
        rig.write(b"one\ntwo\n")
    assert all(numbers(listener.news()) == [1, 2, 3, 4, 5, 6] for listener in listeners)
    assert made == [1, 3, 5]
    for listener in listeners:
        listener.leave()


def test_lines_in_quick_succession_are_sent_together(rig: Rig) -> None:
    listener = rig.follow()
    rig.write(b"first\n")
    assert numbers(listener.news()) == [1]
    for _ in range(20):
        rig.writer.write(OUT, b"more\n")
        rig.clock.advance(HAND_OUT_EVERY_S / 40)
    rig.pass_time(HAND_OUT_EVERY_S)
    told = listener.news()
    assert numbers(told) == list(range(2, 22))
    assert len(told) == 2
    listener.leave()


def test_a_line_after_a_pause_is_sent_at_once(rig: Rig) -> None:
    listener = rig.follow()
    rig.clock.advance(1)
    rig.writer.write(OUT, b"one\n")
    rig.clock.advance(0)
    rig.clock.advance(0)
    assert numbers(listener.news()) == [1]
    listener.leave()


def test_much_output_is_sent_in_events_of_some_size(rig: Rig) -> None:
    listener = rig.follow()
    rig.write(b"x\n" * 1200)
    told = listener.news()
    assert numbers(told) == list(range(1, 1201))
    assert [len(each.data["items"]) for each in told] == [LINES_LIMIT, LINES_LIMIT, 200]
    listener.leave()


# Slow followers


def test_a_slow_follower_reads_on_from_the_files_and_holds_up_nobody(rig: Rig) -> None:
    slow, quick = rig.follow(), rig.follow()
    slow.outlet.pause()
    for _ in range(20):
        rig.write((b"x" * 99 + b"\n") * 600)
    assert numbers(quick.news()) == list(range(1, 12_001))
    assert slow.news() == []
    slow.outlet.resume()
    assert numbers(slow.news()) == list(range(1, 12_001))
    rig.write(b"last\n")
    assert numbers(slow.news()) == numbers(quick.news()) == [12_001]
    rig.end()
    assert slow.has_ended
    assert quick.has_ended


def test_more_output_than_is_kept_for_those_who_have_caught_up_is_read_by_them(rig: Rig) -> None:
    listener = rig.follow()
    for _ in range(2 * HELD_LIMIT // 10_000):
        rig.writer.write(OUT, (b"x" * 99 + b"\n") * 100)
    rig.pass_time(HAND_OUT_EVERY_S)
    assert numbers(listener.news()) == list(range(1, rig.writer.total_lines + 1))
    listener.leave()


def test_rotation_is_told_to_who_is_too_slow_for_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path, max_size=4000)
    slow, quick = rig.follow(), rig.follow()
    rig.write(b"x\n" * 10)
    slow.outlet.pause()
    for _ in range(300):
        rig.write(b"y" * 99 + b"\n")
    assert {each.name for each in quick.news()} == {"lines"}
    slow.outlet.resume()
    told = slow.news()
    with rig.writer.snapshot() as snapshot:
        first = snapshot.first_available
    assert [each.name for each in told[:2]] == ["lines", "rotated"]
    assert told[1] == Told("rotated", {"first_available": first})
    assert numbers(told) == [*range(1, 11), *range(first, rig.writer.total_lines + 1)]
    late = rig.follow(5)
    assert late.news()[0] == Told("rotated", {"first_available": first})
    for listener in (slow, quick, late):
        listener.leave()
    rig.end()


def test_who_leaves_while_a_thread_reads_for_it_leaves_nothing_behind(rig: Rig) -> None:
    rig.write(b"one\n")
    rig.held = []
    for _ in range(2):
        rig.follow().leave()
    listener = rig.follow()
    rig.answer()
    assert numbers(listener.news()) == [1]
    listener.leave()


def test_a_log_that_is_deleted_breaks_off_for_who_is_behind(rig: Rig) -> None:
    slow = rig.follow()
    slow.outlet.pause()
    for _ in range(101):
        rig.write(b"x\n")
    rig.end()
    for path in rig.library.paths(rig.run).all():
        path.unlink(missing_ok=True)
    slow.outlet.resume()
    assert slow.failure is not None
    assert slow.failure.check(FileNotFoundError)


def test_files_that_are_open_can_be_read_to_their_end_though_they_are_deleted(rig: Rig) -> None:
    rig.write(b"x\n" * 1200)
    rig.end()
    listener = rig.follow(room=1)
    for path in rig.library.paths(rig.run).all():
        path.unlink(missing_ok=True)
    for _ in range(3):
        listener.outlet.resume()
    assert numbers(listener.news()) == list(range(1, 1201))
    assert listener.has_ended


# Tails


def test_a_prompt_is_shown_soon_and_becomes_a_line(rig: Rig) -> None:
    listener = rig.follow()
    rig.write(b"password: ")
    assert tails(listener.news()) == [("stdout", "password: ")]
    rig.write(b"*\n")
    told = listener.news()
    assert (numbers(told), tails(told)) == ([1], [])
    listener.leave()


def test_a_tail_is_shown_at_most_ten_times_a_second(rig: Rig) -> None:
    listener, shown = rig.follow(), []
    for percent in range(100):
        rig.writer.write(OUT, b"%d%%\r" % percent)
        rig.clock.advance(0.01)
        shown += tails(listener.news())
    assert 8 <= len(shown) <= 11
    rig.pass_time(TAILS_EVERY_S)
    assert [*shown, *tails(listener.news())][-1] == ("stdout", "99%")
    listener.leave()


def test_all_tails_are_shown_once_after_what_was_there(rig: Rig) -> None:
    rig.write(b"one\nprompt> ")
    rig.write(b"10%\r20%", ERR)
    first = rig.follow()
    rig.pass_time(TAILS_EVERY_S)
    told = first.news()
    assert [each.name for each in told] == ["lines", "partial", "partial"]
    assert tails(told) == [("stdout", "prompt> "), ("stderr", "20%")]
    late = rig.follow()
    rig.pass_time(TAILS_EVERY_S)
    assert tails(late.news()) == tails(told)
    rig.pass_time(10)
    assert first.news() == late.news() == []
    for listener in (first, late):
        listener.leave()


def test_a_tail_that_ends_without_a_line_is_cleared(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.writer = LogWriter(
        rig.library.paths(rig.run),
        max_size=Bytes(20),
        on_full=LogOnFull.DROP_NEW,
        masker=None,
        wall=lambda: 1.5,
    )
    rig.library.add(rig.run.id, rig.writer)
    listener = rig.follow()
    rig.write(b"tail", ERR)
    rig.write(b"x" * 30 + b"\n")
    rig.pass_time(TAILS_EVERY_S)
    assert tails(listener.news()) == [("stderr", "tail"), ("stderr", "")]
    listener.leave()
    rig.end()


def test_a_line_clears_the_tail_of_its_stream_only_and_the_next_tail_is_shown(rig: Rig) -> None:
    listener = rig.follow()
    rig.write(b"a", OUT)
    rig.write(b"b", ERR)
    rig.pass_time(TAILS_EVERY_S)
    listener.news()
    rig.write(b"a\na")
    rig.pass_time(TAILS_EVERY_S)
    told = listener.news()
    assert (numbers(told), tails(told)) == ([1], [("stdout", "a")])
    listener.leave()


def test_who_takes_nothing_is_shown_the_newest_tail_when_it_does(rig: Rig) -> None:
    listener = rig.follow()
    listener.outlet.pause()
    for percent in range(5):
        rig.write(b"%d%%\r" % percent)
        rig.pass_time(TAILS_EVERY_S)
    listener.outlet.resume()
    rig.pass_time(TAILS_EVERY_S)
    assert tails(listener.news()) == [("stdout", "4%")]
    listener.leave()


# Whatever happens

_steps = st.one_of(
    st.tuples(st.just("write"), st.sampled_from([1, 1, 3, 40, 700, 4000])),
    st.tuples(st.sampled_from(["tail", "time", "hold", "answer"]), st.just(0)),
    st.tuples(st.sampled_from(["pause", "resume", "cut", "reread"]), st.integers(0, 2)),
)


class Reader:
    """A follower that comes back where it was cut off, and checks that nothing is missing or repeated."""

    def __init__(self, rig: Rig, room: int | None) -> None:
        self.expected = 1
        self._rig = rig
        self._room = room
        self.listener = rig.follow(1, room)

    def look(self) -> None:
        for told in self.listener.news():
            if told.name == "lines":
                lines = numbers([told])
                assert lines == list(range(self.expected, self.expected + len(lines)))
                self.expected += len(lines)
            elif told.name == "rotated":
                assert told.data["first_available"] > self.expected
                self.expected = told.data["first_available"]

    def come_back(self, back: int = 0) -> None:
        self.look()
        self.listener.leave()
        self.expected = max(1, self.expected - back)
        self.listener = self._rig.follow(self.expected, self._room)


@given(st.lists(_steps, max_size=30), st.sampled_from([None, 2000, 100_000]))
def test_no_line_is_missing_but_those_told_and_none_comes_twice(
    steps: list[tuple[str, int]], max_size: int | None
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory), max_size)
        readers = [Reader(rig, room) for room in (None, 100, 40_000)]
        for step, amount in steps:
            if step == "write":
                rig.write(b"some words\n" * amount, ERR if amount == 3 else OUT)
            elif step == "tail":
                rig.write(b"x")
            elif step == "time":
                rig.pass_time(TAILS_EVERY_S)
            elif step == "hold":
                rig.held = rig.held or []
            elif step == "answer":
                rig.answer()
            elif step == "pause":
                readers[amount].listener.outlet.pause()
            elif step == "resume":
                readers[amount].listener.outlet.resume()
            else:
                readers[amount].come_back(7 if step == "reread" else 0)
            for reader in readers:
                reader.look()
        rig.answer()
        rig.end()
        for reader in readers:
            for _ in range(2000):
                if reader.listener.has_ended:
                    break
                reader.listener.outlet.resume()
                rig.pass_time(TAILS_EVERY_S)
            reader.look()
            assert reader.listener.failure is None
            assert reader.listener.has_ended
            assert reader.expected == rig.writer.total_lines + 1
        assert rig.clock.getDelayedCalls() == []
