"""Names of time zones, and the zone of this machine (spec: config, [scheduler])."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_CANDIDATE = re.compile(r"[A-Za-z0-9/_+-]+")
_ZONEINFO = "zoneinfo/"
_FALLBACK = "UTC"


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """All names in the zone database that ships with the program."""
    package = find_spec("tzdata")
    if package is None or package.origin is None:
        raise RuntimeError("the package tzdata is not installed")
    return frozenset((Path(package.origin).parent / "zones").read_text().split())


def host_zone(environ: Mapping[str, str], root: Path = Path("/")) -> str:
    """The zone of the machine; ``root`` is where its ``etc`` lies. UTC if none or an unknown one is set."""
    for candidate in _candidates(environ, root):
        if _CANDIDATE.fullmatch(candidate):
            return candidate if candidate in known_zones() else _FALLBACK
    return _FALLBACK


def _candidates(environ: Mapping[str, str], root: Path) -> Iterator[str]:
    yield _below_zoneinfo(environ.get("TZ", "").removeprefix(":"))
    with suppress(OSError, ValueError):
        yield (root / "etc/timezone").read_text().strip()
    with suppress(OSError, ValueError):
        yield _below_zoneinfo(str((root / "etc/localtime").readlink()))


def _below_zoneinfo(path: str) -> str:
    """What follows ``zoneinfo/`` in a path; a plain name unchanged."""
    return path.partition(_ZONEINFO)[2] if _ZONEINFO in path else path
