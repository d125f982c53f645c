"""The rules of hosts, origins and proxies, and the gate that applies them to every request.

Spec: rest, hardening; the functions are pure, and :class:`Gate` asks them in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias
from urllib.parse import urlsplit

from attrs import evolve, frozen
from zope.interface import implementer

from runwisp.config.settings import DaemonSettings
from runwisp.model import UnixMs
from runwisp.web.addresses import parse_ip
from runwisp.web.auth.auth import COOKIE, Auth, unauthenticated
from runwisp.web.gate import IGate, RequestFacts
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Access, Caller, Route

Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]

#: What a proxy adds to a request: with any of these it comes from elsewhere, whatever its peer.
PROXY_HEADERS = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "cf-connecting-ip")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
#: Probes of load balancers ask by address or by any name, and learn nothing.
_ANY_HOST_PATHS = ("/health", "/ready")
_DEFAULT_PORTS = {"http": 80, "https": 443}

_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::(?P<port>\d{0,5}))?", re.ASCII)
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#\\@\s]+)(?:[/?#].*)?", re.IGNORECASE | re.DOTALL
)
_FORWARDED_V4 = re.compile(r"(?P<ip>[\d.]+)(?::\d+)?", re.ASCII)
_FORWARDED_V6 = re.compile(r"\[(?P<ip>[^\]]+)\](?::\d+)?", re.ASCII)
_BEARER = re.compile(r"bearer +(?P<token>\S+) *", re.IGNORECASE)


@frozen
class Authority:
    """Host and port as in ``Host``; the host is in lower case, an IPv6 address in its brackets."""

    host: str
    port: int | None


def parse_authority(text: str) -> Authority | None:
    """None if ``text`` is not a host with or without port."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 1 <= port <= 65_535:
        return None
    host = match["host"].lower().removesuffix(".")
    if host.startswith("[") and (":" not in host or parse_ip(host[1:-1]) is None):
        return None
    return Authority(host, port) if host else None


def is_known_host(host: str, names: Iterable[str]) -> bool:
    """Whether no name server of somebody else can have led a browser to us by ``host``.

    That are addresses, what is always this machine, and our own ``names`` in lower case.
    """
    if host == "localhost" or host.endswith(".localhost") or host in names:
        return True
    return host.startswith("[") or parse_ip(host) is not None


@lru_cache(maxsize=4)
def own_names(bind_host: str, external_url: str | None, allowed_hosts: tuple[str, ...]) -> frozenset[str]:
    """The names by which the operator says that clients call the daemon."""
    public = urlsplit(external_url).hostname if external_url is not None else None
    return frozenset(name.lower().removesuffix(".") for name in (bind_host, public, *allowed_hosts) if name)


def is_same_origin(origin: str, host: Authority, is_secure: bool) -> bool:
    """Whether a page of ``origin``, which may be the whole address of the page, is one of ours.

    Plain HTTP may be named only where the request is not known to be secure: TLS may end before us unseen.
    """
    match = _ORIGIN.fullmatch(origin)
    page = parse_authority(match["authority"]) if match is not None else None
    if match is None or page is None:
        return False
    scheme = match["scheme"].lower()
    if scheme == "http" and is_secure:
        return False
    default = _DEFAULT_PORTS[scheme]
    return (page.host, page.port or default) == (host.host, host.port or default)


@lru_cache(maxsize=4)
def networks_of(trusted_proxies: tuple[str, ...]) -> Networks:
    return tuple(_plain_network(ip_network(text, strict=False)) for text in trusted_proxies)


def is_in(address: str, networks: Networks) -> bool:
    ip = parse_ip(address)
    return ip is not None and any(ip in network for network in networks)


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Networks) -> str:
    """Who speaks through ``peer``: the nearest address that is not a trusted proxy.

    ``forwarded_for`` are the values of ``X-Forwarded-For`` in the order sent, of which only what trusted
    proxies have added is believed. Where that is no address, it is the peer.
    """
    if not is_in(peer, trusted):
        return peer
    for hop in reversed(",".join(forwarded_for).split(",")):
        ip = _parse_hop(hop.strip())
        if ip is None:
            break
        if not is_in(ip, trusted):
            return ip
    return peer


def is_local_peer(peer: str, has_proxy_header: bool, trusted: Networks) -> bool:
    """Whether a connection comes from this machine, and no proxy stands before it."""
    ip = parse_ip(peer)
    return ip is not None and ip.is_loopback and not has_proxy_header and not is_in(peer, trusted)


def bearer_token(values: Sequence[str]) -> str | None:
    """The token in the only ``Authorization``; None if there is another number of them or another scheme."""
    match = _BEARER.fullmatch(values[0]) if len(values) == 1 else None
    return match["token"] if match is not None else None


@implementer(IGate)
@frozen
class Gate:
    """Judges each request by the sessions of ``auth`` and the settings as they are now."""

    auth: Auth
    bind_host: str
    settings: Callable[[], DaemonSettings]

    def check_host(self, facts: RequestFacts) -> None:
        if facts.is_socket or facts.path in _ANY_HOST_PATHS:
            return
        settings = self.settings()
        host = _host(facts)
        names = own_names(self.bind_host, settings.external_url, settings.allowed_hosts)
        if not is_known_host(host.host, names):
            hint = "set external_url or allowed_hosts in [daemon] if it is one of its names"
            raise Problem(403, Code.HOST, f"This daemon is not known as {host.host!r}; {hint}.")

    def caller(self, facts: RequestFacts) -> Caller:
        if facts.is_socket:
            return Caller(is_socket=True, address="", client="", is_secure=False)
        trusted = self._trusted
        return Caller(
            is_socket=False,
            address=facts.address,
            client=client_address(facts.address, facts.headers("x-forwarded-for"), trusted),
            is_secure=facts.is_tls or (is_in(facts.address, trusted) and _is_forwarded_https(facts)),
        )

    def admit(self, route: Route, facts: RequestFacts, caller: Caller) -> Caller:
        if facts.is_socket:
            return caller
        if route.access is Access.SOCKET:
            raise Problem(403, Code.LOCAL_ONLY, "This is answered over the control socket only.")
        if route.access is Access.LOCAL:
            self._check_local(facts)
        ends_at = self._session_ends_at(facts)
        if route.access is Access.SESSION and self.auth.is_required and ends_at is None:
            raise unauthenticated(Code.UNAUTHENTICATED, "Log in first: there is no session, or it has ended.")
        if route.access in (Access.SESSION, Access.SAME_ORIGIN) and facts.method not in _SAFE_METHODS:
            self._check_origin(facts, caller, ends_at)
        return evolve(caller, session_ends_at=ends_at)

    @property
    def _trusted(self) -> Networks:
        return networks_of(self.settings().trusted_proxies)

    def _session_ends_at(self, facts: RequestFacts) -> UnixMs | None:
        """When the session of a request ends; with an ``Authorization`` header only that counts."""
        if not self.auth.is_required:
            return None
        values = facts.headers("authorization")
        token = bearer_token(values) if values else facts.cookies.get(COOKIE)
        return self.auth.session_ends_at(token) if token is not None else None

    def _check_local(self, facts: RequestFacts) -> None:
        has_proxy_header = any(facts.headers(name) for name in PROXY_HEADERS)
        if not is_local_peer(facts.address, has_proxy_header, self._trusted):
            raise Problem(403, Code.LOCAL_ONLY, "This is answered on the machine of the daemon only.")

    def _check_origin(self, facts: RequestFacts, caller: Caller, ends_at: UnixMs | None) -> None:
        """Refuse what a page of another origin may have made a browser send (spec: rest, origin)."""
        if ends_at is not None and facts.headers("authorization"):
            return
        host = _host(facts)
        origins = facts.headers("origin")
        if COOKIE in facts.cookies:
            origins = origins or facts.headers("referer")
            is_refused = not origins
        else:
            is_refused = facts.header("sec-fetch-site") == "cross-site"
        if is_refused or not all(is_same_origin(origin, host, caller.is_secure) for origin in origins):
            hint = "a proxy has to pass Host on as it is"
            raise Problem(403, Code.CROSS_ORIGIN, f"The request comes from a page of another origin; {hint}.")


def _host(facts: RequestFacts) -> Authority:
    values = facts.headers("host")
    host = parse_authority(values[0]) if len(values) == 1 else None
    if host is None:
        raise Problem(400, Code.MALFORMED, "The request must have one Host header that names a host.")
    return host


def _is_forwarded_https(facts: RequestFacts) -> bool:
    """What the nearest proxy says, should there be several."""
    values = ",".join(facts.headers("x-forwarded-proto"))
    return values.rpartition(",")[2].strip().lower() == "https"


def _parse_hop(text: str) -> str | None:
    """The address in an item of ``X-Forwarded-For``, to which some proxies add the port."""
    match = _FORWARDED_V4.fullmatch(text) or _FORWARDED_V6.fullmatch(text)
    ip = parse_ip(match["ip"] if match is not None else text)
    return str(ip) if ip is not None else None


def _plain_network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """A network of IPv4 addresses that are written as of IPv6 is one of IPv4."""
    mapped = network.network_address
    if isinstance(mapped, IPv6Address) and mapped.ipv4_mapped is not None and network.prefixlen >= 96:
        return IPv4Network((mapped.ipv4_mapped, network.prefixlen - 96))
    return network
