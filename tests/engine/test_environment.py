from __future__ import annotations

from collections.abc import Mapping

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.engine.environment import MANAGER_VARIABLES, Account, build, inheritable
from runwisp.model import EnvBase, Run, RunId, Unit
from tests.engine.examples import RUN, TASK

ALICE = Account("alice", 1000, 1000, "/home/alice")
OF_THE_RUN = {
    "RUNWISP_RUN_ID": RUN.id,
    "RUNWISP_TASK": "backup",
    "RUNWISP_RETRY_ATTEMPT": "0",
    "RUNWISP_REPLICA_INDEX": "0",
}
CLEAN = evolve(TASK, env_base=EnvBase.CLEAN)

names = st.from_regex(r"[A-Z_][A-Z0-9_]{0,3}", fullmatch=True) | st.sampled_from(
    ["HOME", "USER", "PATH", "RUNWISP_TASK", "RUNWISP_X", *MANAGER_VARIABLES]
)
variables = st.dictionaries(names, st.text(max_size=3), max_size=6)


def of(unit: Unit, run: Run, daemon: Mapping[str, str], account: Account | None) -> dict[str, str]:
    """The environment of a run under a daemon with the environment ``daemon``."""
    return build(unit, run, inheritable(daemon), account)


def test_the_daemons_environment_is_inherited_and_the_run_adds_four_variables() -> None:
    daemon = {"PATH": "/opt/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    assert of(TASK, RUN, daemon, ALICE) == daemon | OF_THE_RUN


@pytest.mark.parametrize(
    "name", sorted(MANAGER_VARIABLES | {"RUNWISP_PASSWORD", "RUNWISP_SERVICE_MANAGED", "RUNWISP_DATA"})
)
@pytest.mark.parametrize("env_base", list(EnvBase))
def test_nothing_meant_for_the_daemon_is_inherited(name: str, env_base: EnvBase) -> None:
    env = of(evolve(TASK, env_base=env_base), RUN, {name: "secret", "LANG": "C"}, ALICE)
    assert name not in env


def test_a_clean_base_has_five_variables() -> None:
    assert of(CLEAN, RUN, {"PATH": "/opt/bin", "LANG": "C"}, ALICE) == OF_THE_RUN | {
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/sh",
        "HOME": "/home/alice",
        "USER": "alice",
        "LOGNAME": "alice",
    }


def test_a_clean_base_takes_from_the_daemon_what_the_user_database_does_not_know() -> None:
    env = of(CLEAN, RUN, {"HOME": "/app", "LANG": "C"}, None)
    assert env == OF_THE_RUN | {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": "/app"}


@pytest.mark.parametrize("env_base", list(EnvBase))
def test_the_account_of_the_unit_replaces_that_of_the_daemon(env_base: EnvBase) -> None:
    daemon = {"HOME": "/root", "USER": "root", "LOGNAME": "root"}
    env = of(evolve(TASK, user="alice", env_base=env_base), RUN, daemon, ALICE)
    assert (env["HOME"], env["USER"], env["LOGNAME"]) == ("/home/alice", "alice", "alice")


def test_the_home_of_the_daemon_stays_without_an_account_of_the_unit() -> None:
    assert of(TASK, RUN, {"HOME": "/elsewhere"}, ALICE)["HOME"] == "/elsewhere"


def test_env_beats_the_account_and_secrets_beat_env() -> None:
    unit = evolve(TASK, user="alice", env={"HOME": "/e", "A": "env"}, secrets={"A": "secret"})
    env = of(unit, RUN, {"A": "daemon"}, ALICE)
    assert (env["HOME"], env["A"]) == ("/e", "secret")


def test_a_unit_may_set_variables_that_are_not_inherited() -> None:
    unit = evolve(TASK, env={"RUNWISP_URL": "http://localhost"}, secrets={"NOTIFY_SOCKET": "@x"})
    env = of(unit, RUN, {"RUNWISP_URL": "daemon", "NOTIFY_SOCKET": "/run/systemd/notify"}, ALICE)
    assert (env["RUNWISP_URL"], env["NOTIFY_SOCKET"]) == ("http://localhost", "@x")


def test_the_four_variables_describe_the_run() -> None:
    run = evolve(RUN, id=RunId("01JD0000000000000000000001"), retry_attempt=2, replica_index=3)
    env = of(evolve(TASK, name="db:dump"), run, {}, None)
    assert env == {
        "RUNWISP_RUN_ID": "01JD0000000000000000000001",
        "RUNWISP_TASK": "db:dump",
        "RUNWISP_RETRY_ATTEMPT": "2",
        "RUNWISP_REPLICA_INDEX": "3",
    }


@given(
    daemon=variables,
    env=variables,
    secrets=variables,
    env_base=st.sampled_from(EnvBase),
    user=st.none() | st.just("alice"),
)
def test_later_layers_win_and_the_run_wins_over_all(
    daemon: dict[str, str], env: dict[str, str], secrets: dict[str, str], env_base: EnvBase, user: str | None
) -> None:
    unit = evolve(TASK, env=env, secrets=secrets, env_base=env_base, user=user)
    result = of(unit, RUN, daemon, ALICE)
    set_by_unit = env | secrets
    for name, value in result.items():
        if name in OF_THE_RUN:
            assert value == OF_THE_RUN[name]
        elif name in set_by_unit:
            assert value == set_by_unit[name]
        else:
            assert name not in MANAGER_VARIABLES
            assert not name.startswith("RUNWISP_")
    assert set(OF_THE_RUN) | set(set_by_unit) <= set(result)
