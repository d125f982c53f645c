from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runwisp.engine import procfs
from runwisp.engine.procfs import ProcessInfo

NO_PID = 2**22 + 1


@contextmanager
def sleeping(*argv: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A child of ours that says a line and then waits for its stdin, or runs ``argv``."""
    command = argv or ("/bin/sh", "-c", "echo; read x")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as child:
        try:
            yield child
        finally:
            child.kill()


def test_we_see_ourselves() -> None:
    me = procfs.read_process(os.getpid())
    assert me is not None
    assert (me.pid, me.parent, me.group, me.session) == (
        os.getpid(),
        os.getppid(),
        os.getpgid(0),
        os.getsid(0),
    )
    assert not me.is_zombie
    assert me in list(procfs.all_processes())


def test_nobody_is_no_process() -> None:
    assert procfs.read_process(NO_PID) is None
    assert list(procfs.children(NO_PID)) == []
    assert procfs.environment_value(NO_PID, "PATH") is None


def test_a_name_with_blanks_and_parentheses_is_read(tmp_path: Path) -> None:
    program = tmp_path / "a) S (b"
    program.symlink_to("/bin/sleep")
    with sleeping(str(program), "1000") as child:
        found = procfs.read_process(child.pid)
        assert found is not None
        assert (found.name, found.parent) == ("a) S (b", os.getpid())


def test_a_zombie_is_seen_as_one() -> None:
    with sleeping("/bin/true") as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        found = procfs.read_process(child.pid)
        assert found is not None
        assert found.is_zombie


def test_a_later_process_starts_later() -> None:
    me = procfs.read_process(os.getpid())
    with sleeping() as child:
        found = procfs.read_process(child.pid)
    assert me is not None
    assert found is not None
    assert found.started >= me.started


def test_descendants_are_found_through_parents_and_their_threads() -> None:
    is_started, is_seen = threading.Event(), threading.Event()
    grandchildren: list[int] = []

    def have_a_grandchild() -> None:
        with sleeping("/bin/sh", "-c", "sleep 1000 & echo $!; wait") as child:
            assert child.stdout is not None
            grandchildren.append(int(child.stdout.readline()))
            is_started.set()
            is_seen.wait(20)

    thread = threading.Thread(target=have_a_grandchild)
    thread.start()
    is_started.wait(20)
    found = {process.pid: process for process in procfs.descendants(os.getpid())}
    [grandchild] = grandchildren
    assert procfs.kill(found[grandchild])
    is_seen.set()
    thread.join()
    assert found[grandchild].parent in found
    assert found[found[grandchild].parent].parent == os.getpid()


def test_only_the_very_process_is_killed() -> None:
    with sleeping() as child:
        found = procfs.read_process(child.pid)
        assert found is not None
        another = ProcessInfo(child.pid, found.name, False, 1, 1, 1, found.started + 1)
        assert not procfs.kill(another)
        assert child.poll() is None
        assert procfs.kill(found)
        assert child.wait() == -9
        assert not procfs.kill(found)


@pytest.mark.parametrize(
    ("name", "value"), [("A", "x=y\nz"), ("EMPTY", ""), ("RUNWISP_RUN_ID", "01J"), ("RUNWISP_RUN", None)]
)
def test_the_environment_of_a_process_is_read(name: str, value: str | None) -> None:
    env = {"A": "x=y\nz", "EMPTY": "", "RUNWISP_RUN_ID": "01J"}
    with sleeping(env=env) as child:
        # Popen may return a moment before the program has its environment.
        assert child.stdout is not None
        child.stdout.readline()
        assert procfs.environment_value(child.pid, name) == value


def test_holders_of_a_pipe_are_found_and_we_are_none() -> None:
    read_end, write_end = os.pipe()
    inode = os.fstat(read_end).st_ino
    with (
        subprocess.Popen(["/bin/sleep", "1000"], stdout=write_end) as holder,
        subprocess.Popen(["/bin/sleep", "1000"]) as other,
    ):
        assert procfs.holders_of_pipes({inode}) == (holder.pid,)
        assert procfs.holders_of_pipes(set()) == ()
        other.kill()
        holder.kill()
    assert procfs.holders_of_pipes({inode}) == ()
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize(
    "look",
    [
        lambda: list(procfs.all_processes()),
        lambda: list(procfs.descendants(1)),
        lambda: procfs.holders_of_pipes({1}),
    ],
)
def test_looking_leaves_no_descriptor_open(look: Callable[[], object]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    look()
    assert len(os.listdir("/proc/self/fd")) == before
