"""What the actors of the engine need from outside, in one value that tests replace part by part."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from runwisp.engine.background import Background
from runwisp.engine.disk import DiskGuard
from runwisp.engine.ledger import Ledger
from runwisp.engine.process import ISpawner, Launch
from runwisp.engine.seams import InThread, RunLog
from runwisp.engine.syncing import Syncer
from runwisp.model import Run, Unit
from runwisp.units import RunIds


@frozen(kw_only=True)
class Resources:
    """Clock, storage, processes and logs, as the actors see them.

    ``clock`` is monotonic; ``wall`` is read only to stamp rows and to choose schedule slots.
    """

    clock: IReactorTime
    wall: Callable[[], float]
    ids: RunIds
    ledger: Ledger
    spawner: ISpawner
    prepare: Callable[[Unit, Run], Launch]
    open_log: Callable[[Unit, Run], RunLog]
    disk: DiskGuard
    in_thread: InThread
    syncer: Syncer
    background: Background
