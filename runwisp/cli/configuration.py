"""The configuration that a command is about."""

from __future__ import annotations

import os
from pathlib import Path

from runwisp.cli.options import Globals
from runwisp.config.loader import find, load
from runwisp.config.settings import Config


def find_config(settings: Globals, named: str | None = None) -> Path:
    """The configuration file ``named``, else the one that the global flags mean.

    It is called what its user called it, or by its bare name where it was found here.

    :raises ConfigNotFound: there is none
    """
    here = Path.cwd()
    named = named or settings.config
    found = find(named, os.environ, here, os.geteuid() == 0)
    if named is not None:
        return Path(named)
    return found.relative_to(here) if found.is_relative_to(here) else found


def load_config(path: Path) -> Config:
    """What the file says, in the environment of this process.

    :raises ConfigErrors: it is not valid
    """
    return load(path, os.environ)
