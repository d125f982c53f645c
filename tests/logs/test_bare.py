from __future__ import annotations

import pytest
from hypothesis import example, given

from runwisp.logs.bare import as_utf8, bare
from tests.logs.lines import shown, split, torn_blocks


@given(torn_blocks)
@example(b"a\x1b]0;b\r\nc\n")
@example(b"\xc3\x00\xa9\n")
@example(b"a\r\r\n")
@example(b"\x1b[31ma\x1b[3\x1b[0m1mb\n")
@example(b"a\x1b\x1b[0m[31mb\n")
@example(b"\x1b]0;a\x1b[0m\\b\n")
@example(b"".join(b"%d\x1b[%dm" % (code, code) for code in range(40)) + b"\n")
@example(b"a\r")
def test_lines_look_as_rendered_unless_they_are_odd(block: bytes) -> None:
    text, odd = bare(as_utf8(block))
    lines = split(block)
    bare_lines = text.split(b"\n")
    assert len(bare_lines) == block.count(b"\n") + 1
    for number, line in enumerate(lines):
        if number not in odd:
            assert bare_lines[number].decode() == shown(line)


@given(torn_blocks)
def test_odd_lines_are_lines_of_the_block_in_order(block: bytes) -> None:
    odd = bare(block).odd
    assert list(odd) == sorted(set(odd))
    assert not odd or odd[-1] < len(split(block))


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (b"plain\ttext\n", b"plain\ttext\n"),
        (b"one\r\ntwo\r\n", b"one\ntwo\n"),
        (b"\x1b[31mred\x1b[0m\n\x1b[31mred\x1b[0m\n", b"red\nred\n"),
        (b"\x1b[31mred\x1b[0m\x00\n", b"red\n"),
        (b"a\x00b\x7f\xc2\x85c\n", b"abc\n"),
        ("20 °C\n".encode(), "20 °C\n".encode()),
        (b"\x1b]0;never ends\nnext\n", b"\nnext\n"),
    ],
)
def test_what_is_dropped(block: bytes, text: bytes) -> None:
    assert bare(block) == (text, ())


@pytest.mark.parametrize("line", [b"1%\r2%", b"a\bb", b"a\x1b[Kb", b"a\x1b[2Db", b"a\x1b[1;1Hb", b"a\r\r"])
def test_a_line_whose_cursor_moves_is_odd(line: bytes) -> None:
    assert bare(b"x\n" + line + b"\ny\n").odd == (1,)


def test_what_is_not_utf_8_becomes_replacement_characters() -> None:
    assert as_utf8(b"a\xffb") == "a\N{REPLACEMENT CHARACTER}b".encode()
    assert as_utf8("aé".encode()) == "aé".encode()
