"""What the gate is told about a request."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address

from runwisp.web.channel import ApiRequest
from runwisp.web.gate import RequestFacts


def facts_of(request: ApiRequest) -> RequestFacts:
    peer = request.client
    is_socket = not isinstance(peer, IPv4Address | IPv6Address)

    def headers(name: str) -> tuple[str, ...]:
        return tuple(
            value.decode("latin-1") for value in request.requestHeaders.getRawHeaders(name.encode(), ())
        )

    def header(name: str) -> str | None:
        values = headers(name)
        return values[-1] if values else None

    return RequestFacts(
        method=request.method.decode("ascii"),
        path=request.shown_path,
        is_socket=is_socket,
        address="" if is_socket else peer.host,
        is_tls=request.isSecure(),
        header=header,
        headers=headers,
        cookies={
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in request.received_cookies.items()
        },
    )
