"""The text of an HTML document, for readers of mail who see no HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"address", "blockquote", "div", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li"}
    | {"ol", "p", "pre", "table", "tr", "ul"}
)
_HIDDEN = frozenset({"head", "script", "style", "title"})
_BLANKS = re.compile(r"\s+")
_SPACE_AT_END = re.compile(r"[ \t]+$", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")


def html_text(document: str) -> str:
    """What a browser would show: blocks on lines of their own, blanks collapsed, addresses behind links.

    :raises AssertionError: if there is a declaration in it that no HTML has
    """
    reader = _Reader()
    reader.feed(document)
    reader.close()
    return _EMPTY_LINES.sub("\n\n", _SPACE_AT_END.sub("", "".join(reader.parts))).strip("\n") + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._verbatim = 0
        self._hidden = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self._end_line()
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")
        self._verbatim += tag == "pre"
        self._hidden += tag in _HIDDEN

    def handle_endtag(self, tag: str) -> None:
        self._verbatim = max(0, self._verbatim - (tag == "pre"))
        self._hidden = max(0, self._hidden - (tag in _HIDDEN))
        if tag == "a" and self._links and (address := self._links.pop()):
            self.parts.append(f" ({address})")
        elif tag in _BLOCKS:
            self._end_line()

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if not self._verbatim:
            data = _BLANKS.sub(" ", data)
            if not self.parts or self.parts[-1].endswith((" ", "\n")):
                data = data.lstrip()
        if data:
            self.parts.append(data)

    def _end_line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
