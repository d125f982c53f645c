"""The real daemon with certificates."""

from __future__ import annotations

import hashlib
import re
import signal
import socket
import ssl
import stat
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runwisp.web.listen.certificate import Pair, self_signed
from tests.system.program import Daemon, reserve_port, running, wait_until
from tests.system.talk import SocketConnection, ask, over_tcp, over_tls

pytestmark = pytest.mark.system

AUTO = '[daemon]\ntls = "auto"\n'
EVERYWHERE = {"RUNWISP_HOST": "0.0.0.0"}


def own_pair(directory: Path) -> Pair:
    """A new certificate of the operator's."""
    return self_signed(directory, ("localhost", "127.0.0.1"), datetime.now(UTC))


def with_pair(pair: Pair) -> str:
    return f'[daemon]\ntls_cert = "{pair.certificate}"\ntls_key = "{pair.key}"\n'


def shown_by(port: int) -> str:
    """The fingerprint of what a client is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain) as connection,
    ):
        certificate = connection.getpeercert(binary_form=True)
    assert certificate is not None
    return hashlib.sha256(certificate).hexdigest()


def test_on_loopback_auto_is_plain_http(tmp_path: Path) -> None:
    with running(tmp_path, AUTO) as daemon:
        assert ask(over_tcp(daemon.port), "/health").status == 200
        assert not (daemon.data / "tls").exists()
        assert daemon.said("url=http://")


def test_beyond_loopback_auto_makes_a_certificate_and_keeps_it(tmp_path: Path) -> None:
    with running(tmp_path, AUTO, EVERYWHERE) as daemon:
        answer = ask(over_tls(daemon.port, trusted=daemon.data / "tls" / "cert.pem"), "/health")
        assert answer.status == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (daemon.data / "tls").iterdir()}
        assert modes == {"cert.pem": 0o600, "key.pem": 0o600}
        assert stat.S_IMODE((daemon.data / "tls").stat().st_mode) == 0o700
        assert daemon.said(f"fingerprint=sha256:{shown_by(daemon.port)}")
        assert daemon.said(f"url=https://0.0.0.0:{daemon.port}")
        before = shown_by(daemon.port)
        assert daemon.stop() == 0
        daemon.start()
        assert shown_by(daemon.port) == before


def test_the_socket_never_speaks_tls(tmp_path: Path) -> None:
    with running(tmp_path, AUTO, EVERYWHERE) as daemon:
        answer = ask(SocketConnection(daemon.data / "runwisp.sock"), "/health")
        assert answer.status == 200
        assert "strict-transport-security" not in answer.headers


def test_plain_http_at_the_port_of_tls_is_sent_on(tmp_path: Path) -> None:
    with running(tmp_path, AUTO, EVERYWHERE) as daemon:
        port = daemon.port
        answer = ask(over_tcp(port), "/api/runs?limit=5", headers={"Host": "box:1"})
        assert (answer.status, answer.headers["location"]) == (308, "https://box:1/api/runs?limit=5")
        answer = ask(over_tcp(port), "/x", "POST", b"body", {"Host": "box"})
        assert (answer.status, answer.headers["location"]) == (308, "https://box/x")
        for host in ("", "a/b", "a\\b", "user@box", "a?b", "a#b", "a%41"):
            assert ask(over_tcp(port), "/", headers={"Host": host}).status == 400


def test_tls_older_than_1_2_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, AUTO, EVERYWHERE) as daemon:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with (
            socket.create_connection(("127.0.0.1", daemon.port), timeout=30) as plain,
            pytest.raises(ssl.SSLError),
        ):
            context.wrap_socket(plain)


def test_an_own_pair_is_served_on_loopback_too_and_replaced_by_a_reload(tmp_path: Path) -> None:
    pair = own_pair(tmp_path / "pair")
    with running(tmp_path, with_pair(pair)) as daemon:
        before = shown_by(daemon.port)
        connection = over_tls(daemon.port, trusted=pair.certificate)
        connection.request("GET", "/health")
        assert connection.getresponse().read() == b"OK"
        own_pair(tmp_path / "renewed")
        for name in ("cert.pem", "key.pem"):
            (tmp_path / "pair" / name).write_bytes((tmp_path / "renewed" / name).read_bytes())
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.said("certificate replaced"), "the new certificate")
        assert shown_by(daemon.port) != before
        # Who was there before goes on.
        connection.request("GET", "/health")
        assert connection.getresponse().read() == b"OK"
        connection.close()


def test_a_reload_with_a_bad_pair_goes_on_with_the_old_one(tmp_path: Path) -> None:
    pair = own_pair(tmp_path / "pair")
    with running(tmp_path, with_pair(pair)) as daemon:
        before = shown_by(daemon.port)
        pair.key.write_bytes(own_pair(tmp_path / "other").key.read_bytes())
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.said("reload rejected"), "the refusal")
        assert shown_by(daemon.port) == before
        assert daemon.stop() == 0


def test_a_key_that_is_a_symbolic_link_ends_the_start(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, AUTO, EVERYWHERE)
    pair = own_pair(tmp_path / "pair")
    (daemon.data / "tls").mkdir(parents=True)
    (daemon.data / "tls" / "key.pem").symlink_to(pair.key)
    daemon.start(is_ready=False)
    assert daemon.wait() == 1
    assert "key.pem: is a symbolic link" in daemon.lines[-1]


def test_plain_http_beyond_this_machine_is_warned_of_unless_a_proxy_is_trusted(tmp_path: Path) -> None:
    with running(tmp_path, "", EVERYWHERE) as daemon:
        assert daemon.said("PLAIN HTTP")
        assert daemon.stop() == 0
        daemon.config.write_text('[daemon]\ntrusted_proxies = ["10.0.0.1"]\n')
        daemon.start()
        assert not daemon.said("PLAIN HTTP")


def test_the_metrics_have_a_plain_listener_of_their_own_with_nothing_else(tmp_path: Path) -> None:
    port = reserve_port()
    config = f"""
        {AUTO}
        metrics_listen = "127.0.0.1:{port}"
        [tasks.t]
        run_on_start = true
        run = "true"
    """
    with running(tmp_path, config, EVERYWHERE) as daemon:

        def scraped() -> str:
            answer = ask(over_tcp(port), "/metrics", headers={"Host": "metrics.example"})
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
            return answer.body.decode()

        wait_until(lambda: 'runwisp_runs_total{status="success"} 1.0' in scraped(), "the run")
        text = scraped()
        assert text.endswith("# EOF\n")
        assert 'runwisp_task_active_runs{kind="task",task="t"} 0.0' in text
        assert re.search(r'runwisp_build_info\{version="[^"]+"\} 1.0', text)
        for path in ("/health", "/api/runs", "/"):
            assert ask(over_tcp(port), path).status == 404
        assert ask(over_tls(daemon.port), "/metrics").status == 404
