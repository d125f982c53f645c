"""The site: takes requests to their handlers, in the order of checks that the API promises.

Host, path and method, session, origin, then the values of path, query and body; whether the resource is there
and allows it, its handler finds out (spec: rest, requests).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any, TypeAlias

from attrs import evolve
from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from runwisp.web.answering import Page, give, page_of_problem
from runwisp.web.channel import ApiRequest
from runwisp.web.endpoint import Endpoint
from runwisp.web.facts import facts_of
from runwisp.web.faults import problem_of
from runwisp.web.gate import IGate, RequestFacts
from runwisp.web.outlet import Streams
from runwisp.web.problem import Problem
from runwisp.web.routing import Route, bound_routes, is_event_stream, path_names, routes_of

_LAUNCH_PATH = "/api/auth/launch-ticket"

#: Finds what lies at a path outside ``/api/``; None for nothing.
Static: TypeAlias = Callable[[RequestFacts], Page | None]


def nothing_static(facts: RequestFacts) -> Page | None:
    """Nothing lies outside ``/api/``."""
    return None


class App(Resource):
    """The resource that answers every request, with the routes of ``apis``.

    It lets in who names one of our hosts; Klein finds the route.
    """

    isLeaf = True

    def __init__(
        self,
        apis: Sequence[object],
        gate: IGate,
        clock: IReactorTime,
        wall: Callable[[], float],
        static: Static,
    ) -> None:
        super().__init__()
        self._gate = gate
        self._static = static
        self._streams = Streams(clock)
        self._fixed = _fixed_paths(apis)
        self._routes = self._make_routes(apis, wall)

    def render(self, request: ApiRequest) -> Any:  # Any: bytes, or that the answer is not done yet
        request.facts = facts = facts_of(request)
        request.caller = self._gate.caller(facts)
        try:
            self._gate.check_host(facts)
            if not facts.path.isascii() or facts.path.startswith("//"):
                raise NotFound
        except (Problem, HTTPException):
            return _fault(request, Failure())
        return self._routes.render(request)

    def close_streams(self) -> None:
        """End all streams, and open no more: the daemon is shutting down."""
        self._streams.close()

    def _make_routes(self, apis: Sequence[object], wall: Callable[[], float]) -> IResource:
        app = Klein()
        app.url_map.merge_slashes = False
        endpoints = [
            Endpoint(route=route, handler=handler, gate=self._gate, streams=self._streams, wall=wall)
            for api in apis
            for route, handler in bound_routes(api)
        ]
        for endpoint in endpoints:
            _add(app, endpoint, self._fixed)
        app.handle_errors(Exception)(self._fail)
        return app.resource()

    def _fail(self, request: IRequest, failure: Failure) -> bytes:
        """Answer what no handler has answered."""
        assert isinstance(request, ApiRequest)
        if failure.check(NotFound) and not request.is_api and (page := self._static(request.facts)):
            if request.method in (b"GET", b"HEAD"):
                return give(request, page)
            failure = Failure(MethodNotAllowed(["GET", "HEAD"]))
        elif failure.check(MethodNotAllowed) and request.shown_path in self._fixed:
            # Klein adds the methods of a route that has a variable in the same place.
            failure = Failure(MethodNotAllowed(self._fixed[request.shown_path]))
        elif page := self._login_page(request, failure):
            return give(request, page)
        return _fault(request, failure)

    def _login_page(self, request: ApiRequest, failure: Failure) -> Page | None:
        """The dashboard, for a browser that has followed a launch link in vain: it asks for the password."""
        if request.shown_path != _LAUNCH_PATH or request.method != b"GET":
            return None
        problem = problem_of(failure.value)
        page = self._static(request.facts) if problem.status == 401 else None
        if page is None or page.status != 200:
            return None
        headers = {**page.headers, **problem.headers, "Cache-Control": "no-store"}
        return evolve(page, status=problem.status, headers=headers)


def make_resource(
    apis: Sequence[object],
    gate: IGate,
    clock: IReactorTime,
    wall: Callable[[], float],
    static: Static = nothing_static,
) -> App:
    """The resource that answers every request: routes first, then what ``static`` finds.

    ``wall`` is in seconds since the epoch.
    """
    return App(apis, gate, clock, wall, static)


def _add(app: Klein, endpoint: Endpoint, fixed: Container[str]) -> None:
    route = endpoint.route
    if route.operation_id in app.endpoints:
        raise ValueError(f"two routes are called {route.operation_id}")

    async def serve(request: ApiRequest, **raw_path: str) -> bytes:
        # "summary" is no id of a run, whatever the method.
        if raw_path and request.shown_path in fixed:
            raise MethodNotAllowed
        return await endpoint.serve(request, raw_path)

    pattern = route.path.replace("{", "<").replace("}", ">")
    app.route(pattern, methods=[route.method], endpoint=route.operation_id)(serve)
    for rule in app.url_map.iter_rules(route.operation_id):
        # HEAD is in there wherever GET is.
        rule.methods = set(_methods(route))


def _fixed_paths(apis: Sequence[object]) -> dict[str, list[str]]:
    """The paths in which nothing varies, each with its methods."""
    fixed: dict[str, list[str]] = {}
    for api in apis:
        for route in routes_of(type(api)):
            if not path_names(route):
                fixed.setdefault(route.path, []).extend(_methods(route))
    return fixed


def _methods(route: Route) -> list[str]:
    return ["GET", "HEAD"] if route.method == "GET" and not is_event_stream(route) else [route.method]


def _fault(request: ApiRequest, failure: Failure) -> bytes:
    """The answer to what went wrong; a failure that nobody expected stands in the log as well."""
    problem = problem_of(failure.value)
    if problem.status == 500:
        request.failure = failure
    return give(request, page_of_problem(problem, request.shown_path))
