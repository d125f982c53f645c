"""Delivery by HTTP to servers that answer well, badly, late and never."""

from __future__ import annotations

import json
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.internet.threads import deferToThreadPool

from runwisp.config.settings import Notifier
from runwisp.model import Seconds
from runwisp.notify.channel import Permanent, Retryable, Undelivered
from runwisp.notify.transports.connecting import Connector
from runwisp.notify.transports.http import MOST_BYTES, HttpChannel
from runwisp.notify.transports.names import Names
from runwisp.policy.delivery import LONGEST_HTTP_ATTEMPT
from tests import make
from tests.notify.hostile import WHOLE
from tests.notify.servers import HttpServer, Odd, Say, Step, free_port, http_server, pair_for
from tests.notify.transports.detour import Detour

#: For servers that never answer.
SHORT = Seconds(0.3)
SECRET = "s3cr3t-path"


@pytest.fixture
def connector(reactor: PosixReactorBase) -> Connector:
    return Connector(reactor, Names(reactor))


@pytest.fixture
def channels(reactor: PosixReactorBase, connector: Connector) -> Channels:
    return Channels(reactor, connector)


class Channels:
    """Makes channels for webhooks, and tries them."""

    def __init__(self, reactor: PosixReactorBase, connector: Connector) -> None:
        self.reactor = reactor
        self.connector = connector

    async def send(self, url: str, limit: Seconds = LONGEST_HTTP_ATTEMPT, lines: str = "") -> str:
        """The answer to one attempt at an address."""
        return await self.send_by(webhook(url, lines), limit)

    async def send_by(self, notifier: Notifier, limit: Seconds = LONGEST_HTTP_ATTEMPT) -> str:
        channel = HttpChannel(notifier, self.reactor, self.connector, lambda: 1_772_416_800.0, limit)
        return await channel.send(channel.write(WHOLE))

    async def fail(self, url: str, limit: Seconds = LONGEST_HTTP_ATTEMPT) -> Undelivered:
        """The error of one attempt at an address."""
        with pytest.raises(Undelivered) as caught:
            await self.send(url, limit)
        return caught.value

    async def fail_at(self, step: Step, limit: Seconds = LONGEST_HTTP_ATTEMPT) -> Undelivered:
        """The error of one attempt at a server that does this."""
        with http_server(step) as server:
            return await self.fail(server.url(f"/{SECRET}"), limit)


def webhook(url: str, lines: str = "") -> Notifier:
    return make.config(f'[notifiers.hook]\ntype = "webhook"\nurl = "{url}"\n{lines}').notifiers["hook"]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as running:
        yield running


async def test_a_message_is_posted_as_it_was_written(channels: Channels, server: HttpServer) -> None:
    headers = 'headers = { X-Team = "ops", Authorization = "Bearer abc" }'
    said = await channels.send(server.url("/a%20b/é?x=1&y=ä#top"), lines=headers)
    assert said == "200 OK: ok"
    (request,) = server.received
    assert (request.method, request.target) == ("POST", "/a%20b/%C3%A9?x=1&y=%C3%A4")
    assert request.json()["title"] == "db:backup failed"
    assert request.headers == {
        "host": f"localhost:{server.port}",
        "user-agent": "runwisp-notify/1",
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(request.body)),
        "connection": "close",
        "x-team": "ops",
        "authorization": "Bearer abc",
    }


async def test_an_account_in_the_address_becomes_a_header(channels: Channels, server: HttpServer) -> None:
    await channels.send(f"http://ops:p%40ss@localhost:{server.port}/hook")
    (request,) = server.received
    assert request.headers["authorization"] == f"Basic {b64encode(b'ops:p@ss').decode()}"
    assert request.headers["host"] == f"localhost:{server.port}"


async def test_a_server_may_be_an_address_of_either_kind(channels: Channels) -> None:
    for host, written in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")):
        with http_server(host=host) as server:
            await channels.send(f"http://{written}:{server.port}/hook")
        assert server.received[0].headers["host"] == f"{written}:{server.port}"


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content"])
async def test_every_answer_of_success_is_one(channels: Channels, status: str) -> None:
    with http_server(Say(status, b"")) as server:
        assert await channels.send(server.url()) == status


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "401 Unauthorized", "404 Not Found", "301 Moved Permanently"]
)
async def test_a_refusal_is_final_and_says_why(channels: Channels, status: str) -> None:
    error = await channels.fail_at(Say(status, b'{"error": "no_\xff\nteam"}'))
    assert isinstance(error, Permanent)
    assert str(error) == f'webhook:hook: {status}: {{"error": "no_� team"}}'


@pytest.mark.parametrize("status", ["408 Request Timeout", "500 Oops", "502 Bad Gateway", "503 Down"])
async def test_trouble_of_the_server_passes(channels: Channels, status: str) -> None:
    error = await channels.fail_at(Say(status, b""))
    assert isinstance(error, Retryable)
    assert (str(error), error.after, error.has_gone_out) == (f"webhook:hook: {status}", None, True)


async def test_redirects_are_not_followed(channels: Channels, server: HttpServer) -> None:
    with http_server(Say("302 Found", headers={"Location": server.url()})) as elsewhere:
        assert isinstance(await channels.fail(elsewhere.url()), Permanent)
    assert server.received == []


@pytest.mark.parametrize(
    ("header", "wait"), [("2", 2.0), ("Mon, 02 Mar 2026 02:00:05 GMT", 5.0), ("soon", None)]
)
async def test_a_busy_server_says_when_to_come_back(
    channels: Channels, header: str, wait: float | None
) -> None:
    error = await channels.fail_at(Say("429 Too Many Requests", headers={"Retry-After": header}))
    assert isinstance(error, Retryable)
    assert error.after == wait


async def test_only_a_busy_server_says_so(channels: Channels) -> None:
    error = await channels.fail_at(Say("503 Down", headers={"Retry-After": "2"}))
    assert isinstance(error, Retryable)
    assert error.after is None


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        ({"ok": False, "parameters": {"retry_after": 7}}, {}, 7.0),
        ({"ok": False, "parameters": {"retry_after": 7}}, {"Retry-After": "3"}, 3.0),
        ({"ok": False, "parameters": {"retry_after": "soon"}}, {}, None),
        (["parameters"], {}, None),
        (None, {}, None),
    ],
)
async def test_telegram_says_it_in_the_body(
    reactor: PosixReactorBase, body: object, headers: dict[str, str], wait: float | None
) -> None:
    telegram = make.config('[notifiers.t]\ntype = "telegram"\nbot_token = "1:a"\nchat_id = "2"').notifiers[
        "t"
    ]
    busy = Say("429 Too Many Requests", json.dumps(body).encode(), headers)
    with http_server(busy) as server:
        channels = Channels(reactor, Detour(reactor, server.port))
        with pytest.raises(Retryable) as caught:
            await channels.send_by(telegram)
    assert caught.value.after == wait


async def test_a_server_that_says_nothing_is_left(channels: Channels) -> None:
    error = await channels.fail_at(Odd.SILENCE, SHORT)
    assert isinstance(error, Retryable)
    assert (str(error), error.has_gone_out) == ("webhook:hook: no answer within 0.3 s", True)


async def test_an_answer_counts_although_its_end_never_comes(channels: Channels) -> None:
    with http_server(Say(body=b"thanks", missing=5)) as server:
        assert await channels.send(server.url(), SHORT) == "200 OK: thanks"
    error = await channels.fail_at(Say("404 Not Found", b"no such", missing=5), SHORT)
    assert isinstance(error, Permanent)
    assert str(error) == "webhook:hook: 404 Not Found: no such"


async def test_of_an_endless_answer_no_more_is_read_than_is_needed(channels: Channels) -> None:
    with http_server(Say(body=b"x" * MOST_BYTES, missing=10**12)) as server:
        # It would take until the limit if it were read to its end.
        assert await channels.send(server.url()) == "200 OK: " + "x" * 200


async def test_a_compressed_answer_is_not_unpacked(channels: Channels) -> None:
    with http_server(Say(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})) as server:
        await channels.send(server.url())
    assert "accept-encoding" not in server.received[0].headers


@pytest.mark.parametrize("step", [Odd.RESET, Odd.NONSENSE])
async def test_a_connection_that_breaks_may_hold(channels: Channels, step: Odd) -> None:
    error = await channels.fail_at(step)
    assert isinstance(error, Retryable)
    assert error.has_gone_out
    assert str(error).startswith("webhook:hook: ")


async def test_a_closed_port_may_open_and_nothing_has_gone_out(channels: Channels) -> None:
    error = await channels.fail(f"http://127.0.0.1:{free_port()}/hook")
    assert isinstance(error, Retryable)
    assert str(error) == "webhook:hook: Connection was refused by other side: 111: Connection refused"
    assert not error.has_gone_out


async def test_a_name_that_nobody_knows_may_become_known(channels: Channels) -> None:
    channels.connector = Connector(channels.reactor, Names(channels.reactor, _knows_nobody))
    error = await channels.fail("https://hooks.example.net/x")
    assert isinstance(error, Retryable)
    assert str(error) == "webhook:hook: DNS lookup failed: no results for hostname lookup: hooks.example.net"


async def test_a_lookup_that_never_ends_ends_the_attempt(channels: Channels) -> None:
    end = threading.Event()
    channels.connector = Connector(channels.reactor, Names(channels.reactor, partial(_looks_for_ever, end)))
    error = await channels.fail("https://hooks.example.net/x", SHORT)
    end.set()
    assert isinstance(error, Retryable)
    assert (str(error), error.has_gone_out) == ("webhook:hook: no answer within 0.3 s", False)


async def test_an_attempt_can_be_given_up(channels: Channels) -> None:
    with http_server(Odd.SILENCE) as server:
        channel = HttpChannel(webhook(server.url()), channels.reactor, channels.connector, lambda: 0.0)
        sending = channel.send(channel.write(WHOLE))
        await deferToThreadPool(channels.reactor, channels.reactor.getThreadPool(), server.wait_for, 1)
        sending.cancel()
        with pytest.raises(Retryable) as caught:
            await sending
    assert caught.value.has_gone_out


async def test_no_secret_stands_in_an_error(channels: Channels) -> None:
    with http_server() as server:
        url = f"http://ops:p%40ss@localhost:{server.port}/{SECRET}?key=k3y"
    with http_server(Say("403 No", f"{url} {SECRET} /{SECRET}?key=k3y".encode())) as server:
        url = f"http://ops:p%40ss@localhost:{server.port}/{SECRET}?key=k3y"
        error = await channels.fail(url)
    assert str(error).startswith("webhook:hook: 403 No: ")
    assert f"/{SECRET}" not in str(error).partition(SECRET)[0]


async def test_a_certificate_that_is_trusted_is_good(channels: Channels, tmp_path: Path) -> None:
    pair = pair_for(tmp_path, "localhost")
    trusted = trustRootFromCertificates([Certificate.loadPEM(pair.certificate.read_bytes())])
    verified = partial(optionsForClientTLS, trustRoot=trusted)
    channels.connector = Connector(channels.reactor, Names(channels.reactor), verified)
    with http_server(tls=pair) as server:
        assert await channels.send(server.url()) == "200 OK: ok"
        # The same again, with what is known of the host by now.
        assert await channels.send(server.url()) == "200 OK: ok"
        wrong = await channels.fail(server.url().replace("localhost", "127.0.0.1"))
    assert isinstance(wrong, Retryable)
    assert str(wrong) == "webhook:hook: TLS: the certificate is not one of this host"
    assert len(server.received) == 2


async def test_a_certificate_that_nobody_vouches_for_is_refused(channels: Channels, tmp_path: Path) -> None:
    with http_server(tls=pair_for(tmp_path, "localhost")) as server:
        error = await channels.fail(server.url())
    assert isinstance(error, Retryable)
    assert str(error) == "webhook:hook: TLS: certificate verify failed"
    assert server.received == []


async def test_a_server_without_tls_is_not_spoken_to_in_plain_text(
    channels: Channels, server: HttpServer
) -> None:
    error = await channels.fail(server.url().replace("http:", "https:"), SHORT)
    assert isinstance(error, Retryable)
    assert server.received == []


def _knows_nobody(*_: object) -> list[tuple[object, ...]]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _looks_for_ever(end: threading.Event, *_: object) -> list[tuple[object, ...]]:
    end.wait(30)
    return []
