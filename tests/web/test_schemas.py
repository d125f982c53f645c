"""JSON Schema from the annotations of resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from attrs import field, frozen
from jsonschema import Draft202012Validator

from runwisp.model import Bytes, RunId, Seconds, Status, Stream, UnixMs
from runwisp.web.schemas import Schemas
from runwisp.web.wire import plain


@frozen
class Leaf:
    at: UnixMs | None


@frozen
class TreeResource:
    """A tree of ``leaves``.

    More than anybody wants to know.
    """

    leaves: tuple[Leaf, ...]
    kind: Literal["oak", "elm"] = "oak"
    parent: TreeResource | None = field(default=None, metadata={"description": "where it grows"})


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (bool, {"type": "boolean"}),
        (float, {"type": "number"}),
        (None.__class__, {"type": "null"}),
        (UnixMs, {"type": "string", "format": "date-time"}),
        (Seconds | None, {"type": ["number", "null"], "minimum": 0, "description": "seconds"}),
        (Bytes, {"type": "integer", "minimum": 0, "description": "bytes"}),
        (RunId, {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$"}),
        (Stream, {"type": "string", "enum": ["stdout", "stderr", "system"]}),
        (Status | None, {"type": ["string", "null"], "enum": ["pending", "running", "ended", None]}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (tuple[str, ...], {"type": "array", "items": {"type": "string"}}),
        (Mapping[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (str | int, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        (Leaf | None, {"anyOf": [{"$ref": "#/components/schemas/Leaf"}, {"type": "null"}]}),
    ],
)
def test_an_annotation_has_a_schema(annotation: Any, schema: dict[str, object]) -> None:
    assert Schemas().of(annotation) == schema


def test_a_class_is_a_component_in_which_every_field_is_required() -> None:
    schemas = Schemas()
    assert schemas.of(TreeResource) == {"$ref": "#/components/schemas/Tree"}
    tree = schemas.components["Tree"]
    assert tree["required"] == ["leaves", "kind", "parent"]
    assert tree["description"] == "A tree of leaves."
    assert tree["properties"]["parent"]["description"] == "where it grows"
    assert tree["properties"]["leaves"] == {"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}}
    assert "description" not in schemas.components["Leaf"]


def test_a_resource_as_it_is_written_is_valid() -> None:
    schemas = Schemas()
    whole = {**schemas.of(TreeResource), "components": {"schemas": schemas.components}}
    tree = TreeResource((Leaf(UnixMs(5)), Leaf(None)), parent=TreeResource(()))
    assert Draft202012Validator(whole).is_valid(plain(tree))
    assert not Draft202012Validator(whole).is_valid({**plain(tree), "leaves": None})


def test_two_classes_of_one_name_are_a_mistake() -> None:
    @frozen
    class Tree:
        pass

    schemas = Schemas()
    schemas.of(TreeResource)
    with pytest.raises(ValueError, match="two resources are called Tree"):
        schemas.of(Tree)


def test_an_annotation_that_says_nothing_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="no schema"):
        Schemas().of(object)
