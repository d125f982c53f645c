"""``runwisp demo``: its flags, and what it writes; the demo itself is in the system tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import Outcome, runwisp


def test_configuration_and_past_may_be_had_without_a_daemon(here: Path) -> None:
    done = runwisp("demo", "--seed-only", "-c", "shop.toml", "--data", "past")
    assert done == Outcome(0, f"wrote shop.toml and a past in {here / 'past'}\n", "")
    assert sorted(path.name for path in here.iterdir()) == ["past", "shop.toml"]
    names = runwisp("-c", "shop.toml", "list", "--json").document["tasks"]
    assert isinstance(names, list)
    assert {"orders", "mail"} <= {unit["name"] for unit in names}
    assert "timeout" in runwisp("runs", "prices", "--data", "past").out


@pytest.mark.parametrize("existing", ["runwisp.toml", "data/runwisp.db"])
def test_what_is_there_stays(here: Path, existing: str) -> None:
    (here / existing).parent.mkdir(exist_ok=True)
    (here / existing).write_text("mine")
    done = runwisp("demo", "--seed-only")
    assert (done.code, done.out) == (1, "")
    assert [path.read_text() for path in here.rglob("*") if path.is_file()] == ["mine"]


@pytest.mark.parametrize(
    "args",
    [
        ["demo", "--config", "x"],
        ["--data", "x", "demo", "--no-tui"],
        ["demo", "--socket", "x"],
        ["demo", "--seed-only", "--no-tui"],
        ["demo", "shop"],
    ],
)
def test_a_demo_is_in_a_place_of_its_own(here: Path, args: list[str]) -> None:
    done = runwisp(*args)
    assert (done.code, done.out) == (2, "")
    assert list(here.iterdir()) == []


def test_without_a_terminal_nothing_is_started(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(here))
    done = runwisp("demo")
    assert (done.code, done.out) == (1, "")
    assert "needs a terminal" in done.err
    assert list(here.iterdir()) == []
