"""What can be done with units and the daemon: the question, the request and the sentence afterwards."""

from __future__ import annotations

from collections.abc import Callable

from runwisp.client.api import Api
from runwisp.client.resources import RemoteUnit
from runwisp.model import Kind
from runwisp.tui.desk import Desk, Question


def run_unit(desk: Desk, unit: RemoteUnit) -> None:
    """Run a task now; restart a service, or start it if it is down."""
    if not unit.api_trigger:
        desk.flash(locked(unit), "warning")
    elif unit.kind is Kind.TASK:
        running = len(desk.model.live_runs(unit.name))
        notes = [_on_overlap(unit, running)] if running else []
        question = Question(f"Run {unit.name}", f"Run {unit.name} now?", notes)
        ask_for(desk, question, lambda api: api.trigger(unit.name) and f"{unit.name} was triggered")
    elif unit.document["service"]["state"] in {"stopped", "fatal"}:
        question = Question(f"Start {unit.name}", f"Start {_replicas(unit)}?")
        ask_for(desk, question, lambda api: api.start(unit.name) and f"{unit.name} is starting")
    else:
        question = Question(f"Restart {unit.name}", f"Stop and start {_replicas(unit)}?")
        ask_for(desk, question, lambda api: api.restart(unit.name) and f"{unit.name} is restarting")


def stop_unit(desk: Desk, unit: RemoteUnit) -> None:
    """Stop all runs of a unit; a service stays down."""
    if unit.kind is Kind.SERVICE:
        text = f"Stop {_replicas(unit)} and keep it down until it is started, or the daemon restarts?"
    else:
        text = "Stop its active runs, and drop queued ones and waiting retries?"
    question = Question(f"Stop {unit.name}", text)
    ask_for(desk, question, lambda api: api.stop(unit.name) and f"{unit.name} is stopping")


def pause_unit(desk: Desk, unit: RemoteUnit) -> None:
    """Pause the schedule of a task, or resume it; nothing is lost by it, so there is no question."""
    if unit.cron is None:
        desk.flash(f"{unit.name} has no schedule", "warning")
    elif unit.is_paused:
        ask_for(desk, None, lambda api: api.resume(unit.name) and f"{unit.name} is scheduled again")
    else:
        ask_for(desk, None, lambda api: api.pause(unit.name) and f"{unit.name} is paused")


def reload_config(desk: Desk) -> None:
    """Have the daemon read its configuration again."""

    def reload(api: Api) -> str:
        result = api.reload()
        counts = f"+{len(result.added)} -{len(result.removed)} ~{len(result.changed)}"
        settings = f", settings: {', '.join(result.settings)}" if result.settings else ""
        return f"reloaded: {counts}{settings}"

    ask_for(desk, None, reload)


def ask_for(desk: Desk, question: Question | None, request: Callable[[Api], object]) -> None:
    """Have the request made, after a question if there is one; its result is the sentence to show."""

    async def work() -> str:
        return str(await desk.wire.ask(request))

    desk.act_on(question, work)


def locked(unit: RemoteUnit) -> str:
    """Why a unit cannot be started by hand."""
    return f"{unit.name} runs on its schedule only: api_trigger = false"


def _on_overlap(unit: RemoteUnit, running: int) -> str:
    parallelism = unit.document["parallelism"]
    if running < parallelism:
        return f"{running} of at most {parallelism} run now."
    policy = {
        "queue": "so it waits for its turn",
        "skip": "so it will be skipped",
        "terminate": "so the oldest one is stopped",
    }
    told = policy.get(unit.document["on_overlap"], "")
    return f"{running} of at most {parallelism} run now, {told}."


def _replicas(unit: RemoteUnit) -> str:
    count = unit.instances or 1
    return unit.name if count == 1 else f"the {count} replicas of {unit.name}"
