"""``runwisp notify test``, as far as it sends nothing; the rest is in tests/system/test_notify.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import runwisp

HOOK = '[notifiers.ops]\ntype = "webhook"\nurl = "http://127.0.0.1:9/s3cr3t"\n'


@pytest.fixture(autouse=True)
def _config(here: Path) -> None:
    (here / "runwisp.toml").write_text(HOOK)


@pytest.mark.parametrize(
    ("notifier_id", "why"),
    [
        ("dev", "dev, which is no notifier"),
        ("inapp", "inapp is built in and sends nothing"),
        ("ops:#x", "a notifier of type webhook takes no target"),
        ("", "no notifier"),
    ],
)
def test_what_is_no_notifier_is_an_error(notifier_id: str, why: str) -> None:
    done = runwisp("notify", "test", notifier_id)
    assert (done.code, done.out) == (1, "")
    assert why in done.err


def test_another_action_is_a_usage_error_with_a_suggestion() -> None:
    done = runwisp("notify", "tset", "ops")
    assert done.code == 2
    assert "did you mean 'test'?" in done.err


@pytest.mark.parametrize("arguments", [(), ("test",), ("test", "ops", "more")])
def test_it_takes_exactly_one_notifier(arguments: tuple[str, ...]) -> None:
    assert runwisp("notify", *arguments).code == 2


def test_without_a_configuration_there_is_nothing_to_try(here: Path) -> None:
    (here / "runwisp.toml").unlink()
    assert runwisp("notify", "test", "ops").code == 1
