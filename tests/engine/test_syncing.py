from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred, execute

from runwisp.engine.background import Background
from runwisp.engine.syncing import Syncer
from tests.engine.fakes import MemoryLog

T = TypeVar("T")


def closed() -> MemoryLog:
    log = MemoryLog()
    log.close()
    return log


def test_logs_that_are_closed_during_a_sync_go_together_in_the_next() -> None:
    visits: list[Callable[[], object]] = []

    def in_thread(work: Callable[..., T], /, *args: object) -> Deferred[T]:
        done: Deferred[T] = Deferred()
        visits.append(lambda: execute(work, *args).chainDeferred(done))
        return done

    syncer = Syncer(Background(), in_thread)
    logs = [closed() for _ in range(4)]
    for log in logs[:3]:
        syncer.sync(log)
    assert len(visits) == 1
    visits.pop()()
    assert [log.is_synced for log in logs] == [True, False, False, False]
    visits.pop()()
    assert [log.is_synced for log in logs] == [True, True, True, False]
    syncer.sync(logs[3])
    visits.pop()()
    assert logs[3].is_synced
    assert visits == []
