"""Rotations whose file operations fail while the daemon lives; those cut short are in test_opening."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runwisp.logs import files
from runwisp.logs.reader import Snapshot
from tests.logs.helpers import OUT, Wall, close, log_size, make_paths, make_writer, page


@pytest.mark.parametrize("operation", ["unlink", "rename", "create"])
@pytest.mark.parametrize("succeed", [0, 1])
def test_capture_goes_on_in_the_same_file_until_the_rotation_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, succeed: int
) -> None:
    paths = make_paths(tmp_path)
    errors: list[OSError] = []
    wall = Wall()
    writer = make_writer(paths, max_size=400, on_error=errors.append, wall=wall)
    for number in range(1, 60):
        writer.write(OUT, b"line %03d\n" % number)
    with writer.snapshot() as snapshot:
        current = snapshot.segments[-1].extent.first_line
    monkeypatch.setattr(files, operation, _failing(getattr(files, operation), succeed))
    for number in range(60, 100):
        wall.ms += 2000
        writer.write(OUT, b"line %03d\n" % number)
        _check_live(writer.snapshot, current, number)
    monkeypatch.undo()
    assert 1 <= len(errors) <= 2
    for number in range(100, 200):
        writer.write(OUT, b"line %03d\n" % number)
        _check_live(writer.snapshot, current, number)
    close(writer)
    result = page(paths)
    assert log_size(paths) <= 400
    assert [line.text for line in result.items] == [
        f"line {n:03}" for n in range(result.first_available, 200)
    ]
    assert result.total_lines == 199


def _failing(operation: Callable[..., object], succeed: int) -> Callable[..., object]:
    """The operation, which works so many times and never again."""
    left = [True] * succeed

    def run(*args: object) -> object:
        if left:
            left.pop()
            return operation(*args)
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    return run


def _check_live(take: Callable[[], Snapshot], current: int, number: int) -> None:
    """A snapshot has the line that was just written, and all lines of its segments."""
    with take() as snapshot:
        result = snapshot.page(1, 1000)
    assert result.total_lines == number
    assert [line.n for line in result.items] == list(range(result.first_available, number + 1))
    assert result.first_available <= current or number > 100


def test_a_log_that_could_not_get_its_new_files_reads_after_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=400)
    for number in range(1, 30):
        writer.write(OUT, b"line %03d\n" % number)
    monkeypatch.setattr(files, "create", _failing(files.create, 0))
    for number in range(30, 100):
        writer.write(OUT, b"line %03d\n" % number)
    close(writer)
    monkeypatch.undo()
    result = page(paths)
    assert not paths.log.exists()
    assert [line.text for line in result.items] == [
        f"line {n:03}" for n in range(result.first_available, 100)
    ]
