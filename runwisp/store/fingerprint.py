"""The fingerprint: two words by which people tell one daemon from another (spec: runtime, fingerprint)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from sqlite3 import Cursor

from runwisp.store import marks

VARIABLE = "RUNWISP_FINGERPRINT"
_KEY = "fingerprint"
_MACHINE_ID_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))

# The place of a word decides what a daemon is called at its first boot: never sort or extend these.
_ADJECTIVES = """
agile amber ample arctic azure balmy bold brave breezy bright brisk calm candid cheery chilly civil
clear clever cosmic cozy crisp curious daring deft dusky eager early earnest fair fleet fond frosty
gentle glad golden grand hardy hazel honest humble jolly keen kind lively loyal lucid lunar mellow
merry mighty misty modest nimble noble patient placid plucky polite quick quiet royal rustic silver steady
"""
_NOUNS = """
alder badger beacon beaver birch bison brook canyon cedar comet condor coral crane cricket delta
dolphin dune eagle ember falcon fern finch fjord forest fox gecko glacier harbor hawk heron
ibis island juniper lagoon lark lemur lynx maple marmot meadow meteor moose oak orchid osprey
otter owl panda pebble pine prairie puffin quail raven reef robin sparrow summit willow wren
"""


def compute(machine_id: str, working_directory: str) -> str:
    """Two words such as ``bright-falcon``, the same for the same arguments."""
    digest = hashlib.sha256(machine_id.encode() + b"\0" + os.fsencode(working_directory)).digest()
    return f"{_pick(_ADJECTIVES, digest[0:4])}-{_pick(_NOUNS, digest[4:8])}"


def read_machine_id(files: Iterable[Path] = _MACHINE_ID_FILES) -> str:
    """What the first of the files says that is there and not empty, else the name of the host."""
    for file in files:
        try:
            text = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            return text
    return os.uname().nodename


def resolve(cursor: Cursor, environ: Mapping[str, str], machine_id: str, working_directory: str) -> str:
    """The fingerprint of this daemon: from the environment, else the stored one, else computed and stored."""
    if known := find(cursor, environ):
        return known
    computed = compute(machine_id, working_directory)
    marks.set_config_entry(cursor, _KEY, computed)
    return computed


def find(cursor: Cursor, environ: Mapping[str, str]) -> str | None:
    """The fingerprint from the environment, else the stored one, None if no daemon has stored any yet."""
    return environ.get(VARIABLE) or marks.config_entry(cursor, _KEY)


def _pick(words: str, number: bytes) -> str:
    choices = words.split()
    return choices[int.from_bytes(number, "big") % len(choices)]
