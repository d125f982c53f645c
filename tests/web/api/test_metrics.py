"""The figures for a monitoring system, read as such a system does."""

from __future__ import annotations

from functools import partial
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred, fail

from runwisp import __version__
from runwisp.errors import StorageError
from runwisp.model import EndReason, Status, UnixMs
from runwisp.store import runs
from runwisp.web.api.metrics import MetricsApi
from runwisp.web.metrics import Metrics
from tests.make import run
from tests.web.api.running import FIGURES, Running
from tests.web.requests import Response, call, resource

CONFIG = """
[tasks.backup]
run = "true"
[services.web]
instances = 2
run = "exec sleep 600"
"""


def scraped(daemon: Running) -> Response:
    clock = daemon.stage.clock
    metrics = Metrics(daemon.engine, daemon.stage.database, daemon.samples, clock.seconds)
    return call(resource(MetricsApi(metrics.scrape), clock=clock), "GET", "/metrics", clock=clock)


def samples(response: Response) -> dict[str, float]:
    """Each sample by its name and labels."""
    families = text_string_to_metric_families(response.text)
    return {_key(sample): sample.value for family in families for sample in family.samples}


def _key(sample: Any) -> str:  # Any: a named tuple without types
    labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}" if labels else str(sample.name)


def test_the_figures_are_those_of_the_moment() -> None:
    daemon = Running(CONFIG)
    daemon.stage.clock.advance(90)
    found = samples(scraped(daemon))
    assert found == {
        "runwisp_runs_total{status=success}": 0,
        "runwisp_runs_total{status=failed}": 0,
        "runwisp_runs_total{status=missed}": 0,
        "runwisp_task_active_runs{kind=task,task=backup}": 0,
        "runwisp_task_active_runs{kind=service,task=web}": 2,
        "runwisp_daemon_cpu_percent": FIGURES.cpu_usage,
        "runwisp_daemon_memory_used_bytes": FIGURES.mem_used,
        "runwisp_daemon_memory_total_bytes": FIGURES.mem_total,
        "runwisp_daemon_uptime_seconds": daemon.stage.clock.seconds(),
        f"runwisp_build_info{{version={__version__}}}": 1,
    }


def test_ended_runs_are_counted_by_how_they_came_out_until_they_are_deleted() -> None:
    daemon = Running(CONFIG)
    rows = [
        run("backup", status=Status.ENDED, end_reason=reason, is_failure=is_failure, end_at=UnixMs(end_at))
        for reason, is_failure, end_at in (
            (EndReason.SUCCESS, False, 1000),
            (EndReason.SUCCESS, False, 2000),
            (EndReason.FAILED, True, 3500),
            (EndReason.MISSED, False, 4000),
        )
    ]
    for row in rows:
        daemon.stage.database.now(partial(runs.insert, run=row))
    found = samples(scraped(daemon))
    assert found["runwisp_runs_total{status=success}"] == 2
    assert found["runwisp_runs_total{status=failed}"] == 1
    assert found["runwisp_runs_total{status=missed}"] == 1
    assert found["runwisp_runs_last_failure_timestamp_seconds"] == 3.5
    daemon.stage.database.now(partial(runs.delete, run_id=rows[2].id))
    assert samples(scraped(daemon))["runwisp_runs_total{status=failed}"] == 0


def test_the_text_is_openmetrics_with_the_counter_named_as_its_family() -> None:
    response = scraped(Running(CONFIG))
    assert response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert "# TYPE runwisp_runs counter\n" in response.text
    assert "# HELP runwisp_runs " in response.text
    assert response.text.endswith("\n# EOF\n")


def test_totals_that_cannot_be_read_are_an_error_and_not_zero(logged_failures: list[object]) -> None:
    daemon = Running(CONFIG)

    def refuse(work: object) -> Deferred[Any]:  # Any: nothing is ever read
        return fail(StorageError("no"))

    daemon.stage.database.read = refuse  # type: ignore[method-assign]  # a database that fails
    response = scraped(daemon)
    assert response.status == 500
    assert "runwisp_runs" not in response.text
    logged_failures.clear()
