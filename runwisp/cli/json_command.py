"""Commands with ``--json``: one document on stdout, whatever happens (spec: interfaces, JSON documents)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from runwisp.cli.failures import explained
from runwisp.cli.output import print_json
from runwisp.errors import RunWispError

#: Makes the document of a command that failed.
Failure = Callable[[RunWispError], Mapping[str, object]]


class JsonCommand(click.Command):
    """A command with the flag ``--json``, passed on as ``as_json``.

    When it fails, also over its arguments, ``failure`` makes the document. The error still goes to stderr.
    """

    def __init__(self, *args: Any, failure: Failure, **kwargs: Any) -> None:  # the arguments are click's own
        super().__init__(*args, **kwargs)
        self._failure = failure
        self.params.append(
            click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document instead.")
        )

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        wants_json = "--json" in args
        with self._failures_told(wants_json):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with self._failures_told(ctx.params["as_json"]):
            return super().invoke(ctx)

    @contextmanager
    def _failures_told(self, wants_json: bool) -> Iterator[None]:
        try:
            yield
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if wants_json:
                print_json(self._failure(explained(error)))
            raise
