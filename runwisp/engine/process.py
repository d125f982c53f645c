"""Starts child processes, reads their pipes and learns of their exits.

This is the only place that creates a process or waits for one. ``reactor.spawnProcess`` is not used: it
cannot start a session, becomes slow with a working directory or many descriptors, and polls every child at
each exit. What to run is decided in :mod:`runwisp.engine.launch`, when to stop it in
:mod:`runwisp.engine.ladder`.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import TypeAlias, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IAddress, IDelayedCall, IProcessProtocol, IProcessTransport
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.process import reapProcessHandlers
from twisted.internet.stdio import PipeAddress
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface, implementer

from runwisp.engine import procfs
from runwisp.engine.descriptors import ExitWatch, Pipe
from runwisp.engine.environment import RUN_ID
from runwisp.engine.family import Family, IFamily, ProcessTable
from runwisp.engine.happening import Happening
from runwisp.errors import RunWispError
from runwisp.model import Bytes, Seconds

STDOUT, STDERR = 1, 2

T = TypeVar("T")


class StartFailed(RunWispError):
    """A process could not be started; ``reason`` is a sentence that names what is in the way."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@frozen
class Launch:
    """Everything about a process before it exists.

    None means: as the daemon's. ``env`` is complete, nothing is added to it. ``stdin`` is an open descriptor
    that the process reads from; without one it finds nothing there.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str | None = None
    umask: int | None = None
    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] | None = None
    stdin: int | None = None


@frozen
class Usage:
    """What a process and the children it waited for have used (spec: runtime, resource usage of a run).

    ``peak_memory`` is None when the kernel's figure is not above our own: until its exec a child
    shares our memory, and that counts as its peak.
    """

    cpu_time: Seconds
    peak_memory: Bytes | None


class IChild(IProcessTransport):
    """A started process, leader of its own session and process group.

    All methods are called in the reactor's thread. The protocol hears of the exit (``processExited``) and of
    the time when the pipes are closed too (``processEnded``); the reason is ProcessDone or ProcessTerminated.
    """

    launch: Launch = Attribute("With what it was started.")
    pid: int = Attribute("Process id; it stays after the exit.")
    process_group: int = Attribute("Group and session id, equal to the pid.")
    started: int | None = Attribute(
        "The kernel's start time in clock ticks since boot; None if nobody asked before the exit."
    )
    family: IFamily = Attribute("What comes from it.")
    usage: Usage | None = Attribute("What it used; None before the exit.")

    def when_exited() -> Deferred[None]:
        """Fires right after ``processExited``, at once if that has been; it may be cancelled."""

    def signal_group(signum: int) -> bool:
        """Send a signal to every process of the group; False if no process was there to receive it."""

    def group_alive() -> bool:
        """Whether the process, or after its exit another one of its group, still runs (zombies do not)."""

    def pause(fd: int) -> None:
        """Stop reading pipe ``fd`` (1 or 2): the child blocks when it is full."""

    def resume(fd: int) -> None:
        """Read pipe ``fd`` again; nothing happens if it is closed."""

    def pauseProducing() -> None:
        """Stop reading both pipes."""

    def resumeProducing() -> None:
        """Read both pipes again."""

    def close_pipes() -> tuple[int, ...]:
        """Close both pipes in the next turn; nothing more is read from them.

        :return: the pids of processes that still hold one, as far as we may look
        """


class ISpawner(Interface):
    """Starts processes."""

    def spawn(protocol: IProcessProtocol, launch: Launch) -> IChild:
        """Start a process and connect it with ``protocol``.

        The call blocks until the program is executed, usually less than a millisecond.

        :raises StartFailed: if there is no such program or directory, or the system is out of resources; then
            nothing is left behind and ``protocol`` was not touched
        """


#: :func:`os.pidfd_open`.
OpenPidFd: TypeAlias = Callable[[int], int]
#: How often a child without a pidfd is looked at, should nobody hear SIGCHLD.
EXIT_POLL_S = 0.25


def _find_pidfd() -> OpenPidFd | None:
    """The call that opens a pidfd; None if the platform, the kernel or a filter of calls does not have it."""
    open_pidfd: OpenPidFd | None = getattr(os, "pidfd_open", None)
    if open_pidfd is not None:
        try:
            os.close(open_pidfd(os.getpid()))
        except OSError:
            return None
    return open_pidfd


OPEN_PIDFD = _find_pidfd()


@implementer(ISpawner)
class Spawner:
    """The real thing. ``open_pidfd`` None forces the way by SIGCHLD.

    Children get the limits on descriptors that hold when it is made.
    """

    def __init__(self, reactor: PosixReactorBase, open_pidfd: OpenPidFd | None = OPEN_PIDFD) -> None:
        self._reactor = reactor
        self._open_pidfd = open_pidfd
        self._table = ProcessTable(RUN_ID)
        self._descriptor_limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        handle_ignored_signals()

    def spawn(self, protocol: IProcessProtocol, launch: Launch) -> Child:
        ours: list[int] = []
        theirs: list[int] = []
        try:
            for _ in (STDOUT, STDERR):
                read_end, write_end = os.pipe()
                ours.append(read_end)
                theirs.append(write_end)
            pid = _start(launch, *theirs)
        except (OSError, ValueError, OverflowError, subprocess.SubprocessError) as error:
            for fd in ours:
                os.close(fd)
            raise StartFailed(_why_not_started(launch, error)) from error
        finally:
            for fd in theirs:
                os.close(fd)
        self._restore_descriptor_limits(pid)
        child = Child(self._reactor, protocol, launch, pid, self._table)
        child.connect(ours, self._open_pidfd)
        return child

    def _restore_descriptor_limits(self, pid: int) -> None:
        """The daemon raises its limit for itself: select() in a child could not take such high numbers."""
        if sys.platform == "linux":
            with suppress(OSError):  # it is over already
                resource.prlimit(pid, resource.RLIMIT_NOFILE, self._descriptor_limits)


def handle_ignored_signals() -> None:
    """Give every signal that we ignore a handler which does nothing.

    An ignored signal stays ignored across exec, a handled one is reset to its default: so the children of a
    daemon that was started by ``nohup`` can be stopped by SIGHUP. Popen itself restores what Python ignores.
    """
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _start(launch: Launch, stdout: int, stderr: int) -> int:
    popen = subprocess.Popen(
        launch.argv,
        env=launch.env,
        cwd=launch.cwd,
        umask=-1 if launch.umask is None else launch.umask,
        user=launch.uid,
        group=launch.gid,
        extra_groups=launch.groups,
        stdin=subprocess.DEVNULL if launch.stdin is None else launch.stdin,
        stdout=stdout,
        stderr=stderr,
        close_fds=True,
        start_new_session=True,
    )
    # Whoever knows an exit code does not wait for one: waiting is the business of Child.
    popen.returncode = 0
    return popen.pid


def _why_not_started(launch: Launch, error: Exception) -> str:
    if not isinstance(error, OSError) or error.errno is None:
        return f"cannot start {launch.argv[0]}: {error}"
    what = os.strerror(error.errno)
    if error.filename == launch.argv[0]:
        return f"cannot start {launch.argv[0]}: {what}"
    if launch.uid is not None and error.errno in (errno.EPERM, errno.EINVAL):
        # Popen blames the working directory for all that fails before the exec, but chdir has other errors.
        return f"cannot switch to user id {launch.uid}: {what}"
    if error.filename is not None and error.filename == launch.cwd:
        return f"cannot use the working directory {launch.cwd}: {what}"
    return f"cannot start a process: {what}"


@implementer(IChild)
class Child:
    """A process started by :class:`Spawner`."""

    log = Logger()

    def __init__(
        self,
        reactor: PosixReactorBase,
        protocol: IProcessProtocol,
        launch: Launch,
        pid: int,
        table: ProcessTable,
    ) -> None:
        self.launch = launch
        self.pid = pid
        self.process_group = pid
        self.family = Family(table, pid, lambda: self.started, launch.env.get(RUN_ID))
        self.usage: Usage | None = None
        self._reactor = reactor
        self._protocol = protocol
        self._pipes: dict[int, Pipe] = {}
        self._exit: ProcessDone | ProcessTerminated | None = None
        self._exited = Happening()
        self._exit_poll: IDelayedCall | None = None
        self._group_is_gone = False

    @cached_property
    def started(self) -> int | None:
        # Looked up when somebody asks: most runs are over before.
        info = procfs.read_process(self.pid) if self._exit is None else None
        return None if info is None else info.started

    def connect(self, read_ends: Sequence[int], open_pidfd: OpenPidFd | None) -> None:
        """Begin to watch: the pipes of stdout and stderr, and the exit."""
        for child_fd, fd in zip((STDOUT, STDERR), read_ends, strict=True):
            self._pipes[child_fd] = Pipe(
                self._reactor,
                fd,
                partial(self._protocol.childDataReceived, child_fd),
                partial(self._pipe_closed, child_fd),
            )
        self._tell(self._protocol.makeConnection, self)
        try:
            if open_pidfd is None:
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            ExitWatch(self._reactor, open_pidfd(self.pid), self.reap)
        except OSError:
            # No pidfd from this kernel, or no descriptor left: the reactor calls reapProcess at each SIGCHLD.
            reapProcessHandlers[self.pid] = self  # type: ignore[assignment]  # asked for reapProcess alone
            self._exit_poll = self._reactor.callLater(0, self._look_for_exit)

    def when_exited(self) -> Deferred[None]:
        return self._exited.when()

    # Signals

    def signalProcess(self, signalID: str | int) -> None:
        if self._exit is not None:
            raise ProcessExitedAlready
        number = signal.Signals["SIG" + signalID] if isinstance(signalID, str) else signalID
        os.kill(self.pid, number)

    def signal_group(self, signum: int) -> bool:
        if self._group_is_gone:
            return False
        try:
            os.killpg(self.process_group, signum)
        except ProcessLookupError:
            # The id is free now and may come back as somebody else's group.
            self._group_is_gone = True
            return False
        except PermissionError:
            return False
        return True

    def group_alive(self) -> bool:
        if self._exit is None:
            return True
        self.signal_group(0)
        return not self._group_is_gone and any(
            process.group == self.process_group and not process.is_zombie
            for process in procfs.all_processes()
        )

    # Pipes

    def pause(self, fd: int) -> None:
        if fd in self._pipes:
            self._pipes[fd].pause()

    def resume(self, fd: int) -> None:
        if fd in self._pipes:
            self._pipes[fd].resume()

    def pauseProducing(self) -> None:
        for fd in self._pipes:
            self.pause(fd)

    def resumeProducing(self) -> None:
        for fd in self._pipes:
            self.resume(fd)

    def stopProducing(self) -> None:
        self.loseConnection()

    def close_pipes(self) -> tuple[int, ...]:
        inodes = {os.fstat(pipe.fileno()).st_ino for pipe in self._pipes.values()}
        self.loseConnection()
        return procfs.holders_of_pipes(inodes) if inodes else ()

    def loseConnection(self) -> None:
        for pipe in self._pipes.values():
            pipe.close_soon()

    def closeChildFD(self, descriptor: int) -> None:
        if descriptor in self._pipes:
            self._pipes[descriptor].close_soon()

    def closeStdin(self) -> None:
        """There is none."""

    def closeStdout(self) -> None:
        self.closeChildFD(STDOUT)

    def closeStderr(self) -> None:
        self.closeChildFD(STDERR)

    def writeToChild(self, childFD: int, data: bytes) -> None:
        raise KeyError(childFD)

    def write(self, data: bytes) -> None:
        self.writeToChild(0, data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def getHost(self) -> IAddress:
        return PipeAddress()

    def getPeer(self) -> IAddress:
        return PipeAddress()

    def _pipe_closed(self, child_fd: int) -> None:
        del self._pipes[child_fd]
        self._tell(self._protocol.childConnectionLost, child_fd)
        self._end_if_quiet()

    # Exit

    def reapProcess(self) -> None:
        """Called by the reactor at SIGCHLD, where there is no pidfd."""
        if self._exit is None and self.reap():
            del reapProcessHandlers[self.pid]
            if self._exit_poll is not None and self._exit_poll.active():
                self._exit_poll.cancel()

    def _look_for_exit(self) -> None:
        self.reapProcess()
        if self._exit is None:
            self._exit_poll = self._reactor.callLater(EXIT_POLL_S, self._look_for_exit)

    def reap(self) -> bool:
        """Take the exit status if the process is gone; False if it still runs."""
        pid, status, used = os.wait4(self.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.usage = _usage(used)
        self._exit = _exit_reason(status)
        self.signal_group(0)
        self._tell(self._protocol.processExited, Failure(self._exit))
        self._exited.happen()
        self._end_if_quiet()
        return True

    def _end_if_quiet(self) -> None:
        if self._exit is not None and not self._pipes:
            self._tell(self._protocol.processEnded, Failure(self._exit))

    def _tell(self, what: Callable[[T], object], news: T) -> None:
        """Call the protocol; what fails there must not fail here."""
        try:
            what(news)
        except Exception:
            self.log.failure("the protocol of process {pid} failed", pid=self.pid)


class _OwnPeak:
    """Our own peak of memory, in the kernel's unit. It only rises, so an old value spares most questions."""

    def __init__(self) -> None:
        self._known = 0

    def is_below(self, peak: int) -> bool:
        if peak > self._known:
            self._known = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak > self._known


_own_peak = _OwnPeak()


def _usage(used: resource.struct_rusage) -> Usage:
    # Kilobytes, as everywhere but on macOS.
    peak = Bytes(used.ru_maxrss * 1024) if _own_peak.is_below(used.ru_maxrss) else None
    return Usage(Seconds(used.ru_utime + used.ru_stime), peak)


def _exit_reason(status: int) -> ProcessDone | ProcessTerminated:
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return ProcessDone(status)
    return ProcessTerminated(code, None, status) if code > 0 else ProcessTerminated(None, -code, status)
