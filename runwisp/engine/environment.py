"""The environment of a child, from its layers (spec: runtime, environment; config, env)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from runwisp.model import EnvBase, Run, Unit

RUN_ID = "RUNWISP_RUN_ID"

#: Messages of the service manager to the daemon; the daemon's own variables begin with ``RUNWISP_``.
MANAGER_VARIABLES = frozenset(
    {
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "CREDENTIALS_DIRECTORY",
    }
)
_OWN_PREFIX = "RUNWISP_"
_CLEAN_PATH = "/usr/bin:/bin"
_ACCOUNT_VARIABLES = ("HOME", "USER", "LOGNAME")


@frozen
class Account:
    """An entry of the user database."""

    name: str
    uid: int
    gid: int
    home: str


def inheritable(daemon: Mapping[str, str]) -> dict[str, str]:
    """What a process may inherit of the daemon's environment."""
    return {
        name: value
        for name, value in daemon.items()
        if name not in MANAGER_VARIABLES and not name.startswith(_OWN_PREFIX)
    }


def build(unit: Unit, run: Run, inherited: Mapping[str, str], account: Account | None) -> dict[str, str]:
    """The whole environment of the process of ``run``.

    :param inherited: what is :func:`inheritable`
    :param account: who executes the process; None if the user database does not know the daemon's user
    """
    env = _base(unit, inherited, account)
    if unit.user is not None and account is not None:
        env |= _account_variables(account)
    env |= unit.env
    env |= unit.secrets
    env |= {
        RUN_ID: run.id,
        "RUNWISP_TASK": unit.name,
        "RUNWISP_RETRY_ATTEMPT": str(run.retry_attempt),
        "RUNWISP_REPLICA_INDEX": str(run.replica_index),
    }
    return env


def _base(unit: Unit, inherited: Mapping[str, str], account: Account | None) -> dict[str, str]:
    if unit.env_base is EnvBase.INHERIT:
        return dict(inherited)
    if account is not None:
        identity = _account_variables(account)
    else:
        identity = {name: inherited[name] for name in _ACCOUNT_VARIABLES if name in inherited}
    return {"PATH": _CLEAN_PATH, "SHELL": unit.shell, **identity}


def _account_variables(account: Account) -> dict[str, str]:
    return {"HOME": account.home, "USER": account.name, "LOGNAME": account.name}
