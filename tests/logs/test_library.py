from __future__ import annotations

import gc
from pathlib import Path

from runwisp.logs.library import Library
from runwisp.model import Status, Stream
from tests import make
from tests.logs.helpers import close, make_writer


def test_a_log_that_is_being_written_is_read_through_its_writer(tmp_path: Path) -> None:
    library, run = Library(tmp_path), make.run(status=Status.RUNNING)
    writer = make_writer(library.paths(run))
    library.add(run.id, writer)
    writer.write(Stream.STDOUT, b"one\ntw")
    assert library.writer(run.id) is writer
    with library.snapshot(run) as snapshot:
        assert (snapshot.total_lines, dict(snapshot.tails)) == (1, {Stream.STDOUT: b"tw"})
        assert not snapshot.finalized


def test_a_log_that_nobody_writes_is_read_from_its_files(tmp_path: Path) -> None:
    library, run = Library(tmp_path), make.run(status=Status.ENDED)
    writer = make_writer(library.paths(run))
    library.add(run.id, writer)
    writer.write(Stream.STDOUT, b"one\ntwo\n")
    close(writer)
    del writer
    gc.collect()
    assert library.writer(run.id) is None
    with library.snapshot(run) as snapshot:
        assert (snapshot.total_lines, snapshot.finalized) == (2, True)


def test_a_run_without_output_has_an_empty_log(tmp_path: Path) -> None:
    with Library(tmp_path).snapshot(make.run()) as snapshot:
        assert (snapshot.total_lines, snapshot.finalized) == (0, False)
