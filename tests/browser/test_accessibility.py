"""Every page of the dashboard as axe sees it, in both themes, and as people do, in screenshots.

With ``RUNWISP_SCREENSHOTS=DIRECTORY`` the pages are also kept as pictures there, for a desk and for a phone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, expect

from tests.browser.visit import DEADLINE_MS, PASSWORD, log_in, visiting
from tests.system.independent.session import Client
from tests.system.program import Daemon, running

pytestmark = pytest.mark.system

expect.set_options(timeout=DEADLINE_MS)

#: ``make test`` puts it there.
AXE = Path(__file__).parents[2] / ".tools/node_modules/axe-core/axe.min.js"

CONFIG = """
    [tasks.backup]
    group = "Nightly"
    description = "Copies everything to the other house"
    cron = "0 3 * * *"
    run = "seq 200; echo 'one file was busy' >&2"
    [tasks.report]
    group = "Nightly"
    cron = "@hourly"
    retry_attempts = 1
    retry_delay = "0s"
    run = "printf '\\\\033[31mno\\\\033[0m connection\\\\n'; exit 3"
    [tasks.import]
    run = "echo reading; sleep 600"
    [services.web]
    instances = 2
    run = "echo here; sleep 600"
"""

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

SIZES: dict[str, ViewportSize] = {
    "desk": {"width": 1440, "height": 900},
    "phone": {"width": 390, "height": 844},
}

#: What is serious or worse; an error if axe has not looked.
_VIOLATIONS = """async () => {
    const { passes, violations } = await axe.run(document, { resultTypes: ['violations'] });
    if (passes.length < 5) throw new Error(`only ${passes.length} rules hold`);
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("daemon"), CONFIG, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        client = Client(daemon.port)
        client.login(PASSWORD)
        for path in ("backup/trigger?wait=true", "report/trigger?wait=true", "import/trigger"):
            assert client.call("POST", f"/api/tasks/{path}").status == 201
        daemon.wait_for_rows("report", lambda rows: len(rows) == 2 and rows[1].end_at is not None, "retried")
        yield daemon


@pytest.fixture(scope="module")
def pages(daemon: Daemon) -> dict[str, tuple[str, str]]:
    """The address of each page, and what is there when it is."""
    backup, report = daemon.rows("backup")[0].id, daemon.rows("report")[-1].id
    return {
        "overview": ("/", "main a[href^='/tasks/web']"),
        "runs": ("/runs", f"main a[href*='{backup}']"),
        "run-in-all": (f"/runs/{report}", ".log-row .log-text"),
        "task": ("/tasks/backup", "[data-testid=action-run]"),
        "service": ("/tasks/web", "[data-testid=action-restart]"),
        "run": (f"/tasks/backup/{backup}?line=100", ".log-row.is-picked"),
        "failed-run": (f"/tasks/report/{report}", "[data-testid=run-exit]"),
        "notifications": ("/notifications", "[data-testid=notification-item]"),
        "nothing": ("/no/such/page", "main code"),
    }


@pytest.fixture(scope="module")
def session(chromium: Browser, daemon: Daemon) -> StorageState:
    """What a browser keeps that has logged in."""
    with visiting(chromium, daemon) as visit:
        visit.page.goto("/")
        log_in(visit)
        expect(visit.page.locator("main a[href^='/tasks/web']").first).to_be_visible()
        return visit.page.context.storage_state()


def test_axe_finds_nothing_serious_on_any_page_in_either_theme(
    chromium: Browser, daemon: Daemon, session: StorageState, pages: dict[str, tuple[str, str]]
) -> None:
    found: list[str] = []
    # What fades in is not yet as legible as it will be.
    with visiting(chromium, daemon, reduced_motion="reduce") as visit:
        visit.page.goto("/")
        expect(visit.page.get_by_role("dialog")).to_be_visible()
        found += examined(visit.page, "login")
    with visiting(chromium, daemon, storage_state=session, reduced_motion="reduce") as visit:
        for name, (address, sign) in pages.items():
            visit.page.goto(address)
            expect(visit.page.locator(sign).first).to_be_visible()
            found += examined(visit.page, name)
    assert not found, "\n".join(found)


def examined(page: Page, name: str) -> list[str]:
    """What axe says of a page in both themes; its pictures are kept if somebody wants them."""
    found: list[str] = []
    page.evaluate(AXE.read_text())
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found += [f"{name}, {theme}: {violation}" for violation in page.evaluate(_VIOLATIONS)]
        if directory := os.environ.get("RUNWISP_SCREENSHOTS"):
            take_pictures(page, f"{directory}/{name}-{theme}")
    return found


def take_pictures(page: Page, stem: str) -> None:
    for size, view in SIZES.items():
        page.set_viewport_size(view)
        page.screenshot(path=f"{stem}-{size}.png")
    page.set_viewport_size(SIZES["desk"])
