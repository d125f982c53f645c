from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE

import pytest

from runwisp.errors import DataDirLocked, DataDirUnusable
from runwisp.store.datadir import DataDir

LOCK_AND_WAIT = """
import sys
from pathlib import Path
from runwisp.store.datadir import DataDir
DataDir(Path(sys.argv[1])).lock()
print("locked", flush=True)
sys.stdin.read()
"""
LOCK_THEN_FORK = """
import os, sys
from pathlib import Path
from runwisp.store.datadir import DataDir
if os.fork():
    os._exit(0)
DataDir(Path(sys.argv[1])).lock()
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    data_dir = DataDir(tmp_path / "data")
    data_dir.prepare()
    return data_dir


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


def running(script: str, data_dir: DataDir) -> subprocess.Popen[str]:
    """A process that holds the lock until its standard input is closed."""
    command = [sys.executable, "-c", script, str(data_dir.path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_every_path_lies_in_the_directory(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    assert data_dir.database == tmp_path / "runwisp.db"
    assert data_dir.logs == tmp_path / "logs"
    assert data_dir.pid_file == tmp_path / "runwisp.pid"
    assert data_dir.socket == tmp_path / "runwisp.sock"
    assert data_dir.password == tmp_path / "password"
    assert list(tmp_path.iterdir()) == []


def test_the_directory_is_made_with_its_parents(no_umask: None, tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "a" / "b" / "data")
    data_dir.prepare()
    data_dir.lock()
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o755
    assert mode(data_dir.path) == mode(data_dir.logs) == 0o700
    assert mode(data_dir.pid_file) == 0o600
    data_dir.unlock()


def test_modes_that_are_too_loose_are_corrected(data_dir: DataDir) -> None:
    files = [data_dir.database, data_dir.password, data_dir.pid_file, data_dir.daemon_log]
    for file in files:
        file.touch()
        file.chmod(0o666)
    data_dir.tls.mkdir()
    folders = [data_dir.path, data_dir.logs, data_dir.tls]
    for folder in folders:
        folder.chmod(0o777)
    data_dir.prepare()
    assert [mode(path) for path in files] == [0o600] * 4
    assert [mode(path) for path in folders] == [0o700] * 3


def test_stricter_modes_of_files_stay(data_dir: DataDir) -> None:
    data_dir.password.touch(0o400)
    data_dir.prepare()
    assert mode(data_dir.password) == 0o400


@pytest.mark.parametrize("name", ["runwisp.db", "password", "runwisp.pid", "daemon.log"])
def test_a_symbolic_link_in_the_place_of_a_private_file_is_refused(
    data_dir: DataDir, name: str, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.touch(0o644)
    (data_dir.path / name).symlink_to(target)
    with pytest.raises(DataDirUnusable, match=f"{name}: is a symbolic link"):
        data_dir.prepare()
    assert mode(target) == 0o644


def test_the_lock_is_not_taken_through_a_symbolic_link(data_dir: DataDir, tmp_path: Path) -> None:
    data_dir.pid_file.symlink_to(tmp_path / "target")
    with pytest.raises(DataDirUnusable, match=r"runwisp\.pid"):
        data_dir.lock()
    assert not (tmp_path / "target").exists()


def test_a_directory_of_somebody_else_is_refused(data_dir: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(DataDirUnusable, match=f"belongs to user {os.getuid()}"):
        data_dir.prepare()


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(DataDirUnusable):
        DataDir(tmp_path / "data").prepare()


def test_the_owner_writes_its_number(data_dir: DataDir) -> None:
    data_dir.pid_file.write_text("123456789012345\nold")
    data_dir.lock()
    assert data_dir.pid_file.read_text() == f"{os.getpid()}\n"
    data_dir.unlock()
    assert not data_dir.pid_file.exists()


def test_a_second_owner_is_refused_with_the_number_of_the_first(data_dir: DataDir) -> None:
    data_dir.lock()
    with pytest.raises(DataDirLocked) as caught:
        DataDir(data_dir.path).lock()
    assert caught.value.pid == os.getpid()
    data_dir.unlock()


def test_an_owner_without_a_number_yet_is_still_one(data_dir: DataDir) -> None:
    data_dir.lock()
    data_dir.pid_file.write_text("")
    with pytest.raises(DataDirLocked) as caught:
        DataDir(data_dir.path).lock()
    assert caught.value.pid is None
    data_dir.unlock()


def test_another_process_is_refused_until_the_owner_is_killed(data_dir: DataDir) -> None:
    with running(LOCK_AND_WAIT, data_dir) as owner:
        assert first_line(owner) == "locked"
        with pytest.raises(DataDirLocked) as caught:
            data_dir.lock()
        assert caught.value.pid == owner.pid
        owner.kill()
    assert data_dir.pid_file.exists()
    data_dir.lock()
    data_dir.unlock()


def test_the_lock_of_a_process_that_went_to_the_background_holds(data_dir: DataDir) -> None:
    with running(LOCK_THEN_FORK, data_dir) as parent:
        daemon = int(first_line(parent))
        assert daemon != parent.pid
        with pytest.raises(DataDirLocked) as caught:
            data_dir.lock()
        assert caught.value.pid == daemon


def test_a_child_does_not_inherit_the_lock(data_dir: DataDir) -> None:
    data_dir.lock()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False):
        data_dir.unlock()
        data_dir.lock()
    data_dir.unlock()


def test_a_pid_file_that_is_no_longer_ours_is_left_alone(data_dir: DataDir) -> None:
    data_dir.lock()
    data_dir.pid_file.unlink()
    other = DataDir(data_dir.path)
    other.lock()
    data_dir.unlock()
    assert data_dir.pid_file.exists()
    other.unlock()
    assert not data_dir.pid_file.exists()


def test_unlocking_twice_or_without_a_lock_does_nothing(data_dir: DataDir) -> None:
    data_dir.unlock()
    data_dir.lock()
    data_dir.unlock()
    data_dir.unlock()
    assert not data_dir.pid_file.exists()


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_taken_anew(
    data_dir: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open, opened = os.open, list[int]()

    def open_and_lose(path: Path, flags: int, mode: int = 0o777) -> int:
        opened.append(really_open(path, flags, mode))
        if len(opened) == 1:
            path.unlink()
        return opened[-1]

    monkeypatch.setattr(os, "open", open_and_lose)
    data_dir.lock()
    assert len(opened) == 2
    assert data_dir.pid_file.read_text() == f"{os.getpid()}\n"
    data_dir.unlock()


def _lock_of_a_dead_owner(path: Path) -> int:
    """A descriptor with the lock, as a child of a killed owner has it for a moment; the owner is gone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    descriptor = os.open(path / "runwisp.pid", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, f"{gone.pid}\n".encode())
    return descriptor


def test_a_lock_that_a_dead_owner_left_to_its_child_is_waited_for(tmp_path: Path) -> None:
    held = _lock_of_a_dead_owner(tmp_path)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            os.close(held)

    data_dir = DataDir(tmp_path, pause)
    data_dir.lock()
    assert len(pauses) == 3
    data_dir.unlock()


def test_a_lock_that_a_dead_owner_left_for_good_is_refused_in_the_end(tmp_path: Path) -> None:
    held = _lock_of_a_dead_owner(tmp_path)
    pauses: list[float] = []
    with pytest.raises(DataDirLocked):
        DataDir(tmp_path, pauses.append).lock()
    assert 1 <= sum(pauses) <= 5
    os.close(held)


def test_the_owner_is_told_without_changing_anything(data_dir: DataDir) -> None:
    assert data_dir.owner() is None
    data_dir.prepare()
    assert data_dir.owner() is None
    data_dir.lock()
    assert DataDir(data_dir.path).owner() == os.getpid()
    data_dir.unlock()
    data_dir.pid_file.write_text("1\n")
    assert data_dir.owner() is None
    assert data_dir.pid_file.read_text() == "1\n"
