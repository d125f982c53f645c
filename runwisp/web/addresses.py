"""Addresses of clients as text."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address


def parse_ip(text: str) -> Address | None:
    """An address, None if ``text`` is none; one of IPv4 that is written as one of IPv6 is the former."""
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
