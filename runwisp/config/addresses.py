"""Host names, URLs, networks and mail addresses: what may be written (spec: config, [daemon] and notifiers).

Each function returns the value as the program keeps it and raises ValueError if it is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MAX_HOST_LENGTH = 253
_URL = re.compile(r"(https?)://([^/?#\s\\]+)([/?#][^\s]*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:[^@]*@)?(?P<host>\[[^\]]*\]|[^:\[\]]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+|\"(?:[^\"\\\r\n]|\\.)+\"")
_NAMED_ADDRESS = re.compile(r"[^<>\r\n]*<\s*([^<>\s]+)\s*>")


def host_name(text: str) -> str:
    """A host name in lower case."""
    if len(text) > _MAX_HOST_LENGTH or not _HOST_NAME.fullmatch(text):
        raise ValueError(text)
    return text.lower()


def http_url(text: str) -> str:
    """An absolute ``http`` or ``https`` address with a host."""
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(text)
    _port(match[2])
    return text


def listen_address(text: str) -> str:
    """``host:port``; an IPv6 address stands in brackets."""
    if "@" in text or _port(text) is None:
        raise ValueError(text)
    return text


def network(text: str) -> IPv4Network | IPv6Network:
    """A network, or the network of a single address; bits below the mask are cleared."""
    from ipaddress import ip_network

    return ip_network(text.strip(), strict=False)


def covers_everything(net: IPv4Network | IPv6Network) -> bool:
    """True if every IPv4 address, plain or mapped into IPv6, or every IPv6 address is in ``net``."""
    from ipaddress import IPv6Network

    if net.prefixlen == 0:
        return True
    return isinstance(net, IPv6Network) and net.supernet_of(IPv6Network("::ffff:0:0/96"))


def mail_address(text: str) -> str:
    """``local@domain``, or that in angle brackets behind a name."""
    named = _NAMED_ADDRESS.fullmatch(text.strip())
    mailbox, at, domain = (named[1] if named else text.strip()).rpartition("@")
    if (
        not at
        or not _MAILBOX.fullmatch(mailbox)
        or mailbox[0] == "."
        or mailbox[-1] == "."
        or ".." in mailbox
    ):
        raise ValueError(text)
    host_name(domain)
    return text.strip()


def _port(authority: str) -> int | None:
    """The port of an authority whose host is checked."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ValueError(authority)
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 1 <= port <= 65_535:
        raise ValueError(authority)
    host = match["host"]
    if host.startswith("["):
        from ipaddress import IPv6Address

        IPv6Address(host[1:-1])
    else:
        host_name(host)
    return port
