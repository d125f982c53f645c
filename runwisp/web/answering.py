"""Puts an answer into a request: status, headers, and the bytes that are the body."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from runwisp.web import headers
from runwisp.web.channel import ApiRequest
from runwisp.web.compression import SMALLEST, accepts_gzip, compressed, is_compressible
from runwisp.web.faults import document
from runwisp.web.problem import Problem
from runwisp.web.routing import Answer, Json, Streamed, Text
from runwisp.web.wire import to_json


@frozen(kw_only=True)
class Page:
    """An answer whose body is known as a whole; no media type is no body.

    Who gives the header ``Vary`` has chosen the encoding of the body already.
    """

    body: bytes = b""
    media_type: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)


def page_of(answer: Answer) -> Page:
    """The answer of a handler, unless that is a stream."""
    content = answer.content
    if content is None:
        return Page(status=answer.status, headers=answer.headers)
    if isinstance(content, Text):
        body, media_type = content.text.encode("utf-8", "replace"), content.media_type
    elif isinstance(content, Json):
        body, media_type = content.body, headers.JSON
    else:
        body, media_type = to_json(content), headers.JSON
    return Page(body=body, media_type=media_type, status=answer.status, headers=answer.headers)


def page_of_problem(problem: Problem, path: str) -> Page:
    return Page(
        body=to_json(document(problem, path)),
        media_type=headers.PROBLEM,
        status=problem.status,
        headers=problem.headers,
    )


def give(request: ApiRequest, page: Page) -> bytes:
    """Set the head of the answer, and return its body as it is to be sent."""
    body = page.body
    _set_head(request, page.status, page.media_type, page.headers)
    if "Vary" not in page.headers and _is_worth_it(page):
        request.setHeader("Vary", "Accept-Encoding")
        if accepts_gzip(request.getHeader("Accept-Encoding")):
            body = compressed(body)
            request.setHeader("Content-Encoding", "gzip")
    if page.status not in (204, 304):
        request.setHeader("Content-Length", str(len(body)))
    # The server leaves the body out of the answer to HEAD.
    return body


def _is_worth_it(page: Page) -> bool:
    """True if the body is to be compressed for who accepts that."""
    return page.media_type is not None and len(page.body) >= SMALLEST and is_compressible(page.media_type)


def begin(request: ApiRequest, answer: Answer, streamed: Streamed) -> None:
    """Set the head of an answer whose body will be written piece by piece."""
    _set_head(request, answer.status, streamed.media_type, answer.headers)


def _set_head(request: ApiRequest, status: int, media_type: str | None, more: Mapping[str, str]) -> None:
    request.setResponseCode(status, headers.phrase(status).encode())
    if media_type is not None:
        for name, value in headers.of_content(media_type, request.is_api):
            request.setHeader(name, value)
    for name, value in more.items():
        request.setHeader(name, value)
