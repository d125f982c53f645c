"""``/health`` and ``/ready``: for load balancers and those who start the daemon (spec: rest, health)."""

from __future__ import annotations

from attrs import frozen
from twisted.internet.defer import TimeoutError as Late
from twisted.internet.interfaces import IReactorTime

from runwisp.engine.engine import Engine
from runwisp.errors import StorageError
from runwisp.store.interfaces import IDatabase
from runwisp.web.routing import Access, Answer, Call, Text, route

#: The database has to answer within this time.
_DATABASE_S = 1.0
#: A scheduler that is later than this is not working.
_LATE_S = 10.0


@frozen(kw_only=True)
class Checks:
    database: bool
    scheduler: bool
    running: bool


@frozen(kw_only=True)
class Readiness:
    """``ready`` is true when all checks are."""

    ready: bool
    checks: Checks


@frozen
class HealthApi:
    engine: Engine
    database: IDatabase
    clock: IReactorTime

    @route(
        "GET",
        "/health",
        access=Access.PUBLIC,
        summary="Tell that the daemon answers",
        answers={200: "text/plain; charset=utf-8"},
    )
    async def get_health(self, call: Call[None, None]) -> Answer:
        return Answer(content=Text("OK"))

    @route(
        "GET",
        "/ready",
        access=Access.PUBLIC,
        summary="Tell whether the daemon does its work",
        answers={200: Readiness, 503: Readiness},
    )
    async def get_readiness(self, call: Call[None, None]) -> Answer:
        checks = Checks(
            database=await self._database_answers(),
            scheduler=self.engine.scheduler.lateness_s() <= _LATE_S,
            running=not self.engine.is_closing,
        )
        is_ready = checks.database and checks.scheduler and checks.running
        return Answer(content=Readiness(ready=is_ready, checks=checks), status=200 if is_ready else 503)

    async def _database_answers(self) -> bool:
        answer = self.database.read(lambda cursor: cursor.execute("SELECT 1").fetchone())
        try:
            await answer.addTimeout(_DATABASE_S, self.clock)
        except (StorageError, Late):
            return False
        return True
