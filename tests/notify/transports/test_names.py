from __future__ import annotations

import socket
import threading
from collections.abc import Sequence

import pytest
from attrs import define, field
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from twisted.internet.posixbase import PosixReactorBase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from runwisp.notify.transports.names import MOST_LOOKUPS, Names

_DEADLINE_S = 30.0


@implementer(IResolutionReceiver)
@define(eq=False)
class Receiver:
    """Fires ``done`` with what was found."""

    found: list[IAddress] = field(factory=list)
    done: Deferred[list[IAddress]] = field(factory=Deferred)

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        assert verifyObject(IHostResolution, resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:
        self.found.append(address)

    def resolutionComplete(self) -> None:
        self.done.callback(self.found)


async def look_up(names: Names, name: str) -> list[IAddress]:
    receiver = Receiver()
    names.resolveHostName(receiver, name, 25)
    return await receiver.done


async def test_addresses_of_both_kinds_come_in_their_order(reactor: PosixReactorBase) -> None:
    def find(name: str, port: int, *_: object) -> Sequence[tuple[object, ...]]:
        return [
            (socket.AF_INET6, 1, 6, "", ("2001:db8::1", port, 0, 0)),
            (socket.AF_UNIX, 1, 0, "", ("/run/x",)),
            (socket.AF_INET, 1, 6, "", ("192.0.2.7", port)),
        ]

    names = Names(reactor, find)
    assert verifyObject(IHostnameResolver, names)
    assert await look_up(names, "mail.example.net") == [
        IPv6Address("TCP", "2001:db8::1", 25),
        IPv4Address("TCP", "192.0.2.7", 25),
    ]


async def test_the_system_knows_our_own_name(reactor: PosixReactorBase) -> None:
    found = await look_up(Names(reactor), "localhost")
    assert IPv4Address("TCP", "127.0.0.1", 25) in found


async def test_what_cannot_be_a_name_is_not_found(reactor: PosixReactorBase) -> None:
    for name in ("x" * 64, "a..b", "\udcff"):
        assert await look_up(Names(reactor), name) == []


async def test_lookups_that_never_end_leave_room_for_a_few_others(reactor: PosixReactorBase) -> None:
    end = threading.Event()

    def find(name: str, *_: object) -> Sequence[tuple[object, ...]]:
        if name == "stuck":
            end.wait(_DEADLINE_S)
        return [(socket.AF_INET, 1, 6, "", ("192.0.2.7", 25))]

    names = Names(reactor, find)
    stuck = [Receiver() for _ in range(MOST_LOOKUPS)]
    for receiver in stuck[1:]:
        names.resolveHostName(receiver, "stuck", 25)
    assert await look_up(names, "good") != []
    names.resolveHostName(stuck[0], "stuck", 25)
    assert await look_up(names, "good") == []
    end.set()
    for receiver in stuck:
        await receiver.done
    assert await look_up(names, "good") != []


async def test_without_a_thread_nothing_is_found(
    reactor: PosixReactorBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    names = Names(reactor)
    monkeypatch.setattr("runwisp.notify.transports.names.start_new_thread", refuse)
    assert await look_up(names, "localhost") == []
    # What is no name is not looked up.
    assert await look_up(names, "192.0.2.7") == [IPv4Address("TCP", "192.0.2.7", 25)]
    assert await look_up(names, "2001:db8::1") == [IPv6Address("TCP", "2001:db8::1", 25)]
