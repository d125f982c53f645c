"""Configurations for machine tests: a few names, each a task, a service or absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from hypothesis import strategies as st

from runwisp.config.settings import Config
from tests.make import config

TASKS, SERVICES, EITHER = ("t", "u"), ("s", "v"), ("x",)
NAMES = (*TASKS, *SERVICES, *EITHER)

#: A unit: its table and the lines of it.
Draft: TypeAlias = tuple[str, str]
#: Units by name, None for what is not there.
Drafts: TypeAlias = Mapping[str, Draft | None]

_SCHEDULES = st.sampled_from(
    [
        "",
        'cron = "*/20 * * * * *"\ncatch_up = 2',
        'cron = "* * * * *"\ncatch_up = "latest"',
        'cron = "*/5 * * * *"\ncatch_up = "skip"',
        'cron = "*/20 * * * *"\ncatch_up = "all"',
        'cron = "0,30 2 * * *"\ncatch_up = "all"\ntimezone = "Europe/Bratislava"',
        'cron = "*/15 2 * * *"\ntimezone = "Europe/Bratislava"',
        'cron = "15 1,2,3 * * *"\ntimezone = "Europe/Bratislava"',
        'cron = "@every 45s"\ncatch_up = 2',
        'cron = "@every 10m"',
        'cron = "@every 10s"\ncatch_up = "skip"',
    ]
)
_OVERLAPS = st.sampled_from(["queue", "queue", "skip", "terminate"])


def _lines(**choices: str) -> st.SearchStrategy[str]:
    """Lines of TOML; of each choice, whose alternatives stand apart by ``|``, one is taken or none."""
    parts = [
        st.sampled_from(["", *(f"{key} = {value.strip()}" for value in values.split("|"))])
        for key, values in choices.items()
    ]
    return st.tuples(*parts).map(lambda lines: "\n".join(line for line in lines if line))


@st.composite
def _tasks(draw: st.DrawFn) -> Draft:
    lines = draw(
        _lines(
            parallelism="2|3",
            max_queued="0|1|3",
            retry_attempts="1|2",
            retry_delay='"0s"|"5s"|"2m"',
            retry_backoff='"exponential"',
            timeout='"20s"|"5m"',
            run_on_start='true|"boot"',
            graceful_stop='"0s"|"20s"',
        )
    )
    rare = draw(
        st.sampled_from(["", "", "", "api_trigger = false", 'failures = ["stopped", "timeout", "7"]'])
    )
    run = draw(st.sampled_from(["one", "two"]))
    overlap = draw(_OVERLAPS)
    return "tasks", f'run = "task {run}"\non_overlap = "{overlap}"\n{draw(_SCHEDULES)}\n{lines}\n{rare}'


@st.composite
def _services(draw: st.DrawFn) -> Draft:
    lines = draw(
        _lines(
            instances="2|3",
            restart='"on_failure"|"never"',
            restart_delay='"5s"',
            restart_attempts="0|2",
            healthy_after='"10s"',
            priority="1",
            graceful_stop='"0s"|"20s"',
        )
    )
    rare = draw(st.sampled_from(["", "", "", "api_trigger = false", "autostart = false"]))
    run = draw(st.sampled_from(["one", "two"]))
    overlap = draw(_OVERLAPS)
    return "services", f'run = "service {run}"\non_overlap = "{overlap}"\n{lines}\n{rare}'


_UNITS = {
    **dict.fromkeys(TASKS, _tasks()),
    **dict.fromkeys(SERVICES, _services()),
    **dict.fromkeys(EITHER, _tasks() | _services()),
}

#: A whole configuration: most names are there.
configs: st.SearchStrategy[Drafts] = st.fixed_dictionaries(
    {name: units | units | st.none() for name, units in _UNITS.items()}
)
#: Any part of a configuration: what a reload changes.
changes: st.SearchStrategy[Drafts] = st.fixed_dictionaries(
    {}, optional={name: units | st.none() for name, units in _UNITS.items()}
)


def loaded(drafts: Drafts) -> Config:
    """The configuration; the service ``v`` depends on ``s`` if both are there."""
    tables = []
    for name, draft in sorted(drafts.items()):
        if draft is not None:
            kind, lines = draft
            needs = 'depends_on = ["s"]\n' if name == "v" and drafts.get("s") is not None else ""
            tables.append(f"[{kind}.{name}]\n{lines}\n{needs}")
    # Never the same object twice: no reload gets that either.
    return config('[daemon]\nshutdown_timeout = "4s"\n[scheduler]\ntimezone = "UTC"\n' + "\n".join(tables))
