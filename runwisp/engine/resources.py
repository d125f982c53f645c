"""What the actors of the engine need from outside, in one value that tests replace part by part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from runwisp.engine.background import Background
from runwisp.engine.disk import DiskGuard
from runwisp.engine.ledger import Ledger
from runwisp.engine.process import ISpawner, Launch
from runwisp.logs.limits import Cut
from runwisp.model import Run, Stream, Unit
from runwisp.units import RunIds

T = TypeVar("T")


class RunLog(Protocol):
    """The log of one run as the engine writes it (see :class:`runwisp.logs.writer.LogWriter`)."""

    @property
    def cut(self) -> Cut | None:
        """Why output is no longer stored, None while it is."""

    def write(self, stream: Stream, data: bytes) -> None: ...

    def end_stream(self, stream: Stream) -> None: ...

    def system(self, text: str) -> None: ...

    def close(self) -> None: ...

    def sync(self) -> None: ...


class InThread(Protocol):
    """Calls a function in a worker thread, like :func:`twisted.internet.threads.deferToThread`."""

    def __call__(self, work: Callable[..., T], /, *args: object) -> Deferred[T]: ...


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
    background: Background
