from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.render import TEXT_LIMIT, render, without_styles

ESC = b"\x1b"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"10%\r50%\r100%\n", "100%"),
        (b"100%\rok\n", "ok0%"),
        (b"100%\r\x1b[Kok\n", "ok"),
        (b"abc\b\bX\n", "aXc"),
        (b"line\r\n", "line"),
        (b"a\tb\n", "a\tb"),
        (b"\x1b[31mred\n", "\x1b[31mred\x1b[0m"),
        (b"\x1b]0;title\x07hi\n", "hi"),
        (b"\x1b[2Ahi\n", "hi"),
        (b"caf\xe9\n", "caf\ufffd"),
        (b"a\0b\n", "ab"),
    ],
)
def test_lines_look_as_the_spec_says(line: bytes, text: str) -> None:
    assert render(line) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"", ""),
        (b"\n", ""),
        (b"  two  blanks \n", "  two  blanks "),
        (b"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x99\n", "café € 🐙"),
        (b"10%\r", "10%"),
        (b"a\r\r\n", "a"),
        (b"\x1b[31mred\x1b[0m plain \n", "\x1b[31mred\x1b[0m plain "),
        (b"\x1b[31mred\x1b[39m\n", "\x1b[31mred\x1b[39m"),
        (b"\x1b[1;38;5;0mx\x1b[mok\n", "\x1b[1;38;5;0mx\x1b[mok"),
        (b"\x1b[38:2::0:0:0mx\n", "\x1b[38:2::0:0:0mx\x1b[0m"),
        (b"\x1b[?25lhidden\x1b[?25h\n", "hidden"),
        (b"\x1b(Bx\x1b7y\x1b=z\n", "xyz"),
        (b"\x1bPq#0\x1b\\dcs\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\!\n", "dcs!"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", "link"),
        (b"a\x1b]0;never ends\n", "a"),
        (b"a\x1b[31\n", "a"),
        (b"a\x1b\n", "a"),
        (b"a\x1b[>4;1mb\n", "ab"),
        (b"bell\x07 del\x7f c1\xc2\x85\n", "bell del c1"),
        (b"\x1b]0;\x1b[2K\rtitle\x07a\tb \n", "a\tb "),
    ],
)
def test_simple_lines_keep_all_but_what_is_ignored(line: bytes, text: str) -> None:
    assert render(line) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"abc\x1b[2Dx\n", "axc"),
        (b"a\x1b[3Cb\n", "a   b"),
        (b"abc\x1b[2Gx\n", "axc"),
        (b"abc\x1b[Gx\n", "xbc"),
        (b"abc\x1b[9;2Hx\x1b[fy\n", "yxc"),
        (b"abc\x1b[2Ex\n", "xbc"),
        (b"abc\x1b[Fx\n", "xbc"),
        (b"abc\b\x1b[Kx\n", "abx"),
        (b"abc\b\b\x1b[1Kx\n", " xc"),
        (b"abc\x1b[2Kx\n", "   x"),
        (b"abc\x1b[3J\n", ""),
        (b"abc\x1b[7K\n", "abc"),
        (b"\x1b[9D\b\bx\n", "x"),
        (b"a\tb\rc\n", "c       b"),
        (b"blank at the end   \rB\n", "Blank at the end"),
        (b"\x1b[7m  \x1b[0m\r\n".replace(b"\r\n", b"\r\r\n"), "\x1b[7m  \x1b[0m"),
        (b"\x1b[31mab\x1b[1mc\rd\n", "\x1b[31m\x1b[1md\x1b[0m\x1b[31mb\x1b[0m\x1b[31m\x1b[1mc\x1b[0m"),
        (b"abc\r\x1b[31mx\x1b[39my\n", "\x1b[31mx\x1b[0myc"),
        (b"x\x1b[99999999999999999999Cy\n", "x" + " " * 4094 + "y"),
        (b"x\x1b[1:2Gy\rz\n", "zy"),
    ],
)
def test_other_lines_are_what_a_row_of_cells_shows(line: bytes, text: str) -> None:
    assert render(line) == text


def test_the_cursor_moves_no_further_than_4096_columns_but_text_does() -> None:
    assert render(b"\r" + b"\t" * 4000 + b"x\n") == " " * 4095 + "x"
    assert render(b"\ra" + b"b" * 10_000 + b"\x1b[5Cc\n") == "a" + "b" * 10_000 + "c"


def test_a_style_of_more_than_256_bytes_shrinks_to_its_newest_sequence() -> None:
    fits, more = b"\x1b[31m" * 51, b"\x1b[32m"
    assert render(b"\r" + fits + b"x\n") == "\x1b[31m" * 51 + "x\x1b[0m"
    assert render(b"\r" + fits + more + b"x\n") == "\x1b[32mx\x1b[0m"
    assert render(b"\r\x1b[" + b"1;" * 200 + b"1mx\n") == "x"


def test_a_text_that_grows_too_long_loses_its_styles() -> None:
    styles = b"".join(b"\x1b[%dmx" % (31 + number % 2) for number in range(10_000))
    assert render(b"\r\x1b[1;4;7;9m" + styles + b"\n") == "x" * 10_000
    assert len(render(b"a" * 65_536 + b"\n")) < TEXT_LIMIT


def test_styles_can_be_taken_out_of_a_rendered_text() -> None:
    assert without_styles(render(b"a\x1b[31mred\x1b[0m\tb\n")) == "ared\tb"


_PIECES = st.sampled_from(
    [
        b"a",
        b"\xc3\xa9",
        b"\xff",
        b" ",
        b"\t",
        b"\r",
        b"\b",
        b"\x07",
        ESC,
        ESC + b"[",
        ESC + b"]",
        b"\x1b\\",
        b";",
    ]
    + [
        ESC + b"[" + params + final
        for params in (b"", b"3", b"2;9", b"?1", b"0")
        for final in (b"m", b"K", b"C", b"G")
    ]
)
_LINES = st.binary() | st.lists(_PIECES, max_size=60).map(b"".join)
_LEFT_OVER = re.compile(r"\x1b(?!\[[0-9;:]*m)|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]")


@given(_LINES)
def test_any_bytes_give_a_text_without_other_control_sequences(line: bytes) -> None:
    assert not _LEFT_OVER.search(render(line))


@given(_LINES)
def test_a_rendered_text_renders_as_itself(line: bytes) -> None:
    text = render(line)
    assert render(text.encode()) == text


@pytest.mark.parametrize(
    "piece", [b"\x1b[4096G\x1b[1K", b"\x1b[4096Gx\x1b[2K", b"\x1b[1Kx\r", b"\x1b]", b"\x1b["]
)
def test_the_longest_lines_of_the_most_expensive_sequences_render(piece: bytes) -> None:
    line = (b"\r" + b"x" * 30_000 + piece * 40_000)[:65_536]
    assert len(render(line)) <= 30_001
