from __future__ import annotations

import subprocess
import sys

_READ_LOGS = """
import sys
import runwisp.logs.finish, runwisp.logs.follow, runwisp.logs.library, runwisp.logs.remove
import runwisp.logs.search
print(sorted(name for name in ("twisted", "zope.interface", "sqlite3") if name in sys.modules))
"""


def test_logs_are_read_without_twisted() -> None:
    result = subprocess.run([sys.executable, "-c", _READ_LOGS], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
