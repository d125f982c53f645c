"""The program ``runwisp``: its commands, its global flags, and how every command ends.

A command is an object ``command`` in a module of its own, which is imported when the command is called. It
gets :class:`~runwisp.cli.options.Globals` by ``@click.pass_obj``; it raises
:class:`~runwisp.errors.RunWispError`, or :class:`click.UsageError` about its own arguments.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from runwisp import __version__
from runwisp.cli.completing import OF_GLOBAL_FLAGS, VARIABLE, beginning
from runwisp.cli.failures import UnknownWord, explained
from runwisp.cli.given import is_debugging, remember, settings_of
from runwisp.cli.options import FLAGS, Flag
from runwisp.cli.output import note, print_error
from runwisp.cli.streams import abandon, is_unwritable, prepare
from runwisp.errors import RunWispError, UsageError, exit_code

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

INTERRUPTED = 130

#: Name of each command, its module and what the overview says about it.
COMMANDS = {
    "tui": ("runwisp.cli.tui", "show the daemon in the terminal"),
    "status": ("runwisp.cli.status", "show whether the daemon is well"),
    "runs": ("runwisp.cli.runs", "list runs, newest first"),
    "logs": ("runwisp.cli.logs", "print the output of runs"),
    "run-task": ("runwisp.cli.run_task", "have the daemon run a task"),
    "start": ("runwisp.cli.start", "start services, trigger tasks"),
    "stop": ("runwisp.cli.stop", "stop services, tasks and runs, or the daemon"),
    "restart": ("runwisp.cli.restart", "restart services and tasks, or the daemon"),
    "pause": ("runwisp.cli.pause", "let schedules rest"),
    "resume": ("runwisp.cli.resume", "end the rest of schedules"),
    "reload": ("runwisp.cli.reload", "have the daemon read its configuration again"),
    "password": ("runwisp.cli.password", "print the generated password"),
    "daemon": ("runwisp.cli.daemon", "run the daemon in the foreground"),
    "exec": ("runwisp.cli.exec", "run a task in this process"),
    "init": ("runwisp.cli.init", "write a configuration to begin with"),
    "list": ("runwisp.cli.list", "list the configured tasks and services"),
    "validate": ("runwisp.cli.validate", "check the configuration"),
    "notify": ("runwisp.cli.notify", "send a test message"),
    "demo": ("runwisp.cli.demo", "try a made-up shop"),
    "schema": ("runwisp.cli.schema", "print the JSON Schema of the configuration"),
    "openapi": ("runwisp.cli.openapi", "print the OpenAPI document of the API"),
    "completion": ("runwisp.cli.completion", "print a script that completes command lines"),
}

MACHINE_READABLE = (
    "For programs: `runwisp openapi`, `runwisp schema`, `runwisp validate --json`, `runwisp list --json`."
)
GLOBAL_FLAGS_TOO = "The global flags work here too; `runwisp --help` lists them."


class Program(click.Group):
    """The group of all commands; none is imported before it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            command: click.Command = import_module(COMMANDS[cmd_name][0]).command
            self.commands[cmd_name] = _adopt(command)
        return self.commands.get(cmd_name)

    def main(self, *args: Any, **kwargs: Any) -> Any:  # click's own signature, overloaded
        if VARIABLE in os.environ:
            from runwisp.cli.shells import register

            register()
        prepare()
        return super().main(*args, **kwargs)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        # Click would import every command for its summary.
        summaries = {name: summary for name, (_, summary) in COMMANDS.items()}
        return beginning(incomplete, summaries) + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not sys.stdout.isatty():
            formatter.write_paragraph()
            formatter.write_text(MACHINE_READABLE)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise UnknownWord("command", args[0], COMMANDS, ctx)
        return super().resolve_command(ctx, args)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _reported({}):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with _reported(ctx.meta):
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()


class GlobalOption(click.Option):
    """A global flag; the help of a command leaves it to the overview."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        return super().get_help_record(ctx) if ctx.parent is None else None


@contextmanager
def _reported(meta: dict[str, Any]) -> Iterator[None]:
    """Show whatever ends a command as an error of ours, and leave with its exit code."""
    try:
        yield
    except (click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        note("")
        raise click.exceptions.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has seen enough.
        abandon(sys.stdout)
        raise click.exceptions.Exit(0) from None
    except Exception as error:
        if isinstance(error, OSError) and is_unwritable(error):
            abandon(sys.stdout)
        raise _leave(explained(error), meta) from error


def _leave(error: RunWispError, meta: dict[str, Any]) -> click.exceptions.Exit:
    """Print the error, below the traceback that led to it if debugging is on."""
    if is_debugging(meta):
        import traceback

        note(traceback.format_exc())
    print_error(error)
    return click.exceptions.Exit(exit_code(error))


def _adopt(command: click.Command) -> click.Command:
    """Give a command the global flags and their values."""
    command.params.extend(GLOBAL_OPTIONS)
    command.epilog = GLOBAL_FLAGS_TOO
    if command.callback is not None:
        command.callback = _with_settings(command.callback)
    return command


def _with_settings(callback: Callable[..., object]) -> Callable[..., object]:
    """Resolve the global flags, from before and after the command's name, when all of them are parsed."""

    @functools.wraps(callback)
    def resolved(**params: object) -> object:
        ctx = click.get_current_context()
        with _usage_explained(ctx):
            ctx.obj = settings_of(ctx)
            return callback(**params)

    return resolved


@contextmanager
def _usage_explained(ctx: click.Context) -> Iterator[None]:
    """Let a usage error of ours point to the help."""
    try:
        yield
    except UsageError as error:
        raise click.UsageError(str(error), ctx) from error


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"runwisp {__version__}")
        ctx.exit()


def _option(flag: Flag) -> click.Option:
    names = [f"--{flag.name}", *([f"-{flag.short}"] if flag.short else [])]
    text = f"{flag.help}  [default: {flag.default}; variable: {flag.variable}]"
    return GlobalOption(
        names,
        metavar=flag.metavar,
        help=text,
        expose_value=False,
        callback=remember,
        shell_complete=OF_GLOBAL_FLAGS.get(flag.key),
    )


GLOBAL_OPTIONS = [
    *map(_option, FLAGS),
    GlobalOption(
        ["--version", "-v"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_version,
        help="Show the version and exit.",
    ),
]


def _begin(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        from runwisp.cli.attach import attach

        with _usage_explained(ctx):
            settings = settings_of(ctx)
        attach(settings)


_HELP = """Run tasks on a schedule and keep services alive, with a record of every run.

Without a command: show the daemon in the terminal, after having started it if there is none.

\b
Examples:
  runwisp demo                      # look at a made-up shop
  runwisp init                      # begin with a configuration of your own
  runwisp                           # run it, and watch
  runwisp run-task nightly-backup   # have a task run now
"""

main = Program(
    "runwisp",
    callback=click.pass_context(_begin),
    params=[*GLOBAL_OPTIONS],
    help=_HELP,
    context_settings={"help_option_names": ["--help", "-h"]},
    invoke_without_command=True,
)
