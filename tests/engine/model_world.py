"""Several daemons, one after the other, with one database, one wall clock and one table of processes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from signal import SIGKILL, SIGTERM
from sqlite3 import Cursor
from typing import TypeAlias, TypeVar

from attrs import define, evolve, frozen
from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IDelayedCall, IProcessProtocol, IReactorTime
from twisted.python.failure import Failure

from runwisp.config.settings import Config
from runwisp.engine.background import Background
from runwisp.engine.boot import Boot, Taken
from runwisp.engine.engine import Engine
from runwisp.engine.happening import Happening
from runwisp.engine.ledger import Ledger
from runwisp.engine.process import Launch
from runwisp.engine.procfs import ProcessInfo
from runwisp.engine.recovery import Recovery
from runwisp.engine.reload import Reloading
from runwisp.errors import StorageError
from runwisp.events import (
    Bus,
    Event,
    RunCreated,
    RunEnded,
    RunStarted,
    RunUpdated,
    ServiceUpdated,
    TasksChanged,
)
from runwisp.model import Run, RunId, ServiceReport, UnixMs
from runwisp.policy.reload import plan_reload
from runwisp.units import RunIds, now_ms
from tests.engine.fakes import FakeChild, FakeSpawner
from tests.engine.model_store import Asked, LifeDatabase, Store, Transaction
from tests.engine.stage import Stage

T = TypeVar("T")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class NumberedIds(RunIds):
    """Ids that rise across daemons, the same in every replay."""

    def __init__(self, number: Callable[[], int]) -> None:
        self._number = number

    def __call__(self) -> RunId:
        number, digits = self._number(), ""
        for _ in range(26):
            number, digit = divmod(number, 32)
            digits = _CROCKFORD[digit] + digits
        return RunId(digits)


class HeardBus(Bus):
    """Tells of every event when it is published, not when it is delivered."""

    def __init__(self, clock: IReactorTime, hear: Callable[[Event], None]) -> None:
        super().__init__(clock)
        self._hear = hear

    def publish(self, event: Event) -> None:
        self._hear(event)
        super().publish(event)


class DatedLedger(Ledger):
    """Dates every transaction: the database may hear of it much later, and more than once."""

    def __init__(
        self, clock: IReactorTime, database: LifeDatabase, bus: Bus, background: Background, store: Store
    ) -> None:
        super().__init__(clock, database, bus, background)
        self._store = store
        self._ask = database.ask

    def _queue(self, name: str, work: Callable[[Cursor], object], events: Sequence[Event]) -> Happening:
        asked = self._ask()

        def dated(cursor: Cursor) -> object:
            self._store.asked = asked
            return work(cursor)

        return super()._queue(name, dated, events)


class WatchedSpawner(FakeSpawner):
    """Tells of every process that is started."""

    def __init__(self, on_spawn: Callable[[FakeChild], None]) -> None:
        super().__init__()
        self._on_spawn = on_spawn

    def spawn(self, protocol: IProcessProtocol, launch: Launch) -> FakeChild:
        child = super().spawn(protocol, launch)
        self._on_spawn(child)
        return child


class Threads:
    """In place of worker threads: the work is done at once, or when :meth:`release` is called."""

    def __init__(self) -> None:
        self._held: deque[Callable[[], object]] | None = None

    @property
    def is_idle(self) -> bool:
        return not self._held

    def hold(self) -> None:
        self._held = self._held or deque()

    def release(self) -> None:
        held, self._held = self._held or deque(), None
        for work in held:
            work()

    def __call__(self, work: Callable[..., T], /, *args: object) -> Deferred[T]:
        if self._held is None:
            return execute(work, *args)
        done: Deferred[T] = Deferred()
        self._held.append(lambda: execute(work, *args).chainDeferred(done))
        return done


@define(eq=False)
class Leftover:
    """A process that has outlived its daemon."""

    run_id: RunId
    task_name: str
    is_stubborn: bool
    info: ProcessInfo


class Leftovers:
    """All processes that outlived their daemon, as :class:`Recovery` looks for them."""

    def __init__(self) -> None:
        self.alive: dict[int, Leftover] = {}
        self._pids = 50_000

    def add(self, run: Run, *, is_stubborn: bool) -> None:
        self._pids += 1
        info = ProcessInfo(self._pids, "sh", False, 1, self._pids, self._pids, 1)
        self.alive[info.pid] = Leftover(run.id, run.task_name, is_stubborn, info)

    def find(self, orphans: Sequence[Run]) -> Mapping[RunId, Sequence[ProcessInfo]]:
        found: dict[RunId, list[ProcessInfo]] = {}
        for leftover in self.alive.values():
            if leftover.run_id in {run.id for run in orphans}:
                found.setdefault(leftover.run_id, []).append(leftover.info)
        return found

    def look(self, pid: int) -> ProcessInfo | None:
        return self.alive[pid].info if pid in self.alive else None

    def kill(self, process: ProcessInfo, signum: int) -> bool:
        leftover = self.alive.get(process.pid)
        if leftover is None:
            return False
        if signum == SIGKILL or not leftover.is_stubborn:
            del self.alive[process.pid]
        return True


Told: TypeAlias = RunCreated | RunStarted | RunEnded | RunUpdated | ServiceUpdated


@frozen
class Heard:
    """A published event about a run."""

    kind: type[Event]
    run_id: RunId


class Life:
    """One daemon, from its boot to its end."""

    def __init__(self, world: World, config: Config, number: int, *, is_lazy: bool) -> None:
        self.number = number
        self.generations: dict[str, int] = dict.fromkeys([*config.tasks, *config.services], 0)
        self.heard: Counter[Heard] = Counter()
        self.expected: Counter[Heard] = Counter()
        self.reports: dict[str, ServiceReport] = {}
        self.booted_at: UnixMs | None = None
        self.boot_failure: Failure | None = None
        self.ended: Deferred[None] | None = None
        self.loses_rows = False
        self.threads = Threads()
        self.stage = Stage()
        self.stage.wall_offset_s = world.wall_s
        self.began_s = world.clock_s
        self.spawner = WatchedSpawner(lambda child: world.on_spawn(child))
        self.database = LifeDatabase(world.store, self.stage.clock, self.ask, is_lazy=is_lazy)
        self._world = world
        ledger = DatedLedger(
            self.stage.clock,
            self.database,
            HeardBus(self.stage.clock, self._hear),
            self.stage.resources.background,
            world.store,
        )
        resources = evolve(
            self.stage.resources,
            ids=NumberedIds(world.next_number),
            ledger=ledger,
            spawner=self.spawner,
            in_thread=self.threads,
        )
        self.engine = Engine(resources, config)
        leftovers = world.leftovers
        recovery = Recovery(
            resources, config, lambda run, note: None, leftovers.find, leftovers.look, leftovers.kill
        )
        self._boot = Boot(self.engine, recovery, self.database, lambda: world.machine)
        self.booting: Deferred[Taken] = Deferred()

    @property
    def config(self) -> Config:
        return self.engine.config

    @property
    def wall(self) -> UnixMs:
        return now_ms(self.stage.wall)

    @property
    def clock_s(self) -> float:
        return self.began_s + self.stage.clock.seconds()

    @property
    def is_up(self) -> bool:
        """The boot is over and no shutdown has begun."""
        return self.booted_at is not None and not self.engine.is_closing

    @property
    def is_at_rest(self) -> bool:
        """Nothing is under way but time and processes."""
        is_written = self.engine.resources.ledger.when_written().called
        return is_written and self.database.is_idle and self.threads.is_idle

    @property
    def has_ended(self) -> bool:
        return self.ended is not None and self.ended.called

    def ask(self) -> Asked:
        return Asked(self.wall, self.clock_s, self.engine.config, dict(self.generations), self.number)

    def boot(self) -> None:
        self.booting = Deferred.fromCoroutine(self._boot.bring_up())
        self.booting.addCallbacks(self._booted, self._boot_failed)

    def reload(self, new: Config) -> None:
        # As the reload does itself: what is due by now is no matter of the new generations.
        self.engine.scheduler.wake()
        plan = plan_reload(self.engine.config, new)
        gone = [name for name, keys in plan.changed.items() if keys == ("kind",)]
        for name in (*plan.removed, *plan.added, *gone):
            self.generations[name] = self.generations.get(name, 0) + 1
        Reloading(self.engine, new, plan).apply()

    def shut_down(self) -> None:
        """What the daemon does at SIGTERM."""
        self.booting.cancel()
        timeout_s = self.engine.config.daemon.shutdown_timeout
        self.ended = Deferred.fromCoroutine(self.engine.shut_down(timeout_s))

    def _booted(self, _: Taken) -> None:
        self.booted_at = self.wall

    def _boot_failed(self, failure: Failure) -> None:
        if not self.engine.is_closing:
            self.boot_failure = failure

    def _hear(self, event: Event) -> None:
        if isinstance(event, RunCreated | RunStarted | RunEnded):
            self.heard[Heard(type(event), event.run.id)] += 1
            self._world.on_event(self, event)
        elif isinstance(event, RunUpdated | ServiceUpdated):
            self._world.on_event(self, event)
        elif isinstance(event, TasksChanged):
            for name in (*event.removed, *event.added, *event.changed):
                self.reports.pop(name, None)


class World:
    """What outlives a daemon. ``is_lazy`` lets every answer of a database come a turn later."""

    def __init__(
        self,
        start_s: float,
        *,
        is_lazy: bool,
        on_commit: Callable[[Transaction], None],
        on_event: Callable[[Life, Told], None],
        on_spawn: Callable[[FakeChild], None],
    ) -> None:
        self.store = Store(on_commit)
        self.leftovers = Leftovers()
        self.machine = "first boot"
        self.quiet_s = 0.0
        self.since_back_s = 3600.0
        self.on_event = on_event
        self.on_spawn = on_spawn
        self._is_lazy = is_lazy
        self._wall_s = start_s
        self._clock_s = 0.0
        self._numbers = 0
        self._lives = 0
        self.life: Life

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    @property
    def wall_s(self) -> float:
        return self._wall_s

    @property
    def clock_s(self) -> float:
        return self._clock_s

    # Time

    def advance(self, seconds: float) -> None:
        """Time passes in one piece; whatever was due meanwhile happens at its end."""
        self.life.stage.clock.advance(seconds)
        self.quiet_s = self.quiet_s + seconds if seconds < 30 else 0.0
        self.since_back_s += seconds
        self.settle()

    def pass_time(self, seconds: float) -> None:
        """Time passes as it does on a machine that is awake."""
        for _ in range(int(seconds // 15)):
            self.advance(15.0)
        self.advance(seconds % 15)

    def step_wall(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.life.stage.wall_offset_s += seconds
        self.quiet_s = 0.0
        if seconds < 0:
            self.since_back_s = 0.0

    def settle(self) -> None:
        self.life.stage.settle()

    # Daemons

    def boot(self, config: Config, prepare: Callable[[Life], None]) -> None:
        """Start a daemon, after ``prepare`` has seen it."""
        self._lives += 1
        self.quiet_s = 0.0
        self.life = Life(self, config, self._lives, is_lazy=self._is_lazy)
        prepare(self.life)
        self.life.boot()
        self.settle()

    def end(self, downtime_s: float, *, survivors: int = 0, commits: int = 0) -> None:
        """The daemon is gone, by itself or by ``kill -9``.

        :param survivors: bit by bit, which of its processes live on
        :param commits: how many of the transactions under way still reach the disk
        """
        life = self.life
        life.database.die(commits)
        self._clock_s = life.clock_s + downtime_s
        self._wall_s = life.stage.wall() + downtime_s
        for number, child in enumerate(life.spawner.alive):
            run = self.store.rows[RunId(child.launch.env["RUNWISP_RUN_ID"])]
            if survivors >> number & 1:
                self.leftovers.add(run, is_stubborn=SIGTERM in child.ignores)

    def reboot_machine(self) -> None:
        self.machine += " and another"
        self.leftovers.alive.clear()


def is_refusal(failure: Failure) -> bool:
    return failure.check(StorageError) is not None


def due_calls(life: Life) -> Sequence[IDelayedCall]:
    return life.stage.clock.getDelayedCalls()
