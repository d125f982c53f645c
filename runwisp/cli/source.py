"""Where commands get runs and logs from: the daemon if one answers, else the data directory.

Spec: interfaces, runs, logs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from runwisp.cli.options import Globals
from runwisp.model import Run, RunId

if TYPE_CHECKING:
    from runwisp.logs.reader import LogLine
    from runwisp.store.filters import RunFilter


class Log(Protocol):
    """The log of a run as it was at one moment."""

    @property
    def first_available(self) -> int:
        """The lowest line still kept; 1 for an empty log."""

    @property
    def total_lines(self) -> int:
        """The number of the last line, 0 if there is none."""

    @property
    def truncated(self) -> bool:
        """True if the first lines are gone."""

    def lines(self, first: int, last: int) -> Iterator[LogLine]:
        """The lines ``first`` to ``last``, as far as there are such lines."""


class Source(Protocol):
    """The runs and logs of one daemon."""

    def knows(self, name: str) -> bool:
        """True if the unit has runs or is configured."""

    def names(self) -> list[str]:
        """The units that a pattern is matched against and a typing error is compared with, sorted."""

    def runs(self, wanted: RunFilter, limit: int, group: str | None = None) -> Sequence[Run]:
        """The newest ``limit`` runs that pass the filter, newest first.

        :param group: only of units that are in this group now; "" means those in none
        """

    def run(self, run_id: RunId) -> Run | None: ...

    def active_or_latest(self, name: str) -> Sequence[Run]:
        """The running runs of the unit, oldest first; else its latest ended one; else nothing."""

    def log(self, run: Run) -> AbstractContextManager[Log]:
        """The log of the run as it is now.

        :raises OSError: its files cannot be read
        """


@contextmanager
def open_source(settings: Globals) -> Iterator[Source]:
    """The daemon of ``settings`` if it answers, else what its data directory holds, at one moment.

    :raises StorageError: there is a database that cannot be read
    """
    # Without a socket nobody answers, and what a client needs takes a while to import.
    if os.path.exists(settings.socket):
        from runwisp.cli.remote import answering

        with answering(settings) as source:
            if source is not None:
                yield source
                return
    from runwisp.cli.local import open_directory

    with open_directory(settings) as directory:
        yield directory
