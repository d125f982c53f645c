"""The terminal itself, and what is beside it: the clipboard and the browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

import urwid.display.raw

from runwisp.tui.theme import palette

#: Reports of movement without a button pressed, which urwid does not ask for.
_MOVEMENT_ON, _MOVEMENT_OFF = "\x1b[?1003h", "\x1b[?1003l"
_HELPER_S = 3.0
#: A browser that has not failed by then is open, and may be what was started itself.
_BROWSER_S = 1.0


class Terminal(urwid.display.raw.Screen):
    """Adds to the screen of urwid the pointer's movement and our colours."""

    def __init__(self) -> None:
        super().__init__(focus_reporting=False)
        self.register_palette(palette(self.colors))

    def _mouse_tracking(self, enable: bool) -> None:
        if not enable:
            self.write(_MOVEMENT_OFF)
        super()._mouse_tracking(enable)
        if enable and self.modes.mouse_reporting is not False:
            self.write(_MOVEMENT_ON)


def clipboard_command(environ: Mapping[str, str]) -> Sequence[str] | None:
    """The program that puts its input into the clipboard here, None if there is none."""
    if sys.platform == "darwin":
        return ["pbcopy"]
    if environ.get("WAYLAND_DISPLAY") and shutil.which("wl-copy"):
        return ["wl-copy"]
    if environ.get("DISPLAY") and shutil.which("xclip"):
        return ["xclip", "-selection", "clipboard"]
    return None


def browser_command(environ: Mapping[str, str], url: str) -> Sequence[str] | None:
    """What opens ``url`` on this desktop, None if there is no desktop."""
    if sys.platform == "darwin":
        return ["open", url]
    has_display = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    return ["xdg-open", url] if has_display and shutil.which("xdg-open") else None


def opens(command: Sequence[str]) -> bool:
    """Start the command and leave it running; False if it has failed within a second."""
    try:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return started.wait(_BROWSER_S) == 0
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False


def succeeds(command: Sequence[str], text: str) -> bool:
    """Run the command with ``text`` as its input; it blocks for a few seconds at most."""
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_HELPER_S,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
