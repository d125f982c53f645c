"""A data directory with runs in it, made by the program's own writers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from runwisp.logs.paths import log_paths
from runwisp.logs.writer import LogWriter
from runwisp.model import (
    Bytes,
    EndReason,
    LogOnFull,
    Run,
    RunId,
    Seconds,
    Status,
    Stream,
    TriggeredBy,
    TriggerSource,
    UnixMs,
)
from runwisp.store import runs
from runwisp.store.connection import migrate, open_writer
from runwisp.store.datadir import DataDir

#: When the first run is created; each further one comes a minute later.
BEGIN = UnixMs(1_772_416_800_000)

OUT, ERR, SYSTEM = Stream.STDOUT, Stream.STDERR, Stream.SYSTEM

_LOG_MAX_SIZE = Bytes(400)

Output = Sequence[tuple[Stream, bytes]]


def run_id(number: int) -> RunId:
    return RunId(f"01JA9XQ4Z6M8T2V7C3K5N0R{number:03}")


RUN = Run(
    id=run_id(0),
    task_name="backup",
    status=Status.ENDED,
    created_at=BEGIN,
    start_at=UnixMs(BEGIN + 14),
    end_at=UnixMs(BEGIN + 41_582),
    end_reason=EndReason.SUCCESS,
    exit_code=0,
    triggered_by=TriggeredBy.CRON,
    peak_memory_bytes=Bytes(48_234_496),
    cpu_time=Seconds(3.41),
)
FAILED = evolve(RUN, end_reason=EndReason.FAILED, exit_code=3, is_failure=True)
RUNNING = evolve(
    RUN,
    status=Status.RUNNING,
    end_reason=None,
    end_at=None,
    exit_code=None,
    peak_memory_bytes=None,
    cpu_time=None,
)
PENDING = evolve(RUNNING, status=Status.PENDING, start_at=None)
SKIPPED = evolve(
    RUN,
    end_reason=EndReason.SKIPPED,
    exit_code=-1,
    start_at=None,
    end_at=BEGIN,
    peak_memory_bytes=None,
    cpu_time=None,
    triggered_by=TriggeredBy.API,
    trigger_source=TriggerSource.UI,
    message="a run of it was active",
)


@define
class History:
    """Adds runs to the data directory at ``path``, each newer than the one before."""

    path: Path
    log_max_size: Bytes | None = field(default=_LOG_MAX_SIZE, init=False)
    _numbers: Iterator[int] = field(factory=lambda: count(1), init=False)
    _writers: list[LogWriter] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.path.mkdir(mode=0o700)
        migrate(self.data_dir.database)

    @property
    def data_dir(self) -> DataDir:
        return DataDir(self.path)

    # The changes may be of any attribute of a run.
    def add(self, task_name: str, like: Run = RUN, output: Output = (), **changes: Any) -> Run:
        """A run of the task, otherwise ``like`` another, that has written ``output``."""
        number = next(self._numbers)
        run = evolve(
            like,
            id=run_id(number),
            task_name=task_name,
            created_at=UnixMs(BEGIN + 60_000 * number),
            **changes,
        )
        with self._cursor() as cursor:
            runs.insert(cursor, run)
        if output:
            self._write(run, output)
        return run

    def close(self) -> None:
        """End the logs of runs that are still live."""
        for writer in self._writers:
            writer.close()
            writer.sync()

    def _write(self, run: Run, output: Output) -> None:
        writer = LogWriter(
            log_paths(self.data_dir.logs, run.task_name, run.id, run.created_at),
            max_size=self.log_max_size,
            on_full=LogOnFull.DROP_OLD,
            masker=None,
            wall=lambda: run.created_at / 1000,
        )
        for stream, data in output:
            if stream is SYSTEM:
                writer.system(data.decode())
            else:
                writer.write(stream, data)
        if run.status is Status.ENDED:
            writer.close()
            writer.sync()
        else:
            self._writers.append(writer)

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        with closing(open_writer(self.data_dir.database)) as connection:
            cursor = connection.execute("BEGIN")
            yield cursor
            connection.execute("COMMIT")


def contents(path: Path) -> dict[str, bytes]:
    """Every file below ``path``, to see whether anything changed."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
