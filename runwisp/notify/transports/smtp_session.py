"""A conversation with a mail server about one letter.

Importing Twisted's SMTP asks the system for the name of the host, which may take as long as any lookup.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.mail.smtp import (
    DNSNAME,
    ESMTPClient,
    LOGINAuthenticator,
    PLAINAuthenticator,
    SMTPClientError,
)
from twisted.python.failure import Failure

from runwisp.notify.request import Letter
from runwisp.policy.delivery import Verdict, verdict_of_smtp

#: A server that says more than this has something else in mind.
MOST_BYTES = 64 * 1024
_LINE_BEGINS_WITH_DOT = re.compile(rb"^\.", re.MULTILINE)
_DONE = Failure(ConnectionDone())


@frozen
class Reply:
    """What the server has said about the letter; ``refused`` has the recipients that it does not take."""

    verdict: Verdict
    text: bytes
    refused: tuple[tuple[bytes, bytes], ...] = ()


@frozen
class Account:
    username: bytes
    password: bytes


class Session(ESMTPClient):
    """Sends ``letter`` and says goodbye.

    :param account: how to log in; None for not at all
    :param creator: None if the connection is to stay as it is
    :param start_tls: makes the connection secure, and connects us again
    """

    #: The exchange, with passwords in it, would become a part of errors.
    debug = False

    def __init__(
        self,
        letter: Letter,
        account: Account | None,
        creator: IOpenSSLClientConnectionCreator | None,
        start_tls: Callable[[Session, IOpenSSLClientConnectionCreator], None],
    ) -> None:
        super().__init__(account.password if account else None, creator, DNSNAME)
        self.requireTransportSecurity = creator is not None
        self.requireAuthentication = account is not None
        if account is not None:
            self.registerAuthenticator(PLAINAuthenticator(account.username))
            self.registerAuthenticator(LOGINAuthenticator(account.username))
        self._letter = letter
        self._creator = creator
        self._start_tls = start_tls
        self._heard_bytes = 0
        self._is_told = False
        self.has_gone_out = False
        #: Fires with the :class:`Reply`, or fails with the error of the connection.
        self.told: Deferred[Reply] = Deferred()
        #: Fires when the connection is closed, whether it has been used or not.
        self.gone: Deferred[None] = Deferred()

    def abort(self) -> None:
        if self.transport is not None:
            # All connections of the reactor can do that, with TLS or without.
            self.transport.abortConnection()  # type: ignore[attr-defined]

    # What Twisted calls

    def lineReceived(self, line: bytes) -> None:
        self._heard_bytes += len(line)
        if self._heard_bytes > MOST_BYTES:
            self._tell(Reply(Verdict.RETRY, b"the server does not stop to talk"))
            self.abort()
            return
        super().lineReceived(line)

    def esmtpState_starttls(self, code: int, resp: bytes) -> None:
        if self.clearLineBuffer():
            # Whoever put that there wants it to be taken for what comes through the secure connection.
            self._tell(Reply(Verdict.RETRY, b"the server speaks before the connection is secure"))
            self.abort()
            return
        assert self._creator is not None
        self._start_tls(self, self._creator)
        self.esmtpState_ehlo(code, resp)

    def getMailFrom(self) -> str | None:
        return None if self._is_told else self._letter.sender

    def getMailTo(self) -> list[str]:
        return list(self._letter.recipients)

    def smtpState_data(self, code: int, resp: bytes) -> None:
        self.has_gone_out = True
        content = _LINE_BEGINS_WITH_DOT.sub(b"..", self._letter.content)
        end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
        assert self.transport is not None
        self.transport.write(content + end)
        self._expected = list(range(200, 300))
        self._okresponse = self.smtpState_msgSent

    def smtpState_msgSent(self, code: int, resp: bytes | str) -> None:
        text = resp if isinstance(resp, bytes) else resp.encode()
        refused = {
            address.encode(errors="replace"): (reply_code, reply)
            for address, reply_code, reply in self.toAddressesResult
            if not 200 <= reply_code < 300
        }
        verdict = verdict_of_smtp(code)
        if refused and not self.successAddresses:
            verdicts = {verdict_of_smtp(reply_code) for reply_code, _ in refused.values()}
            verdict = Verdict.RETRY if Verdict.RETRY in verdicts else Verdict.PERMANENT
        replies = tuple((address, _reply(*reply)) for address, reply in refused.items())
        self._tell(Reply(verdict, _reply(code, text), replies))
        self._disconnectFromServer()

    def sendError(self, exc: Exception) -> None:
        if isinstance(exc, SMTPClientError):
            self._tell(Reply(verdict_of_smtp(exc.code), _reply(exc.code, exc.resp)))
        elif not self._is_told:
            self._is_told = True
            self.told.errback(exc)
        super().sendError(exc)

    def connectionLost(self, reason: Failure = _DONE) -> None:
        super().connectionLost(reason)
        if not self._is_told:
            self._is_told = True
            self.told.errback(reason)
        if not self.gone.called:
            self.gone.callback(None)

    def _tell(self, reply: Reply) -> None:
        if not self._is_told:
            self._is_told = True
            self.told.callback(reply)


def _reply(code: int, text: bytes) -> bytes:
    return b"%d %s" % (code, text) if code > 0 else text
