from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.config.shells import is_fail_fast
from tests.config.loading import load_text, unmarked

TASK = "[tasks.t]\nrun = 'x'\n"


def _warnings(directory: Path, text: str) -> list[tuple[str | None, int | None, int | None]]:
    """Key and place of each warning."""
    warnings = load_text(directory, unmarked(text).text).warnings
    assert all(warning.class_ is None and warning.file for warning in warnings)
    return [(warning.key, warning.line, warning.column) for warning in warnings]


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (f"{TASK}§graceful_stop = '11s'\n", "tasks.t.graceful_stop", "shutdown_timeout"),
        (
            f"[defaults]\n§graceful_stop = '11s'\n{TASK}[tasks.u]\nrun = 'x'\n",
            "defaults.graceful_stop",
            "11.0s",
        ),
        (f"[daemon]\n§shutdown_timeout = '2s'\n{TASK}", "daemon.shutdown_timeout", "graceful_stop"),
        (f"{TASK}§shell = '/usr/bin/python3'\n", "tasks.t.shell", "without -e"),
        (f"[defaults]\n§shell = '/bin/fish'\n{TASK}[services.s]\nrun = 'x'\n", "defaults.shell", "/bin/fish"),
        (f"{TASK}§api_trigger = false\n", "tasks.t.api_trigger", "nothing ever starts it"),
    ],
)
def test_what_is_probably_not_meant_is_warned_about_once(
    text: str, key: str, says: str, tmp_path: Path
) -> None:
    marked = unmarked(text)
    (warning,) = load_text(tmp_path, marked.text).warnings
    assert (warning.key, warning.line, warning.column) == (key, marked.line, marked.column)
    assert (warning.class_, warning.file) == (None, str(tmp_path / "runwisp.toml"))
    assert says in warning.message


def test_catching_up_on_all_with_another_overlap_than_queue_is_warned_about(tmp_path: Path) -> None:
    text = f"{TASK}on_overlap = 'skip'\ncatch_up = 'all'\n"
    messages = [warning.message for warning in load_text(tmp_path, text).warnings]
    assert any("on_overlap" in message and "task t" in message for message in messages)


@pytest.mark.parametrize(
    "text",
    [
        f"{TASK}graceful_stop = '10s'\n",
        f"{TASK}shell = '/opt/x/bash'\n",
        f"{TASK}api_trigger = false\ncron = '@daily'\n",
        "[services.s]\nrun = 'x'\napi_trigger = false\n",
        "[defaults]\nshell = '/bin/fish'\n",
    ],
)
def test_what_is_fine_is_not_warned_about(text: str, tmp_path: Path) -> None:
    assert _warnings(tmp_path, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "[defaults]\n[daemon]\n[storage]\n[notify]\n[scheduler]\n",
        "[scheduler]\ntimezone = 'UTC'\n[daemon]\nshutdown_timeout = '20s'\ninclude = []\n",
        f"{TASK}max_queued = 1\nparallelism = 2\non_overlap = 'skip'\ntimeout = '1s'\nretry_attempts = 2\n",
        f"[storage]\nmax_size = '1gb'\nmin_free_space = '1mb'\n{TASK}keep_runs = 3\nkeep_for = '1d'\n",
        f"{TASK}cron = '@daily'\ngroup = 'g'\nenv = {{ A = 'b' }}\nfailures = []\numask = '027'\n",
        "[services.s]\nrun = 'x'\ninstances = 2\nrestart = 'never'\nhealthy_after = '1s'\n",
        f"{TASK}notify_on_failure = ['inapp']\nnotify_on_success = ['inapp']\n",
        "[notify]\ndefault_notifiers = []\n[[notification_route]]\nnotify = ['inapp']\n",
    ],
)
def test_what_this_version_obeys_is_not_warned_about(text: str, tmp_path: Path) -> None:
    assert _warnings(tmp_path, text) == []


def test_shells_are_known_by_their_base_name() -> None:
    assert is_fail_fast("/opt/bin/bash")
    assert not is_fail_fast("/bin/bash5")
