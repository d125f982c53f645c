from __future__ import annotations

import pytest

from runwisp.model import Stream
from runwisp.tui.loglines import KEPT, PAGE, LogLines, Span, Tail
from tests.tui.lines import line, lines, remote_page, shown


def rows(log: LogLines) -> list[object]:
    return [shown(log[position]) for position in range(log.start, log.end)]


@pytest.fixture
def log() -> LogLines:
    """Lines 41 to 50 of a log, of which at most 20 are kept."""
    log = LogLines(kept=20)
    log.append(lines(41, 50))
    return log


def test_lines_come_in_order_and_each_once(log: LogLines) -> None:
    log.append(lines(49, 52))
    assert rows(log) == list(range(41, 53))
    assert log.next_line == 53


def test_missing_lines_are_one_row(log: LogLines) -> None:
    log.append([line(60)])
    assert rows(log)[-2:] == [-9, 60]
    assert log.find(55) is not None
    assert log.find(60) == log.end - 1
    assert log.find(50) == log.end - 3


def test_a_tail_is_replaced_until_its_line_is_complete(log: LogLines) -> None:
    log.put_tail(Tail(Stream.STDOUT, "5"))
    log.put_tail(Tail(Stream.STDOUT, "50 %"))
    log.put_tail(Tail(Stream.STDERR, "warn"))
    assert rows(log)[-3:] == [50, "50 %", "warn"]
    log.append([line(51)])
    assert rows(log)[-2:] == [51, "warn"]
    log.put_tail(Tail(Stream.STDERR, ""))
    assert rows(log)[-1] == 51


def test_the_oldest_lines_make_room_and_the_others_keep_their_positions(log: LogLines) -> None:
    position = log.find(50)
    log.append(lines(51, 70))
    log.trim_oldest()
    assert rows(log) == list(range(51, 71))
    assert log.find(50) is None
    assert position is not None
    assert shown(log[position + 1]) == 51
    assert log.older() == Span(1, 50)


def test_when_the_newest_lines_make_room_the_log_goes_on_by_pages(log: LogLines) -> None:
    log.put_tail(Tail(Stream.STDOUT, "tail"))
    log.append(lines(51, 70))
    assert log.trim_newest()
    assert rows(log) == list(range(41, 61))
    assert log.newer() == Span(61, PAGE)
    log.take_newer(remote_page(lines(61, 65), total=70))
    assert not log.is_attached
    log.take_newer(remote_page(lines(66, 70), total=70))
    assert log.is_attached
    assert log.newer() is None


def test_long_lines_make_room_too() -> None:
    log = LogLines(kept_chars=100_000)
    log.append(line(n, "x" * 1000) for n in range(1, 2001))
    log.trim_oldest()
    assert log.find(1000) is None
    assert log.find(1001) is not None


def test_older_lines_go_before_the_others(log: LogLines) -> None:
    span = log.older()
    assert span == Span(1, 40)
    position = log.find(41)
    log.take_older(span, remote_page(lines(1, 40), total=50))
    assert rows(log) == list(range(1, 51))
    assert log.find(41) == position
    assert log.older() is None


def test_rotated_lines_at_the_beginning_are_counted(log: LogLines) -> None:
    span = log.older()
    assert span is not None
    log.take_older(span, remote_page(lines(31, 40), total=50, first_available=31))
    assert rows(log) == [-30, *range(31, 51)]
    assert log.older() is None


def test_older_lines_that_are_all_gone_are_counted(log: LogLines) -> None:
    span = log.older()
    assert span is not None
    log.take_older(span, remote_page(lines(45, 50), total=50, first_available=45))
    assert rows(log)[:2] == [-40, 41]
    assert log.older() is None


def test_of_lines_too_long_for_one_page_fewer_are_asked_for() -> None:
    log = LogLines()
    log.append(lines(5000, 5010))
    span = log.older()
    assert span == Span(4000, 1000)
    log.take_older(span, remote_page(lines(4000, 4199), total=5010))
    assert rows(log)[0] == 5000
    assert log.older() == Span(4900, 100)


def test_a_page_for_what_is_not_here_any_more_is_left_alone(log: LogLines) -> None:
    log.take_older(Span(1, 10), remote_page(lines(1, 10), total=50))
    assert rows(log) == list(range(41, 51))


def test_a_page_may_begin_anew(log: LogLines) -> None:
    log.begin_with(remote_page(lines(500, 600), total=1000))
    assert rows(log) == list(range(500, 601))
    assert log.newer() == Span(601, PAGE)
    log.begin_with(remote_page(lines(100, 1000), total=1000, first_available=100))
    assert rows(log)[:2] == [-99, 100]
    assert log.is_attached


def test_a_log_without_lines_wants_nothing() -> None:
    log = LogLines()
    assert log.older() is None
    assert log.newer() is None
    assert log.find(1) is None
    assert log.kept == KEPT
