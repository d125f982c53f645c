"""Fields of query and body classes: what they take and what they say about it."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runwisp.model import Status
from runwisp.web.params import flag, integer, line, moment, names, nested, text, ulid, ulids, word, words
from runwisp.web.rules import (
    LARGEST_INTEGER,
    METADATA_KEY,
    Flag,
    Integer,
    Line,
    Moment,
    Pattern,
    Rule,
    Several,
    Text,
    Unfit,
    Word,
    object_schema,
    structure,
)

ID = "01JA9XQ4Z6M8T2V7C3K5N0RBHD"


def rule_of(made: Any) -> Rule:
    """The rule of a field, as its maker has returned it."""
    rule: Rule = made.metadata[METADATA_KEY]
    return rule


@pytest.mark.parametrize(
    ("made", "value", "read"),
    [
        (integer(minimum=1, maximum=9), 9, 9),
        (integer(), 3.0, 3),
        (integer(), -LARGEST_INTEGER, -LARGEST_INTEGER),
        (line(), 1, 1),
        (line(), -1, -1),
        (flag(), True, True),
        (moment(), "2026-03-02T02:00:00.412Z", 1_772_416_800_412),
        (moment(), "2026-03-02t03:00:00+01:00", 1_772_416_800_000),
        (word(Status), "ended", Status.ENDED),
        (words((*Status, "failure")), ["ended", "failure"], (Status.ENDED, "failure")),
        (names(), ["a.b:c_d-1"], ("a.b:c_d-1",)),
        (text(longest=3), "äöü", "äöü"),
        (ulid(), ID, ID),
        (ulids(), [], ()),
        (ulids(), [ID, ID], (ID, ID)),
    ],
)
def test_a_value_that_fits_is_read(made: Any, value: object, read: object) -> None:
    assert rule_of(made).read(value) == read


@pytest.mark.parametrize(
    ("made", "value", "message"),
    [
        (integer(minimum=1, maximum=9), 0, "must be between 1 and 9"),
        (integer(minimum=1, maximum=9), "5", "must be an integer"),
        (integer(), True, "must be an integer"),
        (integer(), 1.5, "must be an integer"),
        (integer(), float("inf"), "must be an integer"),
        (integer(), 2**60, f"must be between {-LARGEST_INTEGER} and {LARGEST_INTEGER}"),
        (integer(), None, "must be an integer"),
        (line(), 0, "must not be 0: lines count from 1, and from the end from -1"),
        (flag(), 1, "must be true or false"),
        (flag(), "TRUE", "must be true or false"),
        (word(Status), "Ended", "must be one of pending, running, ended"),
        (word(Status), ["ended"], "must be one of pending, running, ended"),
        (words(Status), [], "must have 1 to 100 items"),
        (words(Status), "ended", "must be an array"),
        (names(), ["a b"], "must be 1 to 100 of the characters a-z A-Z 0-9 . _ : -"),
        (names(), ["a\n"], "must be 1 to 100 of the characters a-z A-Z 0-9 . _ : -"),
        (text(shortest=1, longest=3), "", "must have 1 to 3 characters"),
        (text(longest=3), 3, "must be a string"),
        (text(longest=3), "\ud800", "has half of a surrogate pair in it"),
        (ulid(), ID.lower(), "must be a ULID: 26 digits and upper-case letters"),
        (ulid(), ID + "\n", "must be a ULID: 26 digits and upper-case letters"),
        (ulids(most=1), [ID, ID], "must have 0 to 1 items"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_rule(made: Any, value: object, message: str) -> None:
    with pytest.raises(Unfit) as caught:
        rule_of(made).read(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value",
    [
        *("2026-03-02", "2026-03-02T02:00:00", "20260302T020000Z", "2026-03-02T25:00:00Z", "now", 0, None),
        *("2026-02-30T00:00:00Z", "2026-03-02T02:00:00Z\n", "２026-03-02T02:00:00Z", "0000-01-01T00:00:00Z"),
    ],
)
def test_a_moment_without_offset_or_out_of_the_calendar_is_none(value: object) -> None:
    with pytest.raises(Unfit, match="time with an offset"):
        Moment().read(value)


@pytest.mark.parametrize(
    ("rule", "given", "value"),
    [
        (Integer(0, 9), "5", 5),
        (Integer(0, 9), "-5", -5),
        (Integer(0, 9), "5.0", "5.0"),
        (Integer(0, 9), " 5", " 5"),
        (Integer(0, 9), "٥", "٥"),
        (Integer(0, 9), "9" * 5000, "9" * 5000),
        (Flag(), "true", True),
        (Flag(), "false", False),
        (Flag(), "yes", "yes"),
        (Several(Integer(0, 9), 1, 5), "1,2", [1, 2]),
        (Several(Text(0, 9), 1, 5), "", [""]),
        (Text(0, 9), "a,b", "a,b"),
    ],
)
def test_the_text_of_a_query_becomes_what_json_would_have(rule: Rule, given: str, value: object) -> None:
    assert rule.from_text(given) == value


def test_the_place_of_a_bad_item_is_its_index() -> None:
    with pytest.raises(Unfit) as caught:
        rule_of(ulids()).read([ID, "x"])
    assert caught.value.place == (1,)


@frozen
class Inner:
    depth: int = integer(1, minimum=0, maximum=5)


@frozen
class Sample:
    must: str = text(longest=5, is_required=True)
    class_: str = word(("a", "b"), "a")
    inner: Inner | None = nested(Inner)


def test_an_object_gets_defaults_for_what_is_not_given() -> None:
    assert structure({"must": "x"}, Sample) == Sample(must="x", class_="a", inner=None)


def test_an_underscore_at_the_end_is_no_part_of_a_name() -> None:
    made = structure({"must": "x", "class": "b", "inner": {"depth": 2}}, Sample)
    assert made == Sample(must="x", class_="b", inner=Inner(depth=2))


def test_the_schema_of_an_object_has_defaults_and_what_is_required() -> None:
    assert object_schema(Sample) == {
        "type": "object",
        "properties": {
            "must": {"type": "string", "minLength": 0, "maxLength": 5},
            "class": {"type": "string", "enum": ["a", "b"], "default": "a"},
            "inner": {
                "type": "object",
                "properties": {"depth": {"type": "integer", "minimum": 0, "maximum": 5, "default": 1}},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
        "required": ["must"],
    }


RULES = [
    Integer(-5, 5),
    Line(-5, 5),
    Flag(),
    Text(1, 3),
    Pattern("^[ab]{1,3}$", "a or b"),
    Word({"x": "x", "y": "y"}),
    Several(Integer(0, 3), 1, 2),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("abxyä\n", max_size=4),
    lambda inner: st.lists(inner, max_size=3),
)


@given(st.sampled_from(RULES), JSON)
def test_a_rule_takes_exactly_what_its_schema_allows(rule: Rule, value: object) -> None:
    try:
        rule.read(value)
        is_taken = True
    except Unfit:
        is_taken = False
    # A newline at the end is none to Python's pattern, which stands in for that of JavaScript.
    is_newline = isinstance(rule, Pattern) and isinstance(value, str) and value.endswith("\n")
    assert is_taken == Draft202012Validator(rule.schema()).is_valid(value) or is_newline
