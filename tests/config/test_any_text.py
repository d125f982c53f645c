"""Whatever the file holds, loading it gives a configuration or says what is wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import tomli
from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.fields import Field, Kind, Table
from runwisp.config.loader import load
from runwisp.config.settings import Config
from runwisp.config.shapes import Boolean, Integer, Listing, StringMap, words
from runwisp.config.tables import TABLES
from runwisp.errors import ConfigErrors, Problem, ProblemClass
from tests.config.example import ALIASED, CANONICAL, ENVIRON, FILES
from tests.config.loading import FILE_NAME, write
from tests.config.test_schema import VALIDATOR


def _load(content: bytes, files: Mapping[str, str] = {}) -> Config | tuple[Problem, ...]:
    """What loading gives; every other end than a configuration or problems is an error of the test."""
    with tempfile.TemporaryDirectory() as directory:
        write(Path(directory), files)
        path = Path(directory, FILE_NAME)
        path.write_bytes(content)
        try:
            return load(path, ENVIRON, host_zone="UTC")
        except ConfigErrors as error:
            return error.problems


def _check(result: Config | tuple[Problem, ...], text: str) -> None:
    if isinstance(result, Config):
        return
    assert result != ()
    lines = text.removeprefix("\ufeff").split("\n")
    for problem in result:
        assert problem.class_ in list(ProblemClass)
        assert problem.message.isprintable()
        assert problem.key is None or problem.key.isprintable()
        if (
            problem.line is not None
            and problem.column is not None
            and Path(problem.file or "").name == FILE_NAME
        ):
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@given(st.binary(max_size=60))
def test_any_bytes_end_as_expected(content: bytes) -> None:
    result = _load(content)
    assert isinstance(result, Config) or result != ()


_TOKENS = st.sampled_from(
    [
        "[tasks.a]\n", "[services.a]\n", "[[notifier]]\n", "[[route]]\n", "[daemon]\n", "[defaults]\n",
        "[notify]\n", "run", "cron", "env", "timeout", "match", "notify", "failures", "include", " = ", "'x'",
        "'${A}'", '"5s"', "1", "true", "[", "]", "{", "}", ",", ".", "#", "\n", '"""', "1979-05-27",
        "ž", "\0",
    ]
)  # fmt: skip


@given(st.lists(_TOKENS, max_size=25).map("".join))
def test_any_text_of_usual_parts_ends_as_expected(text: str) -> None:
    _check(_load(text.encode()), text)


@given(
    st.sampled_from([CANONICAL, ALIASED]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(_TOKENS, st.text(max_size=3)))),
)
def test_a_damaged_example_ends_as_expected(text: str, damages: list[tuple[float, int, str]]) -> None:
    for place, length, new in damages:
        start = int(place * len(text))
        text = text[:start] + new + text[start + length :]
    _check(_load(text.encode(errors="replace"), FILES), text.encode(errors="replace").decode())


#: Texts by the kind of the value, right ones and wrong ones.
_TEXTS: dict[str, list[str]] = {
    "duration": ["0", "5s", "1h30m", " ", "-1s", "${STAGE}", "36501d"],
    "size": ["0", "10MB", " 1.5 gb", "", "-1"],
    "schedule": ["@daily", "*/5 * * * *", "TZ=UTC @hourly", "", " ", "* * * *"],
    "time zone": ["UTC", "Europe/Vienna", "Mars"],
    "signal": ["SIGINT", "sighup", "", "INT"],
    "octal digits": ["027", "0", "8"],
    "account": ["joe", "joe:1000", "a:b:c"],
    "path": ["x", "~/x", "/dev/null", "\0"],
    "absolute path": ["/bin/sh", "/bin/fish", "sh"],
    "outcome": ["failed", "42", " 1-23", "", "+missed", "-1-23", "+5-2", "success"],
    "notifier": ["inapp", "n", " n ", "inapp:x", ":"],
    "service": ["a", "b"],
    "URL": ["https://x", "HTTP://[::1]:80/x?y", "x"],
    "host name": ["a.B", "a:1"],
    "host:port": ["localhost:80", "x"],
    "network": ["10.0.0.0/8", "::1", " ", "0.0.0.0/0"],
    "glob": ["*", "a[b-c]", "[", "**/*"],
    "mail address": ["a@b", "A <a@b>", "a"],
    "channel": ["#x", "x"],
    "topic": ["x", "a b"],
}
_ANYTHING = st.one_of(
    st.sampled_from(["", " ", "x", "${STAGE}", "${NOPE}", "${file:x}", "${", "\0", "ž"]),
    st.sampled_from([-1, 0, 1, 5000, 10**20, 1.5, True]),
    st.just([{"x": 1}]),
    st.dictionaries(st.sampled_from(["A", "a-b", "", "1x"]), st.sampled_from(["", 1]), max_size=2),
)


def _value(field: Field, kind: Kind) -> st.SearchStrategy[object]:
    """Values that mostly have the form that they should have."""
    likely: st.SearchStrategy[object]
    if isinstance(kind, Listing):
        likely = st.lists(_value(field, kind.item), max_size=2)
    elif isinstance(kind, StringMap):
        likely = st.dictionaries(st.sampled_from(["A", "b_2"]), st.sampled_from(["", "x", "$5"]), max_size=2)
    elif field.words and not isinstance(kind, Boolean):
        likely = st.sampled_from([*words(field), *field.word_aliases, "", 3, True])
    elif isinstance(kind, Integer):
        likely = st.integers(-1, 70)
    elif isinstance(kind, Boolean):
        likely = st.booleans()
    else:
        likely = st.sampled_from(_TEXTS.get(kind.title, ["x", "", "${STAGE}"]))
    # One of many is anything at all, so that most documents of a few keys have a chance to be right.
    return st.integers(0, 24).flatmap(lambda number: _ANYTHING if number == 0 else likely)


def _table(table: Table, needed: Mapping[str, object] = {}) -> st.SearchStrategy[dict[str, object]]:
    """Tables with a few keys, and mostly with those that they need."""
    values: dict[str, st.SearchStrategy[object]] = {}
    for spelling, name in table.every_spelling.items():
        field = table.by_name[name]
        inner = table.nested.get(name)
        values[spelling] = _value(field, field.kind) if inner is None else _table(inner)
    names = st.lists(st.sampled_from([*values, *table.moved, "qqq"]), max_size=3, unique=True)
    entries = names.flatmap(
        lambda chosen: st.fixed_dictionaries({name: values.get(name, st.just("UTC")) for name in chosen})
    )
    return entries.map(lambda entry: {**needed, **entry})


def _documents() -> st.SearchStrategy[dict[str, object]]:
    def named(table: str, **needed: object) -> st.SearchStrategy[dict[str, object]]:
        return st.dictionaries(st.sampled_from(_NAMES[table]), _table(TABLES[table], needed), max_size=2)

    def listed(table: str, **needed: object) -> st.SearchStrategy[list[dict[str, object]]]:
        return st.lists(_table(TABLES[table], needed), max_size=1)

    single = {name: _table(TABLES[name]) for name in ("scheduler", "storage", "daemon", "defaults", "notify")}
    return st.fixed_dictionaries(
        {},
        optional={
            **single,
            "tasks": named("tasks", run="true"),
            "services": named("services", run="true"),
            "notifiers": named("notifiers", type="ntfy", topic="x"),
            "notifier": listed("notifier", id="n", type="sendmail", **{"from": "a@b", "to": ["a@b"]}),
            "notification_route": listed("notification_route", notify=["inapp"]),
            "route": listed("route", notifiers=["inapp"]),
        },
    )


#: Few, so that references mostly lead somewhere.
_NAMES = {"tasks": ["t", "u.v", " w"], "services": ["a", "b", ""], "notifiers": ["m", "o"]}


@given(_documents())
def test_a_document_of_known_keys_ends_as_expected_and_the_schema_takes_what_loads(
    document: dict[str, object],
) -> None:
    text = "".join(f"{key} = {_toml(value)}\n" for key, value in document.items())
    assert tomli.loads(text) == document
    result = _load(text.encode())
    _check(result, text)
    if isinstance(result, Config):
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def _toml(value: object) -> str:
    """``value`` written in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\0", "\\u0000") + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(inner)}' for key, inner in value.items()) + "}"
    return repr(value)
