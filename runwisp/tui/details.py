"""Everything that is known of a run or a unit, over the screen (spec: interfaces, task view and run view)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from runwisp.cli.wording import NOTHING, display_status, duration_label, trigger_label
from runwisp.client.api import Api
from runwisp.client.resources import RemoteRun, RemoteUnit
from runwisp.model import EndReason, RunId, Seconds, Status, UnixMs
from runwisp.tui.desk import Desk
from runwisp.tui.dialogs import Menu, MenuLine
from runwisp.tui.draw import Segment, fit, wrapped
from runwisp.tui.theme import ink_of
from runwisp.tui.times import absolute, span
from runwisp.units import format_duration, format_size

#: So many of the last runs tell of the health of a unit.
HEALTH_RUNS = 100
#: So many attempts are followed in one direction.
_MOST_ATTEMPTS = 20
_LABEL = 18
_WIDTH = 50

#: Fields of a unit that are not its definition.
_STATE = frozenset(
    ["name", "kind", "next_run_at", "active_runs", "queued_runs", "last_run", "service", "paused_at"]
)
_SIZES = frozenset(["log_max_size"])
_DURATIONS = frozenset(
    ["timeout", "graceful_stop", "retry_delay", "restart_delay", "healthy_after", "keep_for", "jitter"]
)


async def show_run(desk: Desk, run_id: RunId) -> None:
    """Fetch a run with its other attempts, and show them."""
    attempts = await desk.wire.ask(lambda api: _attempts(api, run_id))
    run = next((run for run in attempts if run.id == run_id), None)
    if run is None:
        desk.flash("the run was deleted", "warning")
        return
    title = f"{run.label} #{run.id[-4:]}"
    desk.open_overlay(Menu(desk, title, [*_facts(desk, run), *_chain(desk, run, attempts)]))


async def show_unit(desk: Desk, unit: RemoteUnit) -> None:
    """Fetch the last runs of a unit, and show how they ended and what it is."""
    query = {"task_name": unit.name}
    page = await desk.wire.ask(lambda api: api.run_page(query, HEALTH_RUNS))
    lines = [*_health(desk, page.items), MenuLine(), *_definition(unit)]
    desk.open_overlay(Menu(desk, f"{unit.name}, a {unit.kind}", lines))


def _attempts(api: Api, run_id: RunId) -> Sequence[RemoteRun]:
    """The run and the attempts before and after it, as far as they exist, oldest first."""
    run = api.run(run_id)
    attempts = [run] if run is not None else []
    while attempts and attempts[0].retry_of_run_id is not None and len(attempts) < _MOST_ATTEMPTS:
        before = api.run(attempts[0].retry_of_run_id)
        if before is None:
            break
        attempts.insert(0, before)
    while attempts and len(attempts) < 2 * _MOST_ATTEMPTS:
        after = api.retry_of(attempts[-1].id)
        if after is None:
            break
        attempts.append(after)
    return attempts


def _facts(desk: Desk, run: RemoteRun) -> Iterator[MenuLine]:
    now, zone = desk.now(), desk.model.zone

    def moment(at: UnixMs | None) -> str:
        return absolute(at, zone) if at is not None else NOTHING

    status = display_status(run)
    yield MenuLine([_name("Status"), (ink_of(status), status.replace("_", " "))])
    yield from _field("Exit code", str(run.exit_code) if run.exit_code is not None else NOTHING)
    if run.message:
        yield from _field("Message", run.message)
    yield from _field("Trigger", trigger_label(run))
    yield from _field("Created", moment(run.created_at))
    yield from _field("Started", moment(run.start_at))
    yield from _field("Ended", moment(run.end_at))
    yield from _field("Duration", duration_label(run, now))
    if run.cpu_time is not None:
        yield from _field("CPU time", format_duration(run.cpu_time))
    if run.peak_memory_bytes is not None:
        yield from _field("Peak memory", format_size(run.peak_memory_bytes))
    if run.next_retry_at is not None:
        yield from _field("Next attempt", moment(run.next_retry_at))
    yield from _field("Zone", str(zone))
    yield MenuLine([_name("Id"), ("text", run.id)], lambda: desk.copy(run.id, "run id"))


def _chain(desk: Desk, run: RemoteRun, attempts: Sequence[RemoteRun]) -> Iterator[MenuLine]:
    if len(attempts) < 2:
        return
    yield MenuLine()
    yield MenuLine([("bright", "Attempts")])
    for attempt in attempts:
        status = display_status(attempt)
        started = absolute(attempt.start_at or attempt.created_at, desk.model.zone)
        cells: list[Segment] = [
            ("text", f"{attempt.retry_attempt + 1:>3}  #{attempt.id[-4:]}  {started}  "),
            (ink_of(status), status.replace("_", " ")),
        ]
        if attempt.id == run.id:
            yield MenuLine([*cells, ("muted", "  this run")])
        else:
            yield MenuLine(cells, _jump(desk, attempt.id))


def _jump(desk: Desk, run_id: RunId) -> Callable[[], None]:
    return lambda: desk.show_run(run_id)


def _health(desk: Desk, runs: Sequence[RemoteRun]) -> Iterator[MenuLine]:
    ended = [run for run in runs if run.status is Status.ENDED]
    if not ended:
        yield MenuLine([("muted", "No run has ended yet")])
        return
    success = sum(run.end_reason is EndReason.SUCCESS for run in ended)
    failed = sum(run.is_failure for run in ended)
    of = "the last run" if len(ended) == 1 else f"the last {len(ended)} runs"
    text = f"{success} succeeded, {failed} failed, {len(ended) - success - failed} other"
    yield MenuLine([_name("Health"), ("text", f"of {of}: {text}")])
    durations = [run.duration for run in ended if run.duration is not None]
    if durations:
        mean, longest = Seconds(sum(durations) / len(durations)), max(durations)
        text = f"{format_duration(mean)} on average, at most {format_duration(longest)}"
        yield from _field("Duration", text)
    failures = [run for run in ended if run.is_failure]
    if failures:
        last = failures[0]
        moment = absolute(last.end_at or last.created_at, desk.model.zone)
        cells: list[Segment] = [_name("Last failure"), ("text", f"{moment}  "), ("error", f"#{last.id[-4:]}")]
        yield MenuLine(cells, _jump(desk, last.id))


def _definition(unit: RemoteUnit) -> Iterator[MenuLine]:
    for key, value in unit.document.items():
        if key not in _STATE and value is not None and value != [] and value != {}:
            yield from _field(key, _written(key, value))


def _written(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if key in _DURATIONS:
            return f"{value:g}s" if value < 60 else span(value)
        return format_size(int(value)) if key in _SIZES else str(value)
    if isinstance(value, dict):
        return "\n".join(f"{name} = {text}" for name, text in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _field(name: str, value: str) -> Iterable[MenuLine]:
    for number, text in enumerate(wrapped(value, _WIDTH)):
        yield MenuLine([_name("" if number else name), ("text", text)])


def _name(name: str) -> Segment:
    return ("muted", fit(name, _LABEL) + " ")
