"""What a message says, before it is known through which channel (spec: notifications, messages)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from attrs import frozen

from runwisp.model import EndReason, NotifyEvent, NotifyKind, Run, Seconds, TriggeredBy
from runwisp.notify import text
from runwisp.notify.shorten import end, head
from runwisp.policy.notify_events import subject, title

_EMOJI: Mapping[NotifyKind, str] = {
    NotifyKind.RUN_STARTED: "▶️",
    NotifyKind.RUN_SUCCEEDED: "✅",
    NotifyKind.RUN_FAILED: "❌",
    NotifyKind.RUN_TIMEOUT: "⏱️",
    NotifyKind.RUN_CRASHED: "💥",
    NotifyKind.RUN_STOPPED: "⏹️",
    NotifyKind.RUN_QUEUE_FULL: "🚫",
    NotifyKind.RUN_MISSED: "🕳️",
    NotifyKind.SERVICE_FATAL: "🛑",
    NotifyKind.LOG_DISK_PRESSURE: "💾",
    NotifyKind.DELIVERY_FAILED: "⚠️",
    NotifyKind.TEST: "🔔",
}
_FIXED: Mapping[NotifyKind, str] = {
    NotifyKind.RUN_STARTED: "The run has started",
    NotifyKind.RUN_CRASHED: "The daemon was gone before the run ended",
    NotifyKind.RUN_QUEUE_FULL: "No room was left in the queue",
    NotifyKind.RUN_MISSED: "A scheduled time has passed without a run",
    NotifyKind.SERVICE_FATAL: "It is not restarted any more",
    NotifyKind.LOG_DISK_PRESSURE: "Disk space is low",
    NotifyKind.DELIVERY_FAILED: "A message has not been delivered",
    NotifyKind.TEST: "Messages of this daemon arrive here",
}
_TRIGGERS: Mapping[TriggeredBy, str] = {
    TriggeredBy.CRON: "Triggered by cron",
    TriggeredBy.API: "Triggered by the API",
    TriggeredBy.SERVICE: "Triggered by the service",
    TriggeredBy.STARTUP: "Triggered at startup",
}
_WITHOUT_RUN = "Noticed by the daemon"
#: Most of a name, and of any other text that others have written, in UTF-16 units.
_NAME_LIMIT = 200
_TEXT_LIMIT = 10_000
#: Only these show the end of the log.
WITH_TAIL = frozenset({NotifyKind.RUN_FAILED, NotifyKind.RUN_TIMEOUT})


@frozen(kw_only=True)
class Message:
    """An event in words. Blocks that have nothing to say are empty.

    ``name`` is the part of ``title`` that tells whom it is about, empty if that is nobody. All blocks but
    ``tail`` are single lines, and none is escaped for any channel or cut to its limits; what others have
    written is cut to lengths that nobody reads to the end.
    """

    event: NotifyEvent
    at: datetime
    fingerprint: str
    emoji: str
    name: str
    title: str
    sentence: str
    trigger: str
    tail: str
    link: str
    link_label: str
    footer: str
    coalesced_count: int | None
    coalesced_summary: bool
    coalesced_note: str

    @property
    def headline(self) -> str:
        return f"{self.emoji} {self.title}"


def build_message(
    event: NotifyEvent,
    *,
    fingerprint: str,
    zone: str,
    external_url: str | None,
    tail: str,
    coalesced_count: int | None = None,
    coalesced_summary: bool = False,
) -> Message:
    """The message about ``event``.

    :param fingerprint: that of the daemon
    :param zone: the zone of the scheduler
    :param external_url: what links begin with; without it there are none
    :param tail: the end of the run's log, as :func:`runwisp.notify.tail.tail_of` makes it; left out where it
        does not belong
    :param coalesced_count: how many events the message stands for, if it tells of repeats
    :param coalesced_summary: it closes a row of repeats
    """
    daemon = head(text.line(fingerprint), _NAME_LIMIT)
    name = head(text.line(subject(event)), _NAME_LIMIT)
    verb = text.line(title(event).removeprefix(subject(event)))
    at = text.moment(event.timestamp, ZoneInfo(zone))
    link, link_label = _link(event, external_url)
    return Message(
        event=event,
        at=at,
        fingerprint=daemon,
        emoji=_EMOJI[event.kind],
        name=name,
        title=name + verb,
        sentence=head(text.line(_sentence(event)), _TEXT_LIMIT),
        trigger=f"{_TRIGGERS[event.run.triggered_by] if event.run else _WITHOUT_RUN} · {text.human_time(at)}",
        tail=end(text.lines(tail), _TEXT_LIMIT) if event.kind in WITH_TAIL else "",
        link=link,
        link_label=link_label,
        footer=f"from runwisp · {daemon}",
        coalesced_count=coalesced_count,
        coalesced_summary=coalesced_summary,
        coalesced_note=_note(coalesced_count, coalesced_summary),
    )


def _sentence(event: NotifyEvent) -> str:
    if event.run is not None and event.kind in _ABOUT_RUNS:
        return _ABOUT_RUNS[event.kind](event.run)
    if event.kind is NotifyKind.RUN_MISSED and event.reason:
        return event.reason
    fixed = _FIXED[event.kind]
    return f"{fixed}: {event.reason}" if event.reason else f"{fixed}."


def _failed(run: Run) -> str:
    outcome = "It failed" if run.exit_code is None else f"Exit code {run.exit_code}"
    if run.end_reason not in (None, EndReason.FAILED):
        outcome = f"{run.end_reason.replace('_', ' ').capitalize()}, {outcome[0].lower()}{outcome[1:]}"
    sentence = f"{outcome}{_after(run.duration)}"
    return f"{sentence}: {run.message}" if run.message else f"{sentence}."


def _stopped(run: Run) -> str:
    how = "Stopped with the daemon" if run.end_reason is EndReason.DAEMON_STOPPED else "Stopped"
    return f"{how}{_after(run.duration)}."


def _timed_out(run: Run) -> str:
    if run.duration is None:
        return "It took too long and was ended."
    return f"It was ended after {text.human_duration(run.duration)}, longer than it may run."


def _after(duration: Seconds | None) -> str:
    return "" if duration is None else f" after {text.human_duration(duration)}"


_ABOUT_RUNS: Mapping[NotifyKind, Callable[[Run], str]] = {
    NotifyKind.RUN_FAILED: _failed,
    NotifyKind.RUN_SUCCEEDED: lambda run: f"Finished{_after(run.duration)}.",
    NotifyKind.RUN_STOPPED: _stopped,
    NotifyKind.RUN_TIMEOUT: _timed_out,
}


def _link(event: NotifyEvent, external_url: str | None) -> tuple[str, str]:
    """Address and label of what there is to see about the event, both empty if there is nothing."""
    if not external_url or event.task_name is None:
        return "", ""
    task = f"{external_url.rstrip('/')}/tasks/{_part(event.task_name)}"
    if event.kind is NotifyKind.LOG_DISK_PRESSURE:
        return task, "Open the task"
    return (f"{task}/{_part(event.run.id)}", "Open the run") if event.run is not None else ("", "")


def _part(name: str) -> str:
    return quote(text.encodable(name), safe="")


def _note(count: int | None, is_summary: bool) -> str:
    if count is None:
        return ""
    times = "once" if count == 1 else f"{count} times"
    what = "Closing summary" if is_summary else "Check-in"
    return f"{what}: {times} since the last message."
