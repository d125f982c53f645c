"""The engine as a whole, in whatever order things happen: random configurations, orders, clocks and crashes.

The default is quick. ``RUNWISP_EXAMPLES=5000 pytest tests/engine/test_machine.py`` looks for longer.
"""

from __future__ import annotations

import os
from signal import SIGKILL, SIGSEGV, SIGTERM, Signals

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from runwisp.errors import Refused, UnknownUnit
from runwisp.model import Run, TriggerSource
from tests.engine.fakes import FakeChild
from tests.engine.model_configs import NAMES, Drafts, changes, configs, loaded
from tests.engine.model_rules import RunRules
from tests.engine.model_slots import SlotRules
from tests.engine.model_store import Transaction
from tests.engine.model_world import Life, World, due_calls, is_refusal
from tests.engine.stage import NOON_S

#: Noon of an ordinary day, and the hours before clocks are set in Bratislava.
STARTS = [NOON_S, 1_792_882_800.0, 1_805_979_600.0]

#: Mostly the names of units.
_names = st.sampled_from([*NAMES, "nobody"])
_picks = st.integers(0, 30)
_TROUBLES = ["slow commits", "slow threads", "no processes", "a full disk"]
_short = st.sampled_from([0.25, 1.0, 2.0, 5.0, 10.0, 29.75])
_long = st.sampled_from([31.0, 59.0, 60.0, 90.0, 600.0, 7200.0])
_very_long = st.sampled_from([60.0, 300.0, 3600.0, 86_400.0])


@implementer(ILogObserver)
class _Failures:
    """The failures that somebody has logged instead of handling them.

    Those of Deferreds are noticed at some later time, when they are collected: not here but in the end.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        failure = event.get("log_failure")
        if failure is not None and event.get("log_namespace") != "twisted.internet.defer":
            self.found.append(failure.getTraceback())


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runs, self.slots, self.failures = RunRules(), SlotRules(), _Failures()
        self.drafts: Drafts = {}
        self.answers: list[Deferred[Run | None]] = []
        globalLogPublisher.addObserver(self.failures)

    @initialize(start_s=st.sampled_from(STARTS), is_lazy=st.booleans(), drafts=configs)
    def begin(self, start_s: float, is_lazy: bool, drafts: Drafts) -> None:
        self.world = World(
            start_s,
            is_lazy=is_lazy,
            on_commit=self._committed,
            on_event=self.runs.heard,
            on_spawn=self.runs.spawned,
        )
        self.runs.world = self.slots.world = self.world
        self.drafts = drafts
        self._boot()

    def _committed(self, transaction: Transaction) -> None:
        self.runs.committed(transaction)
        self.slots.committed(transaction)

    def _boot(self, trouble: str = "none") -> None:
        """A new daemon, which soon has seen the end of ``trouble``."""
        self.runs.booting()
        self.slots.booting()
        self.answers.clear()
        self.troubled_steps = 3
        self.world.boot(loaded(self.drafts), lambda life: self._trouble(life, trouble))

    @property
    def life(self) -> Life:
        return self.world.life

    @property
    def is_up(self) -> bool:
        return self.life.is_up

    # Time

    @rule(seconds=_short)
    def a_moment_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(seconds=st.sampled_from([30.0, 60.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    # A clock that is set back hides that the same sleep was long.
    @precondition(lambda self: self.world.since_back_s > 31)
    @rule(seconds=_long)
    def the_reactor_is_late(self, seconds: float) -> None:
        self.world.advance(seconds)

    @precondition(lambda self: self.is_up)
    @rule(seconds=_very_long, minutes=st.sampled_from([0, 0, 3, 17]), awake_s=st.sampled_from([1.0, 29.75]))
    def the_machine_sleeps_or_the_clock_is_set_ahead(
        self, seconds: float, minutes: int, awake_s: float
    ) -> None:
        self.world.step_wall(seconds + minutes * 60.0)
        self.world.advance(awake_s)

    @precondition(lambda self: self.is_up)
    @rule(seconds=st.sampled_from([-10_740.0, -3600.0, -59.0, -5.0, 5.0, 59.0]))
    def the_clock_is_set(self, seconds: float) -> None:
        self.world.step_wall(seconds)

    @precondition(lambda self: self.is_up and self.life.is_at_rest)
    @rule(hours=st.sampled_from([4.0, 30.0]))
    def the_clock_is_set_far_back(self, hours: float) -> None:
        # A sleep of the scheduler that sees this step alone.
        self.world.pass_time(32.0)
        self.world.step_wall(-3600.0 * hours)
        self.world.pass_time(32.0)
        if self.life.is_at_rest:
            self.slots.check_anew()

    # Orders

    @precondition(lambda self: self.is_up and self.life.config.tasks)
    @rule(pick=_picks, times=st.sampled_from([1, 1, 2, 4]))
    def fire_a_task(self, pick: int, times: int) -> None:
        names = sorted(self.life.config.tasks)
        for _ in range(times):
            self._ask("trigger", names[pick % len(names)])

    @precondition(lambda self: self.is_up)
    @rule(name=_names, verb=st.sampled_from(["trigger", "start", "restart"]))
    def ask(self, verb: str, name: str) -> None:
        self._ask(verb, name)

    def _ask(self, verb: str, name: str) -> None:
        engine = self.life.engine
        try:
            answer: Deferred[Run | None]
            if verb == "trigger":
                answer = engine.trigger(name, TriggerSource.CLI).addCallback(lambda run: run)
            elif verb == "start":
                answer = Deferred.fromCoroutine(engine.start(name, TriggerSource.UI))
            else:
                answer = Deferred.fromCoroutine(engine.restart(name, None))
        except (Refused, UnknownUnit):
            return
        answer.addErrback(lambda failure: failure.trap(Refused, UnknownUnit))
        answer.addErrback(self._not_answered, verb, name)
        if verb != "restart":
            self.answers.append(answer)
        self.world.settle()

    def _not_answered(self, failure: Failure, verb: str, name: str) -> None:
        self.failures.found.append(f"{verb} {name}: {failure.getTraceback()}")

    @precondition(lambda self: self.is_up)
    @rule(pick=_picks)
    def stop(self, pick: int) -> None:
        busy = {run.task_name for run in self.world.store.rows.values() if run.next_retry_at is not None}
        busy |= {run.task_name for run in self.world.store.open.values()}
        name = [*sorted(busy), "nobody"][pick % (len(busy) + 1)]
        was_at_rest = self.life.is_at_rest
        try:
            self.life.engine.stop(name)
        except (Refused, UnknownUnit):
            return
        self.world.settle()
        if was_at_rest and self.life.is_at_rest:
            self.runs.stopped(name)

    @precondition(lambda self: self.is_up)
    @rule(pick=_picks)
    def stop_one_run(self, pick: int) -> None:
        runs = sorted(self.world.store.open)
        if runs:
            self.life.engine.stop_run(runs[pick % len(runs)])
            self.world.settle()

    @precondition(lambda self: self.is_up)
    @rule(name=_names, resumes=st.booleans())
    def pause_or_resume(self, name: str, resumes: bool) -> None:
        try:
            if resumes:
                self.life.engine.resume(name)
            else:
                self.life.engine.pause(name)
        except (Refused, UnknownUnit):
            return
        self.world.settle()

    @precondition(lambda self: self.is_up)
    @rule(drafts=changes)
    def reload(self, drafts: Drafts) -> None:
        self.drafts = {**self.drafts, **drafts}
        self.life.reload(loaded(self.drafts))
        self.world.settle()

    # Processes

    def _child(self, pick: int) -> FakeChild | None:
        alive = self.life.spawner.alive
        return alive[pick % len(alive)] if alive else None

    @rule(
        picks=st.lists(_picks, min_size=1, max_size=3),
        how=st.sampled_from([0, 0, 1, 1, 7, SIGKILL, SIGSEGV]),
    )
    def processes_exit(self, picks: list[int], how: int) -> None:
        for pick in picks:
            child = self._child(pick)
            if child is not None and isinstance(how, Signals):
                child.die(how)
            elif child is not None:
                child.exit(how)
        self.world.settle()

    @rule(pick=_picks, what=st.sampled_from(["ignores SIGTERM", "keeps its pipes open", "prints"]))
    def a_process_behaves(self, pick: int, what: str) -> None:
        child = self._child(pick)
        if child is None:
            return
        if what == "ignores SIGTERM":
            child.ignores.add(SIGTERM)
        elif what == "keeps its pipes open":
            child.keeps_pipes = True
        else:
            child.say(b"so many words\n")

    # Trouble

    @rule(what=st.sampled_from(_TROUBLES), steps=st.integers(1, 5))
    def there_is(self, what: str, steps: int) -> None:
        """Trouble for some steps."""
        self._trouble(self.life, what)
        self.troubled_steps = max(steps, self.troubled_steps)

    def _trouble(self, life: Life, what: str) -> None:
        match what:
            case "slow commits":
                life.database.hold()
            case "slow threads":
                life.threads.hold()
            case "no processes":
                life.spawner.refusal = "no more processes"
            case "a full disk":
                life.database.refuses = True

    def _end_trouble(self) -> None:
        self.life.spawner.refusal = None
        self.life.threads.release()
        self.life.database.release()
        self.life.database.refuses = False
        self.world.settle()
        self._boot_again_if_refused()

    # Daemons

    def _boot_again_if_refused(self) -> None:
        """Only for a disk that is full a daemon may fail to start, and then it has started nothing."""
        failure = self.life.boot_failure
        if failure is not None:
            assert is_refusal(failure), failure.getTraceback()
            assert self.life.spawner.children == []
            self.world.end(0.0)
            self._boot()

    @rule(
        drafts=st.just({}) | changes,
        downtime_s=st.sampled_from([0.0, 5.0, 70.0, 3600.0, 40_000.0]),
        survivors=st.integers(0, 7),
        commits=st.integers(0, 2),
        reboots=st.booleans(),
        trouble=st.sampled_from(["none", "none", *_TROUBLES]),
    )
    def the_daemon_is_killed(
        self, drafts: Drafts, downtime_s: float, survivors: int, commits: int, reboots: bool, trouble: str
    ) -> None:
        self.drafts = {**self.drafts, **drafts}
        self.world.end(downtime_s, survivors=survivors, commits=commits)
        if reboots:
            self.world.reboot_machine()
        self._boot(trouble)

    @rule(
        drafts=st.just({}) | changes,
        downtime_s=st.sampled_from([0.0, 70.0, 3600.0]),
        exits=st.lists(st.tuples(_picks, st.booleans()), max_size=4),
    )
    def the_daemon_is_shut_down(
        self, drafts: Drafts, downtime_s: float, exits: list[tuple[int, bool]]
    ) -> None:
        self._shut_down(exits)
        self.drafts = {**self.drafts, **drafts}
        self.world.end(downtime_s)
        self._boot()

    def _shut_down(self, exits: list[tuple[int, bool]]) -> None:
        life = self.life
        life.database.release()
        life.threads.release()
        life.loses_rows = life.database.refuses
        life.shut_down()
        self.world.settle()
        for number in range(20):
            if life.has_ended:
                break
            if number < len(exits) and exits[number][1] and (child := self._child(exits[number][0])):
                child.exit(0)
            self.world.advance(0.5)
        assert life.has_ended, f"the shutdown does not end: {due_calls(life)}"
        self.runs.ended()

    # What must hold

    @invariant()
    def a_step_is_over(self) -> None:
        self.world.settle()
        self.troubled_steps -= 1
        if self.troubled_steps == 0:
            self._end_trouble()
        self._nothing_is_wrong()

    def _nothing_is_wrong(self) -> None:
        if self.life.is_at_rest:
            self.runs.at_rest()
            self.slots.at_rest()
            assert all(answer.called for answer in self.answers), "an order is not answered"
            self.answers.clear()
        problems = [*self.failures.found, *self.runs.problems, *self.slots.problems]
        assert not problems, "\n".join(problems)

    def teardown(self) -> None:
        globalLogPublisher.removeObserver(self.failures)
        if hasattr(self, "world") and not (self.runs.problems or self.slots.problems or self.failures.found):
            self._let_everything_finish()

    def _let_everything_finish(self) -> None:
        self._end_trouble()
        self.world.pass_time(16.0)
        self._boot_again_if_refused()
        for _ in range(5):
            for child in self.life.spawner.alive:
                child.exit(0)
            self.world.pass_time(2.5)
            self._nothing_is_wrong()
        self._shut_down([])
        self._nothing_is_wrong()


#: Examples of the default run, and the steps of each.
EXAMPLES, STEPS = 60, 40

TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=int(os.environ.get("RUNWISP_EXAMPLES", EXAMPLES)),
    stateful_step_count=STEPS,
    report_multiple_bugs=False,
    # To explain an example takes longer than to find it.
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=list(HealthCheck),
)
