"""The directive ``config-reference``: the keys of one table of ``runwisp.toml``, from the loader."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from runwisp.config.reference import body


class ConfigReference(SphinxDirective):
    """A definition list with every key of the table that is the argument."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(body(self.arguments[0]))


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("config-reference", ConfigReference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
