"""The dashboard's files, from a list made at start (spec: rest, dashboard).

A path is looked up in that list and never made into one of the file system. Each file has two paths: its
name, which a browser has to ask for again each time, and its name below a version made of the content of them
all, which never changes. The index page names the second, so a page that has been seen costs one request.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from runwisp.web.answering import Page
from runwisp.web.compression import accepts_gzip
from runwisp.web.gate import RequestFacts

DASHBOARD = Path(__file__).parent / "dashboard"

_INDEX = "/index.html"

#: Stands in the index page for the version.
_VERSION_MARK = b"/@version/"
#: Stands in the index page for the icons: they are there with it, for one request less.
_ICONS_MARK = b"<!-- icons.svg -->"
#: So the index page names files that it wants as one, again for fewer requests.
_TOGETHER = re.compile(rb'"/@version/([\w.]+(?:\+[\w.]+)+)"')

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

#: Where only files are: nothing else there is the dashboard's business to explain.
_OF_FILES = re.compile(r"/@.*|/js/.*|/[^/]*\.(css|html|ico|js|map|png|svg|txt)")

#: A range of media that names HTML, with its weight; ``*/*`` comes with requests of scripts as well.
_HTML = re.compile(r"\s*text/(?:html|\*)\s*(?:;\s*q\s*=\s*(\d(?:\.\d{0,3})?)\s*)?", re.IGNORECASE)


@frozen
class _File:
    """Only the compressed text is kept; the few who do not take it so wait a moment longer."""

    packed: bytes
    media_type: str
    etag: str
    cache_control: str


class Static:
    """Finds the page for a request outside ``/api/``: a file, else the index page for who reads HTML.

    :param directory: is read here and now, and not again
    """

    def __init__(self, directory: Path = DASHBOARD) -> None:
        self._files = dict(_read(directory))

    def __call__(self, facts: RequestFacts) -> Page | None:
        path = facts.path
        file = self._files.get(path)
        if file is None and (path == "/" or (not _OF_FILES.fullmatch(path) and _reads_html(facts))):
            file = self._files[_INDEX]
        return None if file is None else _page(file, facts)


def _read(directory: Path) -> Iterator[tuple[str, _File]]:
    """All files of a directory by their paths."""
    names = sorted(path for path in directory.rglob("*") if path.suffix in _MEDIA_TYPES)
    contents = {f"/{path.relative_to(directory).as_posix()}": path.read_bytes() for path in names}
    base = f"/@{_version(contents)}"
    index = contents[_INDEX]
    for together in _TOGETHER.findall(index):
        parts = together.decode().split("+")
        contents[f"/{together.decode()}"] = b"".join(contents[f"/{part}"] for part in parts)
    index = index.replace(_ICONS_MARK, contents.get("/icons.svg", b""))
    contents[_INDEX] = index.replace(_VERSION_MARK, f"{base}/".encode())
    for path, content in contents.items():
        packed = gzip.compress(content, 9, mtime=0)
        media_type = _MEDIA_TYPES[Path(path).suffix]
        # Weak: it is the same for the compressed and the plain text.
        etag = f'W/"{_digest(content)}"'
        yield path, _File(packed, media_type, etag, "no-cache")
        yield base + path, _File(packed, media_type, etag, "public, max-age=31536000, immutable")


def _version(contents: Mapping[str, bytes]) -> str:
    return _digest("".join(path + _digest(content) for path, content in contents.items()).encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _page(file: _File, facts: RequestFacts) -> Page:
    headers = {"ETag": file.etag, "Cache-Control": file.cache_control, "Vary": "Accept-Encoding"}
    if _is_known(file.etag, facts.header("If-None-Match")):
        return Page(status=304, headers=headers)
    body = file.packed
    if accepts_gzip(facts.header("Accept-Encoding")):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Page(body=body, media_type=file.media_type, headers=headers)


def _is_known(etag: str, if_none_match: str | None) -> bool:
    """True if the client has got what it asks for already."""
    known = [] if if_none_match is None else [one.strip() for one in if_none_match.split(",")]
    return "*" in known or etag.removeprefix("W/") in (one.removeprefix("W/") for one in known)


def _reads_html(facts: RequestFacts) -> bool:
    ranges = map(_HTML.fullmatch, ",".join(facts.headers("Accept")).split(","))
    return any(float(match[1] or 1) > 0 for match in ranges if match)
