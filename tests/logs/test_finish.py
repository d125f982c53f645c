from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runwisp.logs import files
from runwisp.logs.finish import finish_log
from runwisp.logs.index import NEWLINE_ADDED
from runwisp.logs.part import PartFile
from runwisp.logs.paths import LogPaths
from runwisp.logs.writer import LogWriter
from runwisp.model import Stream
from tests.logs.helpers import (
    CREATED_AT,
    ERR,
    OUT,
    SYSTEM,
    Wall,
    close,
    entries,
    make_paths,
    make_writer,
    page,
    raw,
    stream_bytes,
    texts,
)

_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
_NOTE = "the daemon died during this run"


def _leave_behind(writer: LogWriter, paths: LogPaths) -> None:
    """Make the files what a daemon leaves that is killed now, and let go of the writer."""
    kept = {path: path.read_bytes() for path in paths.all() if path.exists()}
    close(writer)
    for path in paths.all():
        path.unlink(missing_ok=True)
    for path, data in kept.items():
        path.write_bytes(data)
        os.utime(path, ns=(CREATED_AT * 1_000_000, CREATED_AT * 1_000_000))


def test_tails_become_lines_and_a_system_line_follows(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, wall=Wall(CREATED_AT - 5000))
    writer.write(OUT, b"one\nprompt> ")
    writer.write(ERR, b"half")
    _leave_behind(writer, paths)
    finish_log(paths, _NOTE, Wall(CREATED_AT + 5000))
    assert [(line.stream, line.text, line.ts) for line in page(paths).items] == [
        (OUT, "one", CREATED_AT - 5000),
        (OUT, "prompt> ", CREATED_AT),
        (ERR, "half", CREATED_AT),
        (SYSTEM, _NOTE, CREATED_AT + 5000),
    ]
    assert [entry.flags for entry in entries(paths)] == [0, NEWLINE_ADDED, NEWLINE_ADDED, 0]
    assert not paths.part.exists()


def test_finishing_twice_changes_nothing(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\ntwo")
    _leave_behind(writer, paths)
    finish_log(paths, _NOTE, Wall())
    before = paths.log.read_bytes(), paths.index.read_bytes()
    finish_log(paths, _NOTE, Wall())
    assert (paths.log.read_bytes(), paths.index.read_bytes()) == before


def test_finishing_again_does_not_repeat_what_happened_in_other_words(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    finish_log(paths, f"{_NOTE}; stopped what was left of it: sleep (17)", Wall())
    finish_log(paths, _NOTE, Wall())
    assert texts(paths) == [f"{_NOTE}; stopped what was left of it: sleep (17)"]


def test_a_log_that_was_closed_gets_the_system_line_too(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    close(writer)
    finish_log(paths, _NOTE, Wall())
    assert texts(paths) == ["one", _NOTE]


def test_a_run_without_output_gets_a_log_that_says_why(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    finish_log(paths, _NOTE, Wall())
    assert [(line.n, line.text) for line in page(paths).items] == [(1, _NOTE)]


def test_a_tail_that_has_become_a_line_is_not_repeated(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"tail")
    stale = paths.part.read_bytes()
    writer.write(OUT, b" end\n")
    paths.part.write_bytes(stale)
    _leave_behind(writer, paths)
    finish_log(paths, _NOTE, Wall())
    assert texts(paths) == ["tail end", _NOTE]


def test_a_half_line_gets_its_newline(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    writer.write(ERR, b"two\nthree\n")
    _leave_behind(writer, paths)
    paths.log.write_bytes(paths.log.read_bytes()[:-3])
    finish_log(paths, _NOTE, Wall())
    stored = entries(paths)
    assert [(entry.stream, entry.data, entry.flags) for entry in stored] == [
        (OUT, b"one\n", 0),
        (ERR, b"two\n", 0),
        (ERR, b"thr\n", NEWLINE_ADDED),
        (SYSTEM, _NOTE.encode() + b"\n", 0),
    ]
    assert raw(paths) == b"one\ntwo\nthr\n" + _NOTE.encode() + b"\n"


def test_a_half_line_that_is_less_than_its_tail_gives_way_to_it(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\nlong tail")
    tail = paths.part.read_bytes()
    writer.write(OUT, b" end\n")
    _leave_behind(writer, paths)
    paths.part.write_bytes(tail)
    paths.log.write_bytes(b"one\nlong")
    finish_log(paths, _NOTE, Wall())
    assert texts(paths) == ["one", "long tail", _NOTE]


def test_a_tail_goes_on_where_its_line_was_split(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"x" * 70_000)
    _leave_behind(writer, paths)
    finish_log(paths, _NOTE, Wall())
    assert [line.continued for line in page(paths).items] == [False, True, False]
    assert stream_bytes(entries(paths), OUT) == b"x" * 70_000


def test_a_log_without_index_is_finished_too(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\ntwo\ntail")
    _leave_behind(writer, paths)
    paths.index.unlink()
    finish_log(paths, _NOTE, Wall())
    assert texts(paths) == ["one", "two", "tail", _NOTE]


def test_a_log_whose_rotation_was_cut_short_goes_on_in_a_new_segment(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\ntwo\n")
    close(writer)
    paths.log.rename(paths.previous_log)
    finish_log(paths, _NOTE, Wall())
    assert [(line.n, line.text) for line in page(paths).items] == [(1, "one"), (2, "two"), (3, _NOTE)]
    assert paths.previous_index.exists()


def test_an_index_that_cannot_be_mended_leaves_the_log_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    close(writer)
    paths.index.write_bytes(b"damaged")

    def refuse(old: Path, new: Path) -> None:
        raise PermissionError(13, "refused", str(old))

    monkeypatch.setattr(files, "rename", refuse)
    with pytest.raises(OSError, match="index is damaged"):
        finish_log(paths, _NOTE, Wall())
    assert texts(paths) == ["one"]


class _Killed(Exception):
    """The daemon dies here."""


@_EXAMPLES
@given(
    st.lists(
        st.tuples(
            st.sampled_from([OUT, ERR]), st.sampled_from([b"a", b"bc\n", b"d\nefg", b"\n", b"h\ni\n", b"jk"])
        ),
        min_size=1,
        max_size=25,
    ),
    st.sampled_from([None, 60]),
    st.integers(0, 60),
    st.integers(0, 6),
)
def test_nothing_is_lost_whose_write_had_returned(
    tmp_path: Path, chunks: list[tuple[Stream, bytes]], max_size: int | None, operations: int, torn_at: int
) -> None:
    paths = make_paths(tmp_path)
    returned = {OUT: b"", ERR: b""}
    attempted = dict(returned)
    with pytest.MonkeyPatch.context() as patch:
        writer = make_writer(paths, max_size=max_size)
        _die_after(patch, operations, torn_at)
        with suppress(_Killed):
            for stream, data in chunks:
                attempted[stream] += data
                writer.write(stream, data)
                returned[stream] += data
    writer.sync()
    finish_log(paths, _NOTE, Wall())
    stored, result = entries(paths), page(paths)
    assert [entry.n for entry in stored] == list(range(result.first_available, result.total_lines + 1))
    assert stored[-1].data == _NOTE.encode() + b"\n"
    for stream in (OUT, ERR):
        kept = b"".join(
            entry.data[:-1] if entry.flags & NEWLINE_ADDED else entry.data
            for entry in stored
            if entry.stream is stream
        )
        ends = range(len(returned[stream]), len(attempted[stream]) + 1)
        assert any(attempted[stream][:end].endswith(kept) for end in ends)
        assert max_size is not None or kept.startswith(returned[stream])


def _die_after(patch: pytest.MonkeyPatch, operations: int, torn_at: int) -> None:
    """The process dies in the file operation after so many; a write of lines or tails may be half done."""
    left = [None] * operations
    write = files.write_at

    def mortal(operation: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object) -> object:
            if not left:
                raise _Killed
            left.pop()
            return operation(*args)

        return run

    def mortal_write(descriptor: int, data: bytes, offset: int) -> None:
        if left:
            left.pop()
            write(descriptor, data, offset)
            return
        is_header = len(data) == 16 and offset == 0
        if not is_header and not os.readlink(f"/proc/self/fd/{descriptor}").endswith(".idx"):
            write(descriptor, data[:torn_at], offset)
        raise _Killed

    for name in ("unlink", "rename", "create"):
        patch.setattr(files, name, mortal(getattr(files, name)))
    patch.setattr(files, "write_at", mortal_write)


def test_a_part_file_of_another_state_is_harmless(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    _leave_behind(writer, paths)
    part = PartFile(paths.part)
    part.update(0, OUT, b"stale")
    part.update(0, ERR, b"err")
    finish_log(paths, _NOTE, Wall())
    part.remove()
    assert texts(paths) == ["one", "err", _NOTE]
