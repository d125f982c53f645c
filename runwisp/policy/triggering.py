"""Who may fire a unit by hand, and whose schedule may rest (spec: runtime, verbs; pause and resume)."""

from __future__ import annotations

from runwisp.config.settings import Config
from runwisp.config.suggest import closest
from runwisp.errors import Locked, UnknownUnit, WrongKind
from runwisp.model import Kind, Service, Task


def find_unit(config: Config, name: str) -> Task | Service:
    """The task or service of this name.

    :raises UnknownUnit: there is none
    """
    unit = config.unit(name)
    if unit is None:
        known = [*config.tasks, *config.services]
        raise UnknownUnit(name, known, closest(name, known))
    return unit


def check_manual_trigger(config: Config, name: str) -> Task | Service:
    """The unit ``name``, if it may be fired outside its schedule or supervision.

    :raises UnknownUnit: neither a task nor a service has this name
    :raises Locked: its ``api_trigger`` is false
    """
    unit = find_unit(config, name)
    if not unit.api_trigger:
        raise Locked(f"the {_kind(unit)} {name} has api_trigger = false: only its configuration fires it")
    return unit


def check_exec(config: Config, name: str) -> Task:
    """The task ``name``, if ``exec`` may run it.

    :raises UnknownUnit: neither a task nor a service has this name
    :raises WrongKind: it is a service
    :raises Locked: its ``api_trigger`` is false
    """
    if name not in config.tasks and name not in config.services:
        raise UnknownUnit(name, config.tasks, closest(name, config.tasks))
    unit = check_manual_trigger(config, name)
    if isinstance(unit, Service):
        raise WrongKind(f"the service {name} is not for exec: the supervisor starts and restarts it")
    return unit


def why_not_pausable(unit: Task | Service | None) -> str | None:
    """The reason for which a schedule cannot rest, None if it can."""
    if unit is None:
        return "it is not configured"
    if isinstance(unit, Service):
        return "it is a service, which has no schedule"
    if unit.cron is None:
        return "it has no schedule"
    return None if unit.api_trigger else "it has api_trigger = false: nobody but its schedule fires it"


def check_pause(config: Config, name: str) -> None:
    """Whether the schedule of ``name`` may rest.

    :raises UnknownUnit: neither a task nor a service has this name
    :raises WrongKind: it has no schedule, or is fired by it alone
    """
    unit = find_unit(config, name)
    reason = why_not_pausable(unit)
    if reason is not None:
        raise WrongKind(f"the {_kind(unit)} {name} cannot be paused: {reason}")


def _kind(unit: Task | Service) -> Kind:
    """What goes before a name, so that no sentence begins with one and gets another first letter."""
    return Kind.SERVICE if isinstance(unit, Service) else Kind.TASK
