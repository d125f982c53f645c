"""A browser for the tests of the dashboard, and its modules without a daemon."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from runwisp.web.static import DASHBOARD

HERE = Path(__file__).parent

#: No such host exists; the browser is answered before it could look for it.
ORIGIN = "http://modules.invalid"

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def modules(chromium: Browser) -> Iterator[Page]:
    """An empty page that may import the modules of the dashboard and of the tests, and nothing else.

    It is in Berlin, where the clock is an hour ahead of UTC in winter.
    """
    context = chromium.new_context(timezone_id="Europe/Berlin", base_url=ORIGIN)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/*", _serve)
    page.goto("/")
    yield page
    context.close()
    assert errors == []


def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        route.fulfill(body="<!doctype html><title>modules</title>", content_type="text/html")
        return
    root = HERE if path.startswith("/tests/") else DASHBOARD
    file = root / path.removeprefix("/tests/").lstrip("/")
    if file.is_file():
        route.fulfill(path=file, content_type=_MEDIA_TYPES[file.suffix])
    else:
        route.fulfill(status=404)
