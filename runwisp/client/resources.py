"""What the API answers, as values (spec: rest, resources).

Only the fields that a client of ours looks at are read. A field that a newer daemon adds is no error, and
neither is a new word: it is kept as the text that it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from attrs import field, frozen

from runwisp.model import (
    EndReason,
    Kind,
    Run,
    RunId,
    Severity,
    Status,
    Stream,
    TriggeredBy,
    TriggerSource,
    UnixMs,
)
from runwisp.units import parse_time

if TYPE_CHECKING:
    from runwisp.logs.reader import LogLine

#: A JSON object. Its values are what the daemon sends; whoever reads them says what they are.
Document: TypeAlias = Mapping[str, Any]

W = TypeVar("W", bound=StrEnum)


@frozen(kw_only=True)
class RemoteRun(Run):
    """A run as the daemon shows it, with all its fields in ``document``."""

    document: Document = field(repr=False, eq=False)


@frozen(kw_only=True)
class RemoteUnit:
    """A task or service as the daemon shows it; ``running`` and ``instances`` are None for a task."""

    name: str
    kind: Kind
    group: str | None
    cron: str | None
    api_trigger: bool
    instances: int | None
    running: int | None
    is_paused: bool
    is_active: bool
    last_run: RemoteRun | None
    document: Document = field(repr=False, eq=False)


@frozen(kw_only=True)
class DaemonInfo:
    version: str
    pid: int
    host: str
    port: int
    external_url: str | None
    data_dir: str
    config_path: str
    socket_path: str
    config_stale: bool
    config_warnings: tuple[str, ...]
    auth_required: bool
    service_managed: bool
    uptime: float
    document: Document = field(repr=False, eq=False)

    @property
    def url(self) -> str:
        """Where a browser finds the daemon; one that has TLS sends it on to ``https``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.external_url or f"http://{host}:{self.port}"


@frozen(kw_only=True)
class SystemStats:
    host: str
    cpu_cores: int
    work_dir: str
    document: Document = field(repr=False, eq=False)


@frozen(kw_only=True)
class Sample:
    """Figures of the machine at one moment; usages are 0 to 100."""

    at: UnixMs
    cpu_usage: float
    mem_usage: float
    mem_used: int
    mem_total: int


@frozen(kw_only=True)
class Notice:
    """A notification; ``occurrences`` are the latest ones, newest first."""

    id: str
    severity: Severity
    title: str
    body: str
    task_name: str | None
    run_id: RunId | None
    count: int
    occurrences: tuple[UnixMs, ...]
    created_at: UnixMs
    last_occurred_at: UnixMs
    is_read: bool


@frozen
class NoticePage:
    items: tuple[Notice, ...]
    next_cursor: str | None
    total: int
    unread_count: int


@frozen
class RunPage:
    """Some runs in a row; ``total`` is None after the first page, and where counting takes too long."""

    items: tuple[RemoteRun, ...]
    next_cursor: str | None
    total: int | None


@frozen(kw_only=True)
class RunSummary:
    total: int
    success: int
    failed: int
    missed: int
    last_failure_at: UnixMs | None


@frozen(kw_only=True)
class Reloaded:
    """What a reload has changed; ``changed`` maps names to the keys that differ."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    settings: tuple[str, ...]
    warnings: tuple[str, ...]


@frozen
class RemotePage:
    """Some lines in a row and where they are in the log."""

    items: tuple[LogLine, ...]
    first_available: int
    total_lines: int


@frozen(kw_only=True)
class BulkOutcome:
    """What a call for many runs has done; ``skipped`` are the reasons why some were passed over."""

    affected: int
    skipped: tuple[str, ...]
    created: tuple[RemoteRun, ...]


@frozen
class LogHit:
    """A line of the log of a run in which something was found."""

    run_id: RunId
    n: int
    text: str


@frozen
class HitPage:
    items: tuple[LogHit, ...]
    next_cursor: str | None


def run(document: Document) -> RemoteRun:
    source, reason = document["trigger_source"], document["end_reason"]
    return RemoteRun(
        id=document["id"],
        task_name=document["task_name"],
        status=_word(Status, document["status"]),
        created_at=parse_time(document["created_at"]),
        triggered_by=_word(TriggeredBy, document["triggered_by"]),
        trigger_source=_word(TriggerSource, source) if source is not None else None,
        end_reason=_word(EndReason, reason) if reason is not None else None,
        exit_code=document["exit_code"],
        start_at=_time(document["start_at"]),
        end_at=_time(document["end_at"]),
        retry_attempt=document["retry_attempt"],
        retry_of_run_id=document["retry_of_run_id"],
        next_retry_at=_time(document["next_retry_at"]),
        replica_index=document["replica_index"],
        is_failure=document["is_failure"],
        message=document["message"],
        peak_memory_bytes=document["peak_memory_bytes"],
        cpu_time=document["cpu_time"],
        document=document,
    )


def unit(document: Document) -> RemoteUnit:
    service, last_run = document["service"], document["last_run"]
    return RemoteUnit(
        name=document["name"],
        kind=_word(Kind, document["kind"]),
        group=document["group"],
        cron=document["cron"],
        api_trigger=document["api_trigger"],
        instances=document["instances"],
        running=service["running"] if service is not None else None,
        is_paused=document["paused_at"] is not None,
        is_active=document["active_runs"] + document["queued_runs"] > 0,
        last_run=run(last_run) if last_run is not None else None,
        document=document,
    )


def daemon_info(document: Document) -> DaemonInfo:
    return DaemonInfo(
        version=document["version"],
        pid=document["pid"],
        host=document["host"],
        port=document["port"],
        external_url=document["external_url"],
        data_dir=document["data_dir"],
        config_path=document["config_path"],
        socket_path=document["socket_path"],
        config_stale=document["config_stale"],
        config_warnings=tuple(document["config_warnings"]),
        auth_required=document["auth_required"],
        service_managed=document["service_managed"],
        uptime=document["uptime"],
        document=document,
    )


def system_stats(document: Document) -> SystemStats:
    return SystemStats(
        host=document["host"],
        cpu_cores=document["cpu_cores"],
        work_dir=document["work_dir"],
        document=document,
    )


def sample(document: Document) -> Sample:
    return Sample(
        at=parse_time(document["at"]),
        cpu_usage=document["cpu_usage"],
        mem_usage=document["mem_usage"],
        mem_used=document["mem_used"],
        mem_total=document["mem_total"],
    )


def notice(document: Document) -> Notice:
    return Notice(
        id=document["id"],
        severity=_word(Severity, document["severity"]),
        title=document["title"],
        body=document["body"],
        task_name=document["task_name"],
        run_id=document["run_id"],
        count=document["count"],
        occurrences=tuple(map(parse_time, document["occurrence_ring"])),
        created_at=parse_time(document["created_at"]),
        last_occurred_at=parse_time(document["last_occurred_at"]),
        is_read=document["read_at"] is not None,
    )


def notice_page(document: Document) -> NoticePage:
    return NoticePage(
        tuple(map(notice, document["items"])),
        document["next_cursor"],
        document["total"],
        document["unread_count"],
    )


def run_page(document: Document) -> RunPage:
    return RunPage(tuple(map(run, document["items"])), document["next_cursor"], document["total"])


def run_summary(document: Document) -> RunSummary:
    return RunSummary(
        total=document["total"],
        success=document["success"],
        failed=document["failed"],
        missed=document["missed"],
        last_failure_at=_time(document["last_failure_at"]),
    )


def reloaded(document: Document) -> Reloaded:
    return Reloaded(
        added=tuple(document["added"]),
        removed=tuple(document["removed"]),
        changed={entry["name"]: tuple(entry["reasons"]) for entry in document["changed"]},
        settings=tuple(document["settings"]),
        warnings=tuple(document["warnings"]),
    )


def log_page(document: Document) -> RemotePage:
    return RemotePage(
        log_lines(document["items"]),
        document["first_available"],
        document["total_lines"],
    )


def log_lines(items: list[Document]) -> tuple[LogLine, ...]:
    # Commands that show no log do without what reads one.
    from runwisp.logs.reader import LogLine

    return tuple(
        LogLine(item["n"], item["ts"], Stream[item["stream"].upper()], item["text"], item["continued"])
        for item in items
    )


def bulk_outcome(document: Document) -> BulkOutcome:
    return BulkOutcome(
        affected=document["affected"],
        skipped=tuple(entry["reason"] for entry in document["skipped"]),
        created=tuple(map(run, document["created"])),
    )


def hit_page(document: Document) -> HitPage:
    items = tuple(LogHit(item["run_id"], item["n"], item["text"]) for item in document["items"])
    return HitPage(items, document["next_cursor"])


def _word(words: type[W], text: str) -> W:
    """The word of ours; one that a newer daemon has is text that compares unequal to all of ours."""
    return words(text) if text in set(words) else cast(W, text)


def _time(text: str | None) -> UnixMs | None:
    return parse_time(text) if text is not None else None
