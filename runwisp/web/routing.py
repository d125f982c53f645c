"""What a route is, what it is given and what it answers.

A route is declared once, on the method that handles it; the site, the validation of requests and the OpenAPI
document all come from that declaration. Nothing here knows HTTP's details or the server's classes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from runwisp.model import UnixMs

Q = TypeVar("Q")
B = TypeVar("B")


class Access(Enum):
    """Who may call a route (spec: rest, endpoints)."""

    PUBLIC = "public"
    #: Anyone but a page of another origin, which may send a browser's cookie along.
    SAME_ORIGIN = "same-origin"
    #: A session, or any client of the socket.
    SESSION = "session"
    #: A client of the socket, or one on this machine that no proxy stands before.
    LOCAL = "local"
    SOCKET = "socket"


@frozen(kw_only=True)
class Caller:
    """Where a request comes from.

    ``address`` is the peer of the TCP connection and "" for the socket; ``client`` is the address that
    trusted proxies vouch for, else the same. ``session_ends_at`` is None where no session is needed.
    """

    is_socket: bool
    address: str
    client: str
    is_secure: bool
    session_ends_at: UnixMs | None = None


class Outlet(Protocol):
    """The body of an answer that is written piece by piece.

    Its handler is cancelled when the client leaves.
    """

    @property
    def is_ready(self) -> bool:
        """False while the client takes nothing: what is written then has to be kept in memory."""

    def write(self, data: bytes) -> None: ...

    async def ready(self) -> None:
        """Return as soon as the client can take more."""


@frozen
class Streamed:
    """A body that ``send`` writes; the answer ends when it returns."""

    media_type: str
    send: Callable[[Outlet], Awaitable[None]]


@frozen
class Text:
    """A body that is no JSON."""

    text: str
    media_type: str = "text/plain; charset=utf-8"


@frozen
class Json:
    """A resource that has been turned into JSON already, in a thread because it is large."""

    body: bytes


#: A resource is an attrs class whose fields are what the API shows: ``UnixMs`` becomes a time of RFC 3339, a
#: plain ``int`` stays a number. None is an empty body.
Content: TypeAlias = Any


@frozen(kw_only=True)
class Answer:
    content: Content
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Call(Generic[Q, B]):
    """One request that has passed every check which does not need the resource itself.

    ``path`` holds the decoded parts of the path by their names in the route, ``query`` and ``body`` are
    instances of the classes that the route names, or None. ``header`` finds a header by its name.
    """

    caller: Caller
    path: Mapping[str, str]
    query: Q
    body: B
    header: Callable[[str], str | None]


Handler: TypeAlias = Callable[[Any, Call[Any, Any]], Awaitable[Answer]]


@frozen(kw_only=True)
class Route:
    """One method on one path, as it is written in the OpenAPI document.

    ``path`` names its variable parts in braces. ``query`` and ``body`` are attrs classes whose fields come
    from :mod:`runwisp.web.params`. ``answers`` maps the statuses of success to the class of the resource, to
    None for an empty body, or to a media type; ``problems`` are the statuses of refusal beyond those that
    follow from the rest of the declaration.
    """

    method: str
    path: str
    access: Access
    summary: str
    answers: Mapping[int, type | str | None]
    problems: tuple[int, ...]
    query: type | None
    body: type | None
    is_body_optional: bool
    max_body: int
    operation_id: str
    tag: str


_VARIABLE = re.compile(r"\{(\w+)\}")

#: The largest body of a request, in bytes (spec: rest, requests).
MAX_BODY = 1024 * 1024


def route(
    method: str,
    path: str,
    *,
    summary: str,
    answers: Mapping[int, type | str | None],
    problems: tuple[int, ...] = (),
    access: Access = Access.SESSION,
    query: type | None = None,
    body: type | None = None,
    is_body_optional: bool = False,
    max_body: int = MAX_BODY,
) -> Callable[[Handler], Handler]:
    """Declare that the decorated method ``async def verb_resource(self, call) -> Answer`` handles a route.

    Its name becomes the ``operationId``; the second part of the path becomes the tag.
    """

    def declare(handler: Handler) -> Handler:
        declared = Route(
            method=method,
            path=path,
            access=access,
            summary=summary,
            answers=answers,
            problems=problems,
            query=query,
            body=body,
            is_body_optional=is_body_optional,
            max_body=max_body,
            operation_id=handler.__name__,
            tag=path.removeprefix("/api").split("/")[1],
        )
        handler.__dict__["route"] = declared
        return handler

    return declare


def routes_of(api: type) -> Iterator[Route]:
    """The routes that a class declares, in the order of its methods."""
    for member in vars(api).values():
        declared = getattr(member, "route", None)
        if isinstance(declared, Route):
            yield declared


def bound_routes(api: object) -> Iterator[tuple[Route, Callable[[Call[Any, Any]], Awaitable[Answer]]]]:
    """The routes of an instance, each with the method that handles it."""
    for declared in routes_of(type(api)):
        yield declared, getattr(api, declared.operation_id)


def path_names(route: Route) -> list[str]:
    """The names of the parts of the path that vary."""
    return _VARIABLE.findall(route.path)


def is_event_stream(route: Route) -> bool:
    return "text/event-stream" in route.answers.values()
