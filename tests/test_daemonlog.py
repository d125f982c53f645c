"""The daemon's own log, from events to lines."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.logger import ILogObserver, Logger, LogLevel, LogPublisher
from twisted.python import log as legacy
from twisted.python.failure import Failure
from twisted.python.logfile import LogFile
from zope.interface.verify import verifyObject

from runwisp.daemonlog import KEPT_LINES, LogObserver, observer
from runwisp.model import EndReason

AT = 1772416835.6784


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Log:
    """An observer with a logger in front and its text behind."""

    def __init__(
        self,
        level: str = "info",
        format: str = "text",
        environ: Mapping[str, str] | None = None,
        stream: io.StringIO | None = None,
        namespace: str = "runwisp.engine",
    ) -> None:
        self.stream = stream if stream is not None else io.StringIO()
        self.observer: LogObserver = observer(
            level, format, self.stream, environ if environ is not None else {"JOURNAL_STREAM": "8:1"}
        )
        self.log = Logger(namespace, observer=self.observer)

    def at(self, seconds: float, level: object, message: str, **fields: object) -> None:
        """Log at a moment of the test's choice."""
        self.observer(
            {
                "log_time": seconds,
                "log_level": level,
                "log_namespace": "runwisp",
                "log_format": message,
                **fields,
            }
        )

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@pytest.fixture
def bratislava(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Bratislava")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_it_is_a_log_observer() -> None:
    assert verifyObject(ILogObserver, Log().observer)


@pytest.mark.usefixtures("bratislava")
def test_a_line_has_local_time_level_message_and_fields() -> None:
    log = Log(environ={})
    log.at(AT, LogLevel.info, "run succeeded", task="backup", run="01JA9", exit=0, dur=192.4)
    assert log.text == "2026-03-02 03:00:35 [INFO] run succeeded task=backup run=01JA9 exit=0 dur=3m12s\n"


def test_under_systemd_a_line_has_no_time() -> None:
    log = Log(environ={"JOURNAL_STREAM": "8:12345"})
    log.log.warn("slow disk")
    assert log.text == "[WARN] slow disk\n"


def test_a_field_used_by_the_message_is_not_repeated() -> None:
    log = Log()
    log.log.info(
        "{name} of {run.id} {list[0]} {call()}", name="a", run=Failure, list=[1], call=lambda: 2, x=3
    )
    assert log.lines[0].endswith(" x=3")
    assert "name=" not in log.text
    assert "call=" not in log.text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain-word/with:marks", "plain-word/with:marks"),
        ("two words", '"two words"'),
        ('a "quote"', '"a \\"quote\\""'),
        ("a=b", '"a=b"'),
        ("", '""'),
        ("line\nbreak", '"line\\nbreak"'),
        ("žlté", "žlté"),
        (True, "true"),
        (None, "null"),
        (7, "7"),
        (0.5, "0.5"),
        (EndReason.TIMEOUT, "timeout"),
        (Path("/var/lib"), "/var/lib"),
    ],
)
def test_a_value_that_would_be_ambiguous_is_quoted(value: object, shown: str) -> None:
    log = Log()
    log.log.info("m", key=value)
    assert log.text == f"[INFO] m key={shown}\n"


@pytest.mark.usefixtures("bratislava")
def test_json_has_one_object_per_line_with_the_time_in_utc_and_durations_in_seconds() -> None:
    log = Log(format="json", environ={"JOURNAL_STREAM": "8:1"})
    fields = {"name": "x", "reason": EndReason.FAILED, "dur": 192.4, "where": Path("/a")}
    log.at(AT, LogLevel.error, "run {name} failed", **fields)
    assert log.text.count("\n") == 1
    assert list(json.loads(log.text).items()) == [
        ("time", "2026-03-02T02:00:35.678Z"),
        ("level", "ERROR"),
        ("msg", "run x failed"),
        ("reason", "failed"),
        ("dur", 192.4),
        ("where", "/a"),
    ]


@pytest.mark.parametrize(
    ("threshold", "shown"),
    [
        ("debug", ["DEBUG", "INFO", "WARN", "ERROR", "ERROR"]),
        ("info", ["INFO", "WARN", "ERROR", "ERROR"]),
        ("warn", ["WARN", "ERROR", "ERROR"]),
        ("error", ["ERROR", "ERROR"]),
    ],
)
def test_only_events_of_the_level_and_above_are_written(threshold: str, shown: list[str]) -> None:
    log = Log(level=threshold)
    for level in LogLevel.iterconstants():
        log.log.emit(level, "m")
    assert log.lines == [f"[{word}] m" for word in shown]


def test_a_failure_is_one_record_with_its_traceback() -> None:
    log = Log(stream=Recorder())
    log.log.failure("firing {name} failed", failure=_failure(), name="x", task="x")
    assert isinstance(log.stream, Recorder)
    assert len(log.stream.writes) == 1
    assert log.lines[0] == "[ERROR] firing x failed task=x"
    assert log.lines[1].startswith("Traceback")
    assert log.lines[-1] == "builtins.ValueError: broken"


def test_the_traceback_of_a_failure_is_a_key_in_json() -> None:
    log = Log(format="json")
    log.log.failure("m", failure=_failure())
    document = json.loads(log.text)
    assert document["msg"] == "m"
    assert document["traceback"].endswith("builtins.ValueError: broken")


def test_an_unhandled_error_in_a_deferred_is_one_error_with_its_traceback(
    logged_failures: list[Failure], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(namespace="twisted.internet.defer")
    monkeypatch.setattr("twisted.internet.defer.log", log.log)
    lost: Deferred[None] = fail(ValueError("broken"))
    del lost
    assert log.lines[0] == "[ERROR] Unhandled error in Deferred:"
    assert log.lines[-1].endswith("builtins.ValueError: broken")
    assert logged_failures == []


def test_messages_of_the_old_log_take_the_same_form() -> None:
    log = Log(level="debug")
    old = _old_log(log)
    old.msg("Received SIGTERM,", "shutting down.", system="-", extra=1)
    old.msg(format="%(what)s happened", what="it", isError=True)
    assert log.lines == ["[DEBUG] Received SIGTERM, shutting down.", "[ERROR] it happened"]


def test_an_error_of_the_old_log_has_one_traceback() -> None:
    log = Log()
    _old_log(log).msg(failure=_failure(), why="selecting", isError=True)
    assert log.lines[0] == "[ERROR] selecting"
    assert log.text.count("Traceback") == 1


def test_what_twisted_says_about_itself_is_at_debug() -> None:
    log = Log(namespace="twisted.internet.protocol.Factory")
    log.log.info("Starting factory {factory!r}", factory="F")
    assert log.text == ""
    log.log.warn("something is wrong", debug_details="x")
    assert log.text == "[WARN] something is wrong\n"


def test_a_library_whose_name_only_begins_like_twisted_is_not_meant() -> None:
    log = Log(namespace="twistedlike")
    log.log.info("m")
    assert log.text == "[INFO] m\n"


def test_an_empty_message_is_not_written() -> None:
    log = Log()
    log.log.info("")
    log.log.info("{log_io}", log_io="")
    assert log.text == ""


def test_a_message_that_cannot_be_formatted_is_still_seen() -> None:
    log = Log()
    log.log.info("{missing} {")
    assert "missing" in log.text


def test_colour_is_for_terminals_of_people_who_did_not_refuse_it() -> None:
    assert _written(Terminal(), "auto", {}).count("\x1b[36m[INFO]\x1b[0m") == 1
    assert "\x1b" not in _written(Terminal(), "auto", {"NO_COLOR": "1"})
    assert "\x1b" not in _written(Terminal(), "text", {})
    assert "\x1b" not in _written(io.StringIO(), "auto", {})


def test_the_newest_lines_are_kept_without_colour() -> None:
    log = Log(format="auto", stream=Terminal())
    for number in range(KEPT_LINES + 5):
        log.log.info("line", n=number)
    assert len(log.observer.recent) == KEPT_LINES
    assert log.observer.recent[0] == "[INFO] line n=5"
    assert log.observer.recent[-1] == f"[INFO] line n={KEPT_LINES + 4}"


def test_the_lines_of_a_traceback_are_kept_one_by_one() -> None:
    log = Log()
    log.log.failure("m", failure=_failure())
    assert list(log.observer.recent) == log.lines


def test_it_writes_to_a_log_file_of_twisted(tmp_path: Path) -> None:
    file = LogFile.fromFullPath(str(tmp_path / "daemon.log"))
    Logger("runwisp", observer=observer("info", "auto", file, {"JOURNAL_STREAM": "1:1"})).info("žltý", a=1)
    assert (tmp_path / "daemon.log").read_text() == "[INFO] žltý a=1\n"
    file.close()


class Recorder(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


def _written(stream: io.StringIO, format: str, environ: Mapping[str, str]) -> str:
    log = Log(format=format, environ=environ, stream=stream)
    log.log.info("m")
    return log.text


def _failure() -> Failure:
    try:
        raise ValueError("broken")
    except ValueError:
        return Failure()


def _old_log(log: Log) -> legacy.LogPublisher:
    return legacy.LogPublisher(publishPublisher=LogPublisher(log.observer))
