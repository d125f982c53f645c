from __future__ import annotations

from threading import Thread

import pytest
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from runwisp.threads import make_patient


async def test_work_waits_for_a_thread_that_cannot_begin_yet(
    reactor: PosixReactorBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Thread.start
    refusals = [RuntimeError("can't start new thread")] * 2

    def start_or_refuse(thread: Thread) -> None:
        if refusals:
            raise refusals.pop()
        start(thread)

    monkeypatch.setattr(Thread, "start", start_or_refuse)
    monkeypatch.setattr("runwisp.threads.RETRY_S", 0.01)
    pool = ThreadPool(0, 1)
    make_patient(pool, reactor)
    pool.start()
    try:
        result = deferToThreadPool(reactor, pool, lambda: 7)
        assert await result.addTimeout(30, reactor) == 7
        assert refusals == []
    finally:
        pool.stop()


def test_a_pool_does_not_wait_for_a_thread_that_has_never_begun(
    reactor: PosixReactorBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    calls: list[object] = []
    monkeypatch.setattr(Thread, "start", refuse)
    monkeypatch.setattr(reactor, "callFromThread", lambda *call: calls.append(call))
    pool = ThreadPool(0, 1)
    make_patient(pool, reactor)
    pool.start()
    pool.callInThread(int)
    pool.stop()
    assert len(calls) == 1
