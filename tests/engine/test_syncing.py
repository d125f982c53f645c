from __future__ import annotations

from twisted.internet.task import Clock

from runwisp.engine.background import Background
from runwisp.engine.syncing import GATHER_S, Syncer
from tests.engine.fakes import MemoryLog, in_this_thread


def closed() -> MemoryLog:
    log = MemoryLog()
    log.close()
    return log


def test_closed_logs_gather_and_go_together() -> None:
    clock = Clock()
    syncer = Syncer(clock, Background(), in_this_thread)
    logs = [closed(), closed(), closed()]
    syncer.sync(logs[0])
    clock.advance(GATHER_S / 2)
    syncer.sync(logs[1])
    assert not logs[0].is_synced
    clock.advance(GATHER_S / 2)
    assert [log.is_synced for log in logs] == [True, True, False]
    syncer.sync(logs[2])
    clock.advance(GATHER_S)
    assert logs[2].is_synced
    assert clock.getDelayedCalls() == []


def test_many_logs_do_not_wait() -> None:
    clock = Clock()
    syncer = Syncer(clock, Background(), in_this_thread)
    logs = [closed() for _ in range(130)]
    for log in logs:
        syncer.sync(log)
    assert sum(log.is_synced for log in logs) == 128
    clock.advance(GATHER_S)
    assert all(log.is_synced for log in logs)


def test_at_the_end_no_log_waits() -> None:
    clock = Clock()
    syncer = Syncer(clock, Background(), in_this_thread)
    before, after = closed(), closed()
    syncer.sync(before)
    syncer.hurry()
    assert before.is_synced
    syncer.sync(after)
    assert after.is_synced
    assert clock.getDelayedCalls() == []


def test_everything_goes_to_the_disk_before_many_logs_and_not_before_few() -> None:
    clock = Clock()
    logs = [closed() for _ in range(16)]
    synced_before: list[int] = []
    syncer = Syncer(
        clock,
        Background(),
        in_this_thread,
        lambda: synced_before.append(sum(log.is_synced for log in logs)),
    )
    for log in logs:
        syncer.sync(log)
    clock.advance(GATHER_S)
    assert synced_before == [0]
    assert all(log.is_synced for log in logs)
    for _ in range(15):
        syncer.sync(closed())
    clock.advance(GATHER_S)
    assert synced_before == [0]
