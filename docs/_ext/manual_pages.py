"""Links from one page to another lead nowhere in a manual page: there their text stands alone."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def unlink(app: Sphinx, document: nodes.document, name: str) -> None:
    if app.builder.name == "man":
        for reference in [*document.findall(nodes.reference)]:
            if reference.get("internal"):
                reference.replace_self(reference.children)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("doctree-resolved", unlink)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
