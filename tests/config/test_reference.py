from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.config.reference import PAGES, body, main, page
from runwisp.config.tables import TABLES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_every_key(name: str) -> None:
    text = page(name)
    for table in PAGES[name]:
        assert [
            key for key in TABLES[table].by_name if f"``{key}``" not in text and f"``{key}." not in text
        ] == []


def test_an_entry_tells_type_limits_default_and_other_names() -> None:
    text = body("tasks")
    assert "``parallelism`` : integer, 1 to 1024 : default ``1``\n" in text
    assert "Also written ``max_concurrent``." in text
    assert '``graceful_stop`` : duration : default ``"5s"``\n' in text
    assert 'One of ``"queue"``, ``"skip"``, ``"terminate"``.' in text
    assert "``run`` : string : required\n" in text


def test_pages_of_types_follow_the_keys_of_all_notifiers() -> None:
    text = page("notifier")
    assert text.index("``id``") < text.index('type = "slack"') < text.index("``webhook_url``")


def test_the_pages_are_written_into_a_directory(tmp_path: Path) -> None:
    main(tmp_path / "new")
    assert {path.stem for path in (tmp_path / "new").iterdir()} == set(PAGES)
    assert (tmp_path / "new/tasks.rst").read_text().startswith("``[tasks.NAME]``\n====")
