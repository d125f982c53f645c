"""``SIGHUP``: the real daemon takes up another configuration while its processes go on."""

from __future__ import annotations

import signal
import socket
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from runwisp.model import EndReason, Run, Status
from tests.system.program import Daemon, fires_every_second, is_alive, running, wait_until

pytestmark = pytest.mark.system

ANSWERS = ("reloaded", "reload rejected")


def reload(daemon: Daemon, config: str | None = None) -> list[str]:
    """Send SIGHUP, with another file if ``config`` is given; what the daemon says to it."""
    if config is not None:
        daemon.config.write_text(config)
    known = len(daemon.lines)
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(
        lambda: any(answer in line for line in daemon.lines[known:] for answer in ANSWERS),
        "an answer to SIGHUP",
    )
    return daemon.lines[known:]


def in_flight(rows: list[Run]) -> list[Run]:
    return [run for run in rows if run.status is Status.RUNNING and run.process_group is not None]


def wait_in_flight(daemon: Daemon, name: str, count: int = 1) -> list[Run]:
    daemon.wait_for_rows(name, lambda rows: len(in_flight(rows)) == count, f"{count} processes")
    return in_flight(daemon.rows(name))


def printed(daemon: Daemon, run: Run) -> str:
    return daemon.run("logs", run.id).stdout


def new_ones(daemon: Daemon, name: str, old: list[Run], count: int = 1) -> list[Run]:
    """Wait for ended runs that are not among ``old``."""
    known = {run.id for run in old}

    def new(rows: list[Run]) -> list[Run]:
        return [run for run in rows if run.id not in known and run.status is Status.ENDED]

    return new(daemon.wait_for_rows(name, lambda rows: len(new(rows)) >= count, f"{count} new runs"))


class Manager:
    """A service manager, which hears messages; those of the status are left out."""

    def __init__(self, path: Path) -> None:
        self.heard: list[str] = []
        self.environ = {"NOTIFY_SOCKET": str(path)}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.environ["NOTIFY_SOCKET"])
        # A socket holds no more than ten messages that nobody takes.
        self._listener = Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Manager:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._listener.join()
        self._socket.close()

    def _listen(self) -> None:
        while message := self._socket.recv(4096).decode():
            if not message.startswith("STATUS="):
                self.heard.append(message)

    def words(self) -> list[str]:
        return [message.partition("=")[0] for message in self.heard]

    def wait_for(self, *words: str) -> None:
        """Return when these messages have been heard, and no other ones."""
        wait_until(lambda: len(self.heard) >= len(words), ", ".join(words))
        assert self.words() == list(words)


TICK = """
    [tasks.tick]
    cron = "* * * * * *"
    run = "echo {word}"
"""
STEADY = """
    [services.steady]
    run = "exec sleep 600"
"""


def test_a_task_is_added_changed_and_removed_and_comes_back_as_a_new_one(tmp_path: Path) -> None:
    added = """
        [tasks.added]
        cron = "* * * * * *"
        run_on_start = true
        catch_up = "all"
        run = "echo added"
    """
    with running(tmp_path, TICK.format(word="old") + STEADY) as daemon:
        (steady,) = wait_in_flight(daemon, "steady")
        assert printed(daemon, new_ones(daemon, "tick", [])[0]) == "old\n"

        said = "\n".join(reload(daemon, TICK.format(word="new") + STEADY + added))
        assert "reload: added name=added" in said
        assert "reload: changed name=tick keys=run" in said
        before = daemon.rows("tick")
        assert printed(daemon, new_ones(daemon, "tick", before)[0]) == "new\n"
        assert {run.triggered_by for run in new_ones(daemon, "added", [], 2)} == {"cron"}

        assert "reload: removed name=added" in "\n".join(reload(daemon, TICK.format(word="new") + STEADY))
        removed = daemon.rows("added")
        new_ones(daemon, "tick", daemon.rows("tick"), 2)
        assert daemon.rows("added") == removed

        reload(daemon, TICK.format(word="new") + STEADY + added)
        again = new_ones(daemon, "added", removed)
        assert [(run.triggered_by, run.end_reason) for run in again] == [("cron", "success")] * len(again)
        assert fires_every_second(daemon.rows("tick"))
        assert in_flight(daemon.rows("steady")) == [steady]
        assert daemon.stop() == 0


WRONG = {
    "tasks.broken.cron": '[tasks.broken]\ncron = "61 * * * *"\nrun = "true"\n',
    "runwisp.toml:": "[tasks.broken\n",
    "needs restart: daemon.metrics_enabled": "[daemon]\nmetrics_enabled = true\n",
}


def test_a_refused_file_says_why_and_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path, TICK.format(word="old") + STEADY) as daemon:
        (steady,) = wait_in_flight(daemon, "steady")
        for says, wrong in WRONG.items():
            # What else stands in the file is not taken up either.
            said = reload(daemon, TICK.format(word="new") + wrong)
            assert any("[ERROR] reload rejected" in line for line in said)
            wait_until(partial(daemon.said, says), says)
        daemon.config.unlink()
        assert any("[ERROR] reload rejected" in line for line in reload(daemon))
        before = daemon.rows("tick")
        assert printed(daemon, new_ones(daemon, "tick", before)[0]) == "old\n"
        assert in_flight(daemon.rows("steady")) == [steady]
        reload(daemon, TICK.format(word="new") + STEADY)
        before = daemon.rows("tick")
        assert printed(daemon, new_ones(daemon, "tick", before)[0]) == "new\n"
        assert in_flight(daemon.rows("steady")) == [steady]
        assert daemon.stop() == 0


def test_of_a_removed_task_what_runs_goes_on_and_what_waits_is_ended(tmp_path: Path) -> None:
    config = """
        [tasks.long]
        cron = "* * * * * *"
        run = "sleep 3; echo done"
    """
    with running(tmp_path, config) as daemon:
        rows = daemon.wait_for_rows("long", lambda rows: len(rows) >= 2, "a run and another one that waits")
        assert [run.status for run in rows[:2]] == [Status.RUNNING, Status.PENDING]
        reload(daemon, "")
        rows = daemon.wait_for_rows(
            "long", lambda rows: all(run.status is Status.ENDED for run in rows), "the end of all"
        )
        assert rows[0].end_reason is EndReason.SUCCESS
        assert printed(daemon, rows[0]) == "done\n"
        assert {run.end_reason for run in rows[1:]} == {EndReason.SKIPPED}
        assert daemon.stop() == 0


def test_a_service_is_resized_replaced_removed_and_added_and_no_other_process_ends(tmp_path: Path) -> None:
    web = """
        [services.web]
        instances = {instances}
        run = "echo {word}; exec sleep 600"
    """
    with running(tmp_path, web.format(instances=2, word="old") + STEADY) as daemon:
        two = wait_in_flight(daemon, "web", 2)
        (steady,) = wait_in_flight(daemon, "steady")

        reload(daemon, web.format(instances=4, word="old") + STEADY)
        four = wait_in_flight(daemon, "web", 4)
        assert {run.id for run in two} < {run.id for run in four}
        assert sorted(run.replica_index for run in four) == [0, 1, 2, 3]

        reload(daemon, web.format(instances=1, word="old") + STEADY)
        (one,) = wait_in_flight(daemon, "web", 1)
        assert one in two
        assert one.replica_index == 0

        reload(daemon, web.format(instances=2, word="new") + STEADY)
        daemon.wait_for_rows("web", lambda rows: one not in rows, "the end of the old replica")
        both = wait_in_flight(daemon, "web", 2)
        assert not is_alive(one.process_group or 0)
        wait_until(lambda: {printed(daemon, run) for run in both} == {"new\n"}, "the new program")

        reload(daemon, STEADY)
        wait_in_flight(daemon, "web", 0)
        assert not any(is_alive(run.process_group or 0) for run in both)

        reload(daemon, web.format(instances=1, word="back") + STEADY)
        (back,) = wait_in_flight(daemon, "web", 1)
        assert back.triggered_by == "service"
        ends = {run.end_reason for run in daemon.rows("web") if run.status is Status.ENDED}
        assert ends == {EndReason.STOPPED}
        assert in_flight(daemon.rows("steady")) == [steady]
        assert daemon.stop() == 0


def test_a_task_that_becomes_a_service_and_back_never_runs_twice_at_once(tmp_path: Path) -> None:
    script = """run = "exec 9>place; flock -n 9 || echo twice; exec sleep 600" """
    task = f"[tasks.unit]\ncron = '* * * * * *'\non_overlap = 'skip'\ngraceful_stop = '200ms'\n{script}"
    service = f"[services.unit]\ngraceful_stop = '200ms'\n{script}"
    with running(tmp_path, service) as daemon:
        (replica,) = wait_in_flight(daemon, "unit")
        reload(daemon, task)
        rows = daemon.wait_for_rows(
            "unit", lambda rows: replica not in rows and len(in_flight(rows)) == 1, "the first slot"
        )
        assert not is_alive(replica.process_group or 0)
        (run,) = in_flight(rows)
        assert run.triggered_by == "cron"
        reload(daemon, "")
        assert is_alive(run.process_group or 0)
        assert daemon.stop() == 0
        assert [printed(daemon, row) for row in (replica, run)] == ["", ""]


def test_the_service_manager_hears_of_each_reload_from_its_begin_to_its_end(tmp_path: Path) -> None:
    with Manager(tmp_path / "notify") as manager, running(tmp_path, STEADY, manager.environ) as daemon:
        manager.wait_for("READY")
        reload(daemon, STEADY + TICK.format(word="x"))
        manager.wait_for("READY", "RELOADING", "READY")
        reload(daemon, "[tasks.broken]\n")
        manager.wait_for("READY", "RELOADING", "READY", "RELOADING", "READY")
        assert "MONOTONIC_USEC=" in manager.heard[1]
        for _ in range(5):
            reload(daemon)
            daemon.process.send_signal(signal.SIGHUP)
        assert daemon.stop() == 0
        wait_until(lambda: "STOPPING" in manager.words(), "the end")
        *before, _ = manager.words()[: manager.words().index("STOPPING") + 1]
        assert before == (["READY", "RELOADING"] * len(before))[: len(before)]


def test_a_hangup_while_an_earlier_daemon_is_cleaned_up_after_waits_for_the_start(tmp_path: Path) -> None:
    stubborn = """
        [services.stubborn]
        graceful_stop = "1500ms"
        run = "trap '' TERM; echo armed; while :; do sleep 0.1; done"
    """
    gone = """
        [tasks.gone]
        run_on_start = true
        run = "true"
    """
    config = stubborn + gone
    with Manager(tmp_path / "notify") as manager, running(tmp_path, config, manager.environ) as daemon:
        (run,) = wait_in_flight(daemon, "stubborn")
        wait_until(lambda: "armed" in printed(daemon, run), "the trap")
        daemon.kill()
        manager.wait_for("READY")
        daemon.start(is_ready=False)
        own = f"{daemon.process.pid}\n"
        wait_until(lambda: (daemon.data / "runwisp.pid").read_text() == own, "the lock")
        said = reload(daemon, TICK.format(word="new"))
        assert daemon.said(" ready ")
        assert not is_alive(run.process_group or 0)
        assert any("reload: removed name=gone" in line for line in said)
        manager.wait_for("READY", "READY", "RELOADING", "READY")
        assert new_ones(daemon, "tick", [])
        assert daemon.stop() == 0
