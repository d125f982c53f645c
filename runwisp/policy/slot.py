"""The life of a replica's slot as values: its phases, what moves it, and what follows an exit.

(spec: runtime, services)

.. code-block:: text

                 start                    stop, end
    +---------+ ---------> +---------+ ---------------> +----------+
    | stopped |            | running | --+ again        | stopping |
    +---------+ <--------- +---------+ <-+------------- +----------+
       ^   ^       rest     |   |   ^         again       |  |  |
       |   |          later |   |   | due, start          |  |  |
       |   |                v   |   |                     |  |  |
       |   |  stop   +-------------+          later       |  |  |
       |   +-------- | backing off | <--------------------+  |  |
       |             +-------------+                         |  |
       |                        |                            |  |
       +------------------------|----------------------------+  |
                      rest      | give up                       |
                                v                               |
                           +-------+          give up           |
                           | fatal | <--------------------------+
                           +-------+ ---------> running
                                       start

``start``, ``stop`` and ``end`` are asked for. ``again``, ``later``, ``rest`` and ``give up`` are the four
ways in which things go on when the process is gone; ``due`` is the end of a restart delay. What is not drawn
leaves the phase as it is. Whether the slot is wanted is another fact, see :func:`after_exit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from runwisp.model import EndReason, Run, Service
from runwisp.policy.failures import restart_wanted


class Phase(Enum):
    STOPPED = "stopped"
    RUNNING = "running"
    STOPPING = "stopping"
    BACKING_OFF = "backing_off"
    FATAL = "fatal"


class Input(Enum):
    """``START`` fills the slot, ``STOP`` empties it for good, ``END`` ends only the run that is in it."""

    START = "start"
    STOP = "stop"
    END = "end"
    AGAIN = "again"
    LATER = "later"
    REST = "rest"
    GIVE_UP = "give_up"
    DUE = "due"


#: Phases in which the slot has a process, or is about to get one.
LIVE = frozenset({Phase.RUNNING, Phase.STOPPING})
#: Phases in which nothing happens unless somebody asks for it.
AT_REST = frozenset({Phase.STOPPED, Phase.FATAL})

NEXT: Mapping[tuple[Phase, Input], Phase] = {
    (Phase.STOPPED, Input.START): Phase.RUNNING,
    (Phase.STOPPED, Input.STOP): Phase.STOPPED,
    (Phase.RUNNING, Input.START): Phase.RUNNING,
    (Phase.RUNNING, Input.STOP): Phase.STOPPING,
    (Phase.RUNNING, Input.END): Phase.STOPPING,
    (Phase.RUNNING, Input.AGAIN): Phase.RUNNING,
    (Phase.RUNNING, Input.LATER): Phase.BACKING_OFF,
    (Phase.RUNNING, Input.REST): Phase.STOPPED,
    (Phase.RUNNING, Input.GIVE_UP): Phase.FATAL,
    (Phase.STOPPING, Input.START): Phase.STOPPING,
    (Phase.STOPPING, Input.STOP): Phase.STOPPING,
    (Phase.STOPPING, Input.END): Phase.STOPPING,
    (Phase.STOPPING, Input.AGAIN): Phase.RUNNING,
    (Phase.STOPPING, Input.LATER): Phase.BACKING_OFF,
    (Phase.STOPPING, Input.REST): Phase.STOPPED,
    (Phase.STOPPING, Input.GIVE_UP): Phase.FATAL,
    (Phase.BACKING_OFF, Input.START): Phase.RUNNING,
    (Phase.BACKING_OFF, Input.STOP): Phase.STOPPED,
    (Phase.BACKING_OFF, Input.DUE): Phase.RUNNING,
    (Phase.FATAL, Input.START): Phase.RUNNING,
    (Phase.FATAL, Input.STOP): Phase.FATAL,
}


def after_exit(service: Service, run: Run, *, is_wanted: bool, is_fatal: bool, is_awaited: bool) -> Input:
    """How the slot goes on when ``run`` has ended in it.

    :param is_wanted: the slot is to be filled, as far as operators have said
    :param is_fatal: too many of its starts in a row have failed
    :param is_awaited: something takes the slot at once: a queued run, or an operator's start or restart
    """
    if is_awaited:
        return Input.AGAIN
    if not is_wanted:
        return Input.REST
    if is_fatal:
        return Input.GIVE_UP
    # A run that was stopped alone leaves a slot that is still wanted, whatever ``restart`` says of exits.
    if run.end_reason is EndReason.STOPPED or restart_wanted(service, run):
        return Input.LATER
    return Input.REST
