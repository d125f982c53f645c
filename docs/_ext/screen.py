"""The directive ``screen``: a picture of a terminal, with its colours where there are some.

It is read from ``screens/NAME.ansi``, which ``screens/take.py`` makes.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_TRUE_COLOUR = re.compile(r"([34])8;2;(\d+);(\d+);(\d+)")
_SWITCHES = {
    "1": {"font-weight": "bold"},
    "3": {"font-style": "italic"},
    "4": {"text-decoration": "underline"},
}
_PROPERTIES = {"3": "color", "4": "background"}
#: The screen itself (spec: interfaces, colours).
_STYLE = (
    "background:#1a1b26;color:#c0caf5;line-height:1.25;font-size:12.5px;"
    "padding:0.6em;border-radius:4px;overflow-x:auto"
)


class Screen(SphinxDirective):
    """The picture of which the argument is the name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "screens" / f"{self.arguments[0]}.ansi"
        self.env.note_dependency(str(path))
        text = path.read_text()
        picture: nodes.Node
        if self.env.app.builder.format == "html":
            picture = nodes.raw("", f'<pre style="{_STYLE}">{as_html(text)}</pre>', format="html")
        else:
            plain = _SGR.sub("", text)
            picture = nodes.literal_block(plain, plain, language="none")
        return [picture]


def as_html(text: str) -> str:
    """The text with a ``span`` around all that has one style."""
    pieces = _SGR.split(text)
    style: dict[str, str] = {}
    parts = [html.escape(pieces[0])]
    for codes, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        style = changed(style, codes)
        if piece:
            css = ";".join(f"{name}:{value}" for name, value in style.items())
            parts.append(f'<span style="{css}">{html.escape(piece)}</span>' if css else html.escape(piece))
    return "".join(parts)


def changed(style: dict[str, str], codes: str) -> dict[str, str]:
    """The style after a sequence; what the terminal UI does not use is left out."""
    if colour := _TRUE_COLOUR.fullmatch(codes):
        where, red, green, blue = colour.groups()
        return {**style, _PROPERTIES[where]: f"rgb({red},{green},{blue})"}
    for code in codes.split(";"):
        if code in ("", "0"):
            style = {}
        elif code in ("39", "49"):
            style = {name: value for name, value in style.items() if name != _PROPERTIES[code[0]]}
        else:
            style = {**style, **_SWITCHES.get(code, {})}
    return style


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("screen", Screen)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
