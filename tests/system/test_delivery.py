"""Messages of the real daemon to servers that take them well, badly, late and never."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from email import message_from_string
from pathlib import Path

import pytest

from tests.notify.mail_server import Options
from tests.notify.servers import HttpServer, Odd, Say, http_server, mail_server, pair_for
from tests.system.program import Daemon, running, wait_until
from tests.system.test_notifications import api

pytestmark = pytest.mark.system

BUSY = Say("500 Oops")
#: Nobody waits for so long in a test.
FULL = Say("429 Too Many Requests", headers={"Retry-After": "60"})
SECRET = "s3cr3t-path"
FAILS = '[tasks.fails]\nrun = "echo broken; exit 3"\n'


def to_ops(server: HttpServer, more: str = "") -> str:
    """A configuration whose failures go to a server."""
    return f"""
[notify]
default_notifiers = ["ops", "inapp"]
{more}
[notifiers.ops]
type = "webhook"
url = "{server.url("/" + SECRET)}"
{FAILS}
"""


def fail(daemon: Daemon, task: str = "fails") -> str:
    """Fire a task that fails; the id of its run."""
    run_id: str = api(daemon, "POST", f"tasks/{task}/trigger")["id"]
    return run_id


def outbox(daemon: Daemon) -> list[tuple[object, ...]]:
    """Notifier, number of attempts and begin of the one under way, oldest first."""
    query = "SELECT notifier, attempts, attempt_started_at FROM outbox ORDER BY id"
    with closing(sqlite3.connect(daemon.data / "runwisp.db")) as connection:
        return connection.execute(query).fetchall()


def rows(daemon: Daemon, kind: str = "notify.delivery_failed") -> list[dict[str, object]]:
    return [row for row in api(daemon, "GET", "notifications")["items"] if row["kind"] == kind]


def test_a_failure_arrives_once_after_two_errors_of_the_server(tmp_path: Path) -> None:
    with http_server(BUSY, BUSY, Say()) as server, running(tmp_path, to_ops(server)) as daemon:
        run_id = fail(daemon)
        last = server.wait_for(3)[-1]
        wait_until(lambda: not outbox(daemon), "an empty outbox")
        assert (last.target, last.headers["user-agent"]) == (f"/{SECRET}", "runwisp-notify/1")
        said = last.json()
        assert (said["kind"], said["task"], said["run"]["id"]) == ("run.failed", "fails", run_id)
        assert (said["run"]["exit_code"], said["output_tail"]) == (3, "broken")
        assert daemon.stop() == 0
        assert len(server.received) == 3


def test_a_refusal_is_told_by_the_bell_and_nobody_tells_the_address(tmp_path: Path) -> None:
    answer = Say("404 Not Found", f"no hook at /{SECRET}".encode())
    with http_server(answer) as server, running(tmp_path, to_ops(server)) as daemon:
        fail(daemon)
        wait_until(lambda: bool(rows(daemon)), "the row")
        (row,) = rows(daemon)
        assert row["title"] == "ops could not deliver"
        assert str(row["body"]).startswith("webhook:ops: 404 Not Found: no hook at [redacted] · run ")
        assert daemon.stop() == 0
        assert len(server.received) == 1
        assert daemon.said("[ERROR] notification not delivered")
        assert not daemon.said(SECRET)
        for file in daemon.data.glob("runwisp.db*"):
            assert SECRET.encode() not in file.read_bytes()


def test_a_busy_server_is_asked_again_when_it_says(tmp_path: Path) -> None:
    busy = Say("429 Too Many Requests", headers={"Retry-After": "2"})
    with http_server(busy, Say()) as server, running(tmp_path, to_ops(server)) as daemon:
        fail(daemon)
        server.wait_for(1)
        began_s = time.monotonic()
        server.wait_for(2)
        assert time.monotonic() - began_s >= 1.9


def test_a_budget_ends_the_attempts(tmp_path: Path) -> None:
    with (
        http_server(BUSY) as server,
        running(tmp_path, to_ops(server, 'retry_budget = "1500ms"')) as daemon,
    ):
        fail(daemon)
        wait_until(lambda: bool(rows(daemon)), "the row")
        assert 1 <= len(server.received) <= 3
        assert outbox(daemon) == []


def test_a_daemon_sends_by_tls_by_mail_and_by_a_program(tmp_path: Path) -> None:
    # Its reactor has never seen OpenSSL.
    pair = pair_for(tmp_path, "localhost")
    program = tmp_path / "sendmail"
    program.write_text('#!/bin/sh\ncat > "${0%/*}/letter"\n')
    program.chmod(0o755)
    options = Options(
        tls="starttls", certificate=(str(pair.certificate), str(pair.key)), accounts={"ops": "p4ss"}
    )
    with http_server(tls=pair) as server, mail_server(options) as mail:
        config = (
            to_ops(server)
            + f"""
[[notifier]]
id = "mail"
type = "smtp"
host = "localhost"
port = {mail.port}
username = "ops"
password = "p4ss"
from = "runwisp@example.net"
to = ["ops@example.net"]
[[notifier]]
id = "program"
type = "sendmail"
sendmail_path = "{program}"
from = "runwisp@example.net"
to = ["ops@example.net"]
[[notification_route]]
notify = ["mail", "program:dev@example.net"]
"""
        )
        with running(tmp_path, config, {"SSL_CERT_FILE": str(pair.certificate)}) as daemon:
            fail(daemon)
            (request,) = server.wait_for(1)
            wait_until(lambda: not outbox(daemon), "an empty outbox")
            assert rows(daemon) == []
            assert daemon.stop() == 0
        (letter,) = mail.close()
    assert request.json()["title"] == "fails failed"
    assert (letter.is_secure, letter.recipients) == (True, ["ops@example.net"])
    assert message_from_string(letter.content)["Subject"] == "fails failed"
    assert message_from_string((tmp_path / "letter").read_text())["To"] == "dev@example.net"


def test_a_dead_channel_with_a_full_queue_delays_neither_others_nor_runs(tmp_path: Path) -> None:
    with http_server(Odd.SILENCE) as dead, http_server() as good:
        config = (
            to_ops(good, 'coalesce_window = "0s"')
            + f"""
[notifiers.dead]
type = "webhook"
url = "{dead.url()}"
[tasks.many]
run = "exit 1"
max_queued = 1000
parallelism = 8
[[notification_route]]
match = {{ task = "many" }}
notify = ["dead"]
"""
        )
        with running(tmp_path, config.replace('"ops", "inapp"', '"inapp"')) as daemon:
            for _ in range(300):
                fail(daemon, "many")
            daemon.wait_for_rows(
                "many", lambda runs: sum(run.status == "ended" for run in runs) == 300, "300 ends"
            )
            wait_until(lambda: daemon.said("too many notifications wait for dead"), "a full queue")
            daemon.config.write_text(config)
            assert daemon.run("reload").returncode == 0
            fail(daemon)
            assert good.wait_for(1)[0].json()["task"] == "fails"
            assert len(dead.received) == 1


def test_what_waits_for_a_retry_survives_a_kill_and_what_has_gone_out_is_not_sent_again(
    tmp_path: Path,
) -> None:
    with http_server(FULL, Say()) as busy, http_server(Odd.SILENCE, Say()) as silent:
        config = (
            to_ops(busy)
            + f"""
[notifiers.dev]
type = "webhook"
url = "{silent.url()}"
[[notification_route]]
notify = ["dev"]
"""
        )
        with running(tmp_path, config) as daemon:
            fail(daemon)
            silent.wait_for(1)
            busy.wait_for(1)
            wait_until(lambda: ("ops", 1, None) in outbox(daemon), "a message that waits for its retry")
            daemon.kill()
            daemon.start()
            busy.wait_for(2)
            wait_until(lambda: not outbox(daemon), "an empty outbox")
            (row,) = rows(daemon)
            assert row["title"] == "dev could not deliver"
            assert "may or may not have arrived" in str(row["body"])
            assert daemon.stop() == 0
        assert len(busy.received) == 2
        assert len(silent.received) == 1
        assert busy.received[0].json() == busy.received[1].json()


def test_a_shutdown_does_not_wait_for_a_dead_channel_and_the_next_daemon_goes_on(tmp_path: Path) -> None:
    with http_server(FULL, Say()) as server, running(tmp_path, to_ops(server)) as daemon:
        fail(daemon)
        wait_until(lambda: ("ops", 1, None) in outbox(daemon), "a message that waits for its retry")
        assert daemon.stop() == 0
        assert outbox(daemon) == [("ops", 1, None)]
        daemon.start()
        server.wait_for(2)
        wait_until(lambda: not outbox(daemon), "an empty outbox")
        assert rows(daemon) == []


def test_a_reload_sends_what_is_held_and_to_the_new_address(tmp_path: Path) -> None:
    with http_server() as old, http_server() as new, running(tmp_path, to_ops(old)) as daemon:
        fail(daemon)
        fail(daemon)
        wait_until(lambda: [row["count"] for row in rows(daemon, "run.failed")] == [2], "two failures")
        old.wait_for(1)
        daemon.config.write_text(to_ops(new))
        assert daemon.run("reload").returncode == 0
        (summary,) = new.wait_for(1)
        assert (summary.json()["coalesced_count"], summary.json()["coalesced_summary"]) == (1, True)
        fail(daemon)
        assert new.wait_for(2)[-1].json()["coalesced_count"] is None
        assert len(old.received) == 1
