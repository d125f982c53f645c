"""``[daemon]``, ``[storage]``, ``[scheduler]`` and ``[notify]`` (spec: config, sections)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import evolve

from runwisp.config.fields import Table
from runwisp.config.files import CannotRead, read_file
from runwisp.config.problems import Rejected
from runwisp.config.reading import NOWHERE, Report, completed, read_entry
from runwisp.config.section_fields import DAEMON, NOTIFY, SCHEDULER, STORAGE
from runwisp.config.settings import DaemonSettings, NotifySettings, StorageSettings, Tls
from runwisp.config.source import Entry
from runwisp.errors import Problem, ProblemClass

TLS_VARIABLE = "RUNWISP_TLS"
PROXIES_VARIABLE = "RUNWISP_TRUSTED_PROXIES"

_MAX_PEM_MB = 1


def read_daemon(entry: Entry | None, environ: Mapping[str, str], report: Report) -> DaemonSettings:
    """``[daemon]``, under the two variables that win over it."""
    written = read_entry(entry, DAEMON.checked, report) if entry else {}
    if written.get("shutdown_timeout") == 0:
        del written["shutdown_timeout"]
    if entry:
        _check_metrics(entry, written, report)
    for key, variable, value in (
        ("tls", TLS_VARIABLE, environ.get(TLS_VARIABLE)),
        ("trusted_proxies", PROXIES_VARIABLE, environ.get(PROXIES_VARIABLE, "").split(",")),
    ):
        if value and value != [""]:
            _read_variable(key, variable, value, written, report)
    if entry:
        _check_certificate(entry, written, report)
    written.setdefault("metrics_enabled", "metrics_listen" in written)
    return DaemonSettings(**_complete(DAEMON, written))


def read_storage(entry: Entry | None, report: Report) -> StorageSettings:
    return StorageSettings(**_complete(STORAGE, read_entry(entry, STORAGE.checked, report) if entry else {}))


def read_notify(entry: Entry | None, report: Report) -> NotifySettings:
    return NotifySettings(**_complete(NOTIFY, read_entry(entry, NOTIFY.checked, report) if entry else {}))


def read_zone(entry: Entry | None, host_zone: str, report: Report) -> tuple[str, Literal["config", "system"]]:
    """The zone of the scheduler and where it comes from."""
    written = read_entry(entry, SCHEDULER.checked, report) if entry else {}
    zone = written.get("timezone")
    return (zone, "config") if isinstance(zone, str) else (host_zone, "system")


# Any: the table of keys gives each setting the type that the record declares, which mypy cannot follow.
def _complete(table: Table, written: Mapping[str, object]) -> dict[str, Any]:
    return completed(table.fields, written)


def _read_variable(
    key: str, variable: str, value: object, written: dict[str, object], report: Report
) -> None:
    """Let a variable of the environment replace a setting."""
    field = evolve(DAEMON.by_name[key], substituted=False)
    try:
        written[key] = field.kind.read(value, field, NOWHERE)
    except Rejected as error:
        report.problems += [
            Problem(fault.class_, f"{variable} {fault.sentence(False)}", f"daemon.{key}")
            for fault in error.faults
        ]


def _check_metrics(entry: Entry, written: Mapping[str, object], report: Report) -> None:
    if written.get("metrics_enabled") is False and "metrics_listen" in written:
        rule = "is false although metrics_listen is set; drop one of the two"
        report.add(entry, ProblemClass.CONFLICT, rule, "metrics_enabled")


def _check_certificate(entry: Entry, written: Mapping[str, object], report: Report) -> None:
    """Check that ``tls_cert`` and ``tls_key`` come together, without ``tls = "off"``, and fit."""
    pair = [key for key in ("tls_cert", "tls_key") if key in written]
    if len(pair) == 1:
        missing = "tls_key" if pair == ["tls_cert"] else "tls_cert"
        report.add(entry, ProblemClass.CONFLICT, f"needs {missing}; set both or drop {pair[0]}", pair[0])
    if len(pair) != 2:
        return
    if written.get("tls") is Tls.OFF:
        rule = "is off although tls_cert and tls_key are set; drop tls, or both of them"
        report.add(entry, ProblemClass.CONFLICT, rule, "tls")
        return
    readable = [_is_readable(entry, key, str(written[key]), report) for key in pair]
    if all(readable):
        _check_pair(entry, str(written["tls_cert"]), str(written["tls_key"]), report)


def _is_readable(entry: Entry, key: str, path: str, report: Report) -> bool:
    try:
        read_file(path, _MAX_PEM_MB)
    except CannotRead as error:
        report.add(entry, ProblemClass.IO, f"cannot read {path}: {error}", key)
        return False
    return True


def _check_pair(entry: Entry, cert: str, key: str, report: Report) -> None:
    # OpenSSL is large: only who configures a certificate has it loaded.
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (ssl.SSLError, ValueError):
        rule = (
            f"{cert} and tls_key {key} must be PEM files of a certificate and its key, without a passphrase"
        )
        report.add(entry, ProblemClass.FORMAT, rule, "tls_cert")
