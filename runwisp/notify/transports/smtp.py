"""Delivery to a mail server, one connection per letter (spec: notifications, attempts and per type)."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import Factory

from runwisp.config.settings import Notifier, SmtpTls
from runwisp.model import Seconds
from runwisp.notify import options, payload
from runwisp.notify.channel import Parcel, Permanent, Retryable, Teller
from runwisp.notify.message import Message
from runwisp.notify.request import CannotRender, Letter
from runwisp.notify.transports.connecting import Connector
from runwisp.notify.transports.smtp_session import Account, Reply, Session
from runwisp.notify.transports.trouble import NETWORK_ERRORS, describe
from runwisp.policy.delivery import LONGEST_MAIL_ATTEMPT, Verdict
from runwisp.units import now_ms

#: So long the server may take to part when all has been said.
FAREWELL_S = 5.0


class SmtpChannel:
    """A notifier of the type smtp.

    :param limit: an attempt takes no longer
    """

    def __init__(
        self,
        notifier: Notifier,
        reactor: PosixReactorBase,
        connector: Connector,
        wall: Callable[[], float],
        limit: Seconds = LONGEST_MAIL_ATTEMPT,
    ) -> None:
        self._notifier = notifier
        self._reactor = reactor
        self._connector = connector
        self._wall = wall
        self._limit = limit
        self._teller = Teller(notifier)

    def write(self, message: Message) -> Letter:
        try:
            return payload.letter(self._notifier, message, now_ms(self._wall))
        except CannotRender as error:
            raise Permanent(self._teller.sentence(str(error)), has_gone_out=False) from error

    def send(self, parcel: Parcel) -> Deferred[str]:
        assert isinstance(parcel, Letter)
        sent = Deferred.fromCoroutine(self._send(parcel))
        return sent.addTimeout(self._limit, self._reactor)

    async def _send(self, letter: Letter) -> str:
        session, endpoint = self._prepared(letter)
        began_s = self._reactor.seconds()
        try:
            await endpoint.connect(Factory.forProtocol(lambda: session))
            reply = await session.told
        except NETWORK_ERRORS as error:
            session.abort()
            why = describe(error, self._reactor.seconds() - began_s, self._limit)
            raise Retryable(self._teller.sentence(why), has_gone_out=session.has_gone_out) from error
        await self._part(session)
        return self._judged(reply, session.has_gone_out)

    def _prepared(self, letter: Letter) -> tuple[Session, IStreamClientEndpoint]:
        host = options.text(self._notifier, "host")
        port = self._notifier.options["port"]
        assert isinstance(port, int)
        mode = self._notifier.options["tls_mode"]
        if mode is SmtpTls.OFF:
            return self._session(letter, None), self._connector.plain(host, port)
        try:
            is_verified = not self._notifier.options["tls_skip_verify"]
            creator = self._connector.creator(host, is_verified=is_verified)
        except UnicodeError as error:
            text = self._teller.sentence(f"there can be no host {host!r}")
            raise Permanent(text, has_gone_out=False) from error
        if mode is SmtpTls.IMPLICIT:
            return self._session(letter, None), self._connector.secure(host, port, creator)
        return self._session(letter, creator), self._connector.plain(host, port)

    def _session(self, letter: Letter, creator: IOpenSSLClientConnectionCreator | None) -> Session:
        account = None
        if username := options.optional_text(self._notifier, "username"):
            account = Account(username.encode(), options.text(self._notifier, "password").encode())
        return Session(letter, account, creator, self._connector.start_tls)

    async def _part(self, session: Session) -> None:
        """Let the connection end; what was said counts in any case."""
        try:
            await session.gone.addTimeout(FAREWELL_S, self._reactor)
        except (CancelledError, TimeoutError):
            session.abort()

    def _judged(self, reply: Reply, has_gone_out: bool) -> str:
        text = self._teller.excerpt(reply.text)
        refused = "; ".join(
            f"{self._teller.excerpt(address)}: {self._teller.excerpt(why)}" for address, why in reply.refused
        )
        if reply.verdict is Verdict.DELIVERED:
            if not refused:
                return text
            raise Permanent(self._teller.sentence(f"delivered, but not to all of the recipients: {refused}"))
        kind = Retryable if reply.verdict is Verdict.RETRY else Permanent
        raise kind(self._teller.sentence(refused or text), has_gone_out=has_gone_out)
