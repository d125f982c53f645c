"""``/api/openapi.json``: what the API takes and answers, for programs (spec: rest, OpenAPI)."""

from __future__ import annotations

import json

from attrs import frozen

from runwisp.web.routing import Access, Answer, Call, Text, route

_JSON = "application/json"


@frozen
class OpenApiApi:
    """``url`` is where the daemon is reached."""

    url: str

    @route(
        "GET",
        "/api/openapi.json",
        access=Access.PUBLIC,
        summary="Get this document",
        answers={200: _JSON},
    )
    async def get_openapi(self, call: Call[None, None]) -> Answer:
        return Answer(content=Text(text(self.url), _JSON))


def text(url: str) -> str:
    """The document of the whole API, for a daemon at ``url``."""
    # Hardly any daemon is ever asked for it.
    from runwisp.web.catalogue import APIS
    from runwisp.web.openapi import document

    return json.dumps(document(APIS, url), indent=2, ensure_ascii=False) + "\n"
