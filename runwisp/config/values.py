"""The kinds of values of this program (spec: config, values)."""

from __future__ import annotations

import re

from runwisp.config import cron
from runwisp.config.addresses import (
    covers_everything,
    host_name,
    http_url,
    listen_address,
    mail_address,
    network,
)
from runwisp.config.failures import parse_failures
from runwisp.config.fields import Field, Place, Unset
from runwisp.config.globs import compile_glob
from runwisp.config.kinds import (
    DURATION_TITLE,
    Boolean,
    CatchUpRule,
    Integer,
    Listing,
    Nested,
    StartRule,
    StringMap,
    Text,
    check_header,
    check_variable,
    limit_text,
    parse_word,
)
from runwisp.config.problems import reject
from runwisp.config.zones import known_zones
from runwisp.errors import ProblemClass
from runwisp.model import Seconds
from runwisp.units import DURATION_EXAMPLES, SIZE_EXAMPLES, parse_duration, parse_size

STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2")

_OCTAL = re.compile(r"0*[0-7]{1,3}")
_ACCOUNT = re.compile(r"[^:\s\0]+(?::[^:\s\0]+)?")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHANNEL = re.compile(r"[#@]\S+")


def _duration(text: str, field: Field, place: Place) -> Seconds:
    seconds = parse_duration(text)
    if field.limits and not field.limits.contain(seconds):
        raise reject(ProblemClass.RANGE, f"must be {limit_text(field)}", text)
    return seconds


def _stop_signal(text: str, field: Field, place: Place) -> str:
    if text.upper() not in STOP_SIGNALS:
        raise reject(ProblemClass.ENUM, f"must be one of {', '.join(STOP_SIGNALS)}", text)
    return text.upper()


def _zone(text: str, field: Field, place: Place) -> str:
    check_zone(text)
    return text


def check_zone(name: str) -> None:
    """:raises runwisp.config.problems.Rejected: if the zone database has no ``name``"""
    if name not in known_zones():
        raise reject(ProblemClass.FORMAT, "must be a time zone like Europe/Bratislava or UTC", name)


def _cron(text: str, field: Field, place: Place) -> str | Unset:
    if not text:
        return Unset.UNSET
    try:
        cron.parse(text)
    except ValueError as error:
        raise reject(ProblemClass.FORMAT, f"cannot be used: {error}") from None
    return text


def _umask(text: str, field: Field, place: Place) -> int:
    return int(_matching(_OCTAL, text), 8)


def _path(text: str, field: Field, place: Place) -> str:
    return place.resolve(_without_nul(text))


def _home_or_path(text: str, field: Field, place: Place) -> str:
    """A path below ``~`` stays as it is: whose home that is depends on the unit's user."""
    return text if text == "~" or text.startswith("~/") else _path(text, field, place)


def _absolute_path(text: str, field: Field, place: Place) -> str:
    if not text.startswith("/"):
        raise ValueError(text)
    return _without_nul(text)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError(text)
    return text


def _include(text: str, field: Field, place: Place) -> str:
    if "**" in text:
        raise ValueError(text)
    compile_glob(_without_nul(text))
    return place.resolve(text)


def _proxy(text: str, field: Field, place: Place) -> str | Unset:
    if not text.strip():
        return Unset.UNSET
    net = network(text)
    if covers_everything(net):
        raise reject(ProblemClass.RANGE, "must leave some addresses out", text)
    return str(net)


def _token(text: str, field: Field, place: Place) -> str:
    """``id`` or ``id:target``, without blanks around the two."""
    parts = [part.strip() for part in text.split(":", 1)]
    if not all(parts):
        raise ValueError(text)
    return ":".join(parts)


def _glob(text: str, field: Field, place: Place) -> str:
    compile_glob(text)
    return text


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


STRING = Text("string")
SHELL_TEXT = Text("string", parse=lambda text, field, place: _without_nul(text), rule="must not hold a NUL")
OPTIONAL_STRING = Text("string", blank_is_unset=True)
BOOLEAN = Boolean()
INTEGER = Integer()
DEFAULTED_INTEGER = Integer(zero_is_default=True)
WORD = Text("word", parse=parse_word, blank_is_unset=True)
DURATION = Text(
    DURATION_TITLE, f"must be a duration like {DURATION_EXAMPLES}", _duration, blank_is_unset=True
)
SIZE = Text(
    "size",
    f"must be a size like {SIZE_EXAMPLES}",
    lambda text, field, place: parse_size(text),
    blank_is_unset=True,
)
CRON = Text("schedule", parse=_cron)
ZONE = Text("time zone", parse=_zone)
SIGNAL = Text("signal", parse=_stop_signal, blank_is_unset=True)
UMASK = Text("octal digits", 'must be octal digits from 0 to 0777 like "027" or "0022"', _umask)
USER = Text(
    "account",
    'must be "user" or "user:group", each a name or number',
    lambda text, field, place: _matching(_ACCOUNT, text),
)
PATH = Text("path", "must be a path without NUL", _path, blank_is_unset=True)
WORKING_DIR = Text("path", "must be a path without NUL", _home_or_path, blank_is_unset=True)
ABSOLUTE_PATH = Text(
    "absolute path", "must be an absolute path like /bin/bash", _absolute_path, blank_is_unset=True
)
START_RULE = StartRule()
CATCH_UP_RULE = CatchUpRule()
FAILURES = Listing("list of outcomes", STRING, parse_failures)
ENV = StringMap("map of variables", check_variable)
HEADERS = StringMap("map of strings", check_header)
TABLE = Nested()
TOKENS = Listing(
    "list of notifiers",
    Text("notifier", 'must be an id like "ops", or "id:target"', _token),
    lambda tokens, field: tuple(dict.fromkeys(tokens)),
)
UNIT_NAMES = Listing("list of services", STRING)
URL = Text(
    "URL", "must be an address like https://example.net/path", lambda text, field, place: http_url(text)
)
BASE_URL = Text(
    "URL",
    "must be an address like https://jobs.example.net",
    lambda text, field, place: http_url(text).rstrip("/"),
)
HOST_NAMES = Listing(
    "list of host names",
    Text(
        "host name",
        "must be a host name like jobs.internal, without a port",
        lambda text, field, place: host_name(text),
    ),
)
LISTEN_ADDRESS = Text(
    "host:port",
    'must be host and port like "127.0.0.1:9478" or "[::1]:9478"',
    lambda text, field, place: (listen_address(text), text)[1],
)
NETWORKS = Listing(
    "list of networks", Text("network", "must be a network or address like 10.20.0.0/16 or 192.0.2.7", _proxy)
)
INCLUDES = Listing("list of globs", Text("glob", "must be a glob like jobs.d/*.toml, without **", _include))
GLOB = Text("glob", "must be a glob like backup-* with each [ closed", _glob)
MAIL_ADDRESS = Text(
    "mail address", "must be an address like ops@example.net", lambda text, field, place: mail_address(text)
)
MAIL_ADDRESSES = Listing("list of mail addresses", MAIL_ADDRESS)
CHANNEL = Text(
    "channel", 'must begin with # or @ like "#ops"', lambda text, field, place: _matching(_CHANNEL, text)
)
TOPIC = Text(
    "topic", "must be 1 to 64 of A-Z a-z 0-9 _ -", lambda text, field, place: _matching(_TOPIC, text)
)
EVENT_KINDS = Listing("list of event kinds", Text("event kind", parse=parse_word), lone=True)
