"""A limit in the place of a peer: the ratio says how much of it was used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.contest import Bench, Contender, Measure

ALLOWANCE = "allowance"


def allow(quantity: str, figure: float) -> Contender:
    """The contender whose ``quantity`` is always ``figure``."""

    @contextmanager
    def prepare(bench: Bench) -> Iterator[Measure]:
        yield lambda: {quantity: figure}

    return Contender(ALLOWANCE, prepare)
