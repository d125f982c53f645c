"""What the engine asks of others, as shapes: the log of a run, and a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred

from runwisp.logs.limits import Cut
from runwisp.model import Stream

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
