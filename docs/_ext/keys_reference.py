"""The directive ``keys-reference``: the keys of the terminal UI, from the table that it uses itself."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from runwisp.tui.keys import overview


class KeysReference(SphinxDirective):
    """A list of keys for each place."""

    def run(self) -> list[nodes.Node]:
        found: list[nodes.Node] = []
        for place, rows in overview():
            items = [field(keys, text) for keys, text in rows]
            found += [nodes.rubric(text=place.value), nodes.field_list("", *items)]
        return found


def field(keys: str, text: str) -> nodes.field:
    return nodes.field("", nodes.field_name(text=keys), nodes.field_body("", nodes.paragraph(text=text)))


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("keys-reference", KeysReference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
