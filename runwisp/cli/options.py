"""The global flags: what they are called, and where their values come from.

Shared by the command line and by the options of ``twistd runwisp``, therefore without click (spec:
interfaces, invocation and global flags).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from runwisp.errors import UsageError

SYSTEM_CONFIG = Path("/etc/runwisp/runwisp.toml")
SYSTEM_DATA = Path("/var/lib/runwisp")

LOG_LEVELS = ("debug", "info", "warn", "error")
LOG_FORMATS = ("auto", "text", "json")


@frozen
class Flag:
    """A global flag. ``default`` is what the help shows."""

    name: str
    metavar: str
    help: str
    default: str
    short: str | None = None

    @property
    def variable(self) -> str:
        """The environment variable that stands in for the flag."""
        return "RUNWISP_" + self.key.upper()

    @property
    def key(self) -> str:
        """The name as an attribute of :class:`Globals`."""
        return self.name.replace("-", "_")


FLAGS = (
    Flag("config", "PATH", "Configuration file.", "runwisp.toml", short="c"),
    Flag("data", "DIR", "Data directory.", "data"),
    Flag("port", "N", "HTTP port.", "9477", short="p"),
    Flag("host", "ADDR", "Address to listen on; 0.0.0.0 means all.", "127.0.0.1"),
    Flag("socket", "PATH", "Control socket.", "runwisp.sock in the data directory"),
    Flag("log-level", "LEVEL", "One of debug, info, warn and error.", "info"),
    Flag("log-format", "FORMAT", "One of auto, text and json.", "auto"),
)


@frozen
class Globals:
    """The values of the global flags. ``config`` is None where the file has to be searched for.

    ``given`` names those that a flag or a variable has set.
    """

    config: str | None
    data: Path
    host: str
    port: int
    socket: Path
    log_level: str
    log_format: str
    given: frozenset[str] = field(default=frozenset(), eq=False)

    def flags(self) -> list[str]:
        """The flags that give another process the same values."""
        values = {flag.name: getattr(self, flag.key) for flag in FLAGS}
        return [f"--{name}={value}" for name, value in values.items() if value is not None]


@frozen
class _Value:
    """What a flag was given, and by what: the flag itself or its variable."""

    text: str
    origin: str


def resolve(flags: Mapping[str, str | None], environ: Mapping[str, str], cwd: Path, is_root: bool) -> Globals:
    """The value of each global flag: the flag's, else the variable's, else the default.

    ``flags`` is keyed by the attribute names of :class:`Globals`; None or absent means not given. Relative
    paths start at ``cwd``.

    :raises UsageError: a value is blank, not a port, or not one of the words allowed
    """
    given = {flag.key: value for flag in FLAGS if (value := _given(flag, flags, environ)) is not None}
    config = given["config"].text if "config" in given else None
    data = cwd / _text(given, "data", str(_default_data(config, cwd, is_root)))
    return Globals(
        config=config,
        data=data,
        host=_text(given, "host", "127.0.0.1"),
        port=_port(given.get("port")),
        socket=cwd / _text(given, "socket", str(data / "runwisp.sock")),
        log_level=_word(given, "log_level", LOG_LEVELS, "info"),
        log_format=_word(given, "log_format", LOG_FORMATS, "auto"),
        given=frozenset(given),
    )


def _given(flag: Flag, flags: Mapping[str, str | None], environ: Mapping[str, str]) -> _Value | None:
    text = flags.get(flag.key)
    if text is not None:
        if not text.strip():
            raise UsageError(f"--{flag.name} must not be blank")
        return _Value(text, f"--{flag.name}")
    # A blank variable counts as unset, as it does for whoever writes NAME= in a unit file.
    text = environ.get(flag.variable, "")
    return _Value(text, flag.variable) if text.strip() else None


def _default_data(config: str | None, cwd: Path, is_root: bool) -> Path:
    """``data``, unless root is about to use the system's configuration."""
    is_system = is_root and config is None and not (cwd / "runwisp.toml").exists() and SYSTEM_CONFIG.exists()
    return SYSTEM_DATA if is_system else Path("data")


def _text(given: Mapping[str, _Value], key: str, default: str) -> str:
    return given[key].text if key in given else default


def _word(given: Mapping[str, _Value], key: str, words: tuple[str, ...], default: str) -> str:
    value = given.get(key)
    if value is not None and value.text not in words:
        raise UsageError(f"{value.origin}: {value.text!r} is not one of {', '.join(words)}")
    return value.text if value is not None else default


def _port(value: _Value | None) -> int:
    if value is None:
        return 9477
    text = value.text
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise UsageError(f"{value.origin}: {text!r} is not a port; use 1 to 65535")
    return int(text)
