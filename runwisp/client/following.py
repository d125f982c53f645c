"""Follows logs, events and retries across connections that break (spec: interfaces, run-task)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from runwisp.client import resources
from runwisp.client.api import Api
from runwisp.client.errors import Reason, Unreachable
from runwisp.client.resources import RemoteRun
from runwisp.client.sse import Event
from runwisp.errors import ShuttingDown
from runwisp.model import EndReason, RunId

if TYPE_CHECKING:
    from runwisp.logs.reader import LogLine

#: How often a stream may end without having brought anything, and how long to wait each time.
TRIES, PAUSE_S = 50, 0.1

Pause: TypeAlias = Callable[[float], object]

RESYNC = "resync"


@frozen
class NewLines:
    """The next lines, at least one."""

    items: tuple[LogLine, ...]


@frozen
class Rotated:
    """The lines before this one are gone; it is the next."""

    first_available: int


@frozen
class Finished:
    """The log is closed and has no further line; the run is as it is now."""

    run: RemoteRun


Step: TypeAlias = NewLines | Rotated | Finished


def follow_log(api: Api, run_id: RunId, start: int, pause: Pause) -> Iterator[Step]:
    """What the run writes from line ``start`` on, each line once, until its log is closed.

    :raises Unreachable: the daemon is gone
    :raises NotFound: the run has been deleted
    """
    next_line = start

    def connect() -> Iterator[Event]:
        return api.log_stream(run_id, next_line)

    for event in _reopened(api, connect, pause):
        with api.judged():
            step = log_step(event, next_line)
        if step is None:
            continue
        if isinstance(step, NewLines):
            next_line = step.items[-1].n + 1
        elif isinstance(step, Rotated):
            next_line = max(next_line, step.first_available)
        yield step
        if isinstance(step, Finished):
            return


def follow_events(api: Api, pause: Pause) -> Iterator[Event]:
    """Every event from now on, also ``ping``: what happens after the first of these is not missed.

    A ``resync`` comes when events may be missing.

    :raises Unreachable: the daemon is gone
    """
    last_id = ""
    connections = seen = 0

    def connect() -> Iterator[Event]:
        nonlocal connections
        connections += 1
        return api.events(last_id or None)

    for event in _reopened(api, connect, pause):
        if connections > 1 and connections != seen and not last_id:
            # There was no event yet from which the daemon could go on.
            yield Event(RESYNC, "{}")
        seen = connections
        last_id = event.id or last_id
        yield event


def next_attempt(api: Api, run: RemoteRun, pause: Pause) -> RemoteRun | None:
    """The retry of a run that has ended, as soon as it exists; None if there is none or it is given up.

    :raises Unreachable: the daemon is gone
    """
    if run.end_reason is EndReason.SUCCESS:
        return None
    if run.next_retry_at is None:
        # What was waiting may have been started before we looked.
        return api.retry_of(run.id)
    for event in follow_events(api, pause):
        if event.name == "run.created":
            with api.judged():
                created = resources.run(json.loads(event.data)["run"])
            if created.retry_of_run_id == run.id:
                return created
        elif event.name in {"ping", RESYNC} or (event.name == "run.updated" and run.id in event.data):
            current = api.run(run.id)
            retry = api.retry_of(run.id)
            if retry is not None or current is None or current.next_retry_at is None:
                return retry
    return None


def log_step(event: Event, next_line: int) -> Step | None:
    """What an event of a log means to whoever has seen everything before ``next_line``."""
    if event.name == "lines":
        items = resources.log_lines(json.loads(event.data)["items"])
        unseen = tuple(line for line in items if line.n >= next_line)
        return NewLines(unseen) if unseen else None
    if event.name == "rotated":
        return Rotated(json.loads(event.data)["first_available"])
    if event.name == "done":
        return Finished(resources.run(json.loads(event.data)["run"]))
    return None


def _reopened(api: Api, connect: Callable[[], Iterator[Event]], pause: Pause) -> Iterator[Event]:
    """The events of one connection after the other, as long as they bring more than the ping at the begin."""
    tries = TRIES
    while True:
        count = 0
        try:
            for event in connect():
                count += 1
                if count > 1:
                    tries = TRIES
                yield event
        except (Unreachable, ShuttingDown):
            pass
        if count <= 1:
            if not tries:
                raise Unreachable(str(api.transport.address), Reason.LOST, "the connection was lost")
            tries -= 1
            pause(PAUSE_S)
