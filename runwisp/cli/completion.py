"""``runwisp completion``: a script for the shell (spec: interfaces, completion)."""

from __future__ import annotations

import click

from runwisp.cli.shells import SHELLS, script


@click.command("completion", short_help="print a script that completes command lines")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the script that makes a SHELL complete commands, flags, paths and the names of tasks.

    Names come from the running daemon, for exec from the configuration.

    \b
    Examples:
      eval "$(runwisp completion bash)"   # in ~/.bashrc
      eval "$(runwisp completion zsh)"    # in ~/.zshrc, behind compinit
      runwisp completion fish | source    # in ~/.config/fish/config.fish
    """
    click.echo(script(shell), nl=False)
