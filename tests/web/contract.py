"""Holds answers against the OpenAPI document; ``call`` of :mod:`tests.web.requests` does it for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from runwisp.web.openapi import document

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

_formats = FormatChecker(formats=())
_formats.checks("date-time")(lambda value: not isinstance(value, str) or bool(_TIME.fullmatch(value)))


def check(
    apis: tuple[type, ...], method: str, path: str, status: int, media_type: str | None, body: Any
) -> None:
    """Fail unless the document has this answer, whose JSON says ``body``."""
    api = _document(apis)
    path = path.partition("?")[0]
    operation = _operation(api, method, path)
    if operation is None or status in (405, 431):
        is_refused = status in (400, 403, 404, 405, 431)
        assert is_refused or not path.startswith("/api/"), f"{method} {path} is not documented"
        _validate(api, {"$ref": "#/components/schemas/Problem"}, body)
        return
    responses = operation["responses"]
    assert str(status) in responses, f"{method} {path}: {status} is not among {', '.join(responses)}"
    response = _resolved(api, responses[str(status)])
    content = response.get("content", {})
    assert (media_type is None and not content) or media_type in content, f"{media_type} is not in {content}"
    if media_type is not None:
        _validate(api, content[media_type]["schema"], body)


def _validate(api: Mapping[str, Any], schema: Mapping[str, Any], body: object) -> None:
    if body is None:
        return
    whole = {**schema, "components": api["components"]}
    error = next(Draft202012Validator(whole, format_checker=_formats).iter_errors(body), None)
    assert error is None, f"{error.json_path}: {error.message}"


@cache
def _document(apis: tuple[type, ...]) -> Mapping[str, Any]:
    """The document, in which no object has more than it says: clients have to allow for more, we do not."""
    api = deepcopy(document(apis, "http://localhost:9477"))
    for schema in api["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return api


def _operation(api: Mapping[str, Any], method: str, path: str) -> Any:
    """The operation for the path, or None; a template matches what no fixed path does."""
    method = "get" if method == "HEAD" else method.lower()
    if path not in api["paths"]:
        path = next((template for template in api["paths"] if _matches(template, path)), "")
    return api["paths"].get(path, {}).get(method)


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


def _resolved(api: Mapping[str, Any], response: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in response:
        return response
    found: Mapping[str, Any] = api["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return found
