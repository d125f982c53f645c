"""``python -m tests.notify.mail_server OPTIONS``: a mail server that writes what it gets as lines of JSON.

The options are the JSON of :class:`Options`. The first line is the port. It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Mapping

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import asdict, field, frozen


@frozen(kw_only=True)
class Options:
    """How the server is.

    :ivar tls: ``starttls``, ``implicit`` or ``off``
    :ivar certificate: files of a certificate and its key
    :ivar accounts: passwords by name; without any nobody has to log in
    :ivar ways: in which one can log in
    :ivar refused: replies to recipients that are not taken
    :ivar replies: to letters, the last of them again and again
    """

    tls: str = "off"
    certificate: tuple[str, str] | None = None
    accounts: Mapping[str, str] = field(factory=dict)
    ways: tuple[str, ...] = ("LOGIN", "PLAIN")
    refused: Mapping[str, str] = field(factory=dict)
    replies: tuple[str, ...] = ("250 taken",)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class _Handler:
    """What aiosmtpd calls."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._replies = list(options.replies)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._options.refused:
            return self._options.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        assert server.transport is not None
        letter = {
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "content": content.decode("ascii"),
            "is_secure": server.transport.get_extra_info("sslcontext") is not None,
            "account": session.auth_data,
        }
        print(json.dumps(letter), flush=True)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


async def _serve(options: Options) -> None:
    context = None
    if options.certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.certificate)

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        name = data.login.decode()
        is_known = options.accounts.get(name) == data.password.decode()
        return AuthResult(success=is_known, handled=False, auth_data=f"{name} by {mechanism}")

    def make() -> SMTP:
        return SMTP(
            _Handler(options),
            hostname="mail.example.net",
            tls_context=context if options.tls == "starttls" else None,
            auth_required=bool(options.accounts),
            auth_require_tls=False,
            auth_exclude_mechanism=[way for way in ("LOGIN", "PLAIN") if way not in options.ways],
            authenticator=authenticate,
        )

    loop = asyncio.get_running_loop()
    secure = context if options.tls == "implicit" else None
    server = await loop.create_server(make, "127.0.0.1", 0, ssl=secure)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(Options(**json.loads(sys.argv[1]))))
