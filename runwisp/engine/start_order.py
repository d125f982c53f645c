"""Starts the services with the daemon, and says in which order to stop them (spec: runtime, start order)."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from runwisp.engine.supervisor import Supervisor, Wish
from runwisp.model import TriggeredBy
from runwisp.policy.start_order import Verdict, judge, start_order, stop_waves

#: How often a service that waits for others looks at them.
POLL_S = 0.25


class StartOrder:
    """The first start of all services, and their last stop.

    :param supervisors: by name; it may change while services wait for their start
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, supervisors: Mapping[str, Supervisor]) -> None:
        self._clock = clock
        self._supervisors = supervisors
        self._waiting: list[str] = []
        self._began_s = 0.0
        self._started_s: dict[str, float] = {}
        self._poll: IDelayedCall | None = None

    def start(self) -> None:
        """Start what has to start with the daemon; what has ``depends_on`` follows when those are healthy."""
        self._began_s = self._clock.seconds()
        for service in start_order(supervisor.service for supervisor in self._supervisors.values()):
            if not service.autostart:
                continue
            if service.depends_on:
                self._waiting.append(service.name)
                self.log.info("start waits", task=service.name, depends_on=", ".join(service.depends_on))
            else:
                self._launch(service.name)
        self._look()

    def stop_waves(self) -> list[list[Supervisor]]:
        """The shutdown begins: from now on nothing starts or restarts by itself.

        :return: whom to close together, wave by wave, dependents first
        """
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        self._waiting.clear()
        for supervisor in self._supervisors.values():
            supervisor.hold()
        waves = stop_waves(supervisor.service for supervisor in self._supervisors.values())
        return [[self._supervisors[name] for name in wave] for wave in waves]

    def _launch(self, name: str) -> None:
        self._started_s[name] = self._clock.seconds()
        self._supervisors[name].start(TriggeredBy.SERVICE)

    def _look(self) -> None:
        self._poll = None
        for name in tuple(self._waiting):
            self._consider(name)
        if self._waiting:
            self._poll = self._clock.callLater(POLL_S, self._look)

    def _consider(self, name: str) -> None:
        supervisor = self._supervisors.get(name)
        if supervisor is None or supervisor.wish is not Wish.UNTOLD:
            # A reload has removed it, or an operator has decided.
            self._waiting.remove(name)
            return
        verdicts = {other: self._judge(other) for other in supervisor.service.depends_on}
        if Verdict.WAIT in verdicts.values():
            return
        self._waiting.remove(name)
        for other, verdict in verdicts.items():
            if verdict is not Verdict.HEALTHY:
                self.log.warn(
                    "starts without its dependency", task=name, dependency=other, state=verdict.value
                )
        self._launch(name)

    def _judge(self, name: str) -> Verdict:
        supervisor = self._supervisors.get(name)
        if supervisor is None:
            return Verdict.GONE
        return judge(
            supervisor.service,
            is_healthy=supervisor.is_healthy,
            is_idle=supervisor.is_idle,
            is_waiting=name in self._waiting,
            since_start_s=self._clock.seconds() - self._started_s.get(name, self._began_s),
        )
