"""The entries of all files -> one configuration (spec: config, collection and order; warnings)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define, evolve, field

from runwisp.config.advice import add_warnings
from runwisp.config.build import UnitBuilder, read_defaults, unit_name
from runwisp.config.dependencies import check_dependencies
from runwisp.config.environment import Dotenvs
from runwisp.config.fields import Table
from runwisp.config.files import digest_of
from runwisp.config.notifications import check_tokens, notifier_id, read_notifier, read_route
from runwisp.config.notify_fields import NOTIFICATION_ROUTE, NOTIFIER, NOTIFIERS, ROUTE
from runwisp.config.reading import Report
from runwisp.config.section_fields import DAEMON, NOTIFY, SCHEDULER, STORAGE
from runwisp.config.sections import read_daemon, read_notify, read_storage, read_zone
from runwisp.config.service_fields import SERVICES
from runwisp.config.settings import Config, Notifier, NotifierType, Route
from runwisp.config.source import Entry
from runwisp.config.structure import Structure
from runwisp.config.tables import DEFAULTS
from runwisp.config.task_fields import TASKS
from runwisp.errors import Problem, ProblemClass
from runwisp.model import Service, Task


def assemble(
    files: Sequence[Structure], environ: Mapping[str, str], host_zone: str, report: Report
) -> Config:
    """The configuration that ``files`` make, the root file first.

    With problems in ``report`` it is of no use but to find more of them.
    """
    root = files[0]
    defaults, daemon, notify = (_single(root, table) for table in (DEFAULTS, DAEMON, NOTIFY))
    dotenvs = Dotenvs(report)
    inherited = read_defaults(defaults, dotenvs, report)
    daemon_settings = read_daemon(daemon, environ, report)
    storage = read_storage(_single(root, STORAGE), report)
    zone, zone_source = read_zone(_single(root, SCHEDULER), host_zone, report)
    units = _Units(UnitBuilder(inherited, zone, dotenvs, report), report)
    units.build(files)
    check_dependencies(units.services, units.tasks, units.entries, report)
    notify_settings = read_notify(notify, report)
    channels = _Notifiers(report)
    channels.read(files)
    if notify is not None and "default_notifiers" in notify.values:
        channels.check(notify, "default_notifiers", notify_settings.default_notifiers)
    routes = channels.routes(files)
    units.check_notifiers(channels)
    config = Config(
        path=root.source.path,
        files={
            **{file.source.path: digest_of(file.source.text) for file in files},
            **dotenvs.env_files,
            **channels.template_files(),
        },
        timezone=zone,
        timezone_source=zone_source,
        storage=storage,
        daemon=daemon_settings,
        notify=notify_settings,
        tasks=units.tasks,
        services=units.services,
        notifiers=channels.notifiers,
        routes=routes,
        warnings=(),
    )
    if report.problems:
        return config
    add_warnings(config, units.entries, defaults, daemon, report)
    return evolve(config, warnings=tuple(report.warnings))


def _single(root: Structure, table: Table) -> Entry | None:
    return next(iter(root.of(table)), None)


@define
class _Units:
    """The tasks and services of all files, in the order of their names."""

    builder: UnitBuilder
    report: Report
    tasks: dict[str, Task] = field(factory=dict)
    services: dict[str, Service] = field(factory=dict)
    entries: dict[str, Entry] = field(factory=dict)

    def build(self, files: Sequence[Structure]) -> None:
        for name, entry in self._named(files, TASKS):
            self.tasks[name] = self.builder.task(entry, name)
        for name, entry in self._named(files, SERVICES):
            self.services[name] = self.builder.service(entry, name)

    def check_notifiers(self, channels: _Notifiers) -> None:
        for name, entry in self.entries.items():
            unit = self.tasks.get(name) or self.services[name]
            channels.check(entry, "notify_on_failure", unit.notify_on_failure)
            channels.check(entry, "notify_on_success", unit.notify_on_success)

    def _named(self, files: Sequence[Structure], table: Table) -> Iterator[tuple[str, Entry]]:
        """The entries of a table by name; of several with one name the first, the others are reported."""
        entries = [entry for file in files for entry in file.of(table)]
        for entry in sorted(entries, key=lambda entry: str(entry.path[-1]).strip()):
            name = unit_name(entry, self.report)
            other = self.entries.setdefault(name, entry)
            if other is entry:
                yield name, entry
            else:
                self.report.problems.append(_taken(entry, other, name))


@define
class _Notifiers:
    """The notifiers of all files; ``types`` has None for one whose type is not valid."""

    report: Report
    notifiers: dict[str, Notifier] = field(factory=dict)
    types: dict[str, NotifierType | None] = field(factory=dict)
    _entries: dict[str, Entry] = field(factory=dict)

    def read(self, files: Iterable[Structure]) -> None:
        for entry in [entry for file in files for entry in file.of(NOTIFIER, NOTIFIERS)]:
            id_ = notifier_id(entry, self.report)
            if id_ is None:
                continue
            other = self._entries.setdefault(id_, entry)
            if other is not entry:
                self.report.problems.append(_taken(entry, other, id_))
                continue
            notifier = read_notifier(entry, id_, self.report)
            self.types[id_] = notifier.type if notifier is not None else None
            if notifier is not None:
                self.notifiers[id_] = notifier

    def routes(self, files: Iterable[Structure]) -> tuple[Route, ...]:
        """The routes of all files, each numbered over all of them in messages."""
        entries = [entry for file in files for entry in file.of(NOTIFICATION_ROUTE, ROUTE)]
        found = []
        for number, entry in enumerate(entries):
            entry = _numbered(entry, number)
            route = read_route(entry, self.report)
            self.check(entry, "notify", route.notify)
            found.append(route)
        return tuple(found)

    def template_files(self) -> dict[Path, str]:
        """The files of templates, with their digests."""
        return {
            Path(str(notifier.options["template_path"])): digest_of(notifier.template)
            for notifier in self.notifiers.values()
            if notifier.template is not None
        }

    def check(self, entry: Entry, key: str, tokens: Iterable[str]) -> None:
        check_tokens(entry, key, tokens, self.types, self.report)


def _taken(entry: Entry, other: Entry, name: str) -> Problem:
    """The problem of an ``entry`` whose name another has."""
    message = f"{entry.label}the name {name} is taken by {other.key}"
    if other.source is not entry.source:
        message += f" in {other.source.name}; this one is in {entry.source.name}"
    steps = ["id"] if "id" in entry.values else []
    return entry.problem(ProblemClass.DUP, message, *steps)


def _numbered(entry: Entry, number: int) -> Entry:
    """A route with its number in the labels of it and of its conditions."""
    label = f"route {number}: "
    nested = {name: evolve(inner, label=f"{label}{name}.") for name, inner in entry.nested.items()}
    return evolve(entry, label=label, nested=nested)
