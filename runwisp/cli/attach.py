"""``runwisp`` alone: show the daemon, after having started it if there is none.

Spec: interfaces, without a subcommand.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve

from runwisp.cli.configuration import find_config, load_config
from runwisp.cli.connecting import connected, is_down
from runwisp.cli.lifecycle import START_S, spawn_daemon, stop_daemon, when_healthy
from runwisp.cli.options import Globals
from runwisp.cli.output import note
from runwisp.cli.port import Holder, check_port, facts, holder_of, taken_by
from runwisp.cli.showing import is_interactive, require_terminal, show
from runwisp.cli.starter import write_starter
from runwisp.client.errors import Unreachable
from runwisp.config.loader import FILE_NAME
from runwisp.errors import CannotListen, ConfigNotFound

_YES_OR_NO = {"": True, "y": True, "yes": True, "n": False, "no": False}


def attach(settings: Globals) -> None:
    """Show the daemon of ``settings`` until whoever watches quits.

    :raises RunWispError: there is none and none can be started, or there is no terminal to show it in
    """
    if _answers(settings):
        require_terminal()
        show(settings, is_owner=False)
        return
    if not _has_config(settings):
        return
    holder = _holder(settings)
    if holder is not None:
        _choose(settings, holder)
        return
    _start_and_show(settings)


def _answers(settings: Globals) -> bool:
    try:
        with connected(settings) as api:
            return api.is_healthy()
    except Unreachable as error:
        if is_down(settings, error):
            return False
        raise


def _has_config(settings: Globals) -> bool:
    """There is a valid configuration, perhaps since now; False if none is wanted."""
    try:
        path = find_config(settings)
    except ConfigNotFound:
        if not is_interactive() or not _write_starter(Path(settings.config or FILE_NAME).absolute()):
            if not is_interactive():
                raise
            return False
        path = find_config(settings)
    # The daemon would say the same, but only in its log.
    load_config(path)
    return True


def _write_starter(path: Path) -> bool:
    """Offer to write the first configuration, and do it."""
    note(f"There is no configuration: {path} does not exist.")
    if not _ask("Write one to begin with? [Y/n] ", _YES_OR_NO):
        return False
    write_starter(path)
    note(f"wrote {path}")
    return True


def _holder(settings: Globals) -> Holder | None:
    """The other daemon that has our port, None if it is free.

    :raises CannotListen: it is not free for another reason, or nobody can be asked what to do
    """
    try:
        check_port(settings.host, settings.port)
    except CannotListen as error:
        holder = holder_of(settings.port)
        if holder is None:
            raise
        if not is_interactive():
            raise taken_by(holder, error) from error
        return holder
    return None


def _choose(settings: Globals, holder: Holder) -> None:
    """Ask what is to become of a daemon that is in the way."""
    note(f"Port {settings.port} is taken by another RunWisp daemon:\n")
    note("\n".join(f"  {fact}" for fact in facts(holder)) + "\n")
    other = evolve(settings, data=holder.data_dir, socket=holder.socket_path)
    question = "[c]onnect to it, [s]top it and start here, or [a]bort? "
    answers = {"c": "c", "connect": "c", "s": "s", "stop": "s", "a": "a", "abort": "a"}
    answer = _ask(question, answers)
    if answer == "c":
        show(other, is_owner=False)
    elif answer == "s":
        stop_daemon(other, is_local=False)
        _start_and_show(settings)


def _start_and_show(settings: Globals) -> None:
    child = spawn_daemon(settings, Path.cwd())
    when_healthy(settings, START_S, child)
    if not is_interactive():
        note(f"a daemon was started, process {child.pid}; `runwisp stop` stops it")
    require_terminal()
    show(settings, is_owner=True)


def _ask(question: str, answers: Mapping[str, object]) -> object:
    """What was answered, in any letter case; asked again until it is one of ``answers``.

    The end of the input is the last of them.
    """
    while True:
        sys.stderr.write(question)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            note("")
            return list(answers.values())[-1]
        word = line.strip().lower()
        if word in answers:
            return answers[word]
