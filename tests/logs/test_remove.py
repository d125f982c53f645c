from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.logs import files
from runwisp.logs.opening import open_log
from runwisp.logs.paths import LogPaths, log_paths
from runwisp.logs.remove import remove_logs
from runwisp.model import RunId
from tests.logs.helpers import CREATED_AT, EVERYTHING, OUT, close, make_paths, make_writer, texts


def other_run(paths: LogPaths) -> LogPaths:
    return log_paths(paths.directory.parent, "backup", RunId("01KJPV6VSG0000000000000001"), CREATED_AT)


def write_line(paths: LogPaths) -> None:
    writer = make_writer(paths)
    writer.write(OUT, b"line\n")
    close(writer)


def test_the_last_run_takes_its_directory_along(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    paths.directory.mkdir(parents=True)
    for path in paths.all():
        path.touch()
    assert remove_logs([paths]).errors == []
    assert not paths.directory.exists()


def test_other_runs_of_the_unit_stay(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    other = other_run(paths)
    write_line(paths)
    write_line(other)
    assert remove_logs([paths]).errors == []
    assert sorted(paths.directory.iterdir()) == sorted([other.log, other.index])


def test_runs_of_several_units_go_at_once(tmp_path: Path) -> None:
    backup, mail = make_paths(tmp_path), make_paths(tmp_path, "mail")
    logs = [backup, other_run(backup), mail]
    for paths in logs:
        write_line(paths)
    size = sum(path.stat().st_size for paths in logs for path in (paths.log, paths.index))
    removed = remove_logs(logs)
    assert (removed.size, removed.errors) == (size, [])
    assert list((tmp_path / "logs").iterdir()) == []


def test_a_run_without_files_is_fine(tmp_path: Path) -> None:
    removed = remove_logs([make_paths(tmp_path)])
    assert (removed.size, removed.errors) == (0, [])


def test_a_file_that_cannot_be_removed_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    paths.directory.mkdir(parents=True)
    paths.log.mkdir()
    paths.index.touch()
    assert len(remove_logs([paths]).errors) == 1
    assert not paths.index.exists()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_starts_while_its_directory_is_removed_keeps_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    old = make_paths(tmp_path)
    new = other_run(old)
    intact = Path.chmod
    removals = iter(range(2))

    def chmod(path: Path, mode: int) -> None:
        if moment == "before" and next(removals, None) is not None:
            remove_logs([old])
        intact(path, mode)
        if moment == "after" and next(removals, None) is not None:
            remove_logs([old])

    monkeypatch.setattr(Path, "chmod", chmod)
    writer = make_writer(new)
    writer.write(OUT, b"first\n")
    close(writer)
    assert texts(new) == ["first"]
    assert next(removals, None) is None


def test_a_log_that_is_deleted_while_it_is_opened_can_be_read_and_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    write_line(paths)
    intact = files.open_existing

    def open_existing(path: Path, *, writable: bool = False) -> int | None:
        descriptor = intact(path, writable=writable)
        remove_logs([paths])
        return descriptor

    monkeypatch.setattr(files, "open_existing", open_existing)
    with open_log(paths, is_ended=True) as snapshot:
        assert [line.text for line in snapshot.page(1, EVERYTHING).items] == ["line"]
    assert not paths.directory.exists()


def test_an_index_that_is_made_anew_does_not_outlive_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    write_line(paths)
    paths.index.write_bytes(b"damaged")
    intact = files.create

    def create(path: Path) -> int:
        remove_logs([paths])
        return intact(path)

    monkeypatch.setattr(files, "create", create)
    with open_log(paths, is_ended=True) as snapshot:
        assert [line.text for line in snapshot.page(1, EVERYTHING).items] == ["line"]
    assert list(paths.directory.iterdir()) == []
