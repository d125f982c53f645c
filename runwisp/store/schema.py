"""Brings a database to the present schema, one numbered ``.sql`` file after the other, forward only."""

from __future__ import annotations

import sqlite3
from importlib.resources import files

from runwisp.errors import StorageError


def migrations() -> list[str]:
    """The SQL text of every migration; the version of a schema is the number of those applied."""
    folder = files("runwisp.store.migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [folder.joinpath(name).read_text("utf-8") for name in names]


def version(connection: sqlite3.Connection) -> int:
    """The number of migrations applied to the database."""
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def migrate(connection: sqlite3.Connection) -> int:
    """Apply what is missing, each migration in its own transaction, and return the version reached.

    :raises StorageError: the database is newer than this program
    :raises sqlite3.Error: a migration failed; those before it stay applied
    """
    known = migrations()
    _refuse_newer(connection, len(known))
    for number, sql in enumerate(known[version(connection) :], version(connection) + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
        except BaseException:
            connection.rollback()
            raise
    return len(known)


def check(connection: sqlite3.Connection) -> None:
    """Refuse a database whose schema is not the present one.

    :raises StorageError: it is newer than this program, or no daemon has migrated it yet
    """
    known = len(migrations())
    _refuse_newer(connection, known)
    if (found := version(connection)) < known:
        raise StorageError(
            f"the database has schema version {found}, this program reads version {known}; "
            "starting the daemon migrates it"
        )


def _refuse_newer(connection: sqlite3.Connection, known: int) -> None:
    """:raises StorageError: more than ``known`` migrations have been applied"""
    if (found := version(connection)) > known:
        raise StorageError(
            f"the database has schema version {found}, this program knows versions up to {known}; "
            "use the RunWisp version that wrote it, or a later one"
        )
