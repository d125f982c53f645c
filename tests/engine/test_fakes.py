from __future__ import annotations

from twisted.internet.protocol import ProcessProtocol
from zope.interface.verify import verifyObject

from runwisp.engine.family import IFamily
from runwisp.engine.process import IChild, ISpawner, Launch
from tests.engine.fakes import FakeChild, FakeSpawner


def test_the_fakes_are_what_they_stand_for() -> None:
    child = FakeChild(ProcessProtocol(), Launch(("true",), {}), 1)
    assert verifyObject(IChild, child)
    assert verifyObject(IFamily, child.family)
    assert verifyObject(ISpawner, FakeSpawner())
