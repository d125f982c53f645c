"""Which variables a unit sets: files and inline maps of ``[defaults]`` and the unit, in layers.

Spec: config, env, secrets and their files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import define, evolve, field

from runwisp.config.dotenv import BadDotenv, Dotenv, read_dotenv
from runwisp.config.reading import Report
from runwisp.config.shapes import MAX_ENV_ENTRIES
from runwisp.config.source import Entry
from runwisp.errors import Problem, ProblemClass

_MAPS = (("env", "env_file"), ("secrets", "secrets_file"))


@define
class Dotenvs:
    """Reads each file once. ``env_files`` are those whose change may be looked at, with their digests."""

    report: Report
    env_files: dict[Path, str] = field(factory=dict)
    _read: dict[str, Dotenv] = field(factory=dict)

    def variables(self, entry: Entry, key: str, path: str) -> Mapping[str, str]:
        """The variables of the file ``path``, which ``key`` of ``entry`` names; none of a bad file."""
        if path not in self._read:
            try:
                self._read[path] = read_dotenv(path)
            except BadDotenv as error:
                self._read[path] = Dotenv({}, "")
                self.report.problems += [_located(problem, entry, key) for problem in error.problems]
        if key == "env_file":
            self.env_files[Path(path)] = self._read[path].digest
        return self._read[path].variables


def _located(problem: Problem, entry: Entry, key: str) -> Problem:
    at_key = entry.problem(problem.class_, f"{entry.label}{key}: {problem.message}", key)
    if problem.file is None:
        return at_key
    return evolve(at_key, file=problem.file, line=problem.line, column=problem.column)


def own_variables(
    entry: Entry, settings: Mapping[str, object], dotenvs: Dotenvs
) -> dict[str, Mapping[str, str]]:
    """``env`` and ``secrets`` of one level: the file with the inline map above it."""
    levels = {}
    for name, file_key in _MAPS:
        path, inline = settings.get(file_key), settings.get(name)
        variables = dotenvs.variables(entry, file_key, path) if isinstance(path, str) else {}
        if isinstance(inline, dict):
            variables = {**variables, **inline}
        levels[name] = variables
    return levels


def merged_variables(
    entry: Entry,
    inherited: Mapping[str, Mapping[str, str]],
    own: Mapping[str, Mapping[str, str]],
    report: Report,
) -> dict[str, Mapping[str, str]]:
    """``env`` and ``secrets`` of a unit over those of ``[defaults]``."""
    merged = {name: {**inherited[name], **own[name]} if own[name] else inherited[name] for name in own}
    if sum(map(len, merged.values())) > MAX_ENV_ENTRIES:
        count = len({name for variables in merged.values() for name in variables})
        if count > MAX_ENV_ENTRIES:
            rule = f"and secrets must have at most {MAX_ENV_ENTRIES} entries together, not {count}"
            report.problems.append(entry.problem(ProblemClass.RANGE, f"{entry.label}env {rule}", "env"))
    return merged
