from __future__ import annotations

import pytest

from runwisp.config.reference import body
from runwisp.config.tables import TABLES


@pytest.mark.parametrize("name", TABLES)
def test_the_reference_of_a_table_names_every_key(name: str) -> None:
    text = body(name)
    keys = {key for key in TABLES[name].by_name if key not in TABLES[name].nested}
    nested = {f"{key}.{inner}" for key, table in TABLES[name].nested.items() for inner in table.by_name}
    assert [key for key in sorted(keys | nested) if f"``{key}`` : " not in text] == []


def test_an_entry_tells_type_limits_default_and_other_names() -> None:
    text = body("tasks")
    assert "``parallelism`` : integer, 1 to 1024 : default ``1``\n" in text
    assert "Also written ``max_concurrent``." in text
    assert '``graceful_stop`` : duration : default ``"5s"``\n' in text
    assert 'One of ``"queue"``, ``"skip"``, ``"terminate"``.' in text
    assert "``run`` : string : required\n" in text


def test_a_duration_or_count_without_a_limit_that_matters_has_none() -> None:
    assert "``timeout`` : duration : default none\n" in body("defaults")
    assert "``keep_for`` : duration, more than 0 : default no cap\n" in body("defaults")


def test_the_keys_of_each_type_follow_those_of_all_notifiers() -> None:
    text = body("notifier")
    assert text.index("``id``") < text.index('type = "slack"') < text.index("``webhook_url``")
