"""The dashboard in Chromium, from a real daemon with real processes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from runwisp.model import Run
from tests.browser.visit import DEADLINE_MS, PASSWORD, Visit, log_in, visiting
from tests.system.independent.session import Client
from tests.system.program import Daemon, running

pytestmark = pytest.mark.system

expect.set_options(timeout=DEADLINE_MS)

#: Runs as a script wherever it is taken for HTML, and turns around what follows wherever it is not fenced.
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>1</script>\"'&amp;\u202eabc"

CONFIG = f"""
    [tasks.waits]
    description = "Says so, and goes on when there is a file"
    run = "echo begun; while [ ! -e go ]; do sleep 0.05; done; echo gone on"
    [tasks.fails]
    group = "Some"
    run = "echo alas >&2; exit 3"
    [tasks.counts]
    group = "Some"
    cron = "0 0 1 1 *"
    run = "seq 5000"
    [tasks.hostile]
    group = '''{HOSTILE}'''
    description = '''{HOSTILE}'''
    run = '''cat <<'END'
{HOSTILE}
END'''
    [services.stays]
    instances = 2
    run = "echo here; sleep 600"
"""

#: What the first page may cost: requests, and compressed bytes with their headers.
MOST_REQUESTS = 20
MOST_BYTES = 150_000
_OF_LATER = re.compile("^data:|/api/notifications")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("daemon"), CONFIG, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def session(chromium: Browser, daemon: Daemon) -> StorageState:
    """What a browser keeps that has logged in."""
    with visiting(chromium, daemon) as visit:
        visit.page.goto("/")
        log_in(visit)
        expect(unit_link(visit.page, "waits")).to_be_visible()
        return visit.page.context.storage_state()


@pytest.fixture
def visit(chromium: Browser, daemon: Daemon, session: StorageState) -> Iterator[Visit]:
    """A visit by somebody who has logged in."""
    with visiting(chromium, daemon, storage_state=session) as visit:
        yield visit


def unit_link(page: Page, name: str) -> Locator:
    """A unit in the sidebar."""
    return page.locator(f".side-unit a[href='/tasks/{name}']")


def trigger(page: Page, name: str) -> None:
    """Run a task from its page."""
    unit_link(page, name).click()
    page.get_by_test_id("action-run").click()
    page.get_by_test_id("confirm").click()


def run_of(daemon: Daemon, name: str) -> Run:
    """A run of a task that has ended, made from outside."""
    client = Client(daemon.port)
    client.login(PASSWORD)
    assert client.call("POST", f"/api/tasks/{name}/trigger?wait=true").status == 201
    return daemon.rows(name)[-1]


def test_a_wrong_password_is_refused_and_the_right_one_opens_the_page_that_was_asked_for(
    chromium: Browser, daemon: Daemon
) -> None:
    with visiting(chromium, daemon) as visit:
        page = visit.page
        page.goto("/tasks/counts")
        expect(page.get_by_label("Password", exact=True)).to_be_focused()
        log_in(visit, "guessed")
        expect(page.get_by_role("alert")).to_have_text("Wrong password.")
        expect(page.get_by_label("Password", exact=True)).to_be_focused()
        visit.forgive(r"status 401: .*/api/auth/login$", r"console: Failed to load .* 401 .*/login\)")
        log_in(visit)
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("heading", level=1)).to_have_text("counts")


def test_a_run_is_seen_from_its_trigger_to_its_end_on_one_page(visit: Visit, daemon: Daemon) -> None:
    page = visit.page
    page.goto("/")
    trigger(page, "waits")
    log = page.get_by_test_id("log")
    expect(log).to_contain_text("begun")
    expect(page.get_by_test_id("run-verdict")).to_have_text("Running")
    (daemon.home / "go").touch()
    expect(log).to_contain_text("gone on")
    expect(page.get_by_test_id("run-verdict")).to_have_text("Success")
    assert visit.loads == 1


def test_a_run_that_fails_appears_at_the_bell_and_the_bell_leads_to_it(visit: Visit, daemon: Daemon) -> None:
    page = visit.page
    page.goto("/")
    expect(unit_link(page, "fails")).to_be_visible()
    failed = run_of(daemon, "fails")
    page.get_by_role("button", name=re.compile(r"^Notifications, \d+ unread$")).click()
    page.get_by_test_id("notification-item").get_by_role("link", name=re.compile("fails")).first.click()
    expect(page).to_have_url(re.compile(rf"/tasks/fails/{failed.id}$"))
    expect(page.get_by_test_id("run-verdict")).to_have_text("Failed")
    expect(page.get_by_test_id("run-exit")).to_contain_text("3")
    expect(page.get_by_test_id("log")).to_contain_text("alas")
    assert visit.loads == 1


def test_a_link_to_a_line_opens_there(visit: Visit, daemon: Daemon) -> None:
    run = run_of(daemon, "counts")
    visit.page.goto(f"/tasks/counts/{run.id}?line=2500")
    picked = visit.page.locator(".log-row.is-picked")
    expect(picked.locator(".log-text")).to_have_text("2500")
    expect(picked).to_be_in_viewport()


def test_what_is_full_of_html_is_shown_as_text(visit: Visit, daemon: Daemon) -> None:
    page = visit.page
    run = run_of(daemon, "hostile")
    page.goto(f"/tasks/hostile/{run.id}")
    expect(page.get_by_test_id("task-description")).to_have_text(HOSTILE)
    # The character that turns text around is there, and is shown by its name.
    expect(page.get_by_test_id("log")).to_contain_text(HOSTILE)
    expect(page.locator(".log-control")).to_have_attribute("data-name", "RLO")
    expect(page.locator(".sidebar")).to_contain_text(HOSTILE, ignore_case=True)
    page.goto("/tasks/" + quote(HOSTILE, safe=""))
    expect(page.locator("main").get_by_text("There is no task or service")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    assert page.locator("img, main script").count() == 0
    assert "taken" not in page.title().split("<")[0]


def test_the_page_heals_when_the_daemon_has_been_away(chromium: Browser, tmp_path: Path) -> None:
    with (
        Daemon(tmp_path, CONFIG, {"RUNWISP_PASSWORD": PASSWORD}) as daemon,
        visiting(chromium, daemon) as visit,
    ):
        page = visit.page
        page.goto("/tasks/counts")
        log_in(visit)
        connection = page.locator(".connection")
        expect(connection).to_contain_text("Connected")
        expect(page.get_by_test_id("action-run")).to_be_enabled()
        assert daemon.stop() == 0
        expect(connection).to_contain_text("Offline")
        expect(page.get_by_test_id("action-run")).to_be_disabled()
        daemon.start()
        expect(connection).to_contain_text("Connected")
        expect(page.get_by_test_id("action-run")).to_be_enabled()
        run = run_of(daemon, "counts")
        expect(page.locator(f"main a[href*='{run.id}']").first).to_be_visible()
        assert visit.loads == 1
        visit.forgive("ERR_CONNECTION_REFUSED")


def test_a_page_that_could_not_be_loaded_comes_with_the_daemon(chromium: Browser, tmp_path: Path) -> None:
    environ = {"RUNWISP_PASSWORD": PASSWORD}
    with running(tmp_path, CONFIG, environ) as daemon, visiting(chromium, daemon) as visit:
        page = visit.page
        page.goto("/")
        log_in(visit)
        expect(page.locator("main a[href^='/tasks/stays']").first).to_be_visible()
        assert daemon.stop() == 0
        unit_link(page, "counts").click()
        expect(page.locator("main")).to_contain_text("This page could not be loaded.")
        daemon.start()
        expect(page.get_by_test_id("action-run")).to_be_enabled()
        assert visit.loads == 1
        visit.forgive("ERR_CONNECTION_REFUSED")


def test_the_first_page_is_small(chromium: Browser, daemon: Daemon, session: StorageState) -> None:
    with visiting(chromium, daemon, storage_state=session) as visit:
        visit.page.goto("/")
        expect(visit.page.locator("main a[href^='/tasks/stays']").first).to_be_visible()
        # The bell's number is asked for when there is a page, soon or late as the machine is.
        answers = [answer for answer in visit.responses if not _OF_LATER.search(answer.url)]
        whole = [answer for answer in answers if "event-stream" not in answer.headers["content-type"]]
        sizes = {answer.url: answer.request.sizes() for answer in whole}
        size = sum(one["responseHeadersSize"] + one["responseBodySize"] for one in sizes.values())
        assert len(answers) <= MOST_REQUESTS, "\n".join(answer.url for answer in answers)
        assert size <= MOST_BYTES, sizes
