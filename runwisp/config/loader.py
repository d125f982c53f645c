"""Finds and loads ``runwisp.toml`` (spec: config, finding and loading the file).

The order of work: decode a file and look at its keys, add the files it includes, read every value, build the
units, check what holds between them, warn. Each step goes on after a problem as long as what it finds then is
not a mere consequence; files that cannot be decoded and unknown keys end the work before values are read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from runwisp.config import zones
from runwisp.config.assembly import assemble
from runwisp.config.include import read_included
from runwisp.config.reading import Report, read_entry
from runwisp.config.section_fields import DAEMON
from runwisp.config.settings import Config
from runwisp.config.source import Unreadable, read_source
from runwisp.config.structure import Structure, find_structure
from runwisp.errors import ConfigErrors, ConfigNotFound

FILE_NAME = "runwisp.toml"
ROOT_FILE = Path("/etc/runwisp/runwisp.toml")
VARIABLE = "RUNWISP_CONFIG"


def find(explicit: str | None, environ: Mapping[str, str], cwd: Path, is_root: bool) -> Path:
    """The configuration file: the one named by flag or variable, else the first of the usual places.

    :raises ConfigNotFound: if there is none, with the paths that were tried
    """
    named = explicit or environ.get(VARIABLE)
    usual = [cwd / FILE_NAME, *([ROOT_FILE] if is_root else [])]
    tried = [cwd / named] if named else usual
    for path in tried:
        if path.exists():
            return path
    raise ConfigNotFound(map(str, tried))


def load(path: Path, environ: Mapping[str, str], host_zone: str | None = None) -> Config:
    """Read ``path`` and the files it names, and check everything.

    ``host_zone`` is the zone of the machine where it is known, as at a reload; else it is looked up.

    :raises ConfigErrors: with every problem that was found
    """
    home = _home(environ)
    try:
        root = find_structure(read_source(path, str(path), home, environ))
    except Unreadable as error:
        raise ConfigErrors(str(path), [error.problem]) from None
    problems = list(root.problems)
    files = [root]
    if not problems:
        files += read_included(_included_globs(root), root, home, environ, problems)
    if problems:
        raise ConfigErrors(str(path), problems)
    report = Report()
    config = assemble(files, environ, host_zone or zones.host_zone(environ), report)
    if report.problems:
        raise ConfigErrors(str(path), report.problems)
    return config


def _included_globs(root: Structure) -> tuple[str, ...]:
    """The globs of ``[daemon] include``; if they are refused, the reading of ``[daemon]`` reports it."""
    globs: list[str] = []
    for entry in root.of(DAEMON):
        found = read_entry(entry, [DAEMON.by_name["include"]], Report()).get("include", ())
        assert isinstance(found, tuple)
        globs += found
    return tuple(globs)


def _home(environ: Mapping[str, str]) -> Path:
    """The home of the user who loads."""
    home = environ.get("HOME")
    if home and home.startswith("/"):
        return Path(home)
    import pwd

    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return Path("/")
