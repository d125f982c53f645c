"""``/api/system``: the machine that the daemon runs on (spec: rest, daemon and system)."""

from __future__ import annotations

import os
import sys

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from runwisp.engine.samples import Samples
from runwisp.web.about import About
from runwisp.web.resources.daemon import MetricsList, SystemStats
from runwisp.web.routing import Answer, Call, route


@frozen
class SystemApi:
    clock: IReactorTime
    about: About
    samples: Samples

    @route("GET", "/api/system", summary="Show the machine", answers={200: SystemStats})
    async def get_system(self, call: Call[None, None]) -> Answer:
        machine, sample = os.uname(), self.samples.newest()
        return Answer(
            content=SystemStats(
                host=machine.nodename,
                os=sys.platform,
                arch=machine.machine,
                cpu_cores=os.cpu_count() or 1,
                cpu_usage=sample.cpu_usage,
                mem_usage=sample.mem_usage,
                mem_total=sample.mem_total,
                mem_used=sample.mem_used,
                uptime=self.about.uptime(self.clock.seconds()),
                work_dir=self.about.work_dir,
            )
        )

    @route(
        "GET",
        "/api/system/metrics",
        summary="List the kept samples of the machine",
        answers={200: MetricsList},
    )
    async def list_metrics(self, call: Call[None, None]) -> Answer:
        return Answer(content=MetricsList(items=self.samples.recent))
