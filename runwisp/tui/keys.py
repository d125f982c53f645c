"""The one table of keys: what they do and where. The help bar and the help overlay come from it.

Spec: interfaces, keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum, StrEnum

from attrs import frozen


class Place(Enum):
    """Where a key is pressed; the value is the heading in the help overlay."""

    SIDEBAR = "Sidebar"
    HOME = "Home"
    RUNS = "Lists of runs"
    MARKED = "Selected runs"
    TASK = "Task or service"
    RUN = "Run"
    LOG = "Log"
    SEARCH = "Search in logs"
    NOTICES = "Notifications"
    INFO = "Info"
    DEBUG = "Debug"
    LIST = "Lists and logs"
    ANYWHERE = "Anywhere"


class Action(StrEnum):
    HELP = "help"
    QUIT = "quit"
    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    PAGE_UP = "page_up"
    PAGE_DOWN = "page_down"
    TOP = "top"
    END = "end"
    OPEN = "open"
    BACK = "back"
    RUN = "run"
    STOP = "stop"
    PAUSE = "pause"
    NOTICES = "notices"
    FULLSCREEN = "fullscreen"
    FILTER = "filter"
    FILTER_NAMES = "filter_names"
    SEARCH = "search"
    DETAILS = "details"
    RELOAD = "reload"
    LOG_LINK = "log_link"
    DELETE = "delete"
    MARK = "mark"
    MARK_ALL = "mark_all"
    DELETE_MARKED = "delete_marked"
    STOP_MARKED = "stop_marked"
    RERUN_MARKED = "rerun_marked"
    TOGGLE_READ = "toggle_read"
    READ_ALL = "read_all"
    REGEX = "regex"
    CASE = "case"


@frozen
class Binding:
    """``keys`` are what urwid calls them. ``label`` is for the help bar, None keeps the key out of it."""

    action: Action
    keys: tuple[str, ...]
    places: frozenset[Place]
    text: str
    label: str | None = None


def _bind(action: Action, keys: str, places: Iterable[Place], text: str, label: str | None = None) -> Binding:
    names = tuple(" " if key == "space" else key.replace("_", " ") for key in keys.split())
    return Binding(action, names, frozenset(places), text, label)


_EVERYWHERE = [Place.ANYWHERE]

#: In the order in which the help shows them. Of two for the same key, that of the inner place counts.
BINDINGS = (
    _bind(Action.OPEN, "enter", _EVERYWHERE, "open, activate, copy", "open"),
    _bind(Action.FILTER_NAMES, "/", [Place.SIDEBAR], "filter names", "filter"),
    _bind(Action.RUN, "r", [Place.SIDEBAR, Place.TASK], "run now, restart or start a service", "run"),
    _bind(Action.STOP, "s", [Place.TASK, Place.RUN], "stop", "stop"),
    _bind(Action.PAUSE, "p", [Place.TASK], "pause or resume the schedule", "pause"),
    _bind(Action.RUN, "r", [Place.RUN], "retry, or restart the service", "retry"),
    _bind(Action.FULLSCREEN, "f", [Place.RUN], "log on the full screen", "full"),
    _bind(Action.FILTER, "f", [Place.RUNS], "filter by status or group", "filter"),
    _bind(Action.SEARCH, "/", [Place.TASK, Place.RUN], "search in the logs", "search"),
    _bind(Action.DETAILS, "i", [Place.TASK, Place.RUN], "details", "details"),
    _bind(Action.LOG_LINK, "d", [Place.RUN], "link to the log as it was written"),
    _bind(Action.DELETE, "D", [Place.RUN], "delete the run", "delete"),
    _bind(Action.MARK, "space", [Place.RUNS], "select a run", "select"),
    _bind(Action.MARK_ALL, "a", [Place.RUNS], "select all that match"),
    _bind(Action.DELETE_MARKED, "d", [Place.MARKED], "delete what is selected", "delete"),
    _bind(Action.STOP_MARKED, "c", [Place.MARKED], "stop what is selected", "stop"),
    _bind(Action.RERUN_MARKED, "e", [Place.MARKED], "run what is selected again", "re-run"),
    _bind(Action.REGEX, "tab", [Place.SEARCH], "what is searched is a regular expression"),
    _bind(Action.CASE, "meta_c", [Place.SEARCH], "letter case counts"),
    _bind(Action.TOGGLE_READ, "r", [Place.NOTICES], "read or unread", "read"),
    _bind(Action.READ_ALL, "a", [Place.NOTICES], "all read", "all read"),
    _bind(Action.UP, "up k", [Place.LIST], "up one"),
    _bind(Action.DOWN, "down j", [Place.LIST], "down one"),
    _bind(Action.PAGE_UP, "page_up", [Place.LIST], "up a page"),
    _bind(Action.PAGE_DOWN, "page_down", [Place.LIST], "down a page"),
    _bind(Action.TOP, "g home", [Place.LIST], "to the top"),
    _bind(Action.END, "G end", [Place.LIST], "to the end"),
    _bind(Action.LEFT, "left h", _EVERYWHERE, "to the panel at the left; in a log, move left"),
    _bind(Action.RIGHT, "right l", _EVERYWHERE, "to the panel at the right; in a log, move right"),
    _bind(Action.BACK, "esc backspace", _EVERYWHERE, "back, or to the sidebar", "back"),
    _bind(Action.NOTICES, "n", _EVERYWHERE, "notifications", "notices"),
    _bind(Action.RELOAD, "R", _EVERYWHERE, "reload the configuration"),
    _bind(Action.HELP, "?", _EVERYWHERE, "this help", "help"),
    _bind(Action.QUIT, "q ctrl_c", _EVERYWHERE, "quit", "quit"),
)

_SHOWN = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "⏎",
    "esc": "Esc",
    " ": "space",
    "page up": "PgUp",
    "page down": "PgDn",
    "home": "Home",
    "end": "End",
    "backspace": "Backspace",
    "ctrl c": "Ctrl+C",
    "tab": "Tab",
    "meta c": "Alt+C",
}


def find(places: Iterable[Place], key: str) -> Action | None:
    """What ``key`` does there; ``places`` go from the inside out, with :attr:`Place.ANYWHERE` around them."""
    for place in (*places, Place.ANYWHERE):
        for binding in BINDINGS:
            if place in binding.places and key in binding.keys:
                return binding.action
    return None


def shown(key: str) -> str:
    """A key as people write it."""
    return _SHOWN.get(key, key)


def bar(places: Iterable[Place]) -> Iterator[tuple[str, str]]:
    """Keys and labels for the help bar, those of the inner places first; no key comes twice."""
    seen: set[str] = set()
    for place in (*places, Place.ANYWHERE):
        for binding in BINDINGS:
            if place not in binding.places or binding.keys[0] in seen:
                continue
            seen.update(binding.keys)
            if binding.label is not None:
                yield shown(binding.keys[0]), binding.label


def overview() -> Iterator[tuple[Place, list[tuple[str, str]]]]:
    """All keys by place, for the help overlay."""
    for place in Place:
        rows = [
            (" ".join(map(shown, binding.keys)), binding.text)
            for binding in BINDINGS
            if place in binding.places
        ]
        if rows:
            yield place, rows
