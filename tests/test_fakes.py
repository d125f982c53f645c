"""The stand-ins do what the real ones do: each test here runs against both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Cursor, IntegrityError

import pytest
import pytest_twisted
from twisted.internet.posixbase import PosixReactorBase
from zope.interface.verify import verifyObject

from runwisp.errors import StorageError
from runwisp.store import marks
from runwisp.store.database import Database
from runwisp.store.interfaces import IDatabase
from tests.fakes import ImmediateDatabase


@pytest.fixture(params=["real", "fake"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, reactor: PosixReactorBase
) -> Iterator[IDatabase]:
    if request.param == "fake":
        yield ImmediateDatabase()
        return
    real = Database(tmp_path / "runwisp.db", reactor)
    real.open()
    yield real
    pytest_twisted.blockon(real.close())


def put(cursor: Cursor) -> str:
    marks.set_config_entry(cursor, "key", "value")
    return "done"


def look(cursor: Cursor) -> str | None:
    return marks.config_entry(cursor, "key")


def test_a_database_is_one(database: IDatabase) -> None:
    assert verifyObject(IDatabase, database)


async def test_what_was_written_is_read(database: IDatabase) -> None:
    assert await database.write(put) == "done"
    assert await database.read(look) == "value"


async def test_an_error_of_a_write_is_its_failure_and_undoes_it(database: IDatabase) -> None:
    def work(cursor: Cursor) -> None:
        put(cursor)
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        await database.write(work)
    assert await database.read(look) is None


async def test_a_violated_constraint_stays_what_it_is(database: IDatabase) -> None:
    with pytest.raises(IntegrityError):
        await database.write(lambda cursor: cursor.execute("INSERT INTO config_entries VALUES ('key', NULL)"))


def test_the_database_in_memory_has_fired_when_the_call_returns() -> None:
    database = ImmediateDatabase()
    assert database.write(put).result == "done"
    assert database.read(look).result == "value"
    assert database.now(look) == "value"


async def test_the_database_in_memory_refuses_writes_when_it_is_told_to() -> None:
    database = ImmediateDatabase()
    database.refusal = StorageError("disk full")
    with pytest.raises(StorageError, match="disk full"):
        await database.write(put)
    assert database.now(look) is None
    database.refusal = None
    assert await database.write(put) == "done"
