"""Path, query and body of requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import Status, UnixMs
from runwisp.web.parse import MOST_FLAWS, body_value, path_values, query_value
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Route, routes_of
from tests.web.sample import Filter, SampleApi, ThingBody, ThingQuery

ROUTES = {route.operation_id: route for route in routes_of(SampleApi)}
LIST, CREATE, DELETE, PULSE = (
    ROUTES[name] for name in ("list_things", "create_thing", "delete_thing", "get_pulse")
)
ID = "01JA9XQ4Z6M8T2V7C3K5N0RBHD"
JSON = "application/json"

NOT_A_STATUS = "must be one of pending, running, ended"
NOT_A_ULID = "must be a ULID: 26 digits and upper-case letters"


def flaws(problem: Problem) -> list[tuple[str | None, str, object]]:
    return [(flaw.location, flaw.message, flaw.value) for flaw in problem.errors]


def refused_query(raw: str, route: Route = LIST) -> Problem:
    with pytest.raises(Problem) as caught:
        query_value(raw, route)
    return caught.value


def refused_body(content: bytes, route: Route = CREATE, media_type: str | None = JSON) -> Problem:
    with pytest.raises(Problem) as caught:
        body_value(content, media_type, route)
    return caught.value


def body(document: object) -> Any:
    return body_value(json.dumps(document).encode(), "application/json", CREATE)


def test_parts_of_the_path_are_percent_decoded_once() -> None:
    assert path_values({"name": "a%2E%41", "id": ID}) == {"name": "a.A", "id": ID}


@pytest.mark.parametrize("encoded", ["a%2Fb", "a%252Eb", "%C3%A4", "%FF", "a b", "a" * 101, "a%00", "a%0A"])
def test_a_part_of_the_path_that_is_no_name_is_refused(encoded: str) -> None:
    with pytest.raises(Problem) as caught:
        path_values({"name": encoded})
    assert (caught.value.status, caught.value.errors[0].location) == (422, "path.name")


@pytest.mark.parametrize("encoded", ["not-a-ulid", ID.lower(), ID[:-1], ID[:-1] + "U"])
def test_a_part_of_the_path_that_is_no_id_is_refused(encoded: str) -> None:
    with pytest.raises(Problem) as caught:
        path_values({"id": encoded})
    assert (caught.value.status, caught.value.errors[0].location) == (422, "path.id")


def test_a_query_has_defaults() -> None:
    assert query_value("", LIST) == ThingQuery()


def test_a_query_is_read_by_the_rules_of_its_fields() -> None:
    raw = "limit=7&status=ended,pending&order=asc&since=2026-03-02T02%3A00%3A00Z&is_quick=true&from=-3"
    assert query_value(raw, LIST) == ThingQuery(
        limit=7,
        status=(Status.ENDED, Status.PENDING),
        order="asc",
        since=UnixMs(1_772_416_800_000),
        is_quick=True,
        from_=-3,
    )


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        ("limit=0", ("query.limit", "must be between 1 and 100", 0)),
        ("limit=ten", ("query.limit", "must be an integer", "ten")),
        ("limit=", ("query.limit", "must be an integer", "")),
        ("order=foo", ("query.order", "must be one of asc, desc", "foo")),
        ("status=ended,nonsense", ("query.status[1]", NOT_A_STATUS, "nonsense")),
        ("status=", ("query.status[0]", NOT_A_STATUS, "")),
        ("limt=5", ("query.limt", "is not known; did you mean limit?", None)),
        ("zzz", ("query.zzz", "is not known", None)),
        ("limit=5&limit=6", ("query.limit", "must be given once", None)),
        ("is_quick=1", ("query.is_quick", "must be true or false", "1")),
        ("from_=1", ("query.from_", "is not known; did you mean from?", None)),
    ],
)
def test_a_query_that_breaks_a_rule_is_refused_with_its_place(
    raw: str, flaw: tuple[str, str, object]
) -> None:
    problem = refused_query(raw)
    assert (problem.status, problem.code, flaws(problem)) == (422, Code.INVALID, [flaw])


def test_all_mistakes_of_a_query_are_told_together() -> None:
    problem = refused_query("limit=0&order=foo&x=1")
    assert problem.detail == "3 values in the request cannot be used."
    assert {flaw.location for flaw in problem.errors} == {"query.limit", "query.order", "query.x"}


@pytest.mark.parametrize(
    "raw", ["&".join(f"k{n}=" for n in range(9000)), "&".join(f"k{n // 2}=" for n in range(9000))]
)
def test_of_many_mistakes_some_are_told(raw: str) -> None:
    assert len(refused_query(raw).errors) == MOST_FLAWS


def test_a_query_that_is_not_utf_8_is_malformed() -> None:
    assert (refused_query("order=%ff").status, refused_query("order=%ff").code) == (400, Code.MALFORMED)


def test_a_route_without_query_takes_no_parameter() -> None:
    assert query_value("", CREATE) is None
    assert flaws(refused_query("x=1", CREATE)) == [("query.x", "is not known", None)]


def test_outside_the_api_a_query_means_nothing() -> None:
    assert query_value("t=%ff", PULSE) is None


def test_a_body_is_read_by_the_rules_of_its_fields() -> None:
    read = body({"name": "x", "ids": [ID], "filter": {"status": ["ended"]}})
    assert read == ThingBody(name="x", ids=(ID,), filter=Filter(status=(Status.ENDED,)))


@pytest.mark.parametrize(
    ("document", "flaw"),
    [
        ({}, ("body.name", "is required", None)),
        ([], ("body", "must be an object", None)),
        ({"name": None}, ("body.name", "must be a string", None)),
        (
            {"name": "x", "ids": [ID, "y"]},
            ("body.ids[1]", NOT_A_ULID, "y"),
        ),
        ({"name": "x", "ids": [ID] * 4}, ("body.ids", "must have 0 to 3 items", None)),
        ({"name": "x", "filter": 1}, ("body.filter", "must be an object", 1)),
        (
            {"name": "x", "filter": {"statuss": []}},
            ("body.filter.statuss", "is not known; did you mean status?", None),
        ),
        (
            {"name": "x", "filter": {"status": ["no"]}},
            ("body.filter.status[0]", NOT_A_STATUS, "no"),
        ),
        ({"name": "y" * 300}, ("body.name", "must have 1 to 20 characters", "y" * 200 + "…")),
        ({"name": float("1e300")}, ("body.name", "must be a string", 1e300)),
        ({"name": 10**30}, ("body.name", "must be a string", None)),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_with_its_place(
    document: object, flaw: tuple[str, str, object]
) -> None:
    problem = refused_body(json.dumps(document).encode())
    assert (problem.status, flaws(problem)) == (422, [flaw])


def test_a_secret_is_not_sent_back() -> None:
    problem = refused_body(b'{"name": "x", "secret": "hunter22"}')
    assert flaws(problem) == [("body.secret", "must have 0 to 5 characters", None)]


@pytest.mark.parametrize(
    "content",
    [
        *(b'{"params": ', b"", b'{"name": "a", "name": "b"}', b'{"name": NaN}', b"\xff", b"\xef\xbb\xbf{}"),
        *(b"[" * 100_000, b'{"name": ' + b"1" * 5000 + b"}", b'{"a": {"b": 1, "b": 2}}', b"{} {}"),
    ],
)
def test_a_body_that_is_no_json_or_not_there_is_malformed(content: bytes) -> None:
    problem = refused_body(content)
    assert (problem.status, problem.code) == (400, Code.MALFORMED)
    assert len(problem.detail) < 200


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "json",
    ],
)
def test_a_body_of_another_media_type_is_refused(media_type: str | None) -> None:
    assert refused_body(b"{}", media_type=media_type).status == 415


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON ; charset=UTF-8"])
def test_json_may_say_that_it_is_utf_8(media_type: str) -> None:
    assert body_value(b'{"name": "x"}', media_type, CREATE) == ThingBody(name="x")


def test_a_route_without_body_takes_an_empty_one_or_an_empty_object() -> None:
    assert body_value(b"", None, DELETE) is None
    assert body_value(b"{}", "application/json", DELETE) is None
    assert flaws(refused_body(b'{"parms": {}}', DELETE)) == [("body.parms", "is not known", None)]
    assert refused_body(b'{"params": ', DELETE).status == 400
    assert refused_body(b"x", DELETE, "text/plain").status == 415


def test_a_body_over_the_limit_of_its_route_is_too_large() -> None:
    problem = refused_body(b" " * 65, ROUTES["log_in"])
    assert (problem.status, problem.detail) == (413, "The body must not have more than 64 bytes.")


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    assert outcome(lambda: body_value(content, JSON, CREATE)) in (200, 400, 422)


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_any_query_is_read_or_refused(raw: str) -> None:
    assert outcome(lambda: query_value(raw, LIST)) in (200, 400, 422)


def outcome(read: Callable[[], object]) -> int:
    try:
        read()
    except Problem as problem:
        return problem.status
    return 200
