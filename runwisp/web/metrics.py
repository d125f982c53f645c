"""The figures for a monitoring system, in the text format of OpenMetrics (spec: rest, metrics).

Imported only where they are wanted: ``prometheus_client`` is large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from runwisp import __version__
from runwisp.engine.engine import Engine
from runwisp.engine.samples import MetricsSample, Samples
from runwisp.model import Kind
from runwisp.store import runs
from runwisp.store.interfaces import IDatabase


@frozen(kw_only=True)
class Figures:
    """What one scrape shows. ``active`` counts the active runs of each configured unit, by kind and name."""

    totals: runs.Totals
    active: Mapping[tuple[Kind, str], int]
    host: MetricsSample
    uptime_s: float


class Metrics(Collector):
    """Takes the figures anew for each :meth:`scrape`."""

    def __init__(
        self, engine: Engine, database: IDatabase, samples: Samples, uptime_s: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._database = database
        self._samples = samples
        self._uptime_s = uptime_s
        self._figures: Figures | None = None
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    async def scrape(self) -> str:
        """
        :raises StorageError: the totals cannot be read
        """
        totals = await self._database.read(runs.totals)
        self._figures = Figures(
            totals=totals,
            active=_active(self._engine),
            host=self._samples.newest(),
            uptime_s=self._uptime_s(),
        )
        text: bytes = generate_latest(self._registry)
        return text.decode()

    def describe(self) -> Iterator[Metric]:
        """Nothing can be said before a scrape."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        assert figures is not None
        yield from _of_runs(figures)
        host = figures.host
        yield _gauge("runwisp_daemon_cpu_percent", "How busy the processors of the host are", host.cpu_usage)
        yield _gauge("runwisp_daemon_memory_used_bytes", "Memory used on the host", host.mem_used)
        yield _gauge("runwisp_daemon_memory_total_bytes", "Memory of the host", host.mem_total)
        yield _gauge("runwisp_daemon_uptime_seconds", "Time since the daemon started", figures.uptime_s)
        build = GaugeMetricFamily("runwisp_build_info", "The version that runs", labels=["version"])
        build.add_metric([__version__], 1)
        yield build


def _active(engine: Engine) -> dict[tuple[Kind, str], int]:
    config = engine.config
    units = [
        *((Kind.TASK, name) for name in config.tasks),
        *((Kind.SERVICE, name) for name in config.services),
    ]
    return {(kind, name): engine.active_runs(name) for kind, name in units}


def _of_runs(figures: Figures) -> Iterator[Metric]:
    totals = figures.totals
    ended = CounterMetricFamily("runwisp_runs", "Ended runs by how they came out", labels=["status"])
    for status, count in (
        ("success", totals.success),
        ("failed", totals.failed),
        ("missed", totals.missed),
    ):
        ended.add_metric([status], count)
    yield ended
    if totals.last_failure_at is not None:
        name = "runwisp_runs_last_failure_timestamp_seconds"
        yield _gauge(name, "When the last failure ended", totals.last_failure_at / 1000)
    active = GaugeMetricFamily(
        "runwisp_task_active_runs",
        "Runs that have a process or are about to get one",
        labels=["task", "kind"],
    )
    for (kind, name), count in figures.active.items():
        active.add_metric([name, kind], count)
    yield active


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)
