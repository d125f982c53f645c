"""A visit to the dashboard of a real daemon, with an ear for everything that a browser complains of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

from tests.system.program import Daemon

PASSWORD = 'correct horse "battery" <staple>'

#: How long a page may take to show something, in milliseconds; generous, since others use the machine too.
DEADLINE_MS = 20_000

#: The page itself gives up what it asked for, and the streams it listened to, when something else is shown.
_GIVEN_UP = "net::ERR_ABORTED"

_LISTEN = """
    addEventListener('securitypolicyviolation', (event) =>
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`), true);
"""


# Playwright keeps what it needs to know of a handler in the object whose method it is.
@define(slots=False)
class Visit:
    """A page at a daemon, and what went wrong there."""

    page: Page
    origin: str
    problems: list[str] = field(factory=list)
    responses: list[Response] = field(factory=list)
    loads: int = 0

    def __attrs_post_init__(self) -> None:
        self.page.set_default_timeout(DEADLINE_MS)
        self.page.add_init_script(_LISTEN)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)
        self.page.on("load", self._loaded)

    def forgive(self, *patterns: str) -> None:
        """Drop the problems in which one of the patterns is found; each is there at least once."""
        for pattern in patterns:
            left = [problem for problem in self.problems if not re.search(pattern, problem)]
            assert len(left) < len(self.problems), f"no {pattern!r} in {self.problems}"
            self.problems[:] = left

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text} ({message.location['url']})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:")):
            self.problems.append(f"left the origin: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != _GIVEN_UP or not request.url.startswith(f"{self.origin}/api/"):
            self.problems.append(f"failed: {request.method} {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        self.responses.append(response)
        if response.status >= 400:
            self.problems.append(f"status {response.status}: {response.url}")

    def _loaded(self, page: Page) -> None:
        self.loads += 1


@contextmanager
def visiting(browser: Browser, daemon: Daemon, **options: Any) -> Iterator[Visit]:
    """A browser of its own with one page, where nothing may have gone wrong in the end."""
    origin = f"http://127.0.0.1:{daemon.port}"
    options.setdefault("viewport", {"width": 1440, "height": 900})
    context = browser.new_context(base_url=origin, **options)
    try:
        visit = Visit(context.new_page(), origin)
        yield visit
        assert not visit.problems, "\n".join(visit.problems)
    finally:
        context.close()


def log_in(visit: Visit, password: str = PASSWORD) -> None:
    """Fill in the login that is shown."""
    visit.page.get_by_label("Password", exact=True).fill(password)
    visit.page.get_by_role("button", name="Log in").click()
