"""The OpenAPI document, made from the declarations of the routes (spec: rest, OpenAPI)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from runwisp import __version__
from runwisp.web import headers
from runwisp.web.parse import PATH_RULES
from runwisp.web.problem import Code
from runwisp.web.routing import Access, Route, is_event_stream, path_names, routes_of
from runwisp.web.rules import Rule, Schema, Several, described, is_required, object_schema, rules_of
from runwisp.web.schemas import Schemas

_DESCRIPTION = """\
All that RunWisp does: what is configured, what runs and has run, its output, and what is worth a notice.
A client of the Unix socket needs no session. Times are RFC 3339 in UTC, spans are seconds, sizes bytes."""

#: What a session is presented with.
_SESSION: list[Schema] = [{"bearer": []}, {"cookie": []}]

_SECURITY_SCHEMES: Schema = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "runwisp_jwt"},
}

#: Headers that come with a problem of a status.
_PROBLEM_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


def document(apis: Iterable[type], url: str) -> Schema:
    """The document of all routes that ``apis`` declare, for a daemon at ``url``."""
    schemas = Schemas()
    routes = [route for api in apis for route in routes_of(api)]
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "RunWisp API", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": {**schemas.components, "Problem": _problem_schema()},
            "responses": {_problem_name(status): _problem(status) for status in _problems_of_all(routes)},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def problem_statuses(route: Route) -> list[int]:
    """The statuses of refusal that the route may answer with, except for methods that it does not have."""
    statuses = {*route.problems, 500}
    if route.path.startswith("/api/"):
        # The host may be malformed or a foreign one, the query no UTF-8, unknown or too long.
        statuses |= {400, 403, 422, 431}
    if route.access is Access.SESSION:
        statuses.add(401)
    if route.method != "GET":
        statuses |= {413, 415}
    if is_event_stream(route):
        statuses.add(503)
    return sorted(statuses)


def _problems_of_all(routes: Iterable[Route]) -> list[int]:
    return sorted({status for route in routes for status in problem_statuses(route)})


def _operation(route: Route, schemas: Schemas) -> Schema:
    operation: Schema = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.tag],
        "security": _SESSION if route.access is Access.SESSION else [],
        "responses": {str(status): answer for status, answer in _answers(route, schemas)},
    }
    if parameters := [*_path_parameters(route), *_query_parameters(route)]:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.is_body_optional,
            "content": {headers.JSON: {"schema": object_schema(route.body)}},
        }
    return operation


def _answers(route: Route, schemas: Schemas) -> Iterator[tuple[int, Schema]]:
    for status, content in route.answers.items():
        yield status, _answer(status, content, schemas)
    for status in problem_statuses(route):
        if status not in route.answers:
            yield status, {"$ref": f"#/components/responses/{_problem_name(status)}"}


def _answer(status: int, content: type | str | None, schemas: Schemas) -> Schema:
    answer: Schema = {"description": headers.phrase(status)}
    if isinstance(content, str):
        schema: Schema = {"type": "string"} if content.startswith("text/") else {}
        answer["content"] = {content: {"schema": schema}}
    elif content is not None:
        answer["content"] = {headers.JSON: {"schema": schemas.of(content)}}
    if status == 303:
        answer["headers"] = {"Location": _TEXT_HEADER}
    return answer


def _path_parameters(route: Route) -> Iterator[Schema]:
    for name in path_names(route):
        yield _parameter("path", name, PATH_RULES[name].schema(), is_needed=True)


def _query_parameters(route: Route) -> Iterator[Schema]:
    if route.query is None:
        return
    for name, rule, attribute in rules_of(route.query):
        parameter = _parameter("query", name, described(rule, attribute), is_needed=is_required(attribute))
        yield {**parameter, **_style(rule)}


def _parameter(place: str, name: str, schema: Schema, is_needed: bool) -> Schema:
    return {"name": name, "in": place, "required": is_needed, "schema": schema}


def _style(rule: Rule) -> Mapping[str, object]:
    """How a list is written: with commas."""
    return {"style": "form", "explode": False} if isinstance(rule, Several) else {}


_TEXT_HEADER: Schema = {"schema": {"type": "string"}}


def _problem_name(status: int) -> str:
    return headers.phrase(status).title().replace(" ", "").replace("-", "")


def _problem(status: int) -> Schema:
    problem: Schema = {
        "description": headers.phrase(status),
        "content": {headers.PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in _PROBLEM_HEADERS:
        problem["headers"] = {_PROBLEM_HEADERS[status]: _TEXT_HEADER}
    return problem


def _problem_schema() -> Schema:
    """The members of RFC 9457, and ``errors``."""
    text: Schema = {"type": "string"}
    optional_text: Schema = {"type": ["string", "null"]}
    optional_number: Schema = {"type": ["integer", "null"]}
    flaw = {
        "message": text,
        "location": optional_text,
        "value": {"description": "what was given, unless it is secret, an array or an object"},
        "file": optional_text,
        "line": optional_number,
        "column": optional_number,
    }
    members = {
        "type": {"type": "string", "enum": [f"urn:runwisp:problem:{code}" for code in Code]},
        "title": text,
        "status": {"type": "integer"},
        "detail": text,
        "instance": {"type": "string", "description": "path of the request, without its query"},
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": flaw, "required": list(flaw)},
        },
    }
    return {"type": "object", "properties": members, "required": list(members)}
