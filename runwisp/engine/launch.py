"""What exactly is started for a run: command, environment, directory, account (spec: runtime, processes).

Nothing is started here; see :mod:`runwisp.engine.process`.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from functools import cached_property

from zope.interface import Attribute, Interface, implementer

from runwisp.config.shells import is_fail_fast
from runwisp.engine import environment
from runwisp.engine.environment import Account
from runwisp.engine.process import Launch, StartFailed
from runwisp.model import Run, Unit

#: What setuid(2) and its kin understand as "leave it as it is".
NO_ID = 2**32 - 1


class IAccounts(Interface):
    """The users and groups of the machine, asked anew each time; an answer may block for a moment."""

    is_root: bool = Attribute("Whether the daemon may start processes of others.")

    def own() -> Account | None:
        """The daemon's user, None if the database does not know it."""

    def user(name: str) -> Account | None:
        """The user of this name, or of this number if it is digits."""

    def group(name: str) -> int | None:
        """The id of the group of this name; a number is its own answer."""

    def groups_of(account: Account, gid: int) -> tuple[int, ...]:
        """``gid`` and the supplementary groups of ``account``."""


@implementer(IAccounts)
class SystemAccounts:
    """The real users and groups."""

    @property
    def is_root(self) -> bool:
        return os.geteuid() == 0

    @cached_property
    def _own(self) -> Account | None:
        return self.user(str(os.geteuid()))

    def own(self) -> Account | None:
        # The daemon does not change its user, and every run asks.
        return self._own

    def user(self, name: str) -> Account | None:
        try:
            entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
        except (KeyError, OverflowError):
            return None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)

    def group(self, name: str) -> int | None:
        if name.isdecimal():
            return int(name) if int(name) < NO_ID else None
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None

    def groups_of(self, account: Account, gid: int) -> tuple[int, ...]:
        return tuple(os.getgrouplist(account.name, gid))


def prepare(unit: Unit, run: Run, inherited: Mapping[str, str], accounts: IAccounts) -> Launch:
    """How to start the process of ``run``.

    :param inherited: what processes inherit of the daemon's environment
    :raises StartFailed: if the account is unknown or not allowed, or the home of an unknown user is needed
    """
    if unit.user is None:
        account = accounts.own()
        uid, gid, groups = None, None, None
    else:
        account, gid = _executing_account(unit.user, accounts)
        uid = account.uid
        groups = accounts.groups_of(account, gid)
    return Launch(
        argv=shell_line(unit.shell, unit.run),
        env=environment.build(unit, run, inherited, account),
        cwd=_directory(unit.working_dir, account),
        umask=unit.umask,
        uid=uid,
        gid=gid,
        groups=groups,
    )


def shell_line(shell: str, script: str) -> tuple[str, ...]:
    """The command line that runs ``script``; a POSIX shell stops at the first failing command."""
    options = ("-e", "-c") if is_fail_fast(shell) else ("-c",)
    return (shell, *options, script)


def _executing_account(user: str, accounts: IAccounts) -> tuple[Account, int]:
    if not accounts.is_root:
        raise StartFailed(f"cannot run as user {user!r}: the daemon does not run as root")
    name, _, group = user.partition(":")
    account = accounts.user(name)
    if account is None:
        raise StartFailed(f"cannot run as user {name!r}: there is no such user")
    gid = accounts.group(group) if group else account.gid
    if gid is None:
        raise StartFailed(f"cannot run as group {group!r}: there is no such group")
    return account, gid


def _directory(working_dir: str | None, account: Account | None) -> str | None:
    if working_dir is None or not (working_dir == "~" or working_dir.startswith("~/")):
        return working_dir
    if account is None:
        raise StartFailed(f"cannot use the working directory {working_dir}: our user has no home directory")
    return account.home + working_dir[1:]
