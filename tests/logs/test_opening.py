"""Logs whose index is lost, torn or damaged, and whose rotation was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runwisp.logs import files
from runwisp.logs.index import RECORD_SIZE, pack_record
from runwisp.logs.opening import open_log
from runwisp.logs.paths import LogPaths
from tests.logs.helpers import (
    ERR,
    OUT,
    Wall,
    close,
    make_paths,
    make_writer,
    page,
    texts,
)

_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def _write_log(paths: LogPaths, lines: int = 300, max_size: int | None = None) -> list[str]:
    """A closed log with a record every few lines."""
    wall = Wall()
    writer = make_writer(paths, max_size=max_size, wall=wall)
    for number in range(1, lines + 1):
        wall.ms += 4
        writer.write((OUT, ERR)[number % 9 == 0], b"line %d\n" % number)
    close(writer)
    return texts(paths)


def test_lines_are_found_without_the_index_and_with_it_cut_at_every_byte(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    for start in range(1, 5001, 1000):
        writer.write(OUT, b"".join(b"line %d\n" % number for number in range(start, start + 1000)))
        writer.write(ERR, b"")
    close(writer)
    whole = paths.index.read_bytes()
    paths.index.unlink()
    expected = [(number, f"line {number}") for number in range(3000, 3005)]
    assert [(line.n, line.text) for line in page(paths, 3000, 5).items] == expected
    for size in range(len(whole)):
        paths.index.write_bytes(whole[:size])
        assert [(line.n, line.text) for line in page(paths, 3000, 5).items] == expected


def test_every_cut_of_an_index_with_many_records_reads_and_is_mended(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    expected = _write_log(paths, 60)
    whole = paths.index.read_bytes()
    for size in range(len(whole)):
        paths.index.write_bytes(whole[:size])
        assert texts(paths) == expected
        mended = paths.index.read_bytes()
        assert texts(paths) == expected
        assert paths.index.read_bytes() == mended


@_EXAMPLES
@given(st.data())
def test_any_damage_of_the_index_leaves_the_lines_readable(tmp_path: Path, data: st.DataObject) -> None:
    paths = make_paths(tmp_path)
    if not paths.log.exists():
        _write_log(paths, 60)
        (tmp_path / "idx").write_bytes(paths.index.read_bytes())
    damaged = bytearray((tmp_path / "idx").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] ^= data.draw(st.integers(1, 255))
    paths.index.write_bytes(damaged)
    assert texts(paths) == [f"line {number}" for number in range(1, 61)]


def test_what_is_good_of_the_index_is_kept_and_the_rest_has_no_time(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    wall = Wall()
    writer = make_writer(paths, wall=wall)
    for number in range(6):
        wall.ms += 20
        writer.write(ERR, b"a %d\nb %d\n" % (number, number))
    close(writer)
    before = page(paths).items
    index = bytearray(paths.index.read_bytes())
    index[RECORD_SIZE * 4] ^= 1
    paths.index.write_bytes(index)
    after = page(paths).items
    assert after[:5] == before[:5]
    assert [(line.ts, line.stream) for line in after[5:]] == [(None, OUT)] * 7
    assert [line.text for line in after] == [line.text for line in before]


def test_a_damaged_header_loses_no_times(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    _write_log(paths, 30)
    before = page(paths).items
    index = bytearray(paths.index.read_bytes())
    index[9] ^= 0xFF
    paths.index.write_bytes(index)
    assert page(paths).items == before


def test_an_index_that_ends_too_early_is_completed(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    for _ in range(8):
        writer.write(OUT, (b"x" * 99 + b"\n") * 600)
    close(writer)
    whole = paths.index.read_bytes()
    paths.index.write_bytes(whole[: 2 * RECORD_SIZE])
    items = page(paths).items
    assert [line.n for line in items] == list(range(1, 4801))
    assert items[0].ts is not None
    assert items[-1].ts is None
    with open_log(paths, is_ended=True) as snapshot:
        assert snapshot.segments[0].index.count > 5


@pytest.mark.parametrize("lost", ["current", "previous", "both"])
def test_first_lines_of_lost_indexes_come_from_the_other_segment(tmp_path: Path, lost: str) -> None:
    paths = make_paths(tmp_path)
    expected = _write_log(paths, 300, max_size=1000)
    first = page(paths).first_available
    for path, name in ((paths.index, "current"), (paths.previous_index, "previous")):
        if lost in (name, "both"):
            path.unlink()
    result = page(paths)
    assert [line.text for line in result.items] == expected
    assert result.first_available == (1 if lost == "both" else first)
    assert [line.n for line in result.items] == list(range(result.first_available, result.total_lines + 1))


def test_a_lone_previous_segment_without_any_index_is_mended_under_its_own_name(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    expected = _write_log(paths, 30)
    paths.log.rename(paths.previous_log)
    paths.index.unlink()
    assert texts(paths) == expected
    assert not paths.index.exists()
    assert paths.previous_index.exists()


def test_a_new_index_has_no_record_for_the_end(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"x" * 65_535)
    writer.write(OUT, b"x\n")
    close(writer)
    paths.index.unlink()
    with open_log(paths, is_ended=True) as snapshot:
        assert snapshot.segments[0].index.count == snapshot.total_lines == 1


def test_a_newline_that_damage_has_made_gives_no_number_twice(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    _write_log(paths, 30)
    paths.log.write_bytes(paths.log.read_bytes().replace(b"line 7\n", b"l\nne 7\n"))
    numbers = [line.n for line in page(paths).items]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 30


def test_a_torn_last_line_counts(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    _write_log(paths, 3)
    paths.log.write_bytes(paths.log.read_bytes()[:-3])
    assert texts(paths) == ["line 1", "line 2", "line"]


def test_lines_that_were_lost_with_the_power_are_not_counted(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    _write_log(paths, 30)
    lines = paths.log.read_bytes().splitlines(keepends=True)
    paths.log.write_bytes(b"".join(lines[:20]))
    assert texts(paths) == [f"line {number}" for number in range(1, 21)]


def test_a_record_without_its_line_is_ignored(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    with paths.index.open("ab") as index:
        index.write(pack_record(2, 4, 1, ERR))
    with open_log(paths, is_ended=False) as snapshot:
        assert [line.text for line in snapshot.page(1, 5).items] == ["one"]
    close(writer)


def test_bytes_behind_the_end_mark_are_read(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    _write_log(paths, 3)
    with paths.log.open("ab") as log:
        log.write(b"more\n")
    assert texts(paths) == ["line 1", "line 2", "line 3", "more"]


def test_the_log_of_a_living_run_is_not_mended_by_others(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\ntwo\n")
    paths.index.write_bytes(b"damaged")
    with open_log(paths, is_ended=False) as snapshot:
        assert [line.text for line in snapshot.page(1, 5).items] == ["one", "two"]
        assert not snapshot.finalized
    assert paths.index.read_bytes() == b"damaged"
    close(writer)


def test_a_rotation_by_another_process_while_the_files_are_opened_does_not_mix_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=400)
    for number in range(1, 60):
        writer.write(OUT, b"line %03d\n" % number)
    intact = files.open_existing
    pending = [60]

    def interfere(path: Path, *, writable: bool = False) -> int | None:
        descriptor = intact(path)
        if pending:
            pending.clear()
            for number in range(60, 80):
                writer.write(OUT, b"line %03d\n" % number)
        return descriptor

    monkeypatch.setattr(files, "open_existing", interfere)
    with open_log(paths, is_ended=False) as snapshot:
        result = snapshot.page(1, 1000)
    assert result.total_lines == 79
    assert [line.text for line in result.items] == [f"line {n:03}" for n in range(result.first_available, 80)]
    close(writer)


def test_an_index_that_cannot_be_replaced_is_used_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    expected = _write_log(paths, 30)
    paths.index.write_bytes(b"damaged")

    def refuse(old: Path, new: Path) -> None:
        raise PermissionError(13, "refused", str(old))

    monkeypatch.setattr(files, "rename", refuse)
    assert texts(paths) == expected
    assert paths.index.read_bytes() == b"damaged"


class _Killed(Exception):
    """The daemon dies here."""


@pytest.mark.parametrize("survived", range(7))
def test_a_rotation_that_is_interrupted_after_any_step_still_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=400)
    for number in range(1, 60):
        writer.write(OUT, b"line %03d\n" % number)
    with writer.snapshot() as snapshot:
        current = snapshot.segments[-1].extent.first_line
    steps = _kill_after(monkeypatch, survived)
    with suppress(_Killed):
        for number in range(60, 100):
            writer.write(OUT, b"line %03d\n" % number)
    monkeypatch.undo()
    total = writer.total_lines
    result = page(paths)
    assert [line.text for line in result.items] == [
        f"line {n:03}" for n in range(result.first_available, total + 1)
    ]
    assert result.total_lines == total
    assert result.first_available <= current
    assert page(paths) == result
    assert len(steps) == survived
    writer.sync()


def _kill_after(monkeypatch: pytest.MonkeyPatch, survived: int) -> list[str]:
    """The process dies after so many file operations of a rotation; the result lists them."""
    steps: list[str] = []

    def mortal(name: str, operation: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object) -> object:
            if len(steps) == survived:
                raise _Killed
            result = operation(*args)
            steps.append(name)
            return result

        return run

    for name in ("unlink", "rename", "create"):
        monkeypatch.setattr(files, name, mortal(name, getattr(files, name)))
    original = files.write_at

    def write_at(descriptor: int, data: bytes, offset: int) -> None:
        # The header of the new index is the last step.
        if len(steps) == 6 == survived:
            raise _Killed
        original(descriptor, data, offset)

    monkeypatch.setattr(files, "write_at", write_at)
    return steps
