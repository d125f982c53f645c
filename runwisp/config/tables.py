"""All tables of ``runwisp.toml``."""

from __future__ import annotations

from runwisp.config.fields import Table
from runwisp.config.notify_fields import NOTIFICATION_ROUTE, NOTIFIER, NOTIFIERS, ROUTE
from runwisp.config.section_fields import DAEMON, NOTIFY, SCHEDULER, STORAGE
from runwisp.config.unit_fields import DEFAULTS, SERVICES, TASKS

#: By top-level key, in the order in which suggestions and pages name them.
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
