from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from runwisp.lean import import_reactor
import_reactor()
import runwisp.tree
from twisted.internet import reactor
heavy = {"OpenSSL", "cryptography", "jinja2", "urwid", "treq", "prometheus_client", "re2"} & set(sys.modules)
assert not heavy, heavy
import OpenSSL
"""


def test_the_daemon_is_built_without_what_it_does_not_need_and_finds_openssl_when_it_does() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)
