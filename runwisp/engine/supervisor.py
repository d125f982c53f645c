"""Keeps the replicas of one service alive, each on its own (spec: runtime, services)."""

from __future__ import annotations

from runwisp.engine.replica import Phase, Replica
from runwisp.engine.resources import Resources
from runwisp.model import Service, TriggeredBy, TriggerSource


class Supervisor:
    """The replicas 0 to ``instances`` - 1 of one service."""

    def __init__(self, resources: Resources, service: Service) -> None:
        self.service = service
        self.replicas = tuple(Replica(resources, service, index) for index in range(service.instances))

    @property
    def is_idle(self) -> bool:
        """No replica has a process or is going to get one."""
        return all(replica.phase is Phase.STOPPED for replica in self.replicas)

    @property
    def active_count(self) -> int:
        return sum(replica.phase in (Phase.RUNNING, Phase.STOPPING) for replica in self.replicas)

    def start(self, triggered_by: TriggeredBy, source: TriggerSource | None = None) -> None:
        """Fill every empty slot, lowest index first."""
        for replica in self.replicas:
            replica.start(triggered_by, source)

    def stop(self) -> None:
        """Empty every slot and keep it empty."""
        for replica in self.replicas:
            replica.stop()

    def cut_short(self) -> None:
        """The time for the shutdown is over."""
        for replica in self.replicas:
            replica.cut_short()
