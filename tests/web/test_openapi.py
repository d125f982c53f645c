"""The OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import runwisp
from runwisp.web.api.openapi import OpenApiApi
from runwisp.web.catalogue import APIS
from runwisp.web.openapi import document
from runwisp.web.routing import Access, Route, path_names, routes_of
from tests.web.requests import call, resource
from tests.web.sample import SampleApi

URL = "http://127.0.0.1:9477"


#: What the spec lists (spec: rest, endpoints).
ROUTES = """
GET /health
GET /ready
GET /metrics
GET /api/openapi.json
GET /api/auth/status
GET /api/auth/challenge
POST /api/auth/login
POST /api/auth/logout
POST /api/auth/launch-ticket
GET /api/auth/launch-ticket
GET /api/local/credentials
GET /api/daemon
GET /api/daemon/identity
POST /api/daemon/reload
GET /api/daemon/log/stream
GET /api/system
GET /api/system/metrics
GET /api/events
GET /api/tasks
GET /api/tasks/{name}
GET /api/tasks/{name}/next-runs
POST /api/tasks/{name}/trigger
POST /api/tasks/{name}/start
POST /api/tasks/{name}/stop
POST /api/tasks/{name}/restart
POST /api/tasks/{name}/pause
POST /api/tasks/{name}/resume
GET /api/tasks/{name}/log/search
GET /api/runs
GET /api/runs/summary
GET /api/runs/{id}
DELETE /api/runs/{id}
POST /api/runs/{id}/stop
GET /api/runs/{id}/log
GET /api/runs/{id}/log/raw
GET /api/runs/{id}/log/stream
POST /api/runs/bulk/stop
POST /api/runs/bulk/delete
POST /api/runs/bulk/rerun
GET /api/notifications
GET /api/notifications/unread-count
POST /api/notifications/read
POST /api/notifications/{id}/read
POST /api/notifications/{id}/unread
"""


@pytest.fixture(scope="module")
def whole() -> Any:
    return json.loads(json.dumps(document(APIS, URL)))


@pytest.fixture(scope="module")
def sample() -> Any:
    return json.loads(json.dumps(document([SampleApi], URL)))


def routes() -> list[Route]:
    return [route for api in APIS for route in routes_of(api)]


def schemas_in(part: Any) -> Iterator[Any]:
    """Every schema in the document."""
    if isinstance(part, dict):
        if isinstance(part.get("schema"), dict):
            yield part["schema"]
        for inner in part.values():
            yield from schemas_in(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from schemas_in(inner)


def test_the_document_is_valid(whole: Any, sample: Any) -> None:
    for one in (whole, sample):
        assert list(OpenAPIV31SpecValidator(one).iter_errors()) == []


def test_every_schema_in_it_is_one(whole: Any) -> None:
    schemas = [*schemas_in(whole), *whole["components"]["schemas"].values()]
    assert len(schemas) > 50
    for schema in schemas:
        Draft202012Validator.check_schema(schema)


def test_it_says_what_it_describes(whole: Any) -> None:
    assert whole["openapi"].startswith("3.1.")
    assert (whole["info"]["title"], whole["info"]["version"]) == ("RunWisp API", runwisp.__version__)
    assert whole["servers"] == [{"url": URL}]


def test_it_has_every_route_of_the_spec_and_no_other(whole: Any) -> None:
    found = {
        f"{method.upper()} {path}" for path, operations in whole["paths"].items() for method in operations
    }
    assert found == set(ROUTES.strip().splitlines())


def test_every_route_is_in_it_under_a_name_of_its_own(whole: Any) -> None:
    found = {
        (method.upper(), path): operation["operationId"]
        for path, operations in whole["paths"].items()
        for method, operation in operations.items()
    }
    assert found == {(route.method, route.path): route.operation_id for route in routes()}
    assert len(set(found.values())) == len(found) == len(routes())


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_each_route_says_how_it_refuses(whole: Any, route: Route) -> None:
    operation = whole["paths"][route.path][route.method.lower()]
    responses = set(operation["responses"])
    assert {str(status) for status in (*route.answers, *route.problems, 500)} <= responses
    if route.path.startswith("/api/"):
        assert {"400", "403", "422", "431"} <= responses
    assert ("401" in responses) >= (route.access is Access.SESSION)
    assert ({"413", "415"} <= responses) == (route.method != "GET")
    assert operation["security"] == (
        [{"bearer": []}, {"cookie": []}] if route.access is Access.SESSION else []
    )
    assert operation["summary"]
    assert not operation["summary"].endswith(".")


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_each_variable_of_a_path_is_a_parameter(whole: Any, route: Route) -> None:
    parameters = whole["paths"][route.path][route.method.lower()].get("parameters", [])
    assert [one["name"] for one in parameters if one["in"] == "path"] == path_names(route)
    assert all(one["required"] for one in parameters if one["in"] == "path")


def test_the_parameters_of_a_query_follow_from_its_class(sample: Any) -> None:
    parameters = {one["name"]: one for one in sample["paths"]["/api/things"]["get"]["parameters"]}
    assert parameters["limit"] == {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
    }
    assert (parameters["status"]["style"], parameters["status"]["explode"]) == ("form", False)
    assert parameters["is_quick"]["schema"] == {"type": "boolean", "default": False}
    assert "from" in parameters


def test_a_body_is_described_with_what_it_needs(sample: Any) -> None:
    body = sample["paths"]["/api/things"]["post"]["requestBody"]
    assert body["required"] is True
    schema = body["content"]["application/json"]["schema"]
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False


def test_answers_are_resources_text_or_nothing(sample: Any) -> None:
    paths = sample["paths"]
    shown = paths["/api/things/{name}"]["get"]["responses"]["200"]
    assert shown["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    assert "content" not in paths["/api/things/{name}"]["delete"]["responses"]["204"]
    assert list(paths["/api/events"]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
    assert "503" in paths["/api/events"]["get"]["responses"]


def test_problems_say_which_headers_come_with_them(sample: Any) -> None:
    responses = sample["components"]["responses"]
    assert list(responses["Unauthorized"]["headers"]) == ["WWW-Authenticate"]
    assert list(responses["ServiceUnavailable"]["headers"]) == ["Retry-After"]


def test_the_daemon_serves_it_to_everybody() -> None:
    answer = call(resource(OpenApiApi("https://runwisp.example")), "GET", "/api/openapi.json")
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert answer.json() == document(APIS, "https://runwisp.example")
