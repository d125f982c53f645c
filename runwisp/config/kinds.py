"""The kinds of values of this program (spec: config, values)."""

from __future__ import annotations

import re
from collections.abc import Callable

from runwisp.config import cron
from runwisp.config.addresses import (
    covers_everything,
    host_name,
    http_url,
    listen_address,
    mail_address,
    network,
)
from runwisp.config.failures import REASONS, parse_failures
from runwisp.config.fields import Field, Place, Unset
from runwisp.config.globs import compile_glob
from runwisp.config.problems import reject
from runwisp.config.shapes import (
    DURATION_TITLE,
    MAX_ENV_BYTES,
    Boolean,
    CatchUpRule,
    Integer,
    Listing,
    Nested,
    Parse,
    StartRule,
    StringMap,
    Text,
    check_header,
    check_variable,
    limit_text,
    parse_word,
)
from runwisp.config.substitution import ENV_NAME
from runwisp.config.zones import known_zones
from runwisp.errors import ProblemClass
from runwisp.model import Seconds
from runwisp.units import DURATION_EXAMPLES, SIZE_EXAMPLES, parse_duration, parse_size

STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2")

# Patterns for the schema; they take nothing that the parser refuses for its form, and all that it accepts.
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_DURATION_PATTERN = rf"0|\+?(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h|d|w))+"
_SIZE_PATTERN = rf"\s*(?:[0-9]+|{_NUMBER}\s*(?:[bB]|[kKmMgGtT](?:[iI]?[bB])?))\s*"
_FAILURE_PATTERN = rf"\s*[+-]?(?:{'|'.join(REASONS)}|[0-9]{{1,9}}(?:-[0-9]{{1,9}})?)\s*"
_SIGNAL_PATTERN = "|".join(
    "".join(f"[{c}{c.lower()}]" if c.isalpha() else c for c in s) for s in STOP_SIGNALS
)
_OCTAL_PATTERN = "0*[0-7]{1,3}"
_ACCOUNT_PATTERN = r"[^:\s\u0000]+(?::[^:\s\u0000]+)?"
_TOPIC_PATTERN = "[A-Za-z0-9_-]{1,64}"
_URL_PATTERN = r"[hH][tT][tT][pP][sS]?://[^/?#\s\\]+(?:[/?#]\S*)?"
_CHANNEL_PATTERN = r"[#@]\S+"

_OCTAL = re.compile(_OCTAL_PATTERN)

_UNROUTED = {
    "notify.delivery_failed": "that always goes to the bell only",
    "notify.test": "that is never routed",
}


def check_zone(name: str) -> str:
    """``name``, if it is a zone.

    :raises runwisp.config.problems.Rejected: if the zone database has none of this name
    """
    if name not in known_zones():
        raise reject(ProblemClass.FORMAT, "must be a time zone like Europe/Bratislava or UTC", name)
    return name


def _duration(text: str, field: Field, place: Place) -> Seconds:
    seconds = parse_duration(text)
    if field.limits and not field.limits.contain(seconds):
        raise reject(ProblemClass.RANGE, f"must be {limit_text(field)}", text)
    return seconds


def _stop_signal(text: str) -> str:
    if text.upper() not in STOP_SIGNALS:
        raise reject(ProblemClass.ENUM, f"must be one of {', '.join(STOP_SIGNALS)}", text)
    return text.upper()


def _cron(text: str) -> str | Unset:
    if not text:
        return Unset.UNSET
    try:
        cron.parse(text)
    except ValueError as error:
        raise reject(ProblemClass.FORMAT, f"cannot be used: {error}") from None
    return text


def _umask(text: str) -> int:
    if not _OCTAL.fullmatch(text):
        raise ValueError(text)
    return int(text, 8)


def _path(text: str, field: Field, place: Place) -> str:
    return place.resolve(_without_nul(text))


def _home_or_path(text: str, field: Field, place: Place) -> str:
    """A path below ``~`` stays as it is: whose home that is depends on the unit's user."""
    return text if text == "~" or text.startswith("~/") else _path(text, field, place)


def _absolute_path(text: str) -> str:
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


def _proxy(text: str) -> str | Unset:
    if not text.strip():
        return Unset.UNSET
    net = network(text)
    if covers_everything(net):
        raise reject(ProblemClass.RANGE, "must leave some addresses out", text)
    return str(net)


def _token(text: str) -> str:
    """``id`` or ``id:target``, without blanks around the two."""
    parts = [part.strip() for part in text.split(":", 1)]
    if not all(parts):
        raise ValueError(text)
    return ":".join(parts)


def _event_kind(text: str, field: Field, place: Place) -> str:
    if text in _UNROUTED:
        raise reject(ProblemClass.ENUM, f"cannot be {text}: {_UNROUTED[text]}")
    return parse_word(text, field, place)


def _glob(text: str) -> str:
    compile_glob(text)
    return text


def _matching(pattern: str) -> Parse:
    compiled = re.compile(pattern)

    def parse(text: str, field: Field, place: Place) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(text)
        return text

    return parse


def _alone(parse: Callable[[str], object]) -> Parse:
    """The parser of a kind whose values mean the same everywhere."""
    return lambda text, field, place: parse(text)


STRING = Text("string")
SHELL_TEXT = Text("string", "must not hold a NUL character", _alone(_without_nul))
OPTIONAL_STRING = Text("string", blank_is_unset=True)
BOOLEAN = Boolean()
INTEGER = Integer()
DEFAULTED_INTEGER = Integer(zero_is_default=True)
WORD = Text("word", parse=parse_word, blank_is_unset=True)
DURATION = Text(
    DURATION_TITLE,
    f"must be a duration like {DURATION_EXAMPLES}",
    _duration,
    blank_is_unset=True,
    pattern=_DURATION_PATTERN,
)
SIZE = Text(
    "size",
    f"must be a size like {SIZE_EXAMPLES}",
    _alone(parse_size),
    blank_is_unset=True,
    pattern=_SIZE_PATTERN,
)
CRON = Text("schedule", parse=_alone(_cron))
ZONE = Text("time zone", parse=_alone(check_zone))
SIGNAL = Text("signal", parse=_alone(_stop_signal), blank_is_unset=True, pattern=_SIGNAL_PATTERN)
UMASK = Text(
    "octal digits",
    'must be octal digits from 0 to 0777 like "027" or "0022"',
    _alone(_umask),
    pattern=_OCTAL_PATTERN,
)
USER = Text(
    "account",
    'must be "user" or "user:group", each a name or number like "joe:staff"',
    _matching(_ACCOUNT_PATTERN),
    pattern=_ACCOUNT_PATTERN,
)
PATH = Text("path", "must be a path without NUL", _path, blank_is_unset=True)
WORKING_DIR = Text("path", "must be a path without NUL", _home_or_path, blank_is_unset=True)
ABSOLUTE_PATH = Text(
    "absolute path",
    "must be an absolute path like /bin/bash",
    _alone(_absolute_path),
    blank_is_unset=True,
    pattern=r"/[^\u0000]*",
)
START_RULE = StartRule()
CATCH_UP_RULE = CatchUpRule()
FAILURES = Listing(
    "list of outcomes", Text("outcome", pattern=_FAILURE_PATTERN, blank_is_unset=True), parse_failures
)
ENV = StringMap("map of variables", check_variable, key_pattern=ENV_NAME.pattern, max_bytes=MAX_ENV_BYTES)
HEADERS = StringMap("map of strings", check_header, key_pattern=r"(?=.*\S).*")
TABLE = Nested()
TOKENS = Listing(
    "list of notifiers",
    Text("notifier", 'must be an id like "ops", or "id:target"', _alone(_token), pattern=r"(?=.*\S).*"),
    lambda tokens, field: tuple(dict.fromkeys(tokens)),
)
UNIT_NAMES = Listing("list of services", Text("service", parse=_alone(str.strip)))
URL = Text("URL", "must be an address like https://example.net/path", _alone(http_url), pattern=_URL_PATTERN)
BASE_URL = Text(
    "URL",
    "must be an address like https://jobs.example.net",
    _alone(lambda text: http_url(text).rstrip("/")),
    pattern=_URL_PATTERN,
)
HOST_NAMES = Listing(
    "list of host names",
    Text("host name", "must be a host name like jobs.internal, without a port", _alone(host_name)),
)
LISTEN_ADDRESS = Text(
    "host:port", 'must be host and port like "127.0.0.1:9478" or "[::1]:9478"', _alone(listen_address)
)
NETWORKS = Listing(
    "list of networks",
    Text("network", "must be a network or address like 10.20.0.0/16 or 192.0.2.7", _alone(_proxy)),
)
INCLUDES = Listing("list of globs", Text("glob", "must be a glob like jobs.d/*.toml, without **", _include))
GLOB = Text("glob", "must be a glob like backup-* with each [ closed", _alone(_glob))
MAIL_ADDRESS = Text("mail address", "must be an address like ops@example.net", _alone(mail_address))
MAIL_ADDRESSES = Listing("list of mail addresses", MAIL_ADDRESS)
CHANNEL = Text(
    "channel", 'must begin with # or @ like "#ops"', _matching(_CHANNEL_PATTERN), pattern=_CHANNEL_PATTERN
)
TOPIC = Text(
    "topic",
    "must be 1 to 64 of A-Z a-z 0-9 _ - like backups",
    _matching(_TOPIC_PATTERN),
    pattern=_TOPIC_PATTERN,
)
EVENT_KINDS = Listing("list of event kinds", Text("event kind", parse=_event_kind), lone=True)
