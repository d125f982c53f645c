from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import pytest
import urwid
from twisted.internet.base import ReactorBase
from twisted.internet.testing import MemoryReactorClock

from runwisp.errors import WrongState
from runwisp.tui import app as app_module
from runwisp.tui.app import FLASH_S, App, Ending
from runwisp.tui.subscription import RETRY_S
from runwisp.tui.terminal import Terminal
from tests.client import resources as sent
from tests.tui import fakes
from tests.tui.fakes import NOW, SYSTEM, StubWire, text_of, unreachable


class Screen(Terminal):
    """A terminal that is never opened; ``copied`` is what was sent to its clipboard."""

    def __init__(self) -> None:
        super().__init__()
        self.copied: list[str] = []

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def write(self, data: str) -> None:
        """Into nothing."""


class Bench:
    """The application at a terminal of 80 columns and 24 rows, with a daemon that answers."""

    def __init__(self, *, is_owner: bool = False) -> None:
        self.reactor = MemoryReactorClock()
        self.wire = StubWire()
        self.screen = Screen()
        self.stopped = 0
        self.reactor.stop = self._stop  # type: ignore[method-assign]  # that of the reactor wants to have run
        reactor = cast(ReactorBase, self.reactor)
        self.app = App(reactor, lambda: NOW / 1000, self.wire, self.screen, is_owner=is_owner)
        task = sent.task(description="dumps it", parallelism=1, on_overlap="queue")
        answers: dict[str, fakes.Reply] = {
            "GET /api/daemon": fakes.daemon(),
            "GET /api/system": SYSTEM,
            "GET /api/tasks": fakes.page(task),
            "GET /api/tasks/backup": task,
            "GET /api/runs": fakes.page(sent.run(2), sent.failed_run(1), total=2),
            "GET /api/notifications": fakes.notices(fakes.notice(), unread=1),
            "GET /api/system/metrics": fakes.page(),
            "GET /api/runs/summary": {
                "total": 0,
                "success": 0,
                "failed": 0,
                "missed": 0,
                "last_failure_at": None,
            },
        }
        for request, reply in answers.items():
            self.wire.on(request, reply)
        self.app.begin()
        self.wire.taps[0].feed("ping", {})

    def rows(self) -> list[str]:
        return text_of(self.app.frame.render((80, 24), focus=True))

    def text(self) -> str:
        return "\n".join(self.rows())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.rows()
            self.app.frame.keypress((80, 24), key)

    def title(self) -> str:
        """The first line of the view."""
        return self.rows()[0][28:].split()[0]

    def _stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    for call in made.reactor.getDelayedCalls():
        call.cancel()


def test_home_is_shown_first_with_the_latest_runs(bench: Bench) -> None:
    assert bench.title() == "Home"
    assert "#R002" in bench.text()
    assert bench.rows()[22].startswith(" Notifications (1, 1 unread)")


def test_the_help_bar_tells_the_keys_of_what_has_the_focus(bench: Bench) -> None:
    assert "f filter" in bench.rows()[23]
    bench.press("left")
    assert bench.rows()[23].startswith(" / filter")


def test_a_unit_is_opened_from_the_sidebar_and_left_again(bench: Bench) -> None:
    bench.press("h", "j", "enter")
    assert bench.title() == "backup"
    assert "dumps it" in bench.text()
    bench.press("esc")
    bench.press("k", "enter")
    assert bench.title() == "Home"


@pytest.mark.parametrize(("keys", "title"), [(["G"], "Debug"), (["G", "k"], "Info")])
def test_the_other_pages_are_below_the_units(bench: Bench, keys: list[str], title: str) -> None:
    bench.press("h", *keys, "enter")
    assert bench.title() == title


def test_back_leads_to_where_one_came_from(bench: Bench) -> None:
    bench.wire.on(f"GET /api/runs/{sent.run_id(2)}", sent.run(2))
    bench.press("enter")
    assert bench.title() != "Home"
    bench.press("esc")
    assert bench.title() == "Home"
    bench.press("esc", "j", "enter")
    assert bench.title() == "backup"


def test_notifications_are_opened_and_closed_from_anywhere(bench: Bench) -> None:
    bench.press("n")
    assert bench.rows()[13].startswith(" Notifications")
    assert "r read" in bench.rows()[23]
    bench.press("n")
    assert bench.rows()[22].startswith(" Notifications")
    bench.press("n", "esc")
    assert "f filter" in bench.rows()[23]


def test_keys_in_the_filter_of_names_are_text(bench: Bench) -> None:
    bench.press("h", "/", "q", "?", "n")
    assert "/q?n▏" in bench.text()
    assert bench.stopped == 0
    bench.press("ctrl c")
    assert bench.stopped == 1


def test_the_help_lies_over_the_screen_until_a_key_closes_it(bench: Bench) -> None:
    bench.press("?")
    assert "Keys" in bench.text()
    bench.press("n", "?")
    assert "Keys" not in bench.text()
    assert bench.rows()[22].startswith(" Notifications")


def test_a_task_is_run_after_a_question_and_the_answer_is_told_for_a_moment(bench: Bench) -> None:
    bench.wire.on("POST /api/tasks/backup/trigger", sent.live_run(3))
    bench.press("h", "j", "r")
    assert "Run backup now?" in bench.text()
    bench.press("enter")
    assert "POST /api/tasks/backup/trigger" not in bench.wire.asked
    bench.press("r", "y")
    assert "POST /api/tasks/backup/trigger" in bench.wire.asked
    assert bench.rows()[23] == " backup was triggered"
    bench.reactor.advance(FLASH_S)
    assert "backup was triggered" not in bench.text()


def test_what_is_refused_is_told_and_everything_is_read_again(bench: Bench) -> None:
    bench.wire.on("POST /api/tasks/backup/trigger", WrongState("it is going down"))
    before = bench.wire.asked.count("GET /api/tasks")
    bench.press("h", "j", "r", "y")
    assert bench.rows()[23] == " it is going down"
    assert bench.wire.asked.count("GET /api/tasks") == before + 1


def test_a_reload_tells_what_has_changed(bench: Bench) -> None:
    empty: sent.Document = {"removed": [], "changed": [], "settings": [], "warnings": []}
    bench.wire.on("POST /api/daemon/reload", {**empty, "added": ["new"]})
    bench.press("R")
    assert bench.rows()[23] == " reloaded: +1 -0 ~0"


def test_a_lost_connection_has_a_chip_and_actions_are_refused(bench: Bench) -> None:
    bench.wire.taps[0].end()
    assert bench.rows()[23].endswith("reconnecting…")
    bench.press("R")
    assert bench.rows()[23].startswith(" not connected")
    assert bench.title() == "Home"
    bench.reactor.advance(RETRY_S)
    bench.wire.taps[-1].feed("ping", {})
    assert "reconnecting" not in bench.text()


def test_what_cannot_be_asked_while_the_daemon_is_gone_is_told_in_two_words(bench: Bench) -> None:
    bench.wire.taps[0].end()
    bench.wire.on("POST /api/notifications/read", unreachable())
    bench.press("n", "a")
    assert bench.rows()[23].startswith(" not connected")


def test_an_error_of_a_request_is_told_and_kept_for_the_debug_page(bench: Bench) -> None:
    bench.wire.on("GET /api/runs/summary", unreachable())
    bench.press("h", "G", "k", "enter")
    assert bench.rows()[23].startswith(" no daemon answers at")
    bench.press("h", "j", "enter")
    assert "[tui] no daemon answers" in bench.text()


def test_a_guest_quits_at_once(bench: Bench) -> None:
    bench.press("q")
    assert (bench.stopped, bench.app.ending) == (1, Ending.KEEP)


@pytest.mark.parametrize(
    ("keys", "stopped", "ending"),
    [
        (["k"], 1, Ending.KEEP),
        (["enter"], 1, Ending.KEEP),
        (["s"], 1, Ending.SHUT_DOWN),
        (["c"], 0, Ending.KEEP),
        (["esc"], 0, Ending.KEEP),
    ],
)
def test_an_owner_is_asked_what_becomes_of_the_daemon(keys: list[str], stopped: int, ending: Ending) -> None:
    bench = Bench(is_owner=True)
    bench.press("q")
    assert "What becomes of it?" in bench.text()
    bench.press(*keys)
    assert (bench.stopped, bench.app.ending) == (stopped, ending)
    assert "What becomes of it?" not in bench.text()


def test_what_cannot_be_copied_for_sure_is_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "clipboard_command", lambda environ: None)
    bench.app.copy("http://127.0.0.1:9477", "URL")
    assert bench.screen.copied == ["http://127.0.0.1:9477"]
    assert "Copy the URL" in bench.text()
    bench.press("enter")
    bench.app.copy("hunter2", "password", is_secret=True)
    assert bench.screen.copied[-1] == "hunter2"
    assert "hunter2" not in bench.text()


def test_what_was_copied_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "clipboard_command", lambda environ: ["copy"])
    monkeypatch.setattr(app_module, "succeeds", lambda command, text: True)
    bench.app.copy("http://127.0.0.1:9477", "URL")
    assert bench.rows()[23] == " URL copied"


@pytest.mark.parametrize("has_browser", [True, False])
def test_the_browser_is_opened_with_a_ticket_or_the_link_is_given(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, has_browser: bool
) -> None:
    opened: list[str] = []

    def start(command: list[str]) -> bool:
        opened.extend(command)
        return True

    monkeypatch.setattr(app_module, "opens", start)
    monkeypatch.setattr(app_module, "clipboard_command", lambda environ: None)
    monkeypatch.setattr(app_module, "browser_command", lambda environ, url: [url] if has_browser else None)
    bench.wire.on("POST /api/auth/launch-ticket", {"ticket": "T" * 43, "expires_in": 60})
    bench.app.open_browser()
    link = "http://127.0.0.1:9477/api/auth/launch-ticket?ticket=" + "T" * 43
    assert (opened, bench.screen.copied) == (([link], []) if has_browser else ([], [link]))


def test_on_the_full_screen_the_terminal_has_the_mouse(bench: Bench) -> None:
    bench.app.set_fullscreen(True)
    assert bench.rows()[0].startswith(" Home")
    assert not bench.app._loop.handle_mouse
    bench.app.set_fullscreen(False)
    assert bench.app._loop.handle_mouse


def test_a_bug_ends_the_application_and_is_told(bench: Bench) -> None:
    async def work() -> None:
        raise ZeroDivisionError

    crashed: list[bool] = []
    bench.reactor.crash = lambda: crashed.append(True)  # type: ignore[method-assign]  # as for stop
    bench.app.start(work())
    assert crashed == [True]
    with pytest.raises(ZeroDivisionError):
        bench.app._event_loop.run()


def test_changes_are_drawn_together(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    monkeypatch.setattr(Screen, "started", property(lambda self: True))
    monkeypatch.setattr(urwid.MainLoop, "draw_screen", _noting(drawn, bench.reactor.seconds))
    bench.reactor.advance(1)
    drawn.clear()
    for _ in range(200):
        bench.app.invalidate()
        bench.reactor.advance(0.001)
    assert 3 <= len(drawn) <= 4


def test_ages_are_drawn_again_as_they_change(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    monkeypatch.setattr(Screen, "started", property(lambda self: True))
    monkeypatch.setattr(urwid.MainLoop, "draw_screen", _noting(drawn, bench.reactor.seconds))
    bench.rows()
    bench.app.invalidate()
    for _ in range(100):
        bench.reactor.advance(0.1)
    assert 9 <= len(drawn) <= 12


def _noting(drawn: list[float], seconds: Callable[[], float]) -> Callable[[object], None]:
    def draw(self: object) -> None:
        drawn.append(seconds())

    return draw
