"""Takes the pictures of the terminal UI: ``python docs/screens/take.py`` in the checkout; it needs tmux.

Each picture is what the terminal shows, with its colours, as a file beside this one.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
RUNWISP = Path(sys.executable).parent / "runwisp"
WIDTH, HEIGHT = 100, 30
DEADLINE_S = 60.0
TMUX = ("tmux", "-L", "runwisp-pictures", "-f", "/dev/null")

#: The name of a picture, the keys that lead there from the one before, and what has to be shown by then.
TOUR: Sequence[tuple[str, Sequence[str], str]] = (
    ("home", [], "Recent activity"),
    ("notifications", ["n"], "a all read"),
    ("task", ["n", "Left", "/", *"tests", "Enter"], "Run Now"),
    ("run", ["Right", "Down", "Down", "Enter"], "expected 402"),
    ("search", ["/", *"fail", "Enter"], "1 of 5"),
)


def tmux(*args: str) -> str:
    return subprocess.run([*TMUX, *args], capture_output=True, text=True, check=True).stdout


def when_shown(text: str) -> str:
    """The screen with its colours as soon as ``text`` is on it and it has come to rest."""
    before, deadline = "", time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        plain = tmux("capture-pane", "-p")
        if text in plain and plain == before:
            return tmux("capture-pane", "-p", "-e")
        before = plain
        time.sleep(0.3)
    raise SystemExit(f"no {text!r} in\n{before}")


def press(*keys: str) -> None:
    for key in keys:
        tmux("send-keys", key)
        time.sleep(0.3)


def when_over() -> None:
    """Return when the demo has stopped its daemon, and its terminal is gone."""
    while subprocess.run([*TMUX, "has-session"], capture_output=True, check=False).returncode == 0:
        time.sleep(0.3)


def main() -> None:
    tmux(
        "new-session",
        "-d",
        "-x",
        str(WIDTH),
        "-y",
        str(HEIGHT),
        "-e",
        "COLORTERM=truecolor",
        f"{RUNWISP} demo",
    )
    try:
        tmux("set-option", "-s", "escape-time", "0")
        for name, keys, text in TOUR:
            press(*keys)
            (HERE / f"{name}.ansi").write_text(when_shown(text))
        press("Escape", "q")
        when_shown("Shut down")
        press("s")
        when_over()
    finally:
        subprocess.run([*TMUX, "kill-server"], capture_output=True, check=False)


main()
