"""Runs in words: status, times and triggers as people read them (spec: interfaces, shared conventions)."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from runwisp.model import EndReason, Run, Seconds, Status, TriggeredBy, UnixMs
from runwisp.units import format_duration

NOTHING = "—"

_DAY_MS = 86_400_000

_STYLES: dict[str, str] = {
    Status.RUNNING: "info",
    EndReason.SUCCESS: "success",
    EndReason.FAILED: "danger",
    EndReason.CRASHED: "danger",
    EndReason.LOG_OVERFLOW: "danger",
    EndReason.MISSED: "danger",
    EndReason.START_FAILED: "danger",
    EndReason.UNHEALTHY: "danger",
    EndReason.TIMEOUT: "warning",
    EndReason.STOPPED: "warning",
    EndReason.DAEMON_STOPPED: "warning",
    EndReason.QUEUE_FULL: "warning",
}


def display_status(run: Run) -> str:
    """The phase of a live run, the end reason of an ended one."""
    return run.end_reason if run.end_reason is not None else run.status


def status_label(run: Run, now: UnixMs) -> str:
    """The display status, and how long until the retry if one is waiting."""
    label = display_status(run).replace("_", " ")
    if run.next_retry_at is None:
        return label
    return f"{label}, retry in {_rough(max(0, run.next_retry_at - now))}"


def status_style(run: Run) -> str:
    """The style of :data:`runwisp.cli.output.SGR` for the display status."""
    return _STYLES.get(display_status(run), "neutral")


def trigger_label(run: Run) -> str:
    """``Cron``, ``API · UI``."""
    cause = "API" if run.triggered_by is TriggeredBy.API else run.triggered_by.capitalize()
    if run.trigger_source is None:
        return cause
    source = "Hook" if run.trigger_source == "hook" else run.trigger_source.upper()
    return f"{cause} · {source}"


def duration_label(run: Run, now: UnixMs) -> str:
    """How long the run took, or has taken so far."""
    if run.start_at is None:
        return NOTHING
    end = run.end_at if run.end_at is not None else now
    return format_duration(Seconds(max(0, end - run.start_at) / 1000))


def ago(moment: UnixMs | None, now: UnixMs, zone: tzinfo | None = None) -> str:
    """How long ago; beyond a day the date and time, in the zone of this machine if none is given."""
    if moment is None:
        return NOTHING
    passed = now - moment
    if passed < 1000:
        return "just now"
    if passed < _DAY_MS:
        return f"{_rough(passed)} ago"
    local = datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone)
    return f"{local:%b} {local.day} {local:%H:%M}"


def outcome(run: Run, now: UnixMs) -> str:
    """What became of an ended run, in one line."""
    words = [f"{run.label} {run.id}: {status_label(run, now)}"]
    if run.exit_code is not None and run.exit_code > 0:
        words.append(f"exit code {run.exit_code}")
    if run.duration is not None:
        words.append(f"took {duration_label(run, now)}")
    text = ", ".join(words)
    return f"{text} ({run.message})" if run.message else text


def _rough(span_ms: int) -> str:
    seconds = span_ms // 1000
    if seconds < 60:
        return f"{seconds}s"
    return f"{seconds // 60}m" if seconds < 3600 else f"{seconds // 3600}h"
