"""Entries of the file -> tasks and services (spec: config, [tasks.NAME], [services.NAME], inheritance)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from runwisp.config import cron
from runwisp.config.environment import Dotenvs, merged_variables, own_variables
from runwisp.config.failures import FailureList
from runwisp.config.kinds import check_zone
from runwisp.config.problems import Rejected
from runwisp.config.reading import Report, built_in, completed, read_entry
from runwisp.config.source import Entry
from runwisp.config.tables import DEFAULTS
from runwisp.config.task_fields import TASKS
from runwisp.errors import ProblemClass
from runwisp.model import CatchUp, Service, Task

_NAME = re.compile(r"[A-Za-z0-9._:-]{1,100}")


@frozen
class Inherited:
    """What units take from ``[defaults]``: settings by key, and the complete maps and set of failures."""

    settings: Mapping[str, object]
    variables: Mapping[str, Mapping[str, str]]
    failures: tuple[str, ...]


def read_defaults(entry: Entry | None, dotenvs: Dotenvs, report: Report) -> Inherited:
    base = built_in(TASKS.by_name["failures"])
    assert isinstance(base, FailureList)
    failures = base.applied_to(())
    if entry is None:
        return Inherited({}, {"env": {}, "secrets": {}}, failures)
    settings = read_entry(entry, DEFAULTS.checked, report)
    own = settings.get("failures")
    if isinstance(own, FailureList):
        failures = own.applied_to(failures)
    return Inherited(settings, own_variables(entry, settings, dotenvs), failures)


def unit_name(entry: Entry, report: Report) -> str:
    """The name of the unit, without blanks around it; reported if it is none."""
    name = str(entry.path[-1]).strip()
    if not name:
        message = f"{entry.table.name}: a name must not be blank"
        report.problems.append(entry.problem(ProblemClass.REQUIRED, message))
    elif not _NAME.fullmatch(name):
        message = (
            f'{entry.label}the name must be 1 to 100 of A-Z a-z 0-9 . _ - : like "backup" or "db:backup"'
        )
        report.problems.append(entry.problem(ProblemClass.FORMAT, message))
    return name


@frozen
class UnitBuilder:
    """Builds units over the same defaults; ``zone`` is that of the scheduler."""

    inherited: Inherited
    zone: str
    dotenvs: Dotenvs
    report: Report

    def task(self, entry: Entry, name: str) -> Task:
        settings = self._settings(entry)
        catch_up = settings["catch_up"]
        if isinstance(catch_up, int) and not isinstance(catch_up, CatchUp):
            settings["catch_up"], settings["catch_up_limit"] = CatchUp.ALL, catch_up
        else:
            settings["catch_up_limit"] = None
        settings["timezone"] = self._zone(entry, settings)
        return Task(name=name, source_file=str(entry.source.path), **settings)

    def service(self, entry: Entry, name: str) -> Service:
        settings = self._settings(entry)
        settings["depends_on"] = tuple(dict.fromkeys(settings["depends_on"]))
        return Service(name=name, source_file=str(entry.source.path), **settings)

    # Any: the table of keys gives each setting the type that the model declares, which mypy cannot follow.
    def _settings(self, entry: Entry) -> dict[str, Any]:
        if "run" not in entry.values:
            message = f"{entry.label}run is required"
            self.report.problems.append(entry.problem(ProblemClass.REQUIRED, message, "run"))
        written = read_entry(entry, entry.table.checked, self.report)
        settings: dict[str, Any] = completed(entry.table.fields, written, self.inherited.settings)
        settings["run"] = settings["run"] or ""
        own = own_variables(entry, written, self.dotenvs)
        settings.update(merged_variables(entry, self.inherited.variables, own, self.report))
        failures = written.get("failures")
        settings["failures"] = (
            failures.applied_to(self.inherited.failures)
            if isinstance(failures, FailureList)
            else self.inherited.failures
        )
        directory = settings["working_dir"]
        if isinstance(directory, str) and settings["user"] is None:
            settings["working_dir"] = entry.source.place.resolve(directory)
        return settings

    def _zone(self, entry: Entry, settings: Mapping[str, Any]) -> str | None:
        """The zone of the task's schedule; None without a schedule."""
        if settings["cron"] is None:
            return None
        prefix = cron.parse(settings["cron"]).zone
        if prefix is None:
            return settings["timezone"] or self.zone
        if settings["timezone"] is not None:
            rule = "is set although cron begins with a zone; drop timezone"
            self.report.add(entry, ProblemClass.CONFLICT, rule, "timezone")
        try:
            check_zone(prefix)
        except Rejected as error:
            for fault in error.faults:
                self.report.add(entry, fault.class_, "zone " + fault.sentence(False), "cron")
        return prefix
