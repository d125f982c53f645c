"""Writes the past of the demo into a data directory: runs, their logs and the notifications about them.

It is written by what the daemon writes with, so that nothing about it is different from a real past.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from random import Random
from sqlite3 import Cursor

from attrs import define, evolve

from runwisp.config import cron
from runwisp.config.settings import Config
from runwisp.demo.stories import TASKS, Ending, Life, Output, TaskStory, service_lives
from runwisp.logs.paths import log_paths
from runwisp.logs.writer import LogWriter
from runwisp.model import (
    Bytes,
    EndReason,
    Run,
    RunId,
    Seconds,
    Service,
    Status,
    Stream,
    Task,
    TriggeredBy,
    TriggerSource,
    Unit,
    UnixMs,
)
from runwisp.policy.backoff import retry_delay
from runwisp.policy.coalescing import dedup_key, fold
from runwisp.policy.failures import is_failure, may_retry
from runwisp.policy.firing import slots_between
from runwisp.policy.notify_events import counts_as_failure, run_ended
from runwisp.store import notices, runs
from runwisp.store.connection import migrate, open_writer, transact
from runwisp.store.datadir import DataDir
from runwisp.units import RunIds

#: What happened before this many milliseconds has been seen.
_UNREAD_MS = 45 * 60_000
_NO_ID = RunId("")


@define(eq=False)
class _Draft:
    """A run of the past that has no id yet: ids rise in the order of creation, which is known at the end."""

    unit: Unit
    run: Run
    output: Output
    before: _Draft | None = None


def seed(config: Config, data_dir: DataDir, now: UnixMs, random: Random) -> None:
    """Fill the directory, which has to be empty, with what happened before ``now``.

    :param config: the configuration beside this module
    :raises DataDirUnusable, StorageError: it cannot be written
    """
    data_dir.prepare()
    migrate(data_dir.database)
    drafts = _drafts(config, now, random)
    _give_ids(drafts)
    for draft in drafts:
        if draft.output:
            _write_log(data_dir, draft)
    past = [draft.run for draft in drafts]
    with closing(open_writer(data_dir.database)) as connection:
        transact(connection, "BEGIN IMMEDIATE", lambda cursor: _store(cursor, past, config, now))


def _drafts(config: Config, now: UnixMs, random: Random) -> list[_Draft]:
    """Everything, in the order of creation."""
    drafts: list[_Draft] = []
    for name, story in TASKS.items():
        drafts += _of_task(config.tasks[name], story, now, random)
    for name, life in service_lives(random):
        drafts.append(_of_life(config.services[name], life, now))
    return sorted(drafts, key=lambda draft: draft.run.created_at)


def _of_task(task: Task, story: TaskStory, now: UnixMs, random: Random) -> Iterator[_Draft]:
    busy_until = 0
    for number, at in enumerate(_moments(task, story, now)):
        draft: _Draft | None = None
        for attempt in range(task.retry_attempts + 1):
            created_at = at if draft is None else _retry_at(task, draft.run)
            run = _begun(task, created_at, attempt)
            if created_at < busy_until:
                yield _Draft(task, _skipped(task, run), ())
                break
            ending = story.attempt(random, number, attempt)
            draft = _Draft(task, _ended(task, run, ending, random), ending.output, draft)
            assert draft.run.end_at is not None
            if draft.run.end_at >= now:
                break
            busy_until = draft.run.end_at
            yield draft
            if not may_retry(task, draft.run):
                break


def _moments(task: Task, story: TaskStory, now: UnixMs) -> Sequence[UnixMs]:
    """When it was fired."""
    begin = UnixMs(now - round(story.reach_s * 1000))
    if task.cron is None:
        return [UnixMs(begin + (now - begin) * n // (story.times + 1)) for n in range(1, story.times + 1)]
    assert task.timezone is not None
    slots = slots_between(cron.parse(task.cron), task.timezone, begin, now, begin)
    return [slot.at for slot in slots]


def _begun(task: Task, created_at: UnixMs, attempt: int) -> Run:
    is_scheduled = task.cron is not None
    return Run(
        id=_NO_ID,
        task_name=task.name,
        status=Status.ENDED,
        created_at=created_at,
        triggered_by=TriggeredBy.CRON if is_scheduled else TriggeredBy.API,
        trigger_source=None if is_scheduled else TriggerSource.CLI,
        retry_attempt=attempt,
    )


def _skipped(task: Task, run: Run) -> Run:
    return evolve(
        run,
        end_reason=EndReason.SKIPPED,
        exit_code=-1,
        end_at=run.created_at,
        is_failure=is_failure(task.failures, EndReason.SKIPPED, -1),
        message="a previous run was still in flight",
    )


def _ended(task: Task, run: Run, ending: Ending, random: Random) -> Run:
    start_at = UnixMs(run.created_at + random.randint(8, 30))
    return evolve(
        run,
        start_at=start_at,
        end_at=UnixMs(start_at + round(ending.seconds * 1000)),
        end_reason=ending.reason,
        exit_code=ending.exit_code,
        is_failure=is_failure(task.failures, ending.reason, ending.exit_code),
        peak_memory_bytes=Bytes(random.randint(900, 6000) * 4096),
        cpu_time=Seconds(round(ending.seconds * random.uniform(0.002, 0.02), 3)),
    )


def _retry_at(task: Task, failed: Run) -> UnixMs:
    assert failed.end_at is not None
    return UnixMs(failed.end_at + round(retry_delay(task, failed.retry_attempt + 1) * 1000))


def _of_life(service: Service, life: Life, now: UnixMs) -> _Draft:
    began_at = UnixMs(now - round(life.began_s * 1000))
    run = Run(
        id=_NO_ID,
        task_name=service.name,
        status=Status.ENDED,
        created_at=began_at,
        triggered_by=TriggeredBy.SERVICE,
        start_at=UnixMs(began_at + 6),
        end_at=UnixMs(now - round(life.ended_s * 1000)),
        end_reason=life.reason,
        exit_code=life.exit_code,
        is_failure=is_failure(service.failures, life.reason, life.exit_code),
        replica_index=life.replica_index,
        peak_memory_bytes=Bytes(3_900_000),
    )
    return _Draft(service, run, life.output)


def _give_ids(drafts: Iterable[_Draft]) -> None:
    moment = 0
    ids = RunIds(lambda: moment / 1000)
    for draft in drafts:
        moment = draft.run.created_at
        retried = draft.before.run.id if draft.before is not None else None
        draft.run = evolve(draft.run, id=ids(), retry_of_run_id=retried)


def _write_log(data_dir: DataDir, draft: _Draft) -> None:
    """The output, evenly spread over the time that the run took."""
    run = draft.run
    assert run.start_at is not None
    assert run.end_at is not None
    moment: float = run.start_at
    step = (run.end_at - run.start_at) / (len(draft.output) + 1)
    writer = LogWriter(
        log_paths(data_dir.logs, run.task_name, run.id, run.created_at),
        max_size=draft.unit.log_max_size,
        on_full=draft.unit.log_on_full,
        masker=None,
        wall=lambda: moment / 1000,
    )
    for stream, text in draft.output:
        moment += step
        if stream is Stream.SYSTEM:
            writer.system(text)
        else:
            writer.write(stream, f"{text}\n".encode())
        if writer.cut is not None:
            break
    writer.close()


def _store(cursor: Cursor, past: Sequence[Run], config: Config, now: UnixMs) -> None:
    for run in past:
        runs.insert(cursor, run)
    moment = 0
    ids = RunIds(lambda: moment / 1000)
    for run in sorted(past, key=lambda run: run.end_at or 0):
        assert run.end_at is not None
        moment = run.end_at
        event = run_ended(run, ids(), run.end_at)
        if event is None or not counts_as_failure(event):
            continue
        row, is_new = fold(
            notices.latest(cursor, dedup_key(event)),
            event,
            window=config.notify.coalesce_window,
            ring=config.notify.occurrence_ring,
        )
        if is_new:
            notices.insert(cursor, row)
        else:
            notices.replace(cursor, row)
        if row.last_occurred_at < now - _UNREAD_MS:
            notices.set_read(cursor, row.id, row.last_occurred_at)
