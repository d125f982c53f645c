"""Delivery to aiosmtpd in a process of its own, and to servers that do what no good one does."""

from __future__ import annotations

import email
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from runwisp.model import Seconds
from runwisp.notify.channel import Permanent, Retryable, Undelivered
from runwisp.notify.request import Letter
from runwisp.notify.transports.connecting import Connector
from runwisp.notify.transports.names import Names
from runwisp.notify.transports.smtp import SmtpChannel
from runwisp.policy.delivery import LONGEST_MAIL_ATTEMPT
from runwisp.web.listen.certificate import Pair
from tests import make
from tests.notify.hostile import WHOLE
from tests.notify.mail_server import Options
from tests.notify.servers import free_port, mail_server, pair_for

#: For servers that never answer.
SHORT = Seconds(0.3)
NOW_S = 1_772_416_800.0
PASSWORD = "s3cr3t p4ss"
ACCOUNT = f'username = "ops"\npassword = "{PASSWORD}"\n'


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair_for(tmp_path_factory.mktemp("tls"), "localhost")


class Post:
    """Sends letters to a server, whose certificate is trusted."""

    def __init__(self, reactor: PosixReactorBase, pair: Pair) -> None:
        self._reactor = reactor
        trusted = trustRootFromCertificates([Certificate.loadPEM(pair.certificate.read_bytes())])
        self._connector = Connector(reactor, Names(reactor), partial(optionsForClientTLS, trustRoot=trusted))

    def channel(self, port: int, lines: str = "", limit: Seconds = LONGEST_MAIL_ATTEMPT) -> SmtpChannel:
        toml_text = f"""
[notifiers.mail]
type = "smtp"
port = {port}
from = "RunWisp <runwisp@example.net>"
to = ["ops@example.net", "Eve <eve@example.net>"]
bcc = ["boss@example.net"]
{lines}
"""
        if "host" not in lines:
            toml_text += 'host = "localhost"\n'
        return SmtpChannel(
            make.config(toml_text).notifiers["mail"], self._reactor, self._connector, lambda: NOW_S, limit
        )

    async def send(self, port: int, lines: str = "", limit: Seconds = LONGEST_MAIL_ATTEMPT) -> str:
        channel = self.channel(port, lines, limit)
        return await channel.send(channel.write(WHOLE))

    async def fail(self, port: int, lines: str = "", limit: Seconds = LONGEST_MAIL_ATTEMPT) -> Undelivered:
        with pytest.raises(Undelivered) as caught:
            await self.send(port, lines, limit)
        return caught.value


@pytest.fixture
def post(reactor: PosixReactorBase, pair: Pair) -> Post:
    return Post(reactor, pair)


# Any: the options have types of their own, which evolve checks no further.
def secured(pair: Pair, tls: str, **changes: Any) -> Options:
    return evolve(Options(tls=tls, certificate=(str(pair.certificate), str(pair.key))), **changes)


async def test_a_letter_goes_to_all_recipients_in_one_piece(post: Post) -> None:
    with mail_server(Options()) as server:
        assert await post.send(server.port, 'tls_mode = "off"') == "250 taken"
        (mail,) = server.close()
    assert mail.sender == "runwisp@example.net"
    assert mail.recipients == ["ops@example.net", "eve@example.net", "boss@example.net"]
    assert (mail.is_secure, mail.account) == (False, None)
    read = email.message_from_string(mail.content)
    assert read["Subject"] == "db:backup failed"
    assert read["Bcc"] is None
    assert read.get_content_type() == "multipart/alternative"


async def test_lines_that_begin_with_a_dot_arrive_as_they_are(post: Post) -> None:
    content = b"Subject: dots\r\n\r\n.\r\n..\r\n.x" + b"\r\n." * 5_000
    with mail_server(Options()) as server:
        channel = post.channel(server.port, 'tls_mode = "off"')
        await channel.send(Letter("a@example.net", ("b@example.net",), content))
        (mail,) = server.close()
    assert mail.content.encode().rstrip(b"\r\n") == content


@pytest.mark.parametrize("ways", [("PLAIN",), ("LOGIN",), ("LOGIN", "PLAIN")])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_an_account_is_used_on_a_secure_connection(
    post: Post, pair: Pair, tls: str, ways: tuple[str, ...]
) -> None:
    with mail_server(secured(pair, tls, accounts={"ops": PASSWORD}, ways=ways)) as server:
        await post.send(server.port, f'tls_mode = "{tls}"\n{ACCOUNT}')
        (mail,) = server.close()
    assert mail.is_secure
    assert mail.account in {f"ops by {way}" for way in ways}


async def test_a_wrong_password_is_final_and_not_told(post: Post, pair: Pair) -> None:
    with mail_server(secured(pair, "starttls", accounts={"ops": "other"})) as server:
        error = await post.fail(server.port, ACCOUNT)
        assert server.close() == []
    assert isinstance(error, Permanent)
    assert str(error).startswith("smtp:mail: 535 ")
    assert not error.has_gone_out


async def test_an_account_without_a_way_to_log_in_is_final(post: Post, pair: Pair) -> None:
    with mail_server(secured(pair, "starttls", ways=())) as server:
        error = await post.fail(server.port, ACCOUNT)
        assert server.close() == []
    assert isinstance(error, Permanent)


async def test_a_server_without_starttls_gets_nothing(post: Post) -> None:
    with mail_server(Options()) as server:
        error = await post.fail(server.port)
        assert server.close() == []
    assert isinstance(error, Permanent)
    assert "TLS" in str(error)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_of_another_host_gets_nothing(post: Post, pair: Pair, tls: str) -> None:
    lines = f'tls_mode = "{tls}"\nhost = "127.0.0.1"\n'
    with mail_server(secured(pair, tls)) as server:
        error = await post.fail(server.port, lines)
        assert isinstance(error, Retryable)
        assert str(error) == "smtp:mail: TLS: the certificate is not one of this host"
        assert await post.send(server.port, f"{lines}tls_skip_verify = true\n") == "250 taken"
        assert len(server.close()) == 1


async def test_any_certificate_will_do_if_the_operator_says_so(post: Post, tmp_path: Path) -> None:
    other = pair_for(tmp_path, "other.example.net")
    with mail_server(secured(other, "starttls")) as server:
        assert isinstance(await post.fail(server.port), Retryable)
        await post.send(server.port, "tls_skip_verify = true\n")
        (mail,) = server.close()
    assert mail.is_secure


@pytest.mark.parametrize(("reply", "kind"), [("451 later", Retryable), ("554 never", Permanent)])
async def test_the_server_says_whether_to_come_back(post: Post, reply: str, kind: type[Undelivered]) -> None:
    with mail_server(Options(replies=(reply,))) as server:
        error = await post.fail(server.port, 'tls_mode = "off"')
    assert type(error) is kind
    assert str(error) == f"smtp:mail: {reply}"


@pytest.mark.parametrize(
    ("replies", "kind"), [(("450 full", "550 unknown"), Retryable), (("550 no", "551 no"), Permanent)]
)
async def test_without_any_recipient_nothing_is_sent(
    post: Post, replies: tuple[str, str], kind: type[Undelivered]
) -> None:
    refused = {"ops@example.net": replies[0], "eve@example.net": replies[1], "boss@example.net": replies[1]}
    with mail_server(Options(refused=refused)) as server:
        error = await post.fail(server.port, 'tls_mode = "off"')
        assert server.close() == []
    assert type(error) is kind
    assert f"ops@example.net: {replies[0]}; eve@example.net: {replies[1]}" in str(error)
    assert not error.has_gone_out


async def test_some_recipients_get_it_and_the_others_are_told(post: Post) -> None:
    with mail_server(Options(refused={"eve@example.net": "450 later"})) as server:
        error = await post.fail(server.port, 'tls_mode = "off"')
        (mail,) = server.close()
    # Another attempt would send it to the first ones again.
    assert isinstance(error, Permanent)
    assert mail.recipients == ["ops@example.net", "boss@example.net"]
    assert str(error) == (
        "smtp:mail: delivered, but not to all of the recipients: eve@example.net: 450 later"
    )


async def test_a_closed_port_may_open(post: Post) -> None:
    error = await post.fail(free_port(), 'host = "127.0.0.1"')
    assert isinstance(error, Retryable)
    assert not error.has_gone_out


@contextmanager
def strange_server(*replies: bytes) -> Iterator[int]:
    """Says one of ``replies`` to each line, and then nothing; the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    end = threading.Event()

    def talk() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            for reply in replies:
                connection.sendall(reply)
                if not connection.recv(65_536):
                    return
            end.wait(30)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    end.set()
    thread.join(30)
    listener.close()


@pytest.mark.parametrize("replies", [(), (b"220 mail\r\n",)])
async def test_a_server_that_says_nothing_is_left(post: Post, replies: tuple[bytes, ...]) -> None:
    with strange_server(*replies) as port:
        error = await post.fail(port, 'host = "127.0.0.1"', SHORT)
    assert isinstance(error, Retryable)
    assert (str(error), error.has_gone_out) == ("smtp:mail: no answer within 0.3 s", False)


async def test_a_server_that_wants_nobody_now_may_later(post: Post) -> None:
    with strange_server(b"421 too busy\r\n") as port:
        error = await post.fail(port, 'host = "127.0.0.1"')
    assert isinstance(error, Retryable)
    assert str(error) == "smtp:mail: 421 too busy"


async def test_a_server_that_does_not_stop_to_talk_is_left(post: Post) -> None:
    with strange_server(b"220-and so on\r\n" * 10_000) as port:
        error = await post.fail(port, 'host = "127.0.0.1"')
    assert isinstance(error, Retryable)
    assert "does not stop" in str(error)


async def test_nothing_said_before_the_connection_is_secure_counts(post: Post) -> None:
    with strange_server(
        b"220 mail\r\n", b"250-mail\r\n250 STARTTLS\r\n", b"220 go\r\n250-mail\r\n250 AUTH PLAIN\r\n"
    ) as port:
        error = await post.fail(port, f'host = "127.0.0.1"\n{ACCOUNT}')
    assert isinstance(error, Retryable)
    assert str(error) == "smtp:mail: the server speaks before the connection is secure"


async def test_a_server_that_does_not_part_does_not_keep_us(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runwisp.notify.transports.smtp.FAREWELL_S", 0.1)
    replies = (b"220 m\r\n", b"250 m\r\n", *[b"250 ok\r\n"] * 4, b"354 go\r\n", b"250 taken\r\n")
    with strange_server(*replies) as port:
        said = await post.send(port, 'host = "127.0.0.1"\ntls_mode = "off"')
    assert said == "250 taken"


def test_a_password_stands_in_no_error(post: Post) -> None:
    channel = post.channel(25, ACCOUNT)
    assert PASSWORD not in repr(channel._teller.sentence(f"535 {PASSWORD} is wrong"))
