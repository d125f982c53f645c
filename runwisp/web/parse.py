"""Path, query and body of a request as the objects that its route declares, or what is wrong with them.

Pure: text and bytes in, objects out (spec: rest, requests).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, unquote

from attrs import frozen
from cattrs import AttributeValidationNote, ClassValidationError, ForbiddenExtraKeysError

from runwisp.config.suggest import closest
from runwisp.web.problem import Code, Flaw, Problem, invalid
from runwisp.web.routing import Route
from runwisp.web.rules import ULID, UNIT_NAME, Rule, Unfit, rules_of, structure

#: What the parts of a path that vary have to be, by their names.
PATH_RULES: Mapping[str, Rule] = {"name": UNIT_NAME, "id": ULID}

_JSON_TYPE = re.compile(r'\s*application/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?', re.IGNORECASE)
_LONGEST_ECHO = 200
#: So many mistakes of one request are told; to look for what was meant takes time for each.
MOST_FLAWS = 20


@frozen
class Nothing:
    """The query or body of a route that takes none."""


def path_values(raw: Mapping[str, str]) -> dict[str, str]:
    """The parts of the path, percent-decoded."""
    values, flaws = {}, []
    for name, encoded in raw.items():
        text = unquote(encoded, errors="surrogateescape")
        try:
            values[name] = str(PATH_RULES[name].read(text))
        except Unfit as error:
            flaws.append(_flaw(str(error), f"path.{name}", unquote(encoded)))
    if flaws:
        raise invalid(flaws)
    return values


# Any: an instance of the class that the route declares.
def query_value(raw: str, route: Route) -> Any:
    """The query, or None where the route takes none; outside ``/api/`` it may be anything then."""
    if route.query is None and not route.path.startswith("/api/"):
        return None
    cls = route.query or Nothing
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Problem(400, Code.MALFORMED, "The query is not UTF-8, percent-encoded.") from error
    texts = dict(pairs)
    if repeated := _repeated(pairs):
        raise invalid([_flaw("must be given once", f"query.{name}") for name in repeated[:MOST_FLAWS]])
    rules = {name: rule for name, rule, _ in rules_of(cls)}
    document = {name: rules[name].from_text(text) if name in rules else text for name, text in texts.items()}
    value = _made(document, cls, "query")
    return value if route.query else None


# Any: an instance of the class that the route declares.
def body_value(content: bytes, content_type: str | None, route: Route) -> Any:
    """The body, or None if there is none and need not be one."""
    if len(content) > route.max_body:
        raise too_large(route.max_body)
    if not content:
        if route.body is None or route.is_body_optional:
            return None
        raise Problem(400, Code.MALFORMED, "A body of JSON is required.")
    if not _JSON_TYPE.fullmatch(content_type or ""):
        raise Problem(415, Code.MEDIA_TYPE, "The body must have the Content-Type application/json.")
    document = _json(content)
    value = _made(document, route.body or Nothing, "body")
    return value if route.body else None


def too_large(limit: int) -> Problem:
    return Problem(413, Code.TOO_LARGE, f"The body must not have more than {limit} bytes.")


def _json(content: bytes) -> object:
    try:
        return json.loads(
            content.decode("utf-8"), object_pairs_hook=_without_repetition, parse_constant=_no_constant
        )
    except RecursionError as error:
        raise Problem(400, Code.MALFORMED, "The body is nested too deeply.") from error
    except ValueError as error:
        raise Problem(400, Code.MALFORMED, f"The body is not JSON: {error}.") from error


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if repeated := _repeated(pairs):
        raise ValueError(f"a key is given twice: {repeated[0]!r:.60}")
    return dict(pairs)


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _repeated(pairs: Iterable[tuple[str, object]]) -> list[str]:
    counts = Counter(name for name, _ in pairs)
    return sorted(name for name, count in counts.items() if count > 1)


def _made(document: object, cls: type, place: str) -> Any:  # Any: an instance of ``cls``
    try:
        return structure(document, cls)
    except (Unfit, ClassValidationError) as error:
        raise invalid(list(islice(_flaws(error, cls, place, document), MOST_FLAWS))) from error


def _flaws(error: Exception, cls: type, place: str, raw: object) -> Iterator[Flaw]:
    """Every mistake in ``error``, where ``raw`` at ``place`` was to become a ``cls``."""
    if isinstance(error, ClassValidationError):
        for inner in error.exceptions:
            yield from _of_class(inner, cls, place, raw)
    elif isinstance(error, Unfit):
        for index in error.place:
            place += f"[{index}]"
            raw = raw[index] if isinstance(raw, list) else raw
        yield _flaw(str(error), place, raw)
    else:
        raise error


def _of_class(error: Exception, cls: type, place: str, raw: Any) -> Iterator[Flaw]:
    """The mistakes in one exception out of those that structuring a class has gathered."""
    rules = {name: rule for name, rule, _ in rules_of(cls)}
    if isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield _flaw(_unknown(key, rules), f"{place}.{key:.{_LONGEST_ECHO}}")
        return
    name = _attribute(error).removesuffix("_")
    if isinstance(error, KeyError):
        yield _flaw("is required", f"{place}.{name}")
        return
    rule = rules[name]
    raw = None if rule.is_secret else raw[name]
    yield from _flaws(error, getattr(rule, "cls", cls), f"{place}.{name}", raw)


def _attribute(error: Exception) -> str:
    return next(note.name for note in error.__notes__ if isinstance(note, AttributeValidationNote))


def _unknown(key: str, known: Iterable[str]) -> str:
    suggestion = closest(key, known)
    return "is not known" if suggestion is None else f"is not known; did you mean {suggestion}?"


def _flaw(message: str, location: str, value: object = None) -> Flaw:
    return Flaw(message=message, location=location, value=_echo(value))


def _echo(value: object) -> object:
    """A value as it is sent back: cut if it is long, and None if it is no single value."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_ECHO else value[:_LONGEST_ECHO] + "…"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) and abs(value) < 2**63 else None
