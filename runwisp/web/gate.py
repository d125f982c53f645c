"""Who may pass: the interface between the site and the rules of sessions, hosts and origins.

The rules themselves are in :mod:`runwisp.web.guard`; here is what they are told and what they answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen
from zope.interface import Interface

from runwisp.web.routing import Caller, Route


@frozen(kw_only=True)
class RequestFacts:
    """What is known of a request before its query and body are looked at.

    ``path`` is as it was sent, percent-encoded and without the query. ``address`` is the peer of the TCP
    connection and "" for the socket; ``is_tls`` says that the daemon itself serves TLS on it. ``header``
    finds the last header of a name in any letter case, ``headers`` all of them in the order sent.
    """

    method: str
    path: str
    is_socket: bool
    address: str
    is_tls: bool
    header: Callable[[str], str | None]
    headers: Callable[[str], tuple[str, ...]]
    cookies: Mapping[str, str]


class IGate(Interface):
    """Judges requests; every method returns at once and has no effect beyond counters of attempts."""

    def check_host(facts: RequestFacts) -> None:
        """Refuse a request that names a host which is none of ours (spec: rest, host).

        It is called for every request, before its path is looked at.

        :raises Problem: 400 for a missing or malformed ``Host``, 403 for a foreign one
        """

    def caller(facts: RequestFacts) -> Caller:
        """Where the request comes from; it refuses nobody, and looks at no session."""

    def admit(route: Route, facts: RequestFacts, caller: Caller) -> Caller:
        """Let the caller use the route: session, locality and origin, in this order.

        :returns: ``caller``, with the end of its session where it has one
        :raises Problem: 401 or 403
        """
