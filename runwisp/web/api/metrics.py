"""``/metrics``, where it is wanted (spec: rest, metrics)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import frozen

from runwisp.web.routing import Access, Answer, Call, Text, route

_OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@frozen
class MetricsApi:
    """``scrape`` takes the figures and writes them as OpenMetrics has them."""

    scrape: Callable[[], Awaitable[str]]

    @route(
        "GET",
        "/metrics",
        access=Access.PUBLIC,
        summary="Get the figures for a monitoring system, if they are enabled",
        answers={200: _OPEN_METRICS},
        problems=(404,),
    )
    async def get_metrics(self, call: Call[None, None]) -> Answer:
        return Answer(content=Text(await self.scrape(), _OPEN_METRICS))
