"""Who may be fired by hand and paused, and that what is said of it keeps the letters of the name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runwisp.client.errors import problem_error
from runwisp.config.settings import Config
from runwisp.errors import Locked, Refused, WrongKind
from runwisp.policy.triggering import check_exec, check_manual_trigger, check_pause
from runwisp.web.faults import document, problem_of
from tests.config.loading import load_text

CONFIG = """
[tasks.backup]
run = "true"
cron = "@daily"
[tasks.lOcked]
run = "true"
cron = "@daily"
api_trigger = false
[tasks.byHand]
run = "true"
[services.web]
run = "true"
"""

Check = Callable[[Config, str], object]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_text(tmp_path, CONFIG)


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (check_manual_trigger, "backup"),
        (check_manual_trigger, "web"),
        (check_exec, "byHand"),
        (check_pause, "backup"),
    ],
)
def test_what_fits_is_let_through(config: Config, check: Check, name: str) -> None:
    check(config, name)


@pytest.mark.parametrize(
    ("check", "name", "refusal"),
    [
        (check_manual_trigger, "lOcked", Locked),
        (check_exec, "lOcked", Locked),
        (check_exec, "web", WrongKind),
        (check_pause, "web", WrongKind),
        (check_pause, "byHand", WrongKind),
        (check_pause, "lOcked", WrongKind),
    ],
)
def test_a_refusal_reaches_a_client_word_by_word(
    config: Config, check: Check, name: str, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal) as caught:
        check(config, name)
    sentence = str(caught.value)
    assert f" {name} " in sentence
    assert str(problem_error(document(problem_of(caught.value), "/"))) == sentence
