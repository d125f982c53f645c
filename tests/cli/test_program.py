"""The installed program ``runwisp`` from outside: what it imports, and how it leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.calling import PROGRAM
from tests.cli.history import OUT, RUN, History
from tests.client import resources
from tests.client.fake_daemon import FakeDaemon, answer, listed

CONFIG = '[tasks.backup]\nrun = "true"\ncron = "0 2 * * *"\n[services.web]\nrun = "true"\n'

#: Runs a command in a fresh interpreter and prints what it has imported of what is too heavy for it.
WATCH = """
import sys
from runwisp.cli.main import main
heavy = {"twisted", "ulid", "jinja2", "klein", "treq", "urwid", "asyncio"}
try:
    main(sys.argv[1:])
except SystemExit as leaving:
    code = leaving.code
print(code, sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def place(here: Path, history: History) -> Path:
    """A directory with a configuration and a history."""
    (here / "runwisp.toml").write_text(CONFIG)
    history.log_max_size = None
    history.add("backup", RUN, [(OUT, b"x\n" * 100_000)])
    return here


@pytest.mark.parametrize(
    "args", [["--help"], ["list"], ["validate"], ["runs"], ["runs", "backup", "--json"], ["logs", "backup"]]
)
def test_a_command_that_only_reads_imports_nothing_heavy(place: Path, args: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", WATCH, *args], capture_output=True, text=True, timeout=30)
    assert done.stderr.splitlines()[-1] == "0 []"


@pytest.mark.parametrize(
    "args", [["status"], ["reload"], ["run-task", "backup", "--detach"], ["stop", "web"]]
)
def test_a_command_that_asks_a_daemon_imports_nothing_heavy(daemon: FakeDaemon, args: list[str]) -> None:
    daemon.on("GET", "/api/daemon", answer(resources.daemon()))
    daemon.on("GET", "/api/tasks", listed([resources.service("web")]))
    daemon.on("POST", "/api/tasks/web/stop", answer(resources.service("web")))
    daemon.on("POST", "/api/tasks/backup/trigger", answer(resources.run(), 201))
    changes = dict.fromkeys(["added", "removed", "changed", "settings", "warnings"], ())
    daemon.on("POST", "/api/daemon/reload", answer(changes))
    done = subprocess.run([sys.executable, "-c", WATCH, *args], capture_output=True, text=True, timeout=30)
    assert done.stderr.splitlines()[-1] == "0 []"


def test_status_does_without_the_classes_of_the_api(daemon: FakeDaemon) -> None:
    watch = WATCH.replace(
        '"twisted"', '"sqlite3", "runwisp.model", "runwisp.client.api", "runwisp.client.session"'
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, "status"], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == "0 []\n"


def test_a_command_imports_no_other_one(place: Path) -> None:
    code = "import sys; from runwisp.cli.main import main\ntry: main(['list'])\nexcept SystemExit: pass\n"
    code += "print([name for name in sys.modules if name in {'runwisp.cli.runs', 'runwisp.cli.logs'}])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_exit_code_reaches_the_shell(place: Path) -> None:
    for args, code in ((["list"], 0), (["runs", "nothing"], 1), (["lsit"], 2)):
        assert subprocess.run([PROGRAM, *args], capture_output=True, timeout=30).returncode == code


def test_a_reader_that_leaves_ends_the_command_quietly(place: Path) -> None:
    with subprocess.Popen(
        [PROGRAM, "logs", "backup"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == b"x\n"
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(30) == 0


def test_a_terminal_without_unicode_gets_question_marks(place: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([PROGRAM, "validate"], capture_output=True, timeout=30, env=env)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, b"? runwisp.toml is valid.")
