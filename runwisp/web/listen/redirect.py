"""Answers those who speak plain HTTP where TLS is served (spec: rest, TLS)."""

from __future__ import annotations

import re

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource

from runwisp.web.channel import ApiRequest, ApiSite

#: A name or address with or without port; what is left out could lead to another host than it seems to.
_HOST = re.compile(rb"[^/\\@?#%\s\x00-\x1f\x7f]+")


def to_https(clock: IReactorTime) -> ApiSite:
    """Sends everybody to the same address with ``https``, if their request names a host."""
    return ApiSite(_Elsewhere(), clock)


class _Elsewhere(Resource):
    isLeaf = True

    def render(self, request: ApiRequest) -> bytes:
        hosts = request.requestHeaders.getRawHeaders(b"host", [])
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]) or not request.uri.startswith(b"/"):
            request.setResponseCode(400)
            return b""
        request.setResponseCode(308)
        request.setHeader(b"Location", b"https://" + hosts[0] + request.uri)
        return b""
