from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure

from runwisp.errors import PasswordUnusable, StorageError, UsageError
from runwisp.model import UnixMs
from runwisp.store.datadir import DataDir
from runwisp.web.auth.auth import Auth
from runwisp.web.auth.opening import open_auth
from runwisp.web.auth.passwords import Source
from tests.fakes import ImmediateDatabase

NOW = UnixMs(1_772_416_800_000)


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    data_dir = DataDir(tmp_path / "data")
    data_dir.prepare()
    return data_dir


@pytest.fixture
def database() -> ImmediateDatabase:
    return ImmediateDatabase()


Boot = Callable[[Mapping[str, str]], Auth]


@pytest.fixture
def boot(database: ImmediateDatabase, data_dir: DataDir) -> Boot:
    """Start a daemon with that environment, as often as wanted."""

    def start(environ: Mapping[str, str]) -> Auth:
        opened: list[Auth] = []
        failed: list[Failure] = []
        opening = open_auth(database, data_dir, environ, lambda: NOW / 1000, lambda: 0.0)
        Deferred.fromCoroutine(opening).addCallbacks(opened.append, failed.append)
        for failure in failed:
            failure.raiseException()
        return opened[0]

    return start


def lines(events: Sequence[dict[str, Any]]) -> list[tuple[LogLevel, str]]:
    return [(event["log_level"], event["log_format"].format(**event)) for event in events]


def test_the_first_start_generates_a_password_and_says_where_to_see_it(boot: Boot, data_dir: DataDir) -> None:
    with capturedLogs() as captured:
        auth = boot({})
    assert auth.password is not None
    assert auth.password.source is Source.GENERATED
    assert data_dir.password.read_text() == f"{auth.password.text}\n"
    assert lines(captured) == [
        (LogLevel.info, "a password was generated; see it with: runwisp password"),
    ]
    assert auth.password.text not in str(captured)


def test_the_next_start_finds_the_password_and_keeps_the_sessions(boot: Boot) -> None:
    first = boot({})
    with capturedLogs() as captured:
        second = boot({})
    assert second.password is not None
    assert second.password.source is Source.FILE
    assert second.session_ends_at(first.tokens.issue(NOW).text) is not None
    assert captured == []


def test_a_changed_password_ends_all_sessions(boot: Boot) -> None:
    token = boot({"RUNWISP_PASSWORD": "one"}).tokens.issue(NOW).text
    assert boot({"RUNWISP_PASSWORD": "one"}).session_ends_at(token) is not None
    assert boot({"RUNWISP_PASSWORD": "two"}).session_ends_at(token) is None
    assert boot({"RUNWISP_PASSWORD": "one"}).session_ends_at(token) is None


def test_without_authentication_there_is_a_loud_warning_and_no_session_that_lasts(
    boot: Boot, data_dir: DataDir
) -> None:
    kept = boot({"RUNWISP_PASSWORD": "one"}).tokens.issue(NOW).text
    with capturedLogs() as captured:
        off = boot({"RUNWISP_NO_AUTH": "1"})
    assert not off.is_required
    ((level, text),) = lines(captured)
    assert (level, "AUTHENTICATION IS OFF" in text, "RUNWISP_NO_AUTH" in text) == (LogLevel.warn, True, True)
    fleeting = off.tokens.issue(NOW).text
    again = boot({"RUNWISP_PASSWORD": "one"})
    assert again.session_ends_at(fleeting) is None
    assert again.session_ends_at(kept) is not None
    assert not data_dir.password.exists()


def test_what_is_wrong_with_the_password_stops_the_boot(boot: Boot, data_dir: DataDir) -> None:
    with pytest.raises(UsageError):
        boot({"RUNWISP_NO_AUTH": "perhaps"})
    data_dir.password.write_text("")
    with pytest.raises(PasswordUnusable, match="is empty"):
        boot({})


def test_a_database_that_refuses_stops_the_boot(boot: Boot, database: ImmediateDatabase) -> None:
    database.refusal = StorageError("disk full")
    with pytest.raises(StorageError):
        boot({"RUNWISP_PASSWORD": "one"})


def test_neither_password_nor_token_is_in_the_database(boot: Boot, database: ImmediateDatabase) -> None:
    boot({"RUNWISP_PASSWORD": "pass-in-the-clear"})

    def dump(cursor: sqlite3.Cursor) -> str:
        return str(cursor.execute("SELECT * FROM config_entries").fetchall())

    assert "pass-in-the-clear" not in database.now(dump)
