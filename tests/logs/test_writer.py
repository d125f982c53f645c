from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from stat import S_IMODE

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runwisp.logs import files
from runwisp.logs.limits import Cut
from runwisp.logs.live import Batch, Closed, TailChanged, Update
from runwisp.logs.opening import open_log
from runwisp.logs.part import read_part
from runwisp.logs.space import Shortage
from runwisp.model import Bytes, LogOnFull, Stream, UnixMs
from tests.logs.helpers import (
    CREATED_AT,
    ERR,
    OUT,
    SYSTEM,
    Wall,
    close,
    entries,
    log_size,
    make_paths,
    make_writer,
    page,
    raw,
    stream_bytes,
    texts,
)

_CHUNKS = st.lists(
    st.tuples(
        st.sampled_from([OUT, ERR]), st.binary(max_size=30) | st.sampled_from([b"\n", b"a\nb", b"\r\n"])
    ),
    max_size=25,
)
#: The directory of a test may be used for all examples: each starts with a writer that removes what it finds.
_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def _fail_writes(monkeypatch: pytest.MonkeyPatch, code: int, suffix: str = ".log") -> Callable[[], None]:
    """Every write to a file with this suffix leaves one byte and fails, until the result is called."""
    intact = files.write_at

    def failing(descriptor: int, data: bytes, offset: int) -> None:
        if not os.readlink(f"/proc/self/fd/{descriptor}").endswith(suffix):
            intact(descriptor, data, offset)
            return
        os.pwrite(descriptor, data[:1], offset)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files, "write_at", failing)
    return lambda: monkeypatch.setattr(files, "write_at", intact)


def test_lines_of_both_streams_are_numbered_in_the_order_of_reading(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    wall = Wall()
    writer = make_writer(paths, wall=wall)
    for number in range(10):
        wall.ms += 20
        writer.write(OUT, b"out %d\n" % number)
        if number % 3 == 0 and number < 9:
            writer.write(ERR, b"err %d\n" % number)
    close(writer)
    items = page(paths).items
    assert [line.n for line in items] == list(range(1, 14))
    assert [line.text for line in items if line.stream is ERR] == ["err 0", "err 3", "err 6"]
    assert items[0].ts == CREATED_AT + 20
    assert items[-1].ts == CREATED_AT + 200
    assert all(line.stream is OUT for line in items if line.text.startswith("out"))
    assert raw(paths).startswith(b"out 0\nerr 0\nout 1\n")
    assert len(raw(paths)) == 13 * 6


@_EXAMPLES
@given(_CHUNKS, st.sampled_from([None, 10**6]))
def test_the_files_hold_the_exact_bytes_whatever_the_pieces(
    tmp_path: Path, chunks: list[tuple[Stream, bytes]], max_size: int | None
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=max_size)
    for stream, data in chunks:
        writer.write(stream, data)
    close(writer)
    stored = entries(paths)
    assert [entry.n for entry in stored] == list(range(1, len(stored) + 1))
    assert writer.total_lines == len(stored)
    for stream in (OUT, ERR):
        assert stream_bytes(stored, stream) == b"".join(data for other, data in chunks if other is stream)


@_EXAMPLES
@given(st.lists(st.binary(max_size=30) | st.just(b"\n"), max_size=25))
def test_raw_gives_back_what_one_stream_wrote(tmp_path: Path, chunks: list[bytes]) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    for data in chunks:
        writer.write(OUT, data)
    close(writer)
    assert raw(paths) == b"".join(chunks)


def test_a_long_line_becomes_four_and_raw_is_the_original(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"x" * 200_000)
    close(writer)
    items = page(paths).items
    assert [line.continued for line in items] == [False, True, True, True]
    assert raw(paths) == b"x" * 200_000


def test_a_split_line_is_put_together_around_lines_of_the_other_stream(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"x" * 70_000)
    writer.write(ERR, b"oops\n")
    writer.write(OUT, b"end\n")
    close(writer)
    assert [(line.stream, line.continued) for line in page(paths).items] == [
        (OUT, False),
        (ERR, False),
        (OUT, True),
    ]
    assert raw(paths) == b"x" * 65_536 + b"\noops\n" + b"x" * 4464 + b"end\n"


def test_lines_after_a_split_line_do_not_continue_it(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"x" * 70_000)
    writer.write(OUT, b"end\nnext\n")
    writer.write(OUT, b"more\n")
    close(writer)
    assert [line.continued for line in page(paths).items] == [False, True, False, False]


def test_nul_and_invalid_bytes_are_stored_unchanged(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"a\0b\xff\x1b[K\n")
    close(writer)
    assert raw(paths) == b"a\0b\xff\x1b[K\n"


def test_files_are_private_and_come_with_the_first_line(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    assert not paths.directory.exists()
    old = os.umask(0)
    try:
        writer.write(OUT, b"line\ntail")
    finally:
        os.umask(old)
    assert {S_IMODE(path.stat().st_mode) for path in (paths.log, paths.index, paths.part)} == {0o600}
    assert {S_IMODE(path.stat().st_mode) for path in (paths.directory, paths.directory.parent)} == {0o700}
    close(writer)
    assert sorted(paths.directory.iterdir()) == sorted([paths.log, paths.index])


def test_a_run_that_writes_nothing_has_no_files(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.end_stream(OUT)
    close(writer)
    assert not paths.directory.exists()
    assert page(paths).items == ()


def test_what_lies_at_the_path_of_a_new_run_is_removed(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    paths.directory.mkdir(parents=True)
    for path in paths.all():
        path.write_bytes(b"old\n")
    make_writer(paths)
    assert list(paths.directory.iterdir()) == []


def test_a_directory_that_vanishes_is_made_again(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    paths.directory.mkdir(parents=True)
    paths.directory.rmdir()
    writer.write(OUT, b"line\n")
    close(writer)
    assert texts(paths) == ["line"]


def test_tails_are_kept_in_the_part_file_until_they_are_lines(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\npro")
    writer.write(ERR, b"half")
    writer.write(OUT, b"mpt> ")
    tails = read_part(paths.part)
    assert tails is not None
    assert tails.last_line == 1
    assert tails.by_stream == {OUT: b"prompt> ", ERR: b"half"}
    assert writer.tails == {OUT: b"prompt> ", ERR: b"half"}
    writer.write(OUT, b"\n")
    tails = read_part(paths.part)
    assert tails is not None
    assert (tails.last_line, tails.by_stream) == (2, {OUT: b"", ERR: b"half"})
    writer.end_stream(ERR)
    assert writer.tails == {}
    close(writer)
    assert texts(paths) == ["one", "prompt> ", "half"]
    assert not paths.part.exists()


def test_system_lines_are_lines_of_their_own_stream(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.system("could not start: no such file\nsecond line")
    writer.system("")
    close(writer)
    assert [(line.n, line.stream, line.text) for line in page(paths).items] == [
        (1, SYSTEM, "could not start: no such file"),
        (2, SYSTEM, "second line"),
        (3, SYSTEM, ""),
    ]


def test_a_closed_log_takes_nothing_more(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"line\n")
    writer.close()
    writer.write(OUT, b"late\n")
    writer.system("later")
    writer.close()
    writer.sync()
    writer.sync()
    assert texts(paths) == ["line"]


def test_time_is_noted_at_most_every_ten_milliseconds(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    wall = Wall(1_000_000)
    writer = make_writer(paths, wall=wall)
    for _ in range(5):
        writer.write(OUT, b"line\n")
        wall.ms += 6
    wall.ms = 500_000
    writer.write(OUT, b"the clock went back\n")
    close(writer)
    moments = [line.ts for line in page(paths).items]
    assert moments == [1_000_000, 1_000_000, 1_000_012, 1_000_012, 1_000_024, 500_000]


def test_drop_old_keeps_the_newest_half_within_the_limit(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=1000)
    for number in range(1, 1001):
        writer.write(OUT, b"line %04d\n" % number)
        assert log_size(paths) <= 1000
    close(writer)
    assert writer.cut is None
    result = page(paths)
    assert result.total_lines == 1000
    assert result.truncated
    assert result.first_available == 1001 - len(result.items) > 1
    assert result.bytes == log_size(paths) >= 500
    assert [line.text for line in result.items] == [
        f"line {n:04}" for n in range(result.first_available, 1001)
    ]


@_EXAMPLES
@given(_CHUNKS, st.integers(1, 60))
def test_drop_old_keeps_the_end_of_what_was_written(
    tmp_path: Path, chunks: list[tuple[Stream, bytes]], max_size: int
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=max_size)
    for stream, data in chunks:
        writer.write(stream, data)
        assert log_size(paths) <= max(4, max_size)
    close(writer)
    stored = entries(paths)
    result = page(paths)
    assert [entry.n for entry in stored] == list(range(result.first_available, result.total_lines + 1))
    assert result.total_lines == writer.total_lines
    for stream in (OUT, ERR):
        whole = b"".join(data for other, data in chunks if other is stream)
        kept = b"".join(e.data[:-1] if e.flags & 1 else e.data for e in stored if e.stream is stream)
        assert whole.endswith(kept)


def test_a_new_segment_begins_with_a_line_about_what_is_gone(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=8192)
    for number in range(900):
        writer.write(OUT, b"line %04d\n" % number)
        assert log_size(paths) <= 8192
    close(writer)
    result = page(paths)
    notices = [line for line in result.items if line.stream is SYSTEM]
    assert len(notices) == 2
    assert "8 KB" in notices[1].text
    assert f"before {result.first_available} " in notices[1].text


def test_a_line_as_long_as_a_segment_rotates_once(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=20_000)
    for _ in range(3):
        writer.write(OUT, b"x" * 30_000 + b"\n")
        assert log_size(paths) <= 20_000
    close(writer)
    assert page(paths).total_lines == writer.total_lines


def test_an_index_that_outgrows_its_segment_rotates_too(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=100_000)
    for number in range(4000):
        writer.write((OUT, ERR)[number % 2], b"\n")
    assert paths.previous_index.stat().st_size <= 65_536 + 64
    close(writer)
    assert page(paths).total_lines == writer.total_lines


def test_drop_new_stores_nothing_after_the_limit_and_says_so(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=100, on_full=LogOnFull.DROP_NEW)
    for _ in range(30):
        writer.write(OUT, b"123456789\n")
    writer.write(ERR, b"tail")
    writer.system("ended by SIGKILL")
    close(writer)
    lines = page(paths).items
    assert [line.text for line in lines[:10]] == ["123456789"] * 10
    assert [line.stream for line in lines[10:]] == [SYSTEM, SYSTEM]
    assert (
        lines[10].text
        == "output limit of 100 B reached; the process goes on, its further output is not stored"
    )
    assert lines[11].text == "output: 304 B produced, 100 B kept"
    assert writer.cut is Cut.FULL
    assert writer.bytes_produced == 304


def test_kill_task_asks_for_the_end_of_the_run(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=100, on_full=LogOnFull.KILL_TASK)
    writer.write(OUT, b"1234567890" * 10 + b"\n")
    assert writer.cut is Cut.OVERFLOW
    writer.write(OUT, b"more\n")
    close(writer)
    assert texts(paths) == [
        "output limit of 100 B reached; stopping the run",
        "output: 106 B produced, 0 B kept",
    ]


def test_without_limit_nothing_is_cut(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=None, on_full=LogOnFull.KILL_TASK)
    writer.write(OUT, b"x\n" * 100_000)
    close(writer)
    assert page(paths).total_lines == 100_000
    assert writer.cut is None


def test_free_space_is_checked_after_every_ten_mebibytes(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    asked: list[int] = []

    def shortage() -> Shortage | None:
        asked.append(writer.bytes_written)
        return Shortage(Bytes(10), Bytes(1024)) if len(asked) == 2 else None

    writer = make_writer(paths, shortage=shortage)
    chunk = b"x" * 65_535 + b"\n"
    for _ in range(400):
        writer.write(OUT, chunk)
    close(writer)
    assert asked == [10 * 1024**2, 20 * 1024**2]
    assert writer.cut is Cut.NO_SPACE
    last = page(paths, -2).items
    assert last[0].text == "free space is 10 B, less than the minimum of 1 KB; output is no longer stored"
    assert last[1].text == "output: 25 MB produced, 20 MB kept"


def test_a_full_disk_ends_the_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"kept\ntail")
    mend = _fail_writes(monkeypatch, errno.ENOSPC)
    writer.write(OUT, b" lost\n")
    assert writer.cut is Cut.NO_SPACE
    mend()
    close(writer)
    assert texts(paths) == [
        "kept",
        "no space left on the disk; output is no longer stored",
        "output: 15 B produced, 5 B kept",
    ]


def test_kill_task_says_that_a_lack_of_space_stops_the_run(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    little = Shortage(Bytes(10), Bytes(1024))
    writer = make_writer(paths, on_full=LogOnFull.KILL_TASK, shortage=lambda: little)
    writer.write(OUT, (b"x" * 65_535 + b"\n") * 160)
    close(writer)
    assert writer.cut is Cut.NO_SPACE
    assert page(paths, -2).items[0].text == f"{little}; stopping the run"


def test_a_failed_write_loses_one_chunk_and_the_next_line_tells_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    errors: list[OSError] = []
    wall = Wall()
    writer = make_writer(paths, on_error=errors.append, wall=wall)
    writer.write(OUT, b"one\ntw")
    writer.write(ERR, b"pending")
    mend = _fail_writes(monkeypatch, errno.EIO)
    writer.write(OUT, b"o\nthree\nfo")
    writer.write(OUT, b"ur\n")
    assert paths.log.read_bytes() == b"one\n"
    wall.ms += 61_000
    writer.write(OUT, b"five\n")
    mend()
    writer.write(OUT, b"six\n")
    close(writer)
    assert texts(paths) == [
        "one",
        "20 bytes of output are missing here: writing them failed",
        "six",
        "pending",
    ]
    assert [error.errno for error in errors] == [errno.EIO, errno.EIO]


def test_a_loss_at_the_very_end_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    mend = _fail_writes(monkeypatch, errno.EIO)
    writer.write(OUT, b"two\n")
    mend()
    close(writer)
    assert texts(paths) == ["one", "4 bytes of output are missing here: writing them failed"]


def test_a_failing_index_loses_the_chunk_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    mend = _fail_writes(monkeypatch, errno.EIO, ".idx")
    writer.write(ERR, b"two\n")
    mend()
    writer.write(OUT, b"three\n")
    close(writer)
    assert [(line.stream, line.text) for line in page(paths).items] == [
        (OUT, "one"),
        (SYSTEM, "4 bytes of output are missing here: writing them failed"),
        (OUT, "three"),
    ]


def test_a_write_that_fails_and_cannot_be_undone_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    with monkeypatch.context() as patch:

        def refuse(descriptor: int, size: int) -> None:
            raise OSError(errno.EIO, "refused")

        patch.setattr(files, "cut", refuse)
        _fail_writes(patch, errno.EIO)
        writer.write(ERR, b"two\n")
    with open_log(paths, is_ended=False) as snapshot:
        assert [line.text for line in snapshot.page(1, 9).items][:1] == ["one"]
    writer.write(OUT, b"three\n")
    with open_log(paths, is_ended=False) as snapshot:
        assert [line.stream for line in snapshot.page(1, 9).items] == [OUT, SYSTEM, OUT]
    close(writer)


def test_a_failing_part_file_costs_nothing_but_safety(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    errors: list[OSError] = []
    writer = make_writer(paths, on_error=errors.append)
    mend = _fail_writes(monkeypatch, errno.EIO, ".part")
    writer.write(OUT, b"one\ntw")
    writer.write(OUT, b"o\n")
    mend()
    close(writer)
    assert texts(paths) == ["one", "two"]
    assert len(errors) == 1


def test_secrets_never_reach_a_file(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, secrets=["hunter2"])
    for byte in b"password=hunter2;":
        writer.write(OUT, bytes([byte]))
        assert b"hun" not in paths.part.read_bytes()
        assert b"hun" not in writer.tails[OUT]
    writer.write(OUT, b"\n")
    writer.system("argument hunter2 is wrong")
    close(writer)
    assert texts(paths) == ["password=[redacted];", "argument [redacted] is wrong"]


@_EXAMPLES
@given(
    st.lists(st.text("xyz0", min_size=1, max_size=5), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from([OUT, ERR]), st.text("xyz0 \n", max_size=8)), max_size=15),
)
def test_no_line_holds_a_secret_whatever_the_pieces(
    tmp_path: Path, secrets: list[str], chunks: list[tuple[Stream, str]]
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, secrets=secrets)
    for stream, text in chunks:
        writer.write(stream, text.encode())
        tails = read_part(paths.part)
        for tail in tails.by_stream.values() if tails is not None else ():
            assert not any(secret.encode() in tail for secret in secrets)
    close(writer)
    assert not any(secret in line for secret in secrets for line in texts(paths))


def test_the_disk_is_waited_for_after_the_end_and_elsewhere_at_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_paths(tmp_path)
    flushed: list[str] = []
    monkeypatch.setattr(
        files, "flush", lambda descriptor: flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    )
    waiting: list[Callable[[], None]] = []
    writer = make_writer(paths, max_size=60, later=waiting.append)
    writer.write(OUT, b"a line of 20 bytes.\n" * 2)
    writer.close()
    assert flushed == []
    waiting.pop()()
    assert flushed == [str(paths.previous_log), str(paths.previous_index)]
    writer.sync()
    assert flushed[2:] == [str(paths.log), str(paths.index)]


def test_subscribers_get_committed_lines_and_changed_tails(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    wall = Wall(5000)
    writer = make_writer(paths, wall=wall)
    updates: list[Update] = []
    unsubscribe = writer.subscribe(updates.append)
    writer.write(OUT, b"one\ntwo\nthr")
    wall.ms += 4
    writer.write(OUT, b"ee\n")
    writer.end_stream(OUT)
    writer.close()
    assert updates == [
        Batch(1, 2, OUT, b"one\ntwo\n", UnixMs(5000), 0),
        TailChanged(OUT),
        Batch(3, 3, OUT, b"three\n", UnixMs(5000), 0),
        TailChanged(OUT),
        Closed(),
    ]
    unsubscribe()
    writer.sync()


def test_a_snapshot_of_a_live_log_stays_as_it_was(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=100)
    with writer.snapshot() as empty:
        assert empty.page(None, 10).items == ()
    for number in range(12):
        writer.write(OUT, b"line %03d\n" % number)
    writer.write(ERR, b"tail")
    with writer.snapshot() as snapshot:
        first, total = snapshot.first_available, snapshot.total_lines
        before = list(snapshot.entries(1, 100))
        for number in range(100):
            writer.write(OUT, b"later %02d\n" % number)
        close(writer)
        assert list(snapshot.entries(1, 100)) == before
        assert [entry.n for entry in before] == list(range(first, total + 1))
        assert snapshot.page(None, 1).partials[0].text == "tail"
        assert not snapshot.finalized
    with writer.snapshot() as snapshot:
        assert snapshot.finalized
        assert snapshot.page(None, 1).partials == ()
        assert snapshot.total_lines == 113


def test_files_that_were_deleted_stay_readable_in_a_snapshot(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"line\n")
    close(writer)
    with writer.snapshot() as snapshot:
        for path in paths.all():
            path.unlink(missing_ok=True)
        assert [line.text for line in snapshot.page(1, 10).items] == ["line"]
    with writer.snapshot() as snapshot:
        assert snapshot.page(1, 10).items == ()
