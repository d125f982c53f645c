"""All tables of ``runwisp.toml``."""

from __future__ import annotations

from runwisp.config.fields import Field, Form, Table
from runwisp.config.notify_fields import NOTIFICATION_ROUTE, NOTIFIER, NOTIFIERS, ROUTE
from runwisp.config.section_fields import DAEMON, NOTIFY, SCHEDULER, STORAGE
from runwisp.config.service_fields import SERVICES
from runwisp.config.task_fields import TASKS
from runwisp.config.unit_fields import CHECK_FIRST


def _inherited() -> tuple[Field, ...]:
    """The keys of units that ``[defaults]`` takes, each once."""
    found = {field.name: field for table in (TASKS, SERVICES) for field in table.fields if field.inherited}
    return tuple(found.values())


DEFAULTS = Table(
    "defaults",
    Form.SINGLE,
    _inherited(),
    hints={
        "on_overlap": "set it on the unit",
        "timezone": "set [scheduler] timezone, or timezone on a task",
    },
    check_first=CHECK_FIRST,
)

#: By top-level key, in the order in which suggestions name them.
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SCHEDULER,
        STORAGE,
        DAEMON,
        DEFAULTS,
        TASKS,
        SERVICES,
        NOTIFY,
        NOTIFIER,
        NOTIFIERS,
        NOTIFICATION_ROUTE,
        ROUTE,
    )
}
