from __future__ import annotations

from pathlib import Path

from runwisp.logs.paths import log_paths
from runwisp.logs.remove import remove_log
from runwisp.model import RunId
from tests.logs.helpers import CREATED_AT, OUT, close, make_paths, make_writer


def test_the_last_run_takes_its_directory_along(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    paths.directory.mkdir(parents=True)
    for path in paths.all():
        path.touch()
    assert remove_log(paths) == []
    assert not paths.directory.exists()


def test_other_runs_of_the_unit_stay(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    other = log_paths(paths.directory.parent, "backup", RunId("01KJPV6VSG0000000000000001"), CREATED_AT)
    for each in (paths, other):
        writer = make_writer(each)
        writer.write(OUT, b"line\n")
        close(writer)
    assert remove_log(paths) == []
    assert sorted(paths.directory.iterdir()) == sorted([other.log, other.index])


def test_a_run_without_files_is_fine(tmp_path: Path) -> None:
    assert remove_log(make_paths(tmp_path)) == []


def test_a_file_that_cannot_be_removed_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    paths.directory.mkdir(parents=True)
    paths.log.mkdir()
    paths.index.touch()
    errors = remove_log(paths)
    assert len(errors) == 1
    assert not paths.index.exists()
