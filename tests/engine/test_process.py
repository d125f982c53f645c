"""Real children on the real reactor."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import sys
import termios
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from runwisp.engine import procfs
from runwisp.engine.family import IFamily
from runwisp.engine.happening import Happening
from runwisp.engine.process import Child, IChild, ISpawner, Launch, OpenPidFd, Spawner, StartFailed
from tests.waiting import wait_for, within

NOBODY = 65534
PATH = {"PATH": "/usr/bin:/bin"}


class Recorder(ProcessProtocol):
    """Writes down what it is told, in order; output only if ``keeps_output``."""

    transport: Child

    def __init__(self, keeps_output: bool = True) -> None:
        self.keeps_output = keeps_output
        self.events: list[str] = []
        self.output = {1: bytearray(), 2: bytearray()}
        self.counts = {1: 0, 2: 0}
        self.biggest = 0
        self.reason: ProcessDone | ProcessTerminated | None = None
        self.exited, self.ended = Happening(), Happening()

    def connectionMade(self) -> None:
        self.events.append("made")

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self.counts[childFD] += len(data)
        self.biggest = max(self.biggest, len(data))
        if self.keeps_output:
            self.output[childFD] += data

    def childConnectionLost(self, childFD: int) -> None:
        self.events.append(f"lost {childFD}")

    def processExited(self, reason: Failure) -> None:
        self.events.append("exited")
        assert isinstance(reason.value, ProcessDone | ProcessTerminated)
        self.reason = reason.value
        self.exited.happen()

    def processEnded(self, reason: Failure) -> None:
        self.events.append("ended")
        self.ended.happen()

    @property
    def exit_code(self) -> int | None:
        assert self.reason is not None
        return self.reason.exitCode


class Children:
    """Starts children for a test and sees to it that none survives it."""

    def __init__(self, reactor: PosixReactorBase, spawner: Spawner) -> None:
        self.reactor = reactor
        self.spawner = spawner

    def start(
        self,
        script: str,
        *,
        env: Mapping[str, str] = PATH,
        keeps_output: bool = True,
        cwd: str | None = None,
        umask: int | None = None,
    ) -> Recorder:
        recorder = Recorder(keeps_output)
        self.spawner.spawn(recorder, Launch(("/bin/sh", "-c", script), env, cwd=cwd, umask=umask))
        return recorder

    async def run(
        self,
        script: str,
        *,
        env: Mapping[str, str] = PATH,
        keeps_output: bool = True,
        cwd: str | None = None,
        umask: int | None = None,
    ) -> Recorder:
        """Start ``script`` and return its recorder when all is over."""
        recorder = self.start(script, env=env, keeps_output=keeps_output, cwd=cwd, umask=umask)
        await self.ended(recorder)
        return recorder

    async def ended(self, recorder: Recorder) -> None:
        await within(self.reactor, recorder.ended.when())

    async def said(self, recorder: Recorder, text: bytes) -> None:
        """Return when ``text`` was printed."""
        await wait_for(self.reactor, lambda: text in recorder.output[1])


def no_pidfd(pid: int) -> int:
    raise OSError(38, "Function not implemented")


@pytest.fixture(params=["pidfd", "no such call", "refused by the kernel"])
def children(request: pytest.FixtureRequest, reactor: PosixReactorBase) -> Children:
    """Each test runs with every way to learn of an exit."""
    ways: dict[str, OpenPidFd | None] = {
        "pidfd": os.pidfd_open,
        "no such call": None,
        "refused by the kernel": no_pidfd,
    }
    return Children(reactor, Spawner(reactor, ways[request.param]))


@pytest.fixture(autouse=True)
def no_descriptor_leaks(reactor: PosixReactorBase) -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    # The test may have gone on in the middle of the turn in which the last descriptor is closed.
    pytest_twisted.blockon(deferLater(reactor, 0))
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_child_prints_and_exits(children: Children) -> None:
    child = await children.run("echo out; echo err >&2")
    assert child.output == {1: b"out\n", 2: b"err\n"}
    assert isinstance(child.reason, ProcessDone)
    assert child.events[0] == "made"
    assert child.events[-1] == "ended"
    assert sorted(child.events[1:-1]) == ["exited", "lost 1", "lost 2"]


async def test_interfaces_are_honoured(children: Children) -> None:
    child = children.start("read x")
    assert verifyObject(ISpawner, children.spawner)
    assert verifyObject(IChild, child.transport)
    assert verifyObject(IProcessTransport, child.transport)
    assert verifyObject(IFamily, child.transport.family)
    await children.ended(child)


@pytest.mark.parametrize("code", [1, 2, 127, 255])
async def test_an_exit_code_is_reported(children: Children, code: int) -> None:
    child = await children.run(f"exit {code}")
    assert child.exit_code == code
    assert child.reason is not None
    assert child.reason.signal is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGHUP])
async def test_death_by_a_signal_is_reported(children: Children, number: signal.Signals) -> None:
    child = await children.run(f"ulimit -c 0; kill -{int(number)} $$")
    assert child.exit_code is None
    assert child.reason is not None
    assert child.reason.signal == number


async def test_the_exit_is_told_while_a_grandchild_holds_the_pipes(children: Children) -> None:
    child = children.start("sleep 1000 & echo $!; exit 3")
    await within(children.reactor, child.exited.when())
    assert child.exit_code == 3
    await children.said(child, b"\n")
    grandchild = int(child.output[1])
    assert "ended" not in child.events
    assert child.transport.group_alive()

    assert child.transport.close_pipes() == (grandchild,)
    await children.ended(child)
    assert child.events[-3:] == ["lost 1", "lost 2", "ended"]
    assert child.transport.close_pipes() == ()

    assert child.transport.signal_group(signal.SIGKILL)
    await wait_for(children.reactor, lambda: not child.transport.group_alive())


async def test_output_of_a_grandchild_after_the_exit_is_read(children: Children) -> None:
    child = await children.run("(while kill -0 $$ 2>/dev/null; do :; done; echo late) & exit 4")
    assert child.exit_code == 4
    assert child.output[1] == b"late\n"


async def test_a_signal_goes_to_the_whole_group(children: Children) -> None:
    child = children.start("sleep 1000 & sleep 1000 & echo ready; wait")
    await children.said(child, b"ready")
    assert child.transport.signal_group(signal.SIGTERM)
    await children.ended(child)
    assert child.reason is not None
    assert child.reason.signal == signal.SIGTERM
    await wait_for(children.reactor, lambda: not child.transport.group_alive())


async def test_a_child_that_ignores_sigterm_dies_of_sigkill(children: Children) -> None:
    child = children.start("trap '' TERM; echo ready; while :; do sleep 1000; done")
    await children.said(child, b"ready")
    child.transport.signal_group(signal.SIGTERM)
    child.transport.signalProcess("TERM")
    assert child.transport.group_alive()
    child.transport.signal_group(signal.SIGKILL)
    await children.ended(child)
    assert child.reason is not None
    assert child.reason.signal == signal.SIGKILL


async def test_after_the_exit_there_is_nobody_to_signal(children: Children) -> None:
    child = await children.run("exit 0")
    assert not child.transport.group_alive()
    assert not child.transport.signal_group(signal.SIGKILL)
    with pytest.raises(ProcessExitedAlready):
        child.transport.signalProcess("KILL")


async def test_waiting_for_the_exit_works_before_and_after_it(children: Children) -> None:
    child = children.start("exec 1>&- 2>&-; exec sleep 1000")
    waiting: Deferred[None] = child.transport.when_exited()
    lost_interest: Deferred[None] = child.transport.when_exited()
    lost_interest.addErrback(lambda failure: failure.trap(CancelledError) and None)
    lost_interest.cancel()
    await wait_for(children.reactor, lambda: "lost 2" in child.events)
    assert child.transport.usage is None
    child.transport.signalProcess(signal.SIGKILL)
    await within(children.reactor, waiting)
    assert child.events[-1] == "exited"
    assert child.transport.when_exited().called
    await children.ended(child)


@pytest.mark.parametrize("fd", [1, 2])
async def test_a_hundred_megabytes_arrive_in_full(reactor: PosixReactorBase, fd: int) -> None:
    children = Children(reactor, Spawner(reactor))
    child = await children.run(f"head -c 104857600 /dev/zero >&{fd}", keeps_output=False)
    assert child.counts[fd] == 104857600
    assert child.biggest <= 65536


async def test_output_is_passed_on_byte_by_byte(children: Children) -> None:
    child = await children.run(r"printf 'a\000b\377\xfe\303'; printf '\r\n\000' >&2")
    assert bytes(child.output[1]).startswith(b"a\x00b\xff")
    assert bytes(child.output[1]).endswith(b"\xc3")
    assert child.output[2] == b"\r\n\x00"


async def test_a_paused_pipe_blocks_the_child_and_the_other_pipe_goes_on(children: Children) -> None:
    child = children.start("head -c 1000000 /dev/zero; echo written >&2")
    child.transport.pause(1)
    other = children.start("head -c 1000000 /dev/zero >&2; echo written")
    other.transport.pause(2)
    await wait_for(children.reactor, lambda: is_full(child.transport, 1))
    await wait_for(children.reactor, lambda: is_full(other.transport, 2))
    assert child.output == {1: b"", 2: b""}
    assert other.output == {1: b"", 2: b""}

    child.transport.resume(1)
    other.transport.resume(2)
    await children.ended(child)
    await children.ended(other)
    assert child.counts == {1: 1000000, 2: 8}
    assert other.counts == {1: 8, 2: 1000000}


def is_full(child: Child, fd: int) -> bool:
    """Whether the pipe behind descriptor ``fd`` of ``child`` takes no more, so that its writer waits."""
    end = os.open(f"/proc/{child.pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)
    try:
        waiting = fcntl.ioctl(end, termios.FIONREAD, bytes(4))
        return int.from_bytes(waiting, sys.byteorder) == fcntl.fcntl(end, fcntl.F_GETPIPE_SZ)
    finally:
        os.close(end)


async def test_both_pipes_pause_together(children: Children) -> None:
    child = children.start("echo out; echo err >&2; echo $$ > /dev/null")
    child.transport.pauseProducing()
    child.transport.pauseProducing()
    await within(children.reactor, child.exited.when())
    assert child.output == {1: b"", 2: b""}
    child.transport.resumeProducing()
    child.transport.resumeProducing()
    await children.ended(child)
    assert child.output == {1: b"out\n", 2: b"err\n"}
    child.transport.pause(1)
    child.transport.resume(1)


async def test_pipes_close_one_by_one_and_resuming_does_not_open_them(children: Children) -> None:
    child = children.start("trap '' PIPE; read x < /dev/null; sleep 1000")
    child.transport.closeStdout()
    child.transport.resume(1)
    await wait_for(children.reactor, lambda: "lost 1" in child.events)
    child.transport.closeStdin()
    child.transport.closeStderr()
    child.transport.stopProducing()
    await wait_for(children.reactor, lambda: "lost 2" in child.events)
    assert child.events.count("lost 1") == child.events.count("lost 2") == 1
    child.transport.signal_group(signal.SIGKILL)
    await children.ended(child)


async def test_stdin_is_empty_and_not_for_writing(children: Children) -> None:
    child = children.start("cat; readlink /proc/self/fd/0")
    for write in (child.transport.write, lambda data: child.transport.writeToChild(0, data)):
        with pytest.raises(KeyError):
            write(b"x")
    with pytest.raises(KeyError):
        child.transport.writeSequence([b"x"])
    await children.ended(child)
    assert child.output[1] == b"/dev/null\n"


async def test_the_environment_is_exactly_what_was_given(children: Children) -> None:
    env = {"PATH": "/usr/bin:/bin", "EMPTY": "", "UMLAUT": "häß", "LINES": "a\nb=c"}
    child = await children.run("exec cat /proc/self/environ", env=env)
    entries = dict(entry.split(b"=", 1) for entry in bytes(child.output[1]).split(b"\0") if entry)
    entries.pop(b"PWD", None)
    assert entries == {name.encode(): value.encode() for name, value in env.items()}


async def test_a_child_leads_a_session_of_its_own(children: Children) -> None:
    child = children.start("echo ready; read x < /dev/null; exec sleep 1000")
    info = procfs.read_process(child.transport.pid)
    assert info is not None
    assert info.pid == info.group == info.session == child.transport.process_group
    assert info.started == child.transport.started
    assert info.parent == os.getpid()
    child.transport.signal_group(signal.SIGKILL)
    await children.ended(child)


async def test_a_child_inherits_nothing_but_its_three_descriptors(children: Children) -> None:
    inheritable = os.open("/dev/zero", os.O_RDONLY)
    os.set_inheritable(inheritable, True)
    first = children.start("sleep 1000")
    child = await children.run("exec ls /proc/self/fd")
    os.close(inheritable)
    first.transport.signal_group(signal.SIGKILL)
    await children.ended(first)
    # ls itself opens the directory that it lists.
    assert child.output[1].split() == [b"0", b"1", b"2", b"3"]


async def test_signals_have_their_defaults_in_a_child_even_if_we_ignore_them(
    reactor: PosixReactorBase,
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        children = Children(reactor, Spawner(reactor))
        child = await children.run("exec grep -E 'Sig(Ign|Blk)' /proc/self/status")
    finally:
        signal.signal(signal.SIGHUP, before)
    # 32 and 33 are glibc's own: its posix_spawn, with which make starts us, leaves them ignored.
    masks = [int(line.split()[1], 16) & ~(0b11 << 31) for line in child.output[1].splitlines()]
    assert masks == [0, 0]


def real_path(path: Path) -> Path:
    return path.resolve()


async def test_directory_and_umask_are_set(children: Children, tmp_path: Path) -> None:
    child = await children.run("pwd -P; umask; touch made", cwd=str(tmp_path), umask=0o137)
    assert child.output[1] == f"{real_path(tmp_path)}\n0137\n".encode()
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o640


async def test_without_directory_and_umask_they_are_ours(children: Children) -> None:
    umask = os.umask(0o026)
    try:
        child = await children.run("pwd -P; umask")
    finally:
        os.umask(umask)
    assert child.output[1] == f"{real_path(Path.cwd())}\n0026\n".encode()


@pytest.mark.parametrize(
    ("launch", "sentence"),
    [
        (Launch(("/nowhere/sh",), {}), "cannot start /nowhere/sh: No such file or directory"),
        (Launch(("/nowhere/sh",), {}, cwd="/"), "cannot start /nowhere/sh: No such file or directory"),
        (Launch(("/etc/passwd",), {}), "cannot start /etc/passwd: Permission denied"),
        (
            Launch(("/bin/true",), {}, cwd="/nowhere"),
            "cannot use the working directory /nowhere: No such file or directory",
        ),
        (
            Launch(("/bin/true",), {}, cwd="/etc/passwd"),
            "cannot use the working directory /etc/passwd: Not a directory",
        ),
        (Launch(("/bin/true", "a\0b"), {}), "cannot start /bin/true: embedded null byte"),
        (
            Launch(("/bin/true", "x" * 10_000_000), {}),
            "cannot start /bin/true: Argument list too long",
        ),
    ],
)
def test_a_failed_start_names_what_is_in_the_way(
    reactor: PosixReactorBase, launch: Launch, sentence: str
) -> None:
    recorder = Recorder()
    with pytest.raises(StartFailed) as caught:
        Spawner(reactor).spawn(recorder, launch)
    assert caught.value.reason == str(caught.value) == sentence
    assert recorder.events == []


def test_too_few_descriptors_are_a_failed_start(reactor: PosixReactorBase) -> None:
    spawner = Spawner(reactor)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    for spare in range(5):
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + spare, limits[1]))
        try:
            with pytest.raises(StartFailed, match="cannot start a process: Too many open files"):
                spawner.spawn(Recorder(), Launch(("/bin/true",), {}))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_a_limit_that_we_raise_for_ourselves_is_not_for_children(children: Children) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    spawner = Children(children.reactor, Spawner(children.reactor))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft + 1, hard) if soft < hard else (soft - 1, hard))
    try:
        # It may have begun before it gets the limit.
        child = await spawner.run(f'until [ "$(ulimit -Sn)" = {soft} ]; do :; done; echo {soft}')
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert child.output[1] == b"%d\n" % soft


async def test_a_process_runs_as_another_user_or_is_refused(children: Children) -> None:
    script = "id -u; id -g; id -G"
    launch = Launch(("/bin/sh", "-c", script), PATH, cwd="/", uid=NOBODY, gid=NOBODY, groups=(NOBODY, 12))
    recorder = Recorder()
    if os.geteuid() == 0:
        children.spawner.spawn(recorder, launch)
        await children.ended(recorder)
        assert recorder.output[1] == f"{NOBODY}\n{NOBODY}\n{NOBODY} 12\n".encode()
        os.seteuid(NOBODY)
    try:
        with pytest.raises(StartFailed, match=f"cannot switch to user id {NOBODY}: Operation not permitted"):
            children.spawner.spawn(recorder, launch)
    finally:
        os.seteuid(os.getuid())


def test_an_impossible_account_is_a_failed_start(reactor: PosixReactorBase) -> None:
    launch = Launch(("/bin/true",), PATH, uid=2**40, gid=NOBODY, groups=())
    with pytest.raises(StartFailed, match="cannot start /bin/true: uid is"):
        Spawner(reactor).spawn(Recorder(), launch)


async def test_fifty_children_live_at_once(children: Children) -> None:
    recorders = [children.start(f"echo {n}; exit {n}") for n in range(50)]
    await within(children.reactor, gatherResults([recorder.ended.when() for recorder in recorders]))
    assert [recorder.output[1] for recorder in recorders] == [f"{n}\n".encode() for n in range(50)]
    assert [recorder.exit_code or 0 for recorder in recorders] == list(range(50))
    assert len({recorder.transport.pid for recorder in recorders}) == 50


async def test_no_zombie_remains(children: Children) -> None:
    child = await children.run("exit 0")
    assert procfs.read_process(child.transport.pid) is None


async def test_usage_is_known_after_the_exit(children: Children) -> None:
    # A peak is known only if it is above ours, and ours depends on the tests before this one.
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 100_000_000
    child = await children.run(f"exec dd if=/dev/zero of=/dev/null bs={size} count=2 2>/dev/null")
    usage = child.transport.usage
    assert usage is not None
    assert 0.005 < usage.cpu_time < 60
    assert usage.peak_memory is not None
    assert size < usage.peak_memory < 2 * size


async def test_a_small_child_does_not_inherit_our_peak(children: Children) -> None:
    child = await children.run("exit 0")
    assert child.transport.usage is not None
    assert child.transport.usage.peak_memory is None


class Faulty(Recorder):
    """Fails whenever it is called."""

    def connectionMade(self) -> None:
        super().connectionMade()
        raise ZeroDivisionError

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        raise ZeroDivisionError

    def childConnectionLost(self, childFD: int) -> None:
        super().childConnectionLost(childFD)
        raise ZeroDivisionError

    def processExited(self, reason: Failure) -> None:
        super().processExited(reason)
        raise ZeroDivisionError

    def processEnded(self, reason: Failure) -> None:
        super().processEnded(reason)
        raise ZeroDivisionError


async def test_a_faulty_protocol_is_logged_and_loses_no_process(
    children: Children, logged_failures: list[Failure]
) -> None:
    recorder = Faulty()
    children.spawner.spawn(recorder, Launch(("/bin/sh", "-c", "echo x"), PATH))
    await children.ended(recorder)
    # Go on only after the last method has failed.
    await deferLater(children.reactor, 0)
    assert recorder.events[-1] == "ended"
    assert len(logged_failures) == 6
    assert all(failure.check(ZeroDivisionError) for failure in logged_failures)
    logged_failures.clear()


async def test_an_exit_is_noticed_without_a_pidfd_and_without_sigchld(reactor: PosixReactorBase) -> None:
    handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        child = await Children(reactor, Spawner(reactor, no_pidfd)).run("sleep 0.1; exit 3")
    finally:
        signal.signal(signal.SIGCHLD, handler)
    assert child.exit_code == 3
