from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.config.zones import host_zone, known_zones
from tests.config.loading import write


@pytest.mark.parametrize(
    ("variable", "files", "link", "expected"),
    [
        ("Asia/Tokyo", {}, None, "Asia/Tokyo"),
        (":Asia/Tokyo", {}, None, "Asia/Tokyo"),
        ("/usr/share/zoneinfo/Asia/Tokyo", {}, None, "Asia/Tokyo"),
        (":/usr/share/zoneinfo/Asia/Tokyo", {}, None, "Asia/Tokyo"),
        ("CET-1CEST", {"etc/timezone": "Asia/Tokyo\n"}, None, "UTC"),
        ("CET,M3", {"etc/timezone": "Asia/Tokyo\n"}, None, "Asia/Tokyo"),
        ("", {"etc/timezone": "Asia/Tokyo\n"}, "/usr/share/zoneinfo/Europe/Paris", "Asia/Tokyo"),
        (None, {"etc/timezone": "Mars\n"}, "/usr/share/zoneinfo/Europe/Paris", "UTC"),
        (None, {"etc/timezone": "\n"}, "/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        (None, {}, "../usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        (None, {}, "/somewhere/else", "UTC"),
        (None, {}, None, "UTC"),
    ],
)
def test_the_zone_of_the_machine_is_looked_for_in_order(
    variable: str | None, files: dict[str, str], link: str | None, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "etc").mkdir()
    write(tmp_path, files)
    if link is not None:
        (tmp_path / "etc/localtime").symlink_to(link)
    assert host_zone({} if variable is None else {"TZ": variable}, tmp_path) == expected


def test_the_zone_database_has_what_people_write() -> None:
    assert {"UTC", "Europe/Bratislava", "America/New_York", "Etc/GMT+5"} <= known_zones()
