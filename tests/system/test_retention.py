"""What the real daemon deletes, and what it does when the disk of its logs runs full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from runwisp.logs.opening import open_log
from runwisp.logs.paths import log_paths
from runwisp.logs.space import free_space
from runwisp.model import EndReason, Run, Status
from tests.system.program import Daemon, running, wait_until

pytestmark = pytest.mark.system

MEBIBYTE = 1024**2


def ended(rows: list[Run]) -> list[Run]:
    return [run for run in rows if run.status is Status.ENDED]


def files_of(daemon: Daemon, run: Run) -> list[Path]:
    paths = log_paths(daemon.data / "logs", run.task_name, run.id, run.created_at)
    return [paths.log, paths.index]


@contextmanager
def small_disk(mount_point: Path) -> Iterator[Path]:
    """A directory on a file system in memory: a new one, or the shared one for those who may not mount."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "runwisp-test", str(mount_point)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield mount_point
        finally:
            subprocess.run(["umount", mount_point], check=True)
    else:
        with TemporaryDirectory(dir="/dev/shm") as directory:
            yield Path(directory)


def test_of_a_busy_task_the_newest_runs_are_kept(tmp_path: Path) -> None:
    config = """
        [tasks.tick]
        cron = "* * * * * *"
        keep_runs = 3
        run = "echo tick"
    """
    with running(tmp_path, config) as daemon:
        daemon.wait_for_rows("tick", lambda rows: len(ended(rows)) >= 5, "five slots")
        assert daemon.stop() == 0
        before = daemon.rows()
        daemon.config.write_text(config.replace("* * * * * *", "@yearly"))
        daemon.start()
        after = daemon.wait_for_rows("tick", lambda rows: len(rows) <= 3, "the first sweep")
        assert after == before[-3:]
        wait_until(lambda: daemon.said("deleted old runs"), "the end of the sweep")
        kept = [path for run in after for path in files_of(daemon, run)]
        assert sorted((daemon.data / "logs" / "tick").iterdir()) == sorted(kept)
        assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("policy", "command", "reason"),
    [
        ("drop_new", f"yes 0123456789 | head -c {30 * MEBIBYTE}", EndReason.SUCCESS),
        ("kill_task", "yes 0123456789", EndReason.STOPPED),
    ],
)
def test_a_disk_that_runs_full_ends_the_capture_and_then_no_run_starts(
    tmp_path: Path, policy: str, command: str, reason: EndReason
) -> None:
    with small_disk(tmp_path) as home:
        free = free_space(home)
        assert free is not None
        config = f"""
            [storage]
            min_free_space = "{free - 12 * MEBIBYTE}"
            [tasks.loud]
            run_on_start = true
            log_max_size = "0"
            log_on_full = "{policy}"
            run = "{command}"
        """
        with running(home, config) as daemon:
            (loud,) = daemon.wait_for_rows("loud", lambda rows: bool(ended(rows)), "the end")
            assert (loud.end_reason, loud.is_failure) == (reason, False)
            paths = log_paths(daemon.data / "logs", "loud", loud.id, loud.created_at)
            with open_log(paths, is_ended=True) as snapshot:
                cut = snapshot.page(-2, 1).items[0].text
            assert cut.startswith("free space is ")
            # It was looked at after every 10 MiB.
            assert 20 * MEBIBYTE <= paths.log.stat().st_size < 21 * MEBIBYTE
            wait_until(lambda: daemon.said("too little space on the disk"), "the warning")
            assert daemon.stop() == 0
            daemon.start()
            assert daemon.said("runs will fail until there is more")
            rows = daemon.wait_for_rows("loud", lambda rows: len(ended(rows)) == 2, "the refusal")
            assert (rows[1].end_reason, rows[1].exit_code) == (EndReason.FAILED, -1)
            assert rows[1].message is not None
            assert rows[1].message.startswith("free space is ")
            assert daemon.stop() == 0
