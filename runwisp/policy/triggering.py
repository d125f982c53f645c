"""Who may fire a unit by hand (spec: runtime, verbs)."""

from __future__ import annotations

from runwisp.config.settings import Config
from runwisp.config.suggest import closest
from runwisp.errors import Refused, UnknownUnit
from runwisp.model import Task


def check_manual_trigger(config: Config, name: str) -> Task:
    """The task ``name``, if it may be fired outside its schedule.

    :raises UnknownUnit: neither a task nor a service has this name
    :raises Refused: it is a service, or its ``api_trigger`` is false
    """
    if name in config.services:
        raise Refused(f"{name} is a service: the supervisor starts and restarts it")
    task = config.tasks.get(name)
    if task is None:
        raise UnknownUnit(name, config.tasks, closest(name, config.tasks))
    if not task.api_trigger:
        raise Refused(f"{name} has api_trigger = false: only its schedule fires it")
    return task
