"""The documentation says what the program does: its examples are loaded, its commands are parsed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from runwisp.cli.main import main
from runwisp.cli.options import FLAGS
from runwisp.config import loader
from runwisp.config.tables import TABLES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.rst", *sorted(path for path in DOCS.rglob("*.rst") if "_build" not in path.parts)]

BLOCK = re.compile(r"^( *)(?:\.\. code-block:: (\w+)|.*::)\n((?:\n|\1 +.*\n)+)", re.MULTILINE)
INLINE = re.compile(r"(?<!`)``(runwisp [^`]+)``(?!`)")

ENVIRON = {"SLACK_OPS_URL": "https://hooks.slack.com/services/x"}
FILES = {"secrets/token": "t0ken\n", "secrets.env": "TOKEN=t0ken\n"}

GLOSSARY = [
    "Task",
    "Service",
    "Run",
    "Exec",
    "Trigger",
    "Schedule",
    "Catch-up",
    "Concurrency policy",
    "End reason",
    "In-flight",
    "Notifier",
    "Route",
    "In-app",
    "Fingerprint",
    "Data directory",
    "CHAP",
    "JWT",
    "Coalescing",
    "Replica",
    "Instances",
    "Group",
    "Log retention",
    "ULID",
]


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language (empty for a plain literal block) and text of each block of a page."""
    for _, language, text in BLOCK.findall(page.read_text()):
        yield language, textwrap.dedent(text).strip("\n")


def toml_examples() -> Iterator[object]:
    for page in PAGES:
        for number, (language, text) in enumerate(blocks(page), 1):
            if language == "toml":
                yield pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
    demo = ROOT / "runwisp/demo/runwisp.toml"
    yield pytest.param(demo.read_text(), id=str(demo.relative_to(ROOT)))


def command_lines() -> Iterator[object]:
    """Each call of ``runwisp`` in a block or between double backquotes."""
    for page in PAGES:
        calls = {
            line.removeprefix("$ ")
            for language, text in blocks(page)
            if language in {"", "console"}
            for line in text.splitlines()
            if line.removeprefix("$ ").startswith("runwisp ")
        }
        for call in sorted(calls | set(INLINE.findall(" ".join(page.read_text().split())))):
            yield pytest.param(call.partition("  #")[0], id=f"{page.relative_to(ROOT)}-{call}")
    for name in main.list_commands(click.Context(main)):
        command = main.get_command(click.Context(main), name)
        assert command is not None
        _, _, examples = (command.help or "").partition("Examples:\n")
        for line in map(str.strip, examples.splitlines()):
            if line.startswith("runwisp "):
                yield pytest.param(re.split(" > | [|] ", line)[0], id=f"help-{name}-{line}")
    for line in (ROOT / "contrib/demo/hints.txt").read_text().splitlines():
        if line.startswith("    rw "):
            yield pytest.param(line.partition("#")[0].replace("    rw", "runwisp", 1), id=f"hints-{line}")


def glossary() -> dict[str, str]:
    """Entries of the glossary page with their text."""
    entries = re.split(r"^   (?=\S)", (DOCS / "glossary.rst").read_text(), flags=re.MULTILINE)[1:]
    return {term: text for term, _, text in (entry.partition("\n") for entry in entries)}


@pytest.mark.parametrize("example", [*toml_examples()])
def test_a_configuration_in_the_documentation_loads_without_warnings(example: str, tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "runwisp.toml").write_text(example)
    config = loader.load(tmp_path / "runwisp.toml", ENVIRON)
    assert config.tasks or config.services or "[daemon]" in example
    assert [str(warning) for warning in config.warnings] == []


@pytest.mark.parametrize("line", [*command_lines()])
def test_a_command_in_the_documentation_exists_with_its_flags(line: str) -> None:
    command: click.Command = main
    arguments = shlex.split(line, comments=True)[1:]
    context = click.Context(command, info_name="runwisp")
    while isinstance(command, click.Group):
        _, rest, _ = command.make_parser(context).parse_args(arguments)
        if not rest:
            return
        found = command.get_command(context, rest[0])
        assert found is not None, f"no command {rest[0]}"
        command, arguments = found, rest[1:]
        context = click.Context(command, info_name=rest[0], parent=context)
    command.make_parser(context).parse_args(arguments)


def test_the_unit_in_the_documentation_is_one_for_systemd(tmp_path: Path) -> None:
    [unit] = [text for language, text in blocks(DOCS / "systemd.rst") if language == "ini"]
    path = tmp_path / "runwisp.service"
    path.write_text(unit.replace("/opt/runwisp/bin/runwisp", str(Path(sys.executable).parent / "runwisp")))
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_reference_has_every_table_of_the_configuration() -> None:
    text = "".join(path.read_text() for path in (DOCS / "reference").glob("*.rst"))
    aliases = {"notifiers", "route"}
    assert set(re.findall(r"config-reference:: (\w+)", text)) == set(TABLES) - aliases


def test_the_glossary_has_every_term() -> None:
    assert set(GLOSSARY) <= set(glossary())


@pytest.mark.parametrize("term", GLOSSARY)
def test_an_entry_of_the_glossary_links_to_the_page_of_its_subject(term: str) -> None:
    assert re.search(r":doc:`|:ref:`", glossary()[term])


def test_the_readme_names_the_two_commands_of_the_makefile_and_no_other() -> None:
    readme = (ROOT / "README.rst").read_text()
    assert re.findall(r"^    make (\w+)", readme, re.MULTILINE) == ["run", "test"]


def test_the_environment_variables_of_every_run_are_documented() -> None:
    text = (DOCS / "tasks-and-services.rst").read_text()
    names = {"RUNWISP_RUN_ID", "RUNWISP_TASK", "RUNWISP_RETRY_ATTEMPT", "RUNWISP_REPLICA_INDEX"}
    assert names <= set(re.findall(r"RUNWISP_[A-Z_]+", text))


def test_every_variable_that_the_program_reads_is_documented() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "runwisp").rglob("*.py"))
    read = {*re.findall(r'"(RUNWISP_[A-Z_]+)"', sources), *(flag.variable for flag in FLAGS)}
    pages = ("parts/environment.rst", "tasks-and-services.rst")
    text = "".join((DOCS / page).read_text() for page in pages)
    assert read <= set(re.findall(r"RUNWISP_[A-Z_]+", text))
