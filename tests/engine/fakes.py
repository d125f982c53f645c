"""A spawner whose children do what a test tells them, and a log that remembers what it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from signal import SIGKILL, Signals
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, execute
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IAddress, IProcessProtocol
from twisted.internet.stdio import PipeAddress
from twisted.python.failure import Failure
from zope.interface import implementer

from runwisp.engine.family import IFamily
from runwisp.engine.happening import Happening
from runwisp.engine.process import IChild, ISpawner, Launch, StartFailed, Usage
from runwisp.engine.procfs import ProcessInfo
from runwisp.logs.limits import Cut
from runwisp.model import Bytes, Run, Seconds, Stream, Unit

T = TypeVar("T")


@implementer(IFamily)
class FakeFamily:
    """Nobody leaves the group of a fake child, unless a test puts them into ``strays``."""

    def __init__(self) -> None:
        self.strays: list[ProcessInfo] = []
        self.killed: list[ProcessInfo] = []

    def remember(self) -> None: ...

    def survivors(self, now: float, not_before: float) -> Sequence[ProcessInfo]:
        return tuple(self.strays)

    def kill(self, process: ProcessInfo) -> bool:
        self.killed.append(process)
        self.strays.remove(process)
        return True


@implementer(IChild)
class FakeChild:
    """A process that lives until a test, or a signal it does not ignore, ends it."""

    def __init__(self, protocol: IProcessProtocol, launch: Launch, pid: int) -> None:
        self.launch = launch
        self.pid = pid
        self.process_group = pid
        self.started: int | None = 1
        self.family = FakeFamily()
        self.usage: Usage | None = None
        self.signals: list[Signals] = []
        self.ignores: set[Signals] = set()
        self.holders: tuple[int, ...] = ()
        self.is_alive = True
        self.keeps_pipes = False
        self.is_paused = False
        self._protocol = protocol
        self._exited = Happening()
        self._pipes = {1, 2}
        protocol.makeConnection(self)

    # What a test does with it

    def say(self, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        self._protocol.childDataReceived(stream, data)

    def exit(self, code: int = 0) -> None:
        """The process exits; its pipes close too unless ``keeps_pipes``."""
        status = code << 8
        self._end(ProcessDone(status) if code == 0 else ProcessTerminated(code, None, status))

    def die(self, signum: Signals) -> None:
        self._end(ProcessTerminated(None, signum, int(signum)))

    def _end(self, reason: ProcessDone | ProcessTerminated) -> None:
        assert self.is_alive
        self.is_alive = False
        self._reason = reason
        self.usage = Usage(Seconds(0.25), Bytes(4096))
        self._protocol.processExited(Failure(reason))
        self._exited.happen()
        if not self.keeps_pipes:
            self._close(1)
            self._close(2)

    def _close(self, fd: int) -> None:
        if fd in self._pipes:
            self._pipes.discard(fd)
            self._protocol.childConnectionLost(fd)
            if not self._pipes and not self.is_alive:
                self._protocol.processEnded(Failure(self._reason))

    # IChild

    def when_exited(self) -> Deferred[None]:
        return self._exited.when()

    def signal_group(self, signum: int) -> bool:
        if not self.is_alive:
            return False
        self.signals.append(Signals(signum))
        if signum not in self.ignores:
            self.die(Signals(signum))
        return True

    def group_alive(self) -> bool:
        return self.is_alive

    def signalProcess(self, signalID: str | int) -> None:
        self.signal_group(SIGKILL if isinstance(signalID, str) else signalID)

    def pause(self, fd: int) -> None:
        self.is_paused = True

    def resume(self, fd: int) -> None:
        self.is_paused = False

    def pauseProducing(self) -> None:
        self.is_paused = True

    def resumeProducing(self) -> None:
        self.is_paused = False

    def stopProducing(self) -> None:
        self.loseConnection()

    def close_pipes(self) -> tuple[int, ...]:
        self.loseConnection()
        return self.holders

    def loseConnection(self) -> None:
        for fd in tuple(self._pipes):
            self._close(fd)

    def closeChildFD(self, descriptor: int) -> None:
        self._close(descriptor)

    def closeStdin(self) -> None: ...

    def closeStdout(self) -> None:
        self._close(1)

    def closeStderr(self) -> None:
        self._close(2)

    def writeToChild(self, childFD: int, data: bytes) -> None:
        raise KeyError(childFD)

    def write(self, data: bytes) -> None:
        self.writeToChild(0, data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.writeToChild(0, b"".join(data))

    def getHost(self) -> IAddress:
        return PipeAddress()

    def getPeer(self) -> IAddress:
        return PipeAddress()


@implementer(ISpawner)
class FakeSpawner:
    """Remembers its children; ``refusal`` makes every start fail with that reason."""

    def __init__(self) -> None:
        self.children: list[FakeChild] = []
        self.refusal: str | None = None

    def spawn(self, protocol: IProcessProtocol, launch: Launch) -> FakeChild:
        if self.refusal is not None:
            raise StartFailed(self.refusal)
        child = FakeChild(protocol, launch, pid=1000 + len(self.children))
        self.children.append(child)
        return child

    @property
    def alive(self) -> list[FakeChild]:
        return [child for child in self.children if child.is_alive]

    def of(self, run: Run) -> FakeChild:
        """The child that was started for ``run``."""
        return next(child for child in self.children if child.launch.env["RUNWISP_RUN_ID"] == run.id)


@define
class MemoryLog:
    """A run's log in memory; ``limit`` bytes of output make it overflow, unless the disk is full before."""

    limit: int | None = None
    lines: list[tuple[Stream, bytes]] = field(factory=list)
    notes: list[str] = field(factory=list)
    ended: set[Stream] = field(factory=set)
    is_closed: bool = False
    is_synced: bool = False
    is_disk_full: bool = False

    @property
    def cut(self) -> Cut | None:
        if self.is_disk_full:
            return Cut.NO_SPACE
        overflows = self.limit is not None and sum(len(data) for _, data in self.lines) > self.limit
        return Cut.OVERFLOW if overflows else None

    def write(self, stream: Stream, data: bytes) -> None:
        assert not self.is_closed
        self.lines.append((stream, data))

    def end_stream(self, stream: Stream) -> None:
        self.ended.add(stream)

    def system(self, text: str) -> None:
        assert not self.is_closed
        self.notes.append(text)

    def close(self) -> None:
        self.is_closed = True

    def sync(self) -> None:
        assert self.is_closed
        self.is_synced = True


def prepare(unit: Unit, run: Run) -> Launch:
    return Launch(argv=("sh", "-c", unit.run), env={"RUNWISP_RUN_ID": run.id})


def in_this_thread(work: Callable[..., T], /, *args: object) -> Deferred[T]:
    """In place of a worker thread."""
    return execute(work, *args)
