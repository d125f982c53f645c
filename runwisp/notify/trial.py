"""One message through one notifier, without a daemon (spec: notifications, test message)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred, execute
from twisted.internet.posixbase import PosixReactorBase
from twisted.python.failure import Failure

from runwisp.config.settings import Config, Notifier, NotifierType
from runwisp.engine.environment import inheritable
from runwisp.engine.process import Spawner
from runwisp.notify import options
from runwisp.notify.channel import Parcel, Undelivered
from runwisp.notify.message import Message, build_message
from runwisp.notify.redaction import redactor
from runwisp.notify.request import HttpRequest
from runwisp.notify.text import lines
from runwisp.notify.workshop import Workshop
from runwisp.policy.notify_events import notify_test
from runwisp.units import RunIds, now_ms

T = TypeVar("T")


@frozen(kw_only=True)
class Exchange:
    """What was sent where, and what came of it, with nothing secret in it.

    ``answer`` is None if the message was not accepted; ``error`` then says why.
    """

    address: str
    sent: str
    answer: str | None
    error: str | None


def run_trial(config: Config, notifier: Notifier, fingerprint: str) -> Exchange:
    """Send a test message in one attempt. This runs the reactor, so it can be called once in a process.

    :raises Undelivered: it could not even be written
    :raises KeyboardInterrupt: Ctrl-C came first
    """
    from twisted.internet import reactor

    assert isinstance(reactor, PosixReactorBase)
    results: list[Exchange | Failure] = []
    message = build_message(
        notify_test(RunIds(time.time)(), now_ms(time.time)),
        fingerprint=fingerprint,
        zone=config.timezone,
        external_url=config.daemon.external_url,
        tail="",
    )

    def begin() -> None:
        trying = Deferred.fromCoroutine(_try(reactor, notifier, message))
        trying.addBoth(results.append)
        trying.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    if not results:
        raise KeyboardInterrupt
    if isinstance(results[0], Failure):
        results[0].raiseException()
    assert isinstance(results[0], Exchange)
    return results[0]


async def _try(reactor: PosixReactorBase, notifier: Notifier, message: Message) -> Exchange:
    workshop = Workshop(
        reactor=reactor,
        wall=time.time,
        spawner=Spawner(reactor),
        in_thread=_here,
        environ=inheritable(os.environ),
    )
    channel = await workshop.make(notifier)
    parcel = channel.write(message)
    answer = error = None
    try:
        answer = await channel.send(parcel)
    except Undelivered as trouble:
        error = str(trouble)
    redact = redactor(notifier)
    return Exchange(
        address=redact(_address(notifier, parcel)),
        sent=lines(redact(_content(parcel))),
        answer=answer,
        error=error,
    )


def _here(work: Callable[..., T], /, *args: object) -> Deferred[T]:
    """Nobody else waits for anything in this process."""
    return execute(work, *args)


def _address(notifier: Notifier, parcel: Parcel) -> str:
    if isinstance(parcel, HttpRequest):
        return f"{parcel.method} {parcel.url}"
    recipients = ", ".join(parcel.recipients)
    if notifier.type is NotifierType.SMTP:
        host = options.text(notifier, "host")
        return f"{recipients} by {host}:{notifier.options['port']} (TLS: {notifier.options['tls_mode']})"
    return f"{recipients} by {options.optional_text(notifier, 'sendmail_path') or 'sendmail'}"


def _content(parcel: Parcel) -> str:
    content = parcel.body if isinstance(parcel, HttpRequest) else parcel.content
    return content.decode(errors="replace").replace("\r\n", "\n").rstrip()
