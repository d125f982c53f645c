"""The service manager that runs a daemon: which of its units that is, and what it is told to do.

Spec: operations, service install; interfaces, stop, start, restart.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from runwisp.cli.output import note
from runwisp.errors import RunWispError

#: In the first line of every unit file that we have written.
MARK = "Managed by runwisp service install"
SYSTEM_UNIT = Path("/etc/systemd/system/runwisp.service")
_USER_UNITS = ".config/systemd/user"


@frozen
class SystemdUnit:
    """A unit of the system's manager, or of the user's own."""

    name: str
    is_user: bool

    def tell(self, verb: str) -> None:
        """Have the manager ``stop`` or ``restart`` the unit, and wait until it has.

        :raises RunWispError: it refuses; what it has to say is on stderr
        """
        note(f"systemd is told to {verb} {self.name}, which waits for its runs")
        command = ["systemctl", *(["--user"] if self.is_user else []), verb, self.name]
        try:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
        except FileNotFoundError:
            raise RunWispError("the daemon is a unit of systemd, but there is no systemctl") from None
        if code != 0:
            raise RunWispError(f"`{' '.join(command)}` failed with exit code {code}")


def unit_of(cgroups: str) -> SystemdUnit | None:
    """The unit to which a process belongs, None if it is none of systemd's services.

    :param cgroups: what ``/proc/PID/cgroup`` says
    """
    for line in cgroups.splitlines():
        hierarchy, _, path = line.partition(":")[2].partition(":")
        services = [part for part in path.split("/") if part.endswith(".service")]
        if hierarchy not in {"", "name=systemd"} or not services:
            continue
        is_user = services[0].startswith("user@")
        if len(services) > is_user:
            return SystemdUnit(services[-1], is_user)
    return None


def installed_units(data_dir: Path, home: Path, system_unit: Path = SYSTEM_UNIT) -> Iterable[SystemdUnit]:
    """The units that were installed for the data directory."""
    files = [(system_unit, False), *((file, True) for file in (home / _USER_UNITS).glob("runwisp-*.service"))]
    for file, is_user in files:
        try:
            text = file.read_text()
        except OSError:
            continue
        if MARK in text.partition("\n")[0] and str(data_dir) in text:
            yield SystemdUnit(file.name, is_user)


def chosen_unit(units: Iterable[SystemdUnit], *, is_local: bool) -> SystemdUnit | None:
    """The unit that is meant, None if there is none.

    :raises RunWispError: there are units in both scopes, and nobody has said which
    """
    found = list(units)
    if is_local:
        found = [unit for unit in found if unit.is_user]
    if len({unit.is_user for unit in found}) > 1:
        error = RunWispError("there is a unit of the system and one of your own for this daemon")
        error.hints = ["--local means your own; for that of the system: systemctl restart runwisp"]
        raise error
    return found[0] if found else None
