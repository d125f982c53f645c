"""What can be done with units and the daemon: the question, the request and the sentence afterwards."""

from __future__ import annotations

from collections.abc import Callable

from runwisp.client.api import Api
from runwisp.client.resources import RemoteRun, RemoteUnit
from runwisp.model import EndReason, Kind, Status
from runwisp.tui.desk import Desk, Question

_RETRYABLE = frozenset({EndReason.FAILED, EndReason.TIMEOUT, EndReason.CRASHED, EndReason.LOG_OVERFLOW})


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


def is_retryable(run: RemoteRun) -> bool:
    """The run has ended in a way that makes one want to run it again."""
    return run.end_reason in _RETRYABLE


def retry_run(desk: Desk, run: RemoteRun, unit: RemoteUnit) -> None:
    """Run the task of an ended run again, and show the new run."""
    if not is_retryable(run):
        desk.flash("only a run that has ended in failure is retried", "warning")
    elif not unit.api_trigger:
        desk.flash(locked(unit), "warning")
    else:

        async def work() -> str:
            new = await desk.wire.ask(lambda api: api.trigger(unit.name))
            desk.show_run(new.id)
            return f"{unit.name} was triggered"

        desk.act_on(Question(f"Retry {unit.name}", f"Run {unit.name} again now?"), work)


def stop_run(desk: Desk, run: RemoteRun) -> None:
    """Stop one run, or take it out of the queue."""
    if run.status is Status.ENDED:
        desk.flash("the run has ended", "warning")
        return
    question = Question(f"Stop {run.label}", f"Stop the run #{run.id[-4:]}?")
    ask_for(desk, question, lambda api: api.stop_run(run.id) and f"{run.label} is stopping")


def delete_run(desk: Desk, run: RemoteRun) -> None:
    """Delete one run and its log, and go back."""
    if run.status is not Status.ENDED:
        desk.flash("the run has not ended", "warning")
        return

    async def work() -> str:
        await desk.wire.ask(lambda api: api.delete_run(run.id))
        desk.back()
        return f"{run.label} #{run.id[-4:]} was deleted"

    desk.act_on(Question(f"Delete {run.label}", f"Delete the run #{run.id[-4:]} and its log?"), work)


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
