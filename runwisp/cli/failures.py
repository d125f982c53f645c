"""Whatever can end a command, as an error of ours (spec: interfaces, output)."""

from __future__ import annotations

from collections.abc import Iterable

import click

from runwisp.cli.streams import is_unwritable
from runwisp.config.suggest import closest
from runwisp.errors import RunWispError, UsageError


class UnknownWord(click.UsageError):
    """A command or flag that does not exist."""

    def __init__(self, kind: str, word: str, known: Iterable[str], ctx: click.Context | None) -> None:
        super().__init__(f"unknown {kind} {word!r}", ctx)
        # Dashes would count as letters that are right.
        bare = {candidate.lstrip("-"): candidate for candidate in known}
        nearest = closest(word.lstrip("-"), bare)
        self.suggestion = bare[nearest] if nearest is not None else None


def explained(error: Exception) -> RunWispError:
    """``error`` itself if it is one of ours, else one that says the same in a line."""
    if isinstance(error, RunWispError):
        return error
    if isinstance(error, click.UsageError):
        return _usage_error(error)
    if isinstance(error, OSError) and error.filename is not None:
        return RunWispError(f"{error.filename}: {error.strerror}")
    if isinstance(error, OSError) and is_unwritable(error):
        return RunWispError(f"the output cannot be written: {error.strerror}")
    unexpected = RunWispError(f"unexpected error: {type(error).__name__}: {error}")
    unexpected.hints = ["--log-level debug shows where it happened"]
    return unexpected


def _usage_error(error: click.UsageError) -> UsageError:
    """The same with a suggestion and a pointer to the help."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        flags = [flag for param in error.ctx.command.params for flag in param.opts if flag.startswith("--")]
        error = UnknownWord("flag", error.option_name, flags, error.ctx)
    message = error.format_message().removesuffix(".")
    usage = UsageError(message[:1].lower() + message[1:])
    suggestion = error.suggestion if isinstance(error, UnknownWord) else None
    path = error.ctx.command_path if error.ctx is not None else "runwisp"
    usage.hints = [*([f"did you mean {suggestion!r}?"] if suggestion else []), f"see `{path} --help`"]
    return usage
