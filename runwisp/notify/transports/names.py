"""Looks up the names of hosts without holding up anybody else.

Nothing can end a lookup that has begun, and without a server that answers one takes half a minute. The
reactor's own threads, in which the daemon also works, would all be lost to it.
"""

from __future__ import annotations

import socket
from _thread import start_new_thread
from collections.abc import Callable, Sequence
from functools import partial

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IReactorFromThreads,
    IResolutionReceiver,
)
from zope.interface import implementer

#: So many may be under way; of more nothing is found until one of them is over.
MOST_LOOKUPS = 8


@implementer(IHostResolution)
class _Lookup:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """Whoever asked has to ignore what comes."""


@implementer(IHostnameResolver)
class Names:
    """Asks the system, in a thread for each lookup that does not keep the process from ending.

    :param find: :func:`socket.getaddrinfo`
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        find: Callable[..., Sequence[tuple[object, ...]]] = socket.getaddrinfo,
    ) -> None:
        self._reactor = reactor
        self._find = find
        self._under_way = 0

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        lookup = _Lookup(hostName)
        resolutionReceiver.resolutionBegan(lookup)
        if (address := _literal(hostName, portNumber)) is not None:
            resolutionReceiver.addressResolved(address)
            resolutionReceiver.resolutionComplete()
            return lookup
        if self._under_way >= MOST_LOOKUPS:
            resolutionReceiver.resolutionComplete()
            return lookup
        try:
            # The start of a Thread waits until it runs, which on a busy machine holds up the reactor.
            start_new_thread(self._look_up, (hostName, portNumber, partial(self._ended, resolutionReceiver)))
        except RuntimeError:  # the limit on threads is reached
            resolutionReceiver.resolutionComplete()
            return lookup
        self._under_way += 1
        return lookup

    def _look_up(self, name: str, port: int, ended: Callable[[list[IAddress]], None]) -> None:
        try:
            found = self._find(name, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = ()
        addresses = [_address(entry) for entry in found]
        self._reactor.callFromThread(ended, [address for address in addresses if address is not None])

    def _ended(self, receiver: IResolutionReceiver, addresses: list[IAddress]) -> None:
        self._under_way -= 1
        for address in addresses:
            receiver.addressResolved(address)
        receiver.resolutionComplete()


def _literal(name: str, port: int) -> IAddress | None:
    """What needs no lookup."""
    if isIPAddress(name):
        return IPv4Address("TCP", name, port)
    return IPv6Address("TCP", name, port) if isIPv6Address(name) else None


def _address(entry: tuple[object, ...]) -> IAddress | None:
    family, place = entry[0], entry[4]
    assert isinstance(place, tuple)
    if family == socket.AF_INET:
        return IPv4Address("TCP", *place)
    if family == socket.AF_INET6:
        return IPv6Address("TCP", *place)
    return None
