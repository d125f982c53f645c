"""The directive ``api-reference``: every route of the REST API, read from the declarations of the routes."""

from __future__ import annotations

from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from runwisp.web.catalogue import APIS
from runwisp.web.routing import Access, Route, routes_of
from runwisp.web.rules import is_required, rules_of

ACCESS = {
    Access.PUBLIC: "open to everybody",
    Access.SAME_ORIGIN: "open to everybody but pages of other origins",
    Access.LOCAL: "open to clients on this machine",
    Access.SOCKET: "only over the socket",
}


class ApiReference(SphinxDirective):
    """A section for each group of routes, a definition for each route."""

    def run(self) -> list[nodes.Node]:
        routes = sorted((route for api in APIS for route in routes_of(api)), key=lambda route: route.tag)
        return [section(tag, list(group)) for tag, group in groupby(routes, lambda route: route.tag)]


def section(title: str, routes: list[Route]) -> nodes.section:
    items = nodes.definition_list("", *map(definition, routes))
    return nodes.section("", nodes.title(text=title), items, ids=[nodes.make_id(f"api-{title}")])


def definition(route: Route) -> nodes.definition_list_item:
    term = nodes.term("", "", nodes.literal(text=f"{route.method} {route.path}"))
    if route.access in ACCESS:
        term += nodes.Text(f" ({ACCESS[route.access]})")
    statuses = ", ".join(str(status) for status in (*route.answers, *route.problems))
    body = nodes.definition("", nodes.paragraph(text=f"{route.summary}. Answers {statuses}."))
    for label, cls in (("Query", route.query), ("Body", route.body)):
        if cls is not None and (names := fields(cls)):
            body += nodes.paragraph("", f"{label}: ", *names, nodes.Text("."))
    return nodes.definition_list_item("", term, body)


def fields(cls: type) -> list[nodes.Node]:
    """The names of a query's or body's fields, with commas between."""
    found: list[nodes.Node] = []
    for name, _, attribute in rules_of(cls):
        found += [nodes.Text(", ")] if found else []
        found.append(nodes.literal(text=name))
        if is_required(attribute):
            found.append(nodes.Text(" (required)"))
    return found


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("api-reference", ApiReference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
