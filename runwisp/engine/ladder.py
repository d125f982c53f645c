"""How a run is stopped: signal, grace, SIGKILL, and a last look for what got away.

(spec: runtime, stop ladder)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from enum import Enum
from signal import SIGKILL, Signals

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from runwisp.engine.happening import Happening
from runwisp.engine.process import IChild
from runwisp.engine.procfs import ProcessInfo
from runwisp.units import format_duration

#: Delays between looks at processes that are not our children; each is twice the one before.
FIRST_POLL_S, LONGEST_POLL_S = 0.02, 0.5
#: How long processes may take to die of SIGKILL before they are given up.
GIVE_UP_S = 5.0


class Phase(Enum):
    """How far up the ladder a run is."""

    LEFT_ALONE = "left alone"
    ASKED = "asked to stop"
    KILLED = "killed"
    GONE = "gone"


class StopLadder:
    """Stops one child and everything that came from it.

    :param signal: the first signal, for the whole process group
    :param graceful_stop: how long the group may take after it; 0 goes straight to SIGKILL
    :param on_note: called with a sentence for the run's log whenever something had to be killed
    """

    def __init__(
        self,
        clock: IReactorTime,
        child: IChild,
        signal: Signals,
        graceful_stop: float,
        on_note: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._child = child
        self._signal = signal
        self._graceful_stop = graceful_stop
        self._on_note = on_note
        self.phase = Phase.LEFT_ALONE
        self._leader_has_left = False
        self._reported: set[ProcessInfo] = set()
        self._grace: IDelayedCall | None = None
        self._poll: IDelayedCall | None = None
        self._poll_s = FIRST_POLL_S
        self._give_up_at = 0.0
        self._gone = Happening()

    def when_done(self) -> Deferred[None]:
        """Fires when the process, its group and what had left the group are gone, or were given up."""
        return self._gone.when()

    def stop(self) -> None:
        """Begin; a second call changes nothing."""
        if self.phase is not Phase.LEFT_ALONE:
            return
        if self._signal is SIGKILL or self._graceful_stop <= 0:
            self._kill()
        else:
            self.phase = Phase.ASKED
            self._child.family.remember()
            self._child.signal_group(self._signal)
            self._grace = self._clock.callLater(self._graceful_stop, self._grace_is_over)
        self._child.when_exited().addCallback(self._leader_left)

    def kill_now(self) -> None:
        """Wait no longer: SIGKILL at once, whether or not the grace has begun."""
        if self.phase is Phase.LEFT_ALONE:
            self._kill()
            self._child.when_exited().addCallback(self._leader_left)
        elif self.phase is Phase.ASKED:
            self._on_note(f"no time left to stop after {self._signal.name}, sent SIGKILL")
            self._kill()

    def _grace_is_over(self) -> None:
        if self._child.group_alive():
            self._note_that_it_is_late()
        self._kill()

    def _note_that_it_is_late(self) -> None:
        who = "processes of the group" if self._leader_has_left else "the process"
        after = f"{format_duration(self._graceful_stop)} after {self._signal.name}"
        self._on_note(f"{who} had not stopped {after}, sent SIGKILL")

    def _kill(self) -> None:
        self.phase = Phase.KILLED
        self._cancel_calls()
        if not self._leader_has_left:
            self._child.family.remember()
        self._child.signal_group(SIGKILL)
        if self._leader_has_left:
            self._begin_to_look()

    def _leader_left(self, _: None) -> None:
        self._leader_has_left = True
        if self.phase is Phase.ASKED:
            self._watch_group()
        else:
            self._begin_to_look()

    def _watch_group(self) -> None:
        if self._child.group_alive():
            self._poll = self._clock.callLater(self._next_poll_s(), self._watch_group)
        else:
            self._kill()

    def _begin_to_look(self) -> None:
        self._give_up_at = self._clock.seconds() + GIVE_UP_S
        self._look_after(0)

    def _look_after(self, delay_s: float) -> None:
        due = self._clock.seconds() + delay_s
        self._poll = self._clock.callLater(delay_s, self._look, due)

    def _look(self, due: float) -> None:
        """Kill what is left of the run, until nothing is."""
        now = self._clock.seconds()
        left = self._child.family.survivors(now, due)
        if left and now < self._give_up_at:
            killed = [process for process in left if self._child.family.kill(process)]
            self._report([process for process in killed if process.group != self._child.process_group])
            self._look_after(self._next_poll_s())
            return
        if left:
            self._on_note(f"could not be killed: {_names(left)}")
        self.phase = Phase.GONE
        self._gone.happen()

    def _report(self, strays: Collection[ProcessInfo]) -> None:
        new = [process for process in strays if process not in self._reported]
        if new:
            self._reported.update(new)
            self._on_note(f"killed what had left the process group: {_names(new)}")

    def _next_poll_s(self) -> float:
        delay_s, self._poll_s = self._poll_s, min(2 * self._poll_s, LONGEST_POLL_S)
        return delay_s

    def _cancel_calls(self) -> None:
        for call in (self._grace, self._poll):
            if call is not None and call.active():
                call.cancel()


def _names(processes: Iterable[ProcessInfo]) -> str:
    return ", ".join(f"{process.name} ({process.pid})" for process in processes)
