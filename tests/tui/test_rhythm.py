"""``tests/rhythm.json`` holds the cases for the terminal and for the dashboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runwisp.client.resources import notice
from runwisp.tui.rhythm import rhythm
from runwisp.units import parse_time
from tests.tui import fakes

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "rhythm.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_how_often_something_came(case: dict[str, Any]) -> None:
    told = fakes.notice(**{key: case[key] for key in set(case) & set(fakes.notice())})
    assert rhythm(notice(told), parse_time(case["now"])) == case["phrase"]
