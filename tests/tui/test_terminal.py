from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping

import pytest

from runwisp.tui import terminal as terminal_module
from runwisp.tui.terminal import Terminal, browser_command, clipboard_command, opens, succeeds


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The programs that are there."""
    names: set[str] = set()
    monkeypatch.setattr(shutil, "which", lambda name: name if name in names else None)
    monkeypatch.setattr(sys, "platform", "linux")
    return names


@pytest.mark.parametrize(
    ("environ", "programs", "first"),
    [
        ({"WAYLAND_DISPLAY": "wayland-0"}, {"wl-copy", "xclip"}, "wl-copy"),
        ({"DISPLAY": ":0"}, {"wl-copy", "xclip"}, "xclip"),
        ({"DISPLAY": ":0"}, {"wl-copy"}, None),
        ({}, {"wl-copy", "xclip"}, None),
    ],
)
def test_the_clipboard_is_that_of_the_desktop(
    installed: set[str], environ: Mapping[str, str], programs: set[str], first: str | None
) -> None:
    installed |= programs
    command = clipboard_command(environ)
    assert (command[0] if command is not None else None) == first


def test_a_browser_needs_a_desktop(installed: set[str]) -> None:
    installed.add("xdg-open")
    assert browser_command({}, "http://x") is None
    assert browser_command({"DISPLAY": ":0"}, "http://x") == ["xdg-open", "http://x"]
    installed.clear()
    assert browser_command({"DISPLAY": ":0"}, "http://x") is None


def test_a_helper_gets_the_text_and_is_judged_by_its_exit_code() -> None:
    assert succeeds(["grep", "-q", "needle"], "a needle")
    assert not succeeds(["grep", "-q", "needle"], "hay")
    assert not succeeds(["/does/not/exist"], "hay")


def test_what_opens_a_browser_may_end_or_go_on_but_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_module, "_BROWSER_S", 0.0)
    assert opens(["sleep", "0.05"])
    os.wait()
    monkeypatch.setattr(terminal_module, "_BROWSER_S", 10.0)
    assert opens(["true"])
    assert not opens(["false"])
    assert not opens(["/does/not/exist"])


def test_movement_of_the_pointer_is_reported_only_with_the_mouse() -> None:
    written: list[str] = []
    terminal = Terminal()
    terminal.write = written.append  # type: ignore[method-assign, assignment]  # instead of to stdout
    terminal.set_mouse_tracking()
    assert "\x1b[?1003h" in "".join(written)
    written.clear()
    terminal.set_mouse_tracking(False)
    assert "\x1b[?1003l" in "".join(written)
    assert "h" not in "".join(written).replace("\x1b[?", "")
