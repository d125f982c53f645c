"""The rule that a test leaves nothing behind, tried on tests that do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

SAMPLE = """
import subprocess
from twisted.internet.defer import fail
from twisted.internet.protocol import Factory
from twisted.python import log

KEPT = []

def test_leaves_a_call(reactor):
    reactor.callLater(1000, print)

def test_leaves_a_port(reactor):
    reactor.listenTCP(0, Factory(), interface="127.0.0.1")

def test_leaves_a_child():
    KEPT.append(subprocess.Popen(["sleep", "1000"]))

def test_leaves_a_failure():
    fail(ZeroDivisionError())

def test_leaves_a_failure_in_a_cycle():
    lost = fail(ZeroDivisionError())
    lost.itself = [lost]

async def test_leaves_a_failure_in_the_old_log():
    log.err(ZeroDivisionError())

def test_tidy_is_not_blamed_for_others():
    pass

def test_tidy_with_a_call_that_is_due(reactor):
    reactor.callLater(0, KEPT.clear)

def test_tidy_with_a_child_that_is_over():
    subprocess.run(["true"])

def test_tidy_with_an_expected_failure(logged_failures):
    fail(ZeroDivisionError())
    assert logged_failures.pop().check(ZeroDivisionError)
"""


def test_exactly_the_tests_that_leave_something_fail(tmp_path: Path) -> None:
    sample = tmp_path / "test_sample.py"
    sample.write_text(SAMPLE)
    options = ["-rE", "--tb=no", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options, sample],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    errors = re.findall(r"^ERROR .*::(\w+)", result.stdout, re.MULTILINE)
    assert errors == re.findall(r"def (test_leaves_\w+)", SAMPLE)
    assert "10 passed, 6 errors" in result.stdout
