"""The table ``outbox``: messages that are due and not known to be delivered (spec: notifications, outbox).

Plain functions over a cursor, to be called inside a transaction. Ids rise with the time of creation.
"""

from __future__ import annotations

import json
from sqlite3 import Cursor
from typing import Any

from attrs import asdict, fields, frozen

from runwisp.model import (
    EndReason,
    NotifyEvent,
    NotifyKind,
    Run,
    Severity,
    Status,
    TriggeredBy,
    TriggerSource,
    UnixMs,
)
from runwisp.store.rows import to_moment, to_text
from runwisp.units import format_time, parse_time


@frozen(kw_only=True)
class Entry:
    """A message for one notifier, which is named by its token.

    ``attempt_started_at`` is set while it is on its way, and then nobody knows whether it has arrived.
    """

    id: str
    notifier: str
    event: NotifyEvent
    coalesced_count: int | None
    coalesced_summary: bool
    attempts: int
    attempt_started_at: UnixMs | None
    created_at: UnixMs


_COLUMNS = ", ".join(attribute.name for attribute in fields(Entry))
_PLACES = ", ".join("?" for _ in fields(Entry))
_BEGIN = "UPDATE outbox SET attempts = attempts + 1, attempt_started_at = ? WHERE id = ?"


def insert(cursor: Cursor, entry: Entry) -> None:
    cursor.execute(
        f"INSERT INTO outbox ({_COLUMNS}) VALUES ({_PLACES})",
        (
            entry.id,
            entry.notifier,
            json.dumps(asdict(entry.event)),
            entry.coalesced_count,
            entry.coalesced_summary,
            entry.attempts,
            to_text(entry.attempt_started_at),
            format_time(entry.created_at),
        ),
    )


def begin_attempt(cursor: Cursor, entry_id: str, now: UnixMs) -> None:
    """From now on its outcome is unknown."""
    cursor.execute(_BEGIN, (format_time(now), entry_id))


def end_attempt(cursor: Cursor, entry_id: str) -> None:
    """It has certainly not arrived, and another attempt may follow."""
    cursor.execute("UPDATE outbox SET attempt_started_at = NULL WHERE id = ?", (entry_id,))


def delete(cursor: Cursor, entry_id: str) -> None:
    """Its delivery has ended, in whatever way."""
    cursor.execute("DELETE FROM outbox WHERE id = ?", (entry_id,))


def everything(cursor: Cursor) -> list[Entry]:
    """All that is there, oldest first."""
    rows = cursor.execute(f"SELECT {_COLUMNS} FROM outbox ORDER BY created_at, id")
    return [_to_entry(row) for row in rows]


def _to_entry(row: tuple[Any, ...]) -> Entry:  # sqlite3 does not say what its rows hold
    entry_id, notifier, event, count, is_summary, attempts, attempt_started_at, created_at = row
    return Entry(
        id=entry_id,
        notifier=notifier,
        event=_to_event(json.loads(event)),
        coalesced_count=count,
        coalesced_summary=bool(is_summary),
        attempts=attempts,
        attempt_started_at=to_moment(attempt_started_at),
        created_at=parse_time(created_at),
    )


def _to_event(values: dict[str, Any]) -> NotifyEvent:  # what attrs makes of an event
    return NotifyEvent(
        **{
            **values,
            "kind": NotifyKind(values["kind"]),
            "severity": Severity(values["severity"]),
            "run": _to_run(values["run"]) if values["run"] is not None else None,
        }
    )


def _to_run(values: dict[str, Any]) -> Run:  # what attrs makes of a run
    reason, source = values["end_reason"], values["trigger_source"]
    return Run(
        **{
            **values,
            "status": Status(values["status"]),
            "triggered_by": TriggeredBy(values["triggered_by"]),
            "trigger_source": TriggerSource(source) if source is not None else None,
            "end_reason": EndReason(reason) if reason is not None else None,
        }
    )
