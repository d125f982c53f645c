from __future__ import annotations

import os
from signal import SIGINT, SIGKILL, SIGTERM, Signals

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from runwisp.engine import procfs
from runwisp.engine.family import IFamily
from runwisp.engine.ladder import GIVE_UP_S, LONGEST_POLL_S, StopLadder
from runwisp.engine.process import IChild, Launch, Spawner
from runwisp.engine.procfs import ProcessInfo
from tests.engine.fakes import FakeChild, FakeFamily
from tests.waiting import wait_for, within

GRACE_S = 5.0


class Relatives(FakeFamily):
    """Notes that it was asked to remember; the ``immortal`` survive SIGKILL."""

    def __init__(self) -> None:
        super().__init__()
        self.immortal: set[ProcessInfo] = set()
        self.is_remembered = False

    def remember(self) -> None:
        self.is_remembered = True

    def kill(self, process: ProcessInfo) -> bool:
        return process not in self.immortal and super().kill(process)


class Leader(FakeChild):
    """A child whose group may have other members, ``rest``, which die of all but ``rest_ignores``."""

    def __init__(self, *, rest: bool = False) -> None:
        super().__init__(ProcessProtocol(), Launch(("sh",), {}), 100)
        self.family: Relatives = Relatives()
        self.rest = rest
        self.rest_ignores: set[Signals] = set()

    def group_alive(self) -> bool:
        return self.is_alive or self.rest

    def signal_group(self, signum: int) -> bool:
        if not self.group_alive():
            return False
        self.signals.append(Signals(signum))
        self.rest = self.rest and signum in self.rest_ignores
        if self.is_alive and signum not in self.ignores:
            self.die(Signals(signum))
        return True


class Scene:
    """A ladder on a fake clock; ``is_done`` when it says so."""

    def __init__(self, child: Leader, *, signal: Signals = SIGTERM, grace_s: float = GRACE_S) -> None:
        self.clock = Clock()
        self.child = child
        self.notes: list[str] = []
        self.ladder = StopLadder(self.clock, child, signal, grace_s, self.notes.append)
        self.is_done = False
        self.ladder.when_done().addCallback(self._done)

    def _done(self, _: None) -> None:
        self.is_done = True

    def pass_time(self, seconds: float) -> None:
        """In small steps, since the ladder looks again and again."""
        for _ in range(round(seconds / 0.01)):
            self.clock.advance(0.01)

    @property
    def is_quiet(self) -> bool:
        return self.is_done and not self.clock.getDelayedCalls()


def process(pid: int, *, group: int = 7) -> ProcessInfo:
    return ProcessInfo(pid, f"p{pid}", False, 1, group, group, 5)


def test_the_fakes_are_like_the_real_ones() -> None:
    child = Leader()
    assert verifyObject(IChild, child)
    assert verifyObject(IFamily, child.family)


def test_a_child_that_obeys_gets_one_signal() -> None:
    scene = Scene(Leader(), signal=SIGINT)
    scene.ladder.stop()
    scene.clock.advance(0)
    assert scene.child.signals == [SIGINT]
    assert scene.is_quiet
    assert scene.notes == []


def test_a_child_may_use_its_grace() -> None:
    scene = Scene(Leader())
    scene.child.ignores = {SIGTERM}
    scene.ladder.stop()
    scene.pass_time(4.9)
    scene.child.exit()
    scene.clock.advance(0)
    assert scene.child.signals == [SIGTERM]
    assert scene.is_quiet
    assert scene.notes == []


def test_a_child_that_ignores_the_signal_is_killed_when_the_grace_is_over() -> None:
    scene = Scene(Leader())
    scene.child.ignores = {SIGTERM}
    scene.ladder.stop()
    scene.clock.advance(4.99)
    assert scene.child.signals == [SIGTERM]
    scene.clock.advance(0.01)
    scene.clock.advance(0)
    assert scene.child.signals == [SIGTERM, SIGKILL]
    assert scene.is_quiet
    assert scene.notes == ["the process had not stopped 5.0s after SIGTERM, sent SIGKILL"]


def test_no_grace_or_sigkill_as_signal_kills_at_once() -> None:
    for scene in (Scene(Leader(), grace_s=0.0), Scene(Leader(), signal=SIGKILL)):
        scene.ladder.stop()
        scene.clock.advance(0)
        assert scene.child.signals == [SIGKILL]
        assert scene.is_quiet
        assert scene.notes == []


def test_a_second_stop_changes_nothing() -> None:
    scene = Scene(Leader())
    scene.child.ignores = {SIGTERM}
    scene.ladder.stop()
    scene.clock.advance(3)
    scene.ladder.stop()
    scene.clock.advance(2)
    scene.clock.advance(0)
    scene.ladder.stop()
    assert scene.child.signals == [SIGTERM, SIGKILL]
    assert scene.is_quiet


def test_what_is_left_of_the_group_is_killed_when_the_grace_is_over() -> None:
    scene = Scene(Leader(rest=True))
    scene.child.rest_ignores = {SIGTERM}
    scene.ladder.stop()
    assert not scene.child.is_alive
    scene.pass_time(4.9)
    assert scene.child.signals == [SIGTERM]
    assert not scene.is_done
    scene.pass_time(0.2)
    assert scene.child.signals == [SIGTERM, SIGKILL]
    assert scene.is_quiet
    assert scene.notes == ["processes of the group had not stopped 5.0s after SIGTERM, sent SIGKILL"]


def test_a_group_that_follows_its_leader_ends_the_wait() -> None:
    scene = Scene(Leader(rest=True))
    scene.child.rest_ignores = {SIGTERM}
    scene.ladder.stop()
    scene.pass_time(1)
    scene.child.rest = False
    scene.pass_time(2 * LONGEST_POLL_S)
    assert scene.child.signals == [SIGTERM]
    assert scene.is_quiet
    assert scene.notes == []


def test_what_left_the_group_is_killed_and_named_after_the_group_is_gone() -> None:
    scene = Scene(Leader())
    scene.child.ignores = {SIGTERM}
    scene.child.family.strays = [process(8), process(9)]
    scene.ladder.stop()
    scene.pass_time(4)
    assert len(scene.child.family.strays) == 2
    scene.child.exit()
    scene.pass_time(0.1)
    assert scene.child.family.strays == []
    assert scene.is_quiet
    assert scene.notes == ["killed what had left the process group: p8 (8), p9 (9)"]


def test_what_appears_while_others_are_killed_is_killed_too() -> None:
    scene = Scene(Leader())
    scene.child.family.strays = [process(8)]
    scene.ladder.stop()
    scene.clock.advance(0)
    scene.child.family.strays = [process(9)]
    scene.pass_time(0.2)
    assert scene.child.family.strays == []
    assert scene.is_quiet
    assert scene.notes == [
        "killed what had left the process group: p8 (8)",
        "killed what had left the process group: p9 (9)",
    ]


def test_members_of_the_group_die_of_its_signal_and_are_not_named() -> None:
    scene = Scene(Leader(), grace_s=0.0)
    scene.child.family.strays = [process(101, group=100)]
    scene.ladder.stop()
    scene.pass_time(0.1)
    assert scene.is_quiet
    assert scene.notes == []


def test_a_process_that_cannot_be_killed_is_given_up_and_named() -> None:
    scene = Scene(Leader())
    scene.child.family.strays = [process(8)]
    scene.child.family.immortal = {process(8)}
    scene.ladder.stop()
    scene.pass_time(GIVE_UP_S - 0.1)
    assert not scene.is_done
    scene.pass_time(0.1 + LONGEST_POLL_S)
    assert scene.is_quiet
    assert scene.notes == ["could not be killed: p8 (8)"]


def test_a_leader_that_takes_long_to_die_does_not_shorten_the_look_for_the_others() -> None:
    scene = Scene(Leader())
    scene.child.ignores = {SIGTERM, SIGKILL}
    scene.child.family.strays = [process(8)]
    scene.ladder.stop()
    scene.pass_time(GRACE_S + 2 * GIVE_UP_S)
    assert not scene.is_done
    scene.child.die(SIGKILL)
    scene.pass_time(0.1)
    assert scene.child.family.strays == []
    assert scene.is_quiet


def test_kill_now_ends_the_grace() -> None:
    scene = Scene(Leader())
    scene.child.ignores = {SIGTERM}
    scene.ladder.stop()
    scene.clock.advance(1)
    scene.ladder.kill_now()
    scene.ladder.kill_now()
    scene.clock.advance(0)
    assert scene.child.signals == [SIGTERM, SIGKILL]
    assert scene.is_quiet
    assert scene.notes == ["no time left to stop after SIGTERM, sent SIGKILL"]


def test_kill_now_ends_the_wait_for_the_group() -> None:
    scene = Scene(Leader(rest=True))
    scene.child.rest_ignores = {SIGTERM}
    scene.ladder.stop()
    scene.pass_time(1)
    scene.ladder.kill_now()
    scene.pass_time(0.1)
    assert scene.child.signals == [SIGTERM, SIGKILL]
    assert scene.is_quiet


def test_kill_now_needs_no_stop_before_it() -> None:
    scene = Scene(Leader())
    scene.ladder.kill_now()
    scene.ladder.stop()
    scene.clock.advance(0)
    assert scene.child.signals == [SIGKILL]
    assert scene.is_quiet


def test_a_child_that_is_gone_already_is_done_at_once() -> None:
    scene = Scene(Leader())
    scene.child.exit()
    scene.ladder.stop()
    scene.clock.advance(0)
    scene.ladder.kill_now()
    assert scene.child.signals == []
    assert scene.is_quiet
    assert scene.ladder.when_done().called


def test_descendants_are_remembered_before_the_first_signal() -> None:
    for grace_s in (0.0, GRACE_S):
        scene = Scene(Leader(), grace_s=grace_s)
        scene.ladder.stop()
        assert scene.child.family.is_remembered


#: In ticks of a tenth of a second; None: never.
moments = st.none() | st.integers(0, 80)


@given(grace=st.integers(1, 50), leader_leaves=moments, rest_leaves=moments)
def test_sigkill_comes_if_somebody_is_left_when_the_grace_is_over_and_only_then(
    grace: int, leader_leaves: int | None, rest_leaves: int | None
) -> None:
    scene = Scene(Leader(rest=True), grace_s=grace / 10)
    child = scene.child
    child.ignores = child.rest_ignores = {SIGTERM}
    scene.ladder.stop()
    for tick in range(grace):
        if tick == leader_leaves:
            child.exit()
        if tick == rest_leaves:
            child.rest = False
        assert child.signals == [SIGTERM]
        scene.clock.advance(0.1)
    is_left = any(leaves is None or leaves >= grace for leaves in (leader_leaves, rest_leaves))
    scene.pass_time(0.1)
    assert child.signals == ([SIGTERM, SIGKILL] if is_left else [SIGTERM])
    assert len(scene.notes) == is_left
    assert scene.is_quiet


# With real processes


class Started(ProcessProtocol):
    """A shell script that has said it is ready."""

    def __init__(self, reactor: PosixReactorBase, script: str, *, run_id: str = "01J0") -> None:
        self.reactor = reactor
        self.output = b""
        self.notes: list[str] = []
        env = {"PATH": "/usr/bin:/bin", "RUNWISP_RUN_ID": run_id}
        self.child = Spawner(reactor).spawn(self, Launch(("/bin/sh", "-c", script), env))

    def outReceived(self, data: bytes) -> None:
        self.output += data

    async def pids(self, count: int) -> list[int]:
        """The ``count`` numbers it prints, as soon as it has also said ``ready``."""
        await wait_for(self.reactor, lambda: self.output.count(b"\n") == count + 1)
        pids = [int(word) for word in self.output.split() if word != b"ready"]
        assert all(is_running(pid) for pid in pids)
        return pids

    async def stop(self, grace_s: float) -> None:
        ladder = StopLadder(self.reactor, self.child, SIGTERM, grace_s, self.notes.append)
        ladder.stop()
        await within(self.reactor, ladder.when_done())
        assert self.child.usage is not None


def is_running(pid: int) -> bool:
    process = procfs.read_process(pid)
    return process is not None and not process.is_zombie


async def test_a_stubborn_tree_is_gone_after_the_grace(reactor: PosixReactorBase) -> None:
    stubborn = "trap '' TERM; sleep 1000 & sleep 1000 & jobs -p; echo ready; wait; wait; wait"
    started = Started(reactor, stubborn)
    pids = await started.pids(2)
    await started.stop(0.1)
    assert not any(is_running(pid) for pid in pids)
    assert started.notes == ["the process had not stopped 100ms after SIGTERM, sent SIGKILL"]


async def test_a_grandchild_that_ignores_the_signal_is_killed_too(reactor: PosixReactorBase) -> None:
    started = Started(reactor, "(trap '' TERM; echo ready; sleep 1000; sleep 1000) & echo $!; wait")
    pids = await started.pids(1)
    await started.stop(0.1)
    assert not any(is_running(pid) for pid in pids)
    assert started.notes == ["processes of the group had not stopped 100ms after SIGTERM, sent SIGKILL"]


async def test_a_descendant_in_another_session_is_found(reactor: PosixReactorBase) -> None:
    started = Started(reactor, "setsid sh -c 'echo $$; echo ready; sleep 1000; :' & wait")
    pids = await started.pids(1)
    inner = [process.pid for process in procfs.children(pids[0])]
    await started.stop(5)
    assert not any(is_running(pid) for pid in pids + inner)
    [note] = started.notes
    assert f"sh ({pids[0]})" in note


async def test_a_descendant_without_our_environment_is_found(reactor: PosixReactorBase) -> None:
    started = Started(reactor, "env -i setsid /bin/sh -c 'echo $$; echo ready; exec /bin/sleep 1000' & wait")
    pids = await started.pids(1)
    await started.stop(5)
    assert not any(is_running(pid) for pid in pids)


async def test_an_orphan_in_another_session_is_found_by_its_run(reactor: PosixReactorBase) -> None:
    script = "(setsid sh -c 'echo $$; echo ready; sleep 1000; :' &) ; exec sleep 1000"
    started, other = Started(reactor, script), Started(reactor, script, run_id="01J1")
    pids, others = await started.pids(1), await other.pids(1)
    await started.stop(5)
    assert not any(is_running(pid) for pid in pids)
    assert all(is_running(pid) for pid in [*others, other.child.pid])
    await other.stop(5)
    assert not any(is_running(pid) for pid in others)


async def test_a_run_that_stops_at_once_leaves_the_daemon_alone(reactor: PosixReactorBase) -> None:
    started = Started(reactor, "exec sleep 1000")
    await started.stop(5)
    assert started.notes == []
    assert is_running(os.getpid())
