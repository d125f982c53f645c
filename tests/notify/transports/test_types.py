"""What each type of notifier sends, as a server on the other side reads it."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen
from twisted.internet.posixbase import PosixReactorBase

from runwisp.notify.message import Message
from runwisp.notify.transports.http import HttpChannel
from tests.notify.hostile import BARE, WHOLE, failed, notifier_of
from tests.notify.servers import Received, http_server
from tests.notify.transports.detour import Detour

#: What would do harm somewhere.
TRICKY = '<b>&"\\ ``` <!channel> @everyone\nx'


@frozen
class Type:
    """A notifier and where its messages have to arrive, with headers that only it has."""

    settings: str
    place: tuple[str, str, int]
    target: str
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


TYPES = {
    "slack": Type(
        'webhook_url = "https://hooks.slack.com/services/T0/B0/x"\nchannel = "#ops"',
        ("https", "hooks.slack.com", 443),
        "/services/T0/B0/x",
    ),
    "discord": Type(
        'webhook_url = "https://discord.com/api/webhooks/1/x"',
        ("https", "discord.com", 443),
        "/api/webhooks/1/x",
    ),
    "telegram": Type(
        'bot_token = "123:AbC-d"\nchat_id = "-100"',
        ("https", "api.telegram.org", 443),
        "/bot123:AbC-d/sendMessage",
        "application/x-www-form-urlencoded",
    ),
    "webhook": Type(
        'url = "http://hooks.example.net:8080/runwisp?team=a%20b"\nheaders = { X-Key = "k3y" }',
        ("http", "hooks.example.net", 8080),
        "/runwisp?team=a%20b",
        headers=(("x-key", "k3y"),),
    ),
    "ntfy": Type(
        'topic = "backups"\nurl = "https://ntfy.example.net/"\ntoken = "tk_1"',
        ("https", "ntfy.example.net", 443),
        "/",
        headers=(("authorization", "Bearer tk_1"),),
    ),
    "gotify": Type(
        'url = "https://push.example.net/gotify/"\ntoken = "A1"',
        ("https", "push.example.net", 443),
        "/gotify/message",
        headers=(("x-gotify-key", "A1"),),
    ),
    "pushover": Type('token = "t0"\nuser = "u0"', ("https", "api.pushover.net", 443), "/1/messages.json"),
}


async def delivered(reactor: PosixReactorBase, type_: str, message: Message) -> Received:
    """What arrives of a message."""
    wanted = TYPES[type_]
    notifier = notifier_of(f'type = "{type_}"\n{wanted.settings}')
    with http_server() as server:
        detour = Detour(reactor, server.port)
        channel = HttpChannel(notifier, reactor, detour, lambda: 0.0)
        assert await channel.send(channel.write(message)) == "200 OK: ok"
    assert detour.asked == [wanted.place]
    (received,) = server.received
    return received


# Any: each type has a form of its own.
def fields(received: Received) -> Any:
    """The body, parsed as what it says that it is."""
    is_json = received.headers["content-type"].startswith("application/json")
    return received.json() if is_json else received.form()


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("message", [WHOLE, BARE], ids=["with-everything", "with-nothing"])
async def test_a_message_arrives_at_its_place_with_its_headers(
    reactor: PosixReactorBase, type_: str, message: Message
) -> None:
    received = await delivered(reactor, type_, message)
    wanted = TYPES[type_]
    assert (received.method, received.target) == ("POST", wanted.target)
    headers = dict(received.headers)
    host = headers.pop("host")
    assert host.partition(":")[0] == wanted.place[1]
    assert int(headers.pop("content-length")) == len(received.body)
    assert headers == {
        "connection": "close",
        "content-type": wanted.content_type,
        "user-agent": "runwisp-notify/1",
        **dict(wanted.headers),
    }
    whole = str(fields(received))
    for block in (message.name, message.tail.splitlines()[-1:], message.link):
        assert not block or str(block).strip("[]'") in whole
    assert (WHOLE.link in whole) == (message is WHOLE)


@pytest.mark.parametrize("type_", TYPES)
async def test_a_hostile_name_and_output_arrive_as_text(reactor: PosixReactorBase, type_: str) -> None:
    received = await delivered(reactor, type_, failed(TRICKY, None, TRICKY))
    parsed = fields(received)
    assert isinstance(parsed, dict)
    plain = await delivered(reactor, type_, failed("name", None, "output"))
    # Not one field, block or header more than without the tricks.
    assert shape(parsed) == shape(fields(plain))
    assert received.headers.keys() == plain.headers.keys()


def shape(value: object) -> object:
    """The keys of a value and of what is in it."""
    if isinstance(value, dict):
        return {key: shape(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [shape(entry) for entry in value]
    return type(value).__name__
