"""The application: what is on the screen, where keys go, what is done (spec: interfaces, terminal UI)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any

import urwid
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from runwisp.client.errors import Unreachable
from runwisp.errors import RunWispError
from runwisp.model import RunId, UnixMs
from runwisp.tui import dialogs, keys, operations
from runwisp.tui.ansi import Depth
from runwisp.tui.debug import Debug, Messages
from runwisp.tui.desk import Overlay, Question, View
from runwisp.tui.frame import Frame, Scene
from runwisp.tui.helpbar import HelpBar
from runwisp.tui.home import Home
from runwisp.tui.info import Info
from runwisp.tui.keys import Action, Place
from runwisp.tui.model import Model
from runwisp.tui.notices import LINE_ROWS, PANEL_ROWS, Notices
from runwisp.tui.run import RunView
from runwisp.tui.sidebar import DEBUG, HOME, INFO, Page, Sidebar, UnitRow
from runwisp.tui.subscription import Subscription
from runwisp.tui.terminal import Terminal, browser_command, clipboard_command, opens, succeeds
from runwisp.tui.times import absolute
from runwisp.tui.unit import UnitView
from runwisp.tui.wire import Wire
from runwisp.units import now_ms

#: Changes are drawn at most so often.
FRAME_S = 0.05
#: How long a flash stays.
FLASH_S = 4.0


class Ending(Enum):
    """What becomes of the daemon when the terminal UI quits."""

    KEEP = "keep"
    SHUT_DOWN = "shut down"


class _Loop(urwid.MainLoop):
    """Draws when it is told to, instead of after each key."""

    def entering_idle(self) -> None:
        """Nothing."""


class App:
    """Implements :class:`runwisp.tui.desk.Desk`.

    :param is_owner: this program has started the daemon, and whoever quits is asked what becomes of it
    """

    def __init__(
        self,
        reactor: ReactorBase,
        wall: Callable[[], float],
        wire: Wire,
        terminal: Terminal,
        *,
        is_owner: bool,
    ) -> None:
        self._event_loop = urwid.TwistedEventLoop(reactor)
        self.model = Model()
        self.wire = wire
        wire.guard = self._guarded
        self.ending = Ending.KEEP
        self._reactor = reactor
        self._wall = wall
        self._terminal = terminal
        self._is_owner = is_owner
        self._messages = Messages(lambda: absolute(self.now(), self.model.zone))
        self._bar = HelpBar(self.model, self._places)
        self._sidebar = Sidebar(self, self._open_item)
        self._notices = Notices(self)
        self._scene = Scene(self._sidebar, Home(self), self._notices, self._bar)
        self._history: list[View] = []
        self._drawing: IDelayedCall | None = None
        self._ticking: IDelayedCall | None = None
        self._unflashing: IDelayedCall | None = None
        self._drawn_at = 0.0
        self._subscription = Subscription(self, reactor, self._refetch, self._messages.add)
        self.frame = Frame(self._scene, self._press)
        self._loop = _Loop(
            self.frame,
            screen=terminal,
            event_loop=self._event_loop,
            input_filter=self._on_input,
        )

    def run(self) -> None:
        """Show it until it quits. The terminal is as before then, whatever has happened."""
        signal.signal(signal.SIGINT, lambda *_: self._reactor.callFromThread(self._guarded(self._interrupt)))
        self._reactor.callWhenRunning(self._guarded(self.begin))
        self._loop.run()

    def begin(self) -> None:
        """Connect to the daemon; called when the reactor runs."""
        self._subscription.start()
        self._view.opened()
        self.invalidate()

    # What views ask for

    def now(self) -> UnixMs:
        return now_ms(self._wall)

    def seconds(self) -> float:
        return self._reactor.seconds()

    @property
    def colors(self) -> Depth:
        return self._terminal.colors

    def later(self, delay_s: float, work: Callable[[], None]) -> IDelayedCall:
        return self._reactor.callLater(delay_s, self._guarded(work))

    def invalidate(self) -> None:
        if self._drawing is None:
            delay = max(0.0, self._drawn_at + FRAME_S - self.seconds())
            self._drawing = self._reactor.callLater(delay, self._guarded(self._draw))

    def start(self, work: Coroutine[Deferred[Any], Any, object]) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def flash(self, text: str, ink: str = "success") -> None:
        self._bar.flash = (ink, text)
        if self._unflashing is not None and self._unflashing.active():
            self._unflashing.cancel()
        self._unflashing = self._reactor.callLater(FLASH_S, self._guarded(self._unflash))
        self.invalidate()

    def confirm(self, question: Question, on_yes: Callable[[], None]) -> None:
        self.open_overlay(dialogs.confirmation(self, question, on_yes))

    def act_on(
        self, question: Question | None, work: Callable[[], Coroutine[Deferred[Any], Any, str]]
    ) -> None:
        if not self.model.is_connected:
            self.flash("not connected", "error")
        elif question is None:
            self.start(self._done(work))
        else:
            self.confirm(question, lambda: self.start(self._done(work)))

    def copy(self, text: str, name: str, *, is_secret: bool = False) -> None:
        self.start(self._copied(text, name, is_secret=is_secret))

    def open_browser(self) -> None:
        self.start(self._browsed())

    def toggle_notices(self) -> None:
        self._notices.is_open = not self._notices.is_open
        self._scene.footer_rows = PANEL_ROWS if self._notices.is_open else LINE_ROWS
        self._scene.focused = self._notices if self._notices.is_open else self._scene.view
        self.invalidate()

    def show(self, view: View) -> None:
        self._history.append(self._view)
        self._replace(view)

    def show_unit(self, name: str) -> None:
        self.show(UnitView(self, name))

    def show_run(self, run_id: RunId) -> None:
        self.show(RunView(self, run_id))

    def back(self) -> None:
        if self._history:
            self._replace(self._history.pop())
        else:
            self._scene.focused = self._sidebar
        self.invalidate()

    def set_fullscreen(self, is_full: bool) -> None:
        self._scene.is_full = is_full
        self._terminal.set_mouse_tracking(not is_full)
        self._loop.handle_mouse = not is_full
        self.invalidate()

    def open_overlay(self, overlay: Overlay) -> None:
        self._scene.overlay = overlay
        self.invalidate()

    def close_overlay(self) -> None:
        self._scene.overlay = None
        self.invalidate()

    # Keys

    @property
    def _view(self) -> View:
        view = self._scene.view
        if not isinstance(view, View):
            raise TypeError(view)
        return view

    def _places(self) -> tuple[Place, ...]:
        return self._scene.focused.places()

    def _on_input(
        self, names: list[str | tuple[str, int, int, int]], raw: list[int]
    ) -> list[str | tuple[str, int, int, int]]:
        self.invalidate()
        return names

    def _press(self, key: str) -> None:
        focused = self._scene.focused
        if self._scene.overlay is not None:
            self._scene.overlay.press(key)
        elif focused.takes_text() and key != "ctrl c":
            focused.type(key)
        else:
            action = keys.find(focused.places(), key)
            if action is not None and not focused.act(action):
                self._act(action)

    def _act(self, action: Action) -> None:
        if action is Action.QUIT:
            self._ask_to_quit()
        elif action is Action.HELP:
            self.open_overlay(dialogs.help_overlay(self))
        elif action is Action.NOTICES:
            self.toggle_notices()
        elif action is Action.RELOAD:
            operations.reload_config(self)
        elif action is Action.LEFT:
            self._scene.focused = self._sidebar
        elif action is Action.RIGHT:
            self._scene.focused = self._scene.view
        elif action is Action.BACK:
            self._step_back()

    def _step_back(self) -> None:
        if self._scene.focused is self._notices:
            if self._notices.is_open:
                self.toggle_notices()
        elif self._scene.focused is self._scene.view:
            self.back()

    def _interrupt(self) -> None:
        self._press("ctrl c")
        self.invalidate()

    def _open_item(self, item: Page | UnitRow) -> None:
        self._history.clear()
        self._sidebar.shown = item
        if isinstance(item, UnitRow):
            self._replace(UnitView(self, item.name))
        else:
            makers: dict[Page, Callable[[], View]] = {
                HOME: lambda: Home(self),
                INFO: lambda: Info(self),
                DEBUG: lambda: Debug(self, self._messages),
            }
            self._replace(makers[item]())

    def _replace(self, view: View) -> None:
        self._view.closed()
        self._scene.view = self._scene.focused = view
        view.opened()
        self.invalidate()

    # What is drawn when

    def _draw(self) -> None:
        self._drawing = None
        self._drawn_at = self.seconds()
        if not self._terminal.started:
            return
        self._loop.draw_screen()
        if self._ticking is not None and self._ticking.active():
            self._ticking.cancel()
        ticks = [tick for tick in (self._view.tick_s(), self._notices.tick_s()) if tick is not None]
        if ticks:
            self._ticking = self._reactor.callLater(min(ticks), self.invalidate)

    def _unflash(self) -> None:
        self._bar.flash = None
        self.invalidate()

    # What happens

    def _refetch(self) -> None:
        self._view.refetch()

    def _guarded(self, work: Callable[..., None]) -> Callable[..., None]:
        """``work``, where an exception ends the application and is told when the terminal is back."""
        guarded: Callable[..., None] = self._event_loop.handle_exit(work, enable_idle=False)
        return guarded

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, Unreachable) and not self.model.is_connected:
            self.flash("not connected", "error")
        elif isinstance(failure.value, RunWispError):
            hints = [hint for hint in failure.value.hints[:1] if self.model.is_connected]
            self.flash(": ".join([str(failure.value), *hints]), "error")
            self._messages.add(str(failure.value))
        else:
            self._guarded(failure.raiseException)()

    async def _done(self, work: Callable[[], Coroutine[Deferred[Any], Any, str]]) -> None:
        try:
            self.flash(await work())
        except RunWispError:
            self._subscription.fetch()
            raise

    async def _copied(self, text: str, name: str, *, is_secret: bool) -> None:
        self._terminal.copy_to_clipboard(text)
        command = clipboard_command(os.environ)
        if command is not None and await self._in_thread(lambda: succeeds(command, text)):
            self.flash(f"{name} copied")
        elif is_secret:
            self.flash(f"{name} sent to the clipboard of the terminal")
        else:
            note = "It was sent to the clipboard of the terminal too, which may or may not have taken it."
            self.open_overlay(dialogs.message(self, f"Copy the {name}", text, [note]))

    async def _browsed(self) -> None:
        daemon = self.model.daemon
        if daemon is None:
            return
        ticket = await self.wire.ask(lambda api: api.launch_ticket())
        url = f"{daemon.url.rstrip('/')}/api/auth/launch-ticket?ticket={ticket}"
        command = browser_command(os.environ, url)
        if command is not None and await self._in_thread(lambda: opens(command)):
            self.flash("opened in the browser")
        else:
            self.copy(url, "link")

    async def _in_thread(self, work: Callable[[], bool]) -> bool:
        return await self.wire.ask(lambda _: work())

    # The end

    def _ask_to_quit(self) -> None:
        if not self._is_owner:
            self._reactor.stop()
            return
        question = Question("Quit", "This program has started the daemon. What becomes of it?")
        choices = [
            dialogs.Choice("Keep running (k)", "k", lambda: self._quit(Ending.KEEP)),
            dialogs.Choice("Shut down (s)", "s", lambda: self._quit(Ending.SHUT_DOWN)),
            dialogs.Choice("Cancel (c)", "c", lambda: None),
        ]
        self.open_overlay(dialogs.Dialog(self, question, choices, preselected=0))

    def _quit(self, ending: Ending) -> None:
        self.ending = ending
        self._reactor.stop()
