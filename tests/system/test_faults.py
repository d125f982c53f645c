"""The real daemon when the machine refuses what it asks for: it lives, says why, and heals."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from runwisp.logs.opening import open_log
from runwisp.logs.paths import log_paths
from runwisp.model import EndReason, Run, Status
from tests.system.program import Daemon, fires_every_second, is_alive, running, wait_until

pytestmark = pytest.mark.system

MEBIBYTE = 1024**2


def ended(rows: list[Run]) -> list[Run]:
    return [run for run in rows if run.status is Status.ENDED]


def successes(rows: list[Run]) -> list[Run]:
    return [run for run in rows if run.end_reason is EndReason.SUCCESS]


def failures(rows: list[Run]) -> list[Run]:
    return [run for run in rows if run.end_reason is EndReason.FAILED]


def more(daemon: Daemon, name: str, count: int = 1) -> list[Run]:
    """Wait for ``count`` runs of the unit that are created from now on and succeed."""
    known = {run.id for run in daemon.rows(name)}
    rows = daemon.wait_for_rows(
        name,
        lambda rows: sum(run.id not in known for run in successes(rows)) >= count,
        f"{count} more successes",
    )
    return [run for run in successes(rows) if run.id not in known]


def process_of(daemon: Daemon, name: str) -> int:
    """The process of the service, which has one replica."""
    rows = daemon.wait_for_rows(name, lambda rows: any(run.process_group for run in rows), "a process")
    (pid,) = (run.process_group for run in rows if run.process_group is not None)
    return pid


def has_ended(daemon: Daemon, name: str, count: int) -> bool:
    return len(ended(daemon.rows(name))) >= count


def lines_of(daemon: Daemon, run: Run) -> list[str]:
    paths = log_paths(daemon.data / "logs", run.task_name, run.id, run.created_at)
    with open_log(paths, is_ended=run.status is Status.ENDED) as snapshot:
        return [line.text for line in snapshot.lines(1, snapshot.total_lines)]


def check_database(daemon: Daemon) -> None:
    with closing(sqlite3.connect(daemon.data / "runwisp.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class Unprivileged(Daemon):
    """A daemon whose user is bound by the limit on processes, as root is not."""

    def command(self) -> list[str]:
        return [*self.as_user(), *super().command()]

    def as_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        # The program and the directory of the test may be closed to others.
        caps = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", *caps]


def limit_of(daemon: Daemon, which: str) -> str:
    return _prlimit(daemon, f"--{which}", "--output=SOFT", "--noheadings", "--raw").strip()


def limit(daemon: Daemon, which: str, value: int | str) -> None:
    """Change a soft limit of the living daemon."""
    _prlimit(daemon, f"--{which}={value}:")


def _prlimit(daemon: Daemon, *arguments: str) -> str:
    as_user = daemon.as_user() if isinstance(daemon, Unprivileged) else []
    command = [*as_user, "prlimit", f"--pid={daemon.process.pid}", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


# No space


class Disk:
    """The file system of ``home``, which belongs to the test alone."""

    def __init__(self, home: Path) -> None:
        self._filler = home / "filler"

    def fill(self, daemon: Daemon) -> None:
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            for size in (65536, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self, daemon: Daemon) -> None:
        self._filler.unlink()


class FileSize:
    """Stands in for a full disk: no file of the daemon may become longer than it is."""

    def __init__(self) -> None:
        self._before = ""

    def fill(self, daemon: Daemon) -> None:
        self._before = limit_of(daemon, "fsize")
        limit(daemon, "fsize", 1)

    def free(self, daemon: Daemon) -> None:
        limit(daemon, "fsize", self._before)


@contextmanager
def small_disk(home: Path) -> Iterator[Disk | FileSize]:
    """Make ``home`` a small file system; for those who may not mount, something that is like it."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "runwisp-test", str(home)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield Disk(home)
        finally:
            subprocess.run(["umount", "--lazy", home], check=True)
    else:
        yield FileSize()


SPACE = """
    [tasks.tick]
    cron = "* * * * * *"
    run = "echo tick"
    [services.talk]
    run = "while :; do printf '%02000d\\n' 0; sleep 0.02; done"
"""


@pytest.mark.parametrize("is_disk", [True, False], ids=["the_disk_is_full", "files_may_not_grow"])
def test_without_space_rows_wait_output_is_missed_in_the_log_and_both_come_back(
    tmp_path: Path, *, is_disk: bool
) -> None:
    with small_disk(tmp_path) as disk, running(tmp_path, SPACE) as daemon:
        disk = disk if is_disk else FileSize()
        more(daemon, "tick")
        pid = process_of(daemon, "talk")
        disk.fill(daemon)
        wait_until(lambda: daemon.said("row not written, trying again"), "the complaint")
        before = daemon.rows("tick")
        threading.Event().wait(1)
        assert daemon.process.poll() is None
        assert is_alive(pid)
        disk.free(daemon)
        more(daemon, "tick", 2)
        rows = daemon.wait_for_rows("tick", lambda rows: len(successes(rows)) > len(before) + 3, "old slots")
        assert fires_every_second(rows)
        assert daemon.stop() == 0
        (talk,) = daemon.rows("talk")
        lines = lines_of(daemon, talk)
        assert any("no space left" in line or "bytes of output are missing" in line for line in lines)
        check_database(daemon)


def test_a_daemon_that_finds_no_space_at_its_start_says_so_and_a_later_one_recovers(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk, running(tmp_path, SPACE) as daemon:
        more(daemon, "tick")
        pid = process_of(daemon, "talk")
        disk.fill(daemon)
        daemon.kill()
        if isinstance(disk, Disk):
            daemon.start(is_ready=False)
            assert daemon.wait() == 1
            assert daemon.said("disk is full") or daemon.said("No space left")
            disk.free(daemon)
        daemon.start()
        more(daemon, "tick")
        assert daemon.rows("talk")[0].end_reason is EndReason.CRASHED
        assert not is_alive(pid)
        assert daemon.stop() == 0
        check_database(daemon)


def test_logs_that_are_deleted_while_they_grow_harm_no_run(tmp_path: Path) -> None:
    config = """
        [tasks.tick]
        cron = "* * * * * *"
        run = "printf 'ti'; sleep 0.2; echo ck"
        [services.talk]
        log_max_size = "20KB"
        run = "while :; do printf '%0200d\\\\nhalf ' 0; sleep 0.01; done"
    """
    with running(tmp_path, config) as daemon:
        more(daemon, "tick")
        wait_until(lambda: bool(list(daemon.data.glob("logs/talk/*.log.prev"))), "a rotation")
        shutil.rmtree(daemon.data / "logs")
        for run in more(daemon, "tick", 2)[1:]:
            assert lines_of(daemon, run) == ["tick"]
        assert fires_every_second(daemon.rows("tick"))
        assert is_alive(process_of(daemon, "talk"))
        assert daemon.run("logs", "talk").returncode == 0
        assert daemon.stop() == 0
        assert [run.end_reason for run in daemon.rows("talk")] == [EndReason.STOPPED]


def is_flaky_alone(daemon: Daemon) -> bool:
    """The task ``flaky`` has a process, and ``tick`` has done what it has to do in this second."""
    flaky, tick = daemon.rows("flaky"), daemon.rows("tick")
    if not flaky or flaky[-1].process_group is None or flaky[-1].status is Status.ENDED:
        return False
    return tick[-1].status is Status.ENDED and tick[-1].created_at // 1000 == flaky[-1].created_at // 1000


def test_a_database_that_is_locked_for_long_delays_rows_and_keeps_their_order(tmp_path: Path) -> None:
    config = """
        [tasks.tick]
        cron = "* * * * * *"
        parallelism = 4
        run = "true"
        [tasks.flaky]
        cron = "*/3 * * * * *"
        retry_attempts = 1
        retry_delay = "300ms"
        run = "sleep 0.6; exit 1"
        [services.web]
        run = "exec sleep 600"
    """
    with running(tmp_path, config) as daemon:
        more(daemon, "tick")
        database = daemon.data / "runwisp.db"
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            # Its end is the first row that has to wait, and its retry is the next one.
            wait_until(lambda: is_flaky_alone(daemon), "a run in flight")
            other.execute(
                "CREATE TRIGGER back AFTER UPDATE OF last_tick_at ON task_registrations "
                "WHEN NEW.last_tick_at < OLD.last_tick_at BEGIN SELECT raise(ABORT, 'back'); END"
            )
            other.execute("BEGIN IMMEDIATE")
            before = daemon.rows()
            wait_until(lambda: daemon.said("row not written, trying again"), "the complaint")
            # By now the next rows wait for the lock, and get it before the first one tries again.
            threading.Event().wait(2)
            assert daemon.rows() == before
            assert daemon.process.poll() is None
            other.execute("ROLLBACK")
        daemon.wait_for_rows("tick", lambda rows: len(successes(rows)) >= 10, "the slots of the lock")
        daemon.wait_for_rows(
            "flaky", lambda rows: all(run.next_retry_at is None for run in ended(rows)), "every retry"
        )
        assert daemon.stop() == 0
        assert not daemon.said("Traceback"), "\n".join(daemon.lines)
        assert fires_every_second(daemon.rows("tick"))
        assert [run.start_at for run in daemon.rows("web")] == [daemon.rows("web")[0].start_at]
        retried = [run.retry_of_run_id for run in daemon.rows("flaky") if run.retry_attempt == 1]
        assert len(retried) == len(set(retried)) > 0
        check_database(daemon)


# No descriptors, no processes


def descriptors(daemon: Daemon) -> int:
    return len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))


def test_without_descriptors_runs_fail_with_the_reason_and_none_is_lost_or_left_open(tmp_path: Path) -> None:
    config = """
        [services.blink]
        restart_delay = "50ms"
        restart_backoff = "constant"
        run = "echo on; echo off >&2"
        [services.calm]
        run = "exec sleep 600"
        [tasks.tick]
        cron = "* * * * * *"
        run = "echo tick"
    """
    with running(tmp_path, config) as daemon:
        more(daemon, "blink", 3)
        more(daemon, "tick")
        process_of(daemon, "calm")
        calm = daemon.rows("calm")
        # Idle it holds some; one run after the other finds fewer than it takes.
        before = limit_of(daemon, "nofile")
        base = descriptors(daemon)
        for free in range(10):
            limit(daemon, "nofile", base + free)
            wanted = len(ended(daemon.rows("blink"))) + 3
            wait_until(partial(has_ended, daemon, "blink", wanted), "three runs")
        limit(daemon, "nofile", before)
        for run in more(daemon, "blink", 3)[-2:]:
            assert sorted(lines_of(daemon, run)) == ["off", "on"]
        more(daemon, "tick", 2)
        assert fires_every_second(daemon.rows("tick"))
        assert all(run.end_reason in (EndReason.SUCCESS, EndReason.FAILED) for run in ended(daemon.rows()))
        assert failures(daemon.rows())
        for run in failures(daemon.rows()):
            assert run.exit_code == -1
            assert run.message is not None
            assert "Too many open files" in run.message
        assert daemon.rows("calm") == calm
        wait_until(lambda: descriptors(daemon) <= base, "every descriptor closed")
        assert daemon.stop() == 0
        assert not daemon.said("Traceback"), "\n".join(daemon.lines)


def test_when_no_process_can_be_forked_runs_fail_with_the_reason_until_one_can(tmp_path: Path) -> None:
    config = """
        [tasks.tick]
        cron = "* * * * * *"
        retry_attempts = 20
        retry_delay = "500ms"
        on_overlap = "skip"
        run = "echo tick"
        # Their logs want threads, which count as processes.
        [services.many]
        instances = 20
        restart_delay = "100ms"
        restart_backoff = "constant"
        run = "true"
        [services.calm]
        run = "exec sleep 600"
    """
    with Unprivileged(tmp_path, config) as daemon:
        process_of(daemon, "calm")
        calm = daemon.rows("calm")
        before = limit_of(daemon, "nproc")
        limit(daemon, "nproc", 1)
        daemon.wait_for_rows("tick", lambda rows: len(failures(rows)) >= 4, "failed slots and retries")
        for run in failures(daemon.rows("tick")):
            assert run.exit_code == -1
            assert run.message == "cannot start a process: Resource temporarily unavailable"
            assert lines_of(daemon, run) == [f"could not start: {run.message}"]
        limit(daemon, "nproc", before)
        more(daemon, "tick")
        more(daemon, "many", 20)
        assert {run.replica_index for run in more(daemon, "many", 40)} == set(range(20))
        assert daemon.rows("calm") == calm
        assert daemon.stop() == 0
        assert all(run.status is Status.ENDED for run in daemon.rows())
        assert not daemon.said("Traceback"), "\n".join(daemon.lines)


def test_a_shell_that_is_missing_is_named_and_used_as_soon_as_it_is_there(tmp_path: Path) -> None:
    shell = tmp_path / "sh"
    config = f"""
        [tasks.tick]
        cron = "* * * * * *"
        shell = "{shell}"
        run = "echo tick"
    """
    with running(tmp_path, config) as daemon:
        (first, *_) = daemon.wait_for_rows("tick", lambda rows: bool(ended(rows)), "a run without a shell")
        assert (first.end_reason, first.exit_code) == (EndReason.FAILED, -1)
        assert first.message == f"cannot start {shell}: No such file or directory"
        shell.symlink_to("/bin/sh")
        more(daemon, "tick")
        assert daemon.stop() == 0
