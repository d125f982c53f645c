from __future__ import annotations

from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.positions import find_positions
from runwisp.config.problems import KeyPath
from tests.config.loading import MARK, unmarked

_LITERALS = [
    "1",
    "-1_000",
    "0xff",
    "1.5e3",
    "inf",
    "true",
    "1979-05-27",
    "1979-05-27 07:32:00",
    "1979-05-27T07:32:00.5+01:00",
    "07:32:00",
    '""',
    "''",
    '"a # b = [c] {d}"',
    r'"quote \" and \\"',
    "'literal \\'",
    '"""\n[x]\ny = 1 \\"""\n"""',
    '""""two quotes at the end"""""',
    '"""\\\n   folded"""',
    "'''\n'x'\n[[y]]\n'''",
    "'''a'''''",
    "[]",
    "[ # none\n]",
    "{}",
]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("§a = 1", ("a",)),
        ("a = 1\n  §b = 2", ("b",)),
        ("[§a]", ("a",)),
        ("[ a . §b ]", ("a", "b")),
        ('[tasks.§"a.b"]\nrun = 1', ("tasks", "a.b")),
        ("[tasks.'a.b']\n§run = 1", ("tasks", "a.b", "run")),
        (r'[tasks]§"\u0061" = 1'.replace("]", "]\n"), ("tasks", "a")),
        ("a.§b.c = 1", ("a", "b")),
        ("a.b . §c = 1", ("a", "b", "c")),
        ("a = { b = 1, §c = 2 }", ("a", "c")),
        ("a = { b.§c = [ { d = 1 } ] }", ("a", "b", "c")),
        ("a = [ { b = 1 }, { §b = 2 } ]", ("a", 1, "b")),
        ("a = [ [ 1 ], [ 2, { §b = 2 } ] ]", ("a", 1, 1, "b")),
        ("§a = [ 1, 2 ]", ("a", 1)),
        ("[[a]]\nb = 1\n[[§a]]\nb = 2", ("a", 1)),
        ("[[§a]]\nb = 1\n[[a]]\nb = 2", ("a",)),
        ("[[a]]\n[a.c]\n§d = 1\n[[a]]\n[a.c]\nd = 2", ("a", 0, "c", "d")),
        ("[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\n[[a.b]]\n§c = 1", ("a", 1, "b", 1, "c")),
        ('s = """\n[a]\nb = 1\n"""\n[a]\n§b = 2', ("a", "b")),
        ("s = '''\nb = 1'''\n§b = 2", ("b",)),
        ("# a = 1\n§a = 1 # b = 2\n", ("a",)),
        ("a = 1\r\n§b = 2\r\n", ("b",)),
        ("ž = 1\n".replace("ž", "'ž'") + "x.'žž'.§b = 2", ("x", "žž", "b")),
        ("[§a]\nb = 1", ("a", "gone", "deeper")),
    ],
)
def test_a_key_is_found_where_it_is_written(text: str, path: KeyPath) -> None:
    marked = unmarked(text)
    tomli.loads(marked.text)
    assert find_positions(marked.text).locate(path) == (marked.line, marked.column)


def test_what_is_not_written_at_all_has_no_position() -> None:
    assert find_positions("a = 1").locate(("b", "c")) is None


class _Writer:
    """Writes a random document with a mark before each key, and notes the path of each."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw
        self._count = 0
        self.paths: list[KeyPath] = []

    def document(self) -> str:
        text = self._pairs((), "\n")
        for _ in range(self._draw(st.integers(0, 3))):
            text += self._table()
        return text

    def _table(self) -> str:
        path, keys = self._key(())
        brackets = self._draw(st.sampled_from(["[]", "[[]]"]))
        opening, closing = brackets[: len(brackets) // 2], brackets[len(brackets) // 2 :]
        text = f"{opening} {keys}{closing}  # [comment]\n"
        if opening == "[[":
            path = (*path, 0)
        return text + self._pairs(path, "\n")

    def _pairs(self, path: KeyPath, end: str) -> str:
        pairs = [self._pair(path) for _ in range(self._draw(st.integers(0, 3)))]
        return "".join(pair + end for pair in pairs)

    def _pair(self, path: KeyPath) -> str:
        inner, key = self._key(path)
        blank = self._draw(st.sampled_from(["", " ", "\t "]))
        return f"{key}{blank}={blank}{self._value(inner, 2)}"

    def _key(self, path: KeyPath) -> tuple[KeyPath, str]:
        """A dotted key with new names, and the path that it leads to."""
        parts = []
        for _ in range(self._draw(st.integers(1, 3))):
            self._count += 1
            name = f"k{self._count}"
            path = (*path, name)
            self.paths.append(path)
            form = self._draw(st.sampled_from(["{}", '"{}"', "'{}'", '"\\u006b{}"']))
            parts.append(MARK + form.format(name if "u006b" not in form else name[1:]))
        return path, self._draw(st.sampled_from([".", " . "])).join(parts)

    def _value(self, path: KeyPath, depth: int) -> str:
        kinds = ["literal", "array", "table"] if depth else ["literal"]
        kind = self._draw(st.sampled_from(kinds))
        if kind == "array":
            items = [
                self._value((*path, number), depth - 1) for number in range(self._draw(st.integers(0, 3)))
            ]
            return "[\n  " + "".join(f"{item} , # ] comment\n" for item in items) + "]"
        if kind == "table":
            pairs = []
            for _ in range(self._draw(st.integers(0, 2))):
                inner, key = self._key(path)
                pairs.append(f"{key} = {self._value(inner, depth - 1)}")
            return "{ " + ", ".join(pairs) + " }"
        literal: str = self._draw(st.sampled_from(_LITERALS))
        return literal


# Any: Hypothesis does not give the type of the function that draws.
@st.composite
def _documents(draw: Any) -> tuple[str, list[KeyPath]]:
    writer = _Writer(draw)
    return writer.document(), writer.paths


@given(_documents())
def test_every_key_of_any_document_is_found(document: tuple[str, list[KeyPath]]) -> None:
    marked, paths = document
    text = ""
    expected = []
    for part in marked.split(MARK):
        text += part
        expected.append((text.count("\n") + 1, len(text) - text.rfind("\n")))
    tomli.loads(text)
    positions = find_positions(text)
    assert [positions.locate(path) for path in paths] == expected[:-1]
