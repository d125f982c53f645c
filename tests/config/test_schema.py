from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import tomli

from runwisp.config import schema
from runwisp.config.tables import TABLES
from tests.config.bad import Bad
from tests.config.loading import problems_of, unmarked
from tests.config.samples import BAD, GOOD

VALIDATOR = jsonschema.Draft202012Validator(schema.document())


def _fits(text: str) -> bool:
    return bool(VALIDATOR.is_valid(tomli.loads(text)))


def test_the_embedded_schema_is_the_one_that_the_tables_make() -> None:
    assert schema.embedded().decode() == schema.text()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.document())
    assert schema.document()["$id"] == "urn:runwisp:config"
    assert schema.document()["title"] == "runwisp.toml"


@pytest.mark.parametrize("text", GOOD)
def test_loader_and_schema_take_a_good_text(text: str, tmp_path: Path) -> None:
    assert problems_of(tmp_path, text) == ()
    assert list(VALIDATOR.iter_errors(tomli.loads(text))) == []


@pytest.mark.parametrize("bad", BAD)
def test_the_schema_refuses_what_the_loader_refuses_where_it_can(bad: Bad) -> None:
    assert _fits(unmarked(bad.text).text) is bad.is_beyond_schema


@pytest.mark.parametrize("name", TABLES)
def test_every_table_forbids_keys_that_it_does_not_know(name: str) -> None:
    tables = schema.document()["$defs"]
    assert isinstance(tables, dict)
    assert tables[name]["additionalProperties"] is False


def test_defaults_limits_and_words_stand_in_the_schema() -> None:
    tables = schema.document()["$defs"]
    assert isinstance(tables, dict)
    task = tables["tasks"]["properties"]
    assert (task["parallelism"]["default"], task["parallelism"]["minimum"]) == (1, 1)
    assert task["max_concurrent"]["maximum"] == 1024
    assert task["on_overlap"]["anyOf"][0]["enum"] == ["queue", "skip", "terminate", "kill"]
    assert task["graceful_stop"]["default"] == "5s"
