"""Loads texts in which ``§`` marks the place that a problem is expected to have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from runwisp.config.loader import load
from runwisp.config.settings import Config
from runwisp.errors import ConfigErrors, Problem

MARK = "§"
FILE_NAME = "runwisp.toml"


@frozen
class Marked:
    """A text without its mark, and the line and column where that was."""

    text: str
    line: int | None
    column: int | None


def unmarked(text: str) -> Marked:
    before, mark, _ = text.partition(MARK)
    if not mark:
        return Marked(text, None, None)
    return Marked(text.replace(MARK, ""), before.count("\n") + 1, len(before) - before.rfind("\n"))


def write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)


def load_text(
    directory: Path, text: str, environ: Mapping[str, str] = {}, files: Mapping[str, str] = {}
) -> Config:
    """The configuration of ``text`` as the root file beside ``files``, in the zone UTC."""
    write(directory, {**files, FILE_NAME: text})
    return load(directory / FILE_NAME, environ, host_zone="UTC")


def problems_of(
    directory: Path, text: str, environ: Mapping[str, str] = {}, files: Mapping[str, str] = {}
) -> tuple[Problem, ...]:
    """What is wrong with ``text``; empty if nothing is."""
    try:
        load_text(directory, text, environ, files)
    except ConfigErrors as error:
        return error.problems
    return ()


def messages_of(directory: Path, text: str, **more: Mapping[str, str]) -> list[str]:
    return [problem.message for problem in problems_of(directory, text, **more)]
