"""The directive ``cli-reference``: every command and flag of ``runwisp``, read from its click commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from runwisp.cli.main import main


class CliReference(SphinxDirective):
    """Flags of the whole program, then a section for each command."""

    def run(self) -> list[nodes.Node]:
        context = click.Context(main, info_name="runwisp")
        commands = commands_below(main, context)
        shared = {flags(option) for option in options(main)}
        return [
            section("Flags of all commands", definitions(options(main), context)),
            *(command_section(command, place, shared) for place, command in commands),
        ]


def commands_below(
    group: click.Group, context: click.Context
) -> Iterator[tuple[click.Context, click.Command]]:
    """Each visible command, with the context that knows its full name; groups are walked through."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        place = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from commands_below(command, place)
        else:
            yield place, command


def command_section(command: click.Command, place: click.Context, shared: set[str]) -> nodes.section:
    usage = " ".join([place.command_path, *command.collect_usage_pieces(place)])
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    own = [option for option in options(command) if flags(option) not in shared]
    return section(
        place.command_path,
        literal(usage),
        *map(explanation, paragraphs),
        definitions(own, place),
    )


def explanation(text: str) -> nodes.Node:
    """A paragraph of a help text; examples are set as one types them."""
    lead, _, examples = text.partition("Examples:\n")
    return literal(inspect.cleandoc(examples)) if examples else nodes.paragraph(text=" ".join(lead.split()))


def literal(text: str) -> nodes.literal_block:
    return nodes.literal_block(text, text, language="text")


def options(command: click.Command) -> list[click.Option]:
    return [param for param in command.params if isinstance(param, click.Option) and not param.hidden]


def flags(option: click.Option) -> str:
    return ", ".join([*option.opts, *option.secondary_opts])


def definitions(chosen: list[click.Option], context: click.Context) -> nodes.Node:
    """A definition list of options: flags, value, variable; then the help text with the default."""
    items = nodes.definition_list()
    for option in chosen:
        record = option.get_help_record(context)
        help_text = record[1] if record else ""
        term = nodes.term("", "", nodes.literal(text=flags(option)))
        if not option.is_flag:
            term += nodes.Text(f" {option.make_metavar(context)}")
        items += nodes.definition_list_item(
            "", term, nodes.definition("", nodes.paragraph(text=" ".join(help_text.split())))
        )
    return items


def section(title: str, *content: nodes.Node) -> nodes.section:
    return nodes.section("", nodes.title(text=title), *content, ids=[nodes.make_id(title)])


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("cli-reference", CliReference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
