"""``runwisp notify test`` with servers and programs that take the message or do not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.notify.mail_server import Options
from tests.notify.servers import Odd, Say, http_server, mail_server
from tests.system.program import running, runwisp

pytestmark = pytest.mark.system

SECRET = "s3cr3t-path"


def notify_test(home: Path, config: str, notifier_id: str = "ops") -> subprocess.CompletedProcess[str]:
    (home / "runwisp.toml").write_text(config)
    return runwisp("notify", "test", notifier_id, cwd=home)


def webhook(url: str) -> str:
    return f'[notifiers.ops]\ntype = "webhook"\nurl = "{url}"\nheaders = {{ X-Key = "k3y-of-hook" }}\n'


def test_an_accepted_message_is_shown_with_its_answer(tmp_path: Path) -> None:
    with http_server(Say("202 Accepted", f"at /{SECRET} with k3y-of-hook\x1b[31m".encode())) as server:
        done = notify_test(tmp_path, webhook(server.url(f"/{SECRET}")))
    (request,) = server.received
    said = request.json()
    assert (said["kind"], said["run"], said["title"]) == ("notify.test", None, "Test message")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:3] == ["type:    webhook", "address: POST [redacted]", "sent:"]
    assert lines[3].strip() == request.body.decode()
    assert lines[4:] == ["answer:  202 Accepted: at [redacted] with [redacted] [31m", "✓ accepted"]


@pytest.mark.parametrize("step", [Say("404 Not Found", f"/{SECRET}".encode()), Say("503 Down"), Odd.RESET])
def test_a_message_that_is_not_accepted_is_shown_and_tried_once(tmp_path: Path, step: Say | Odd) -> None:
    with http_server(step) as server:
        done = notify_test(tmp_path, webhook(server.url(f"/{SECRET}")))
    assert len(server.received) == 1
    assert done.returncode == 1
    assert "sent:\n" in done.stdout
    assert "accepted" not in done.stdout
    assert done.stderr.startswith("ERROR webhook:ops: ")
    assert SECRET not in done.stdout + done.stderr


def test_a_message_without_a_form_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text("{{ event.nothing }}")
    with http_server() as server:
        done = notify_test(tmp_path, webhook(server.url()) + 'template_path = "body.json"\n')
    assert server.received == []
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ERROR webhook:ops: the template failed")


def test_a_target_takes_the_place_of_the_recipients(tmp_path: Path) -> None:
    with mail_server(Options()) as server:
        config = f"""
[notifiers.ops]
type = "smtp"
host = "127.0.0.1"
port = {server.port}
tls_mode = "off"
from = "runwisp@example.net"
to = ["ops@example.net"]
cc = ["boss@example.net"]
"""
        done = notify_test(tmp_path, config, "ops:dev@example.net")
        (mail,) = server.close()
    assert (done.returncode, done.stderr) == (0, "")
    assert mail.recipients == ["dev@example.net"]
    assert f"address: dev@example.net by 127.0.0.1:{server.port} (TLS: off)" in done.stdout
    assert "    Subject: Test message\n" in done.stdout
    assert done.stdout.endswith("answer:  250 taken\n✓ accepted\n")


def test_it_neither_needs_a_daemon_nor_tells_one(tmp_path: Path) -> None:
    with http_server() as server:
        config = webhook(server.url()) + '[tasks.t]\nrun = "true"\n'
        with running(tmp_path, config, {"RUNWISP_FINGERPRINT": "brave-otter"}) as daemon:
            assert notify_test(tmp_path, config).returncode == 0
            (line,) = [line for line in daemon.lines if " ready " in line]
            assert "brave-otter" in line
            assert daemon.stop() == 0
            assert not daemon.said("notif")
        assert list(daemon.data.parent.glob("*.db")) == []
    (request,) = server.received
    assert request.json()["source"].startswith("runwisp (")
