"""What is remembered of each task beside its runs, and the few values the daemon keeps for itself."""

from __future__ import annotations

from sqlite3 import Cursor

from attrs import frozen

from runwisp.model import UnixMs
from runwisp.store.rows import to_moment
from runwisp.units import format_time, parse_time

_COLUMNS = "task_name, first_seen_at, last_tick_at, boot_id, paused_at, resumed_at"
_REGISTER = """
INSERT INTO task_registrations (task_name, first_seen_at) VALUES (?, ?) ON CONFLICT (task_name) DO NOTHING
"""
_SET_CONFIG_ENTRY = """
INSERT INTO config_entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""


@frozen(kw_only=True)
class Registration:
    """The marks of one task (spec: runtime, what is missed).

    ``last_tick_at`` is the planned time of the last slot that got its fate. ``boot_id`` is the boot of the
    host in which the task last ran on start. ``paused_at`` is set while the schedule is paused.
    """

    task_name: str
    first_seen_at: UnixMs
    last_tick_at: UnixMs | None
    boot_id: str | None
    paused_at: UnixMs | None
    resumed_at: UnixMs | None


def register(cursor: Cursor, task_name: str, now: UnixMs) -> None:
    """The task is in the configuration; the first time it is, ``now`` becomes its ``first_seen_at``."""
    cursor.execute(_REGISTER, (task_name, format_time(now)))


def forget(cursor: Cursor, task_name: str) -> None:
    """The task left the configuration: should it return, it is new."""
    cursor.execute("DELETE FROM task_registrations WHERE task_name = ?", (task_name,))


def registrations(cursor: Cursor) -> dict[str, Registration]:
    """Every registered task by name."""
    rows = cursor.execute(f"SELECT {_COLUMNS} FROM task_registrations ORDER BY task_name")
    return {
        task_name: Registration(
            task_name=task_name,
            first_seen_at=parse_time(first_seen_at),
            last_tick_at=to_moment(last_tick_at),
            boot_id=boot_id,
            paused_at=to_moment(paused_at),
            resumed_at=to_moment(resumed_at),
        )
        for task_name, first_seen_at, last_tick_at, boot_id, paused_at, resumed_at in rows
    }


def set_last_tick(cursor: Cursor, task_name: str, tick: UnixMs) -> None:
    """The slot ``tick`` got its fate. A task that is not registered has no mark to move."""
    _set(cursor, task_name, "last_tick_at", format_time(tick))


def set_boot_id(cursor: Cursor, task_name: str, boot_id: str) -> None:
    _set(cursor, task_name, "boot_id", boot_id)


def pause(cursor: Cursor, task_name: str, now: UnixMs) -> None:
    """Pause the schedule; a second pause keeps the time of the first."""
    cursor.execute(
        "UPDATE task_registrations SET paused_at = coalesce(paused_at, ?) WHERE task_name = ?",
        (format_time(now), task_name),
    )


def resume(cursor: Cursor, task_name: str, now: UnixMs) -> None:
    """Lift the pause: slots up to ``now`` are not missed. Without a pause nothing changes."""
    cursor.execute(
        "UPDATE task_registrations SET paused_at = NULL, resumed_at = ? "
        "WHERE task_name = ? AND paused_at IS NOT NULL",
        (format_time(now), task_name),
    )


def config_entry(cursor: Cursor, key: str) -> str | None:
    row: tuple[str] | None = cursor.execute(
        "SELECT value FROM config_entries WHERE key = ?", (key,)
    ).fetchone()
    return row[0] if row is not None else None


def set_config_entry(cursor: Cursor, key: str, value: str) -> None:
    cursor.execute(_SET_CONFIG_ENTRY, (key, value))


def _set(cursor: Cursor, task_name: str, column: str, value: str) -> None:
    cursor.execute(f"UPDATE task_registrations SET {column} = ? WHERE task_name = ?", (value, task_name))
