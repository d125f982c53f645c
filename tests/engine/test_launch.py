from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import pytest
from attrs import evolve
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from runwisp.engine.environment import Account
from runwisp.engine.happening import Happening
from runwisp.engine.launch import IAccounts, SystemAccounts, prepare, shell_line
from runwisp.engine.process import Launch, Spawner, StartFailed
from runwisp.model import Unit
from tests.engine.examples import RUN, TASK
from tests.waiting import within

ROOT = Account("root", 0, 0, "/root")
ALICE = Account("alice", 1000, 100, "/home/alice")


@implementer(IAccounts)
class FakeAccounts:
    """Knows root and alice, the groups ``users`` and ``staff``."""

    def __init__(self, *, is_root: bool = True, own: Account | None = ROOT) -> None:
        self.is_root = is_root
        self._own = own

    def own(self) -> Account | None:
        return self._own

    def user(self, name: str) -> Account | None:
        return {"root": ROOT, "alice": ALICE, "1000": ALICE}.get(name)

    def group(self, name: str) -> int | None:
        return {"users": 100, "staff": 50, "50": 50}.get(name)

    def groups_of(self, account: Account, gid: int) -> tuple[int, ...]:
        return (gid, 27)


def launch_of(unit: Unit, accounts: IAccounts | None = None) -> Launch:
    return prepare(unit, RUN, {"PATH": "/bin"}, accounts or FakeAccounts())


def test_the_fake_accounts_are_like_the_real_ones() -> None:
    assert verifyObject(IAccounts, FakeAccounts())
    assert verifyObject(IAccounts, SystemAccounts())


@pytest.mark.parametrize("name", ["sh", "bash", "dash", "busybox", "mksh", "zsh"])
def test_a_posix_shell_stops_at_the_first_failing_command(name: str) -> None:
    assert shell_line(f"/opt/x/{name}", "a\nb") == (f"/opt/x/{name}", "-e", "-c", "a\nb")


@pytest.mark.parametrize("name", ["fish", "python3", "bash5", "sh.exe", "BASH", "rbash", "zsh-5.9", "csh"])
def test_another_interpreter_gets_the_script_alone(name: str) -> None:
    assert shell_line(f"/usr/bin/{name}", "a") == (f"/usr/bin/{name}", "-c", "a")


def test_a_plain_unit_is_launched_as_the_daemon_itself() -> None:
    launch = launch_of(TASK)
    assert launch.argv == ("/bin/sh", "-e", "-c", "echo hello")
    assert launch.env["PATH"] == "/bin"
    assert launch.env["RUNWISP_RUN_ID"] == RUN.id
    assert (launch.cwd, launch.umask) == (None, None)
    assert (launch.uid, launch.gid, launch.groups) == (None, None, None)


def test_directory_and_umask_are_passed_on() -> None:
    launch = launch_of(evolve(TASK, working_dir="/srv", umask=0o027))
    assert (launch.cwd, launch.umask) == ("/srv", 0o027)


@pytest.mark.parametrize(
    ("user", "gid"),
    [("alice", 100), ("1000", 100), ("alice:staff", 50), ("alice:50", 50), ("1000:users", 100)],
)
def test_a_user_is_switched_to_with_all_its_groups(user: str, gid: int) -> None:
    launch = launch_of(evolve(TASK, user=user))
    assert (launch.uid, launch.gid, launch.groups) == (1000, gid, (gid, 27))
    assert launch.env["HOME"] == "/home/alice"


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ("bob", "cannot run as user 'bob': there is no such user"),
        ("1001:users", "cannot run as user '1001': there is no such user"),
        ("alice:wheel", "cannot run as group 'wheel': there is no such group"),
    ],
)
def test_an_unknown_account_is_a_failed_start(user: str, sentence: str) -> None:
    with pytest.raises(StartFailed) as caught:
        launch_of(evolve(TASK, user=user))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("user", ["alice", "root", "bob"])
def test_only_root_may_run_units_as_a_user(user: str) -> None:
    with pytest.raises(StartFailed, match=f"cannot run as user '{user}': the daemon does not run as root"):
        launch_of(evolve(TASK, user=user), FakeAccounts(is_root=False, own=ALICE))


@pytest.mark.parametrize(
    ("working_dir", "user", "directory"),
    [
        ("~", "alice", "/home/alice"),
        ("~/x y", "alice:staff", "/home/alice/x y"),
        ("~", None, "/root"),
        ("~/log", None, "/root/log"),
        ("/a/~", "alice", "/a/~"),
        ("~bob", "alice", "~bob"),
    ],
)
def test_a_tilde_is_the_home_of_who_executes(working_dir: str, user: str | None, directory: str) -> None:
    assert launch_of(evolve(TASK, working_dir=working_dir, user=user)).cwd == directory


def test_a_tilde_without_a_home_is_a_failed_start() -> None:
    with pytest.raises(StartFailed, match="cannot use the working directory ~: our user has no home"):
        launch_of(evolve(TASK, working_dir="~"), FakeAccounts(own=None))


def test_the_system_knows_root_by_name_and_number() -> None:
    accounts = SystemAccounts()
    entry = pwd.getpwuid(0)
    root = Account(entry.pw_name, 0, entry.pw_gid, entry.pw_dir)
    assert accounts.user("root") == accounts.user("0") == root
    assert accounts.group(grp.getgrgid(0).gr_name) == accounts.group("0") == 0
    assert 0 in accounts.groups_of(root, 0)
    assert accounts.is_root == (os.geteuid() == 0)
    assert accounts.own() == accounts.user(str(os.geteuid()))


@pytest.mark.parametrize("name", ["no-such-user-here", "4294967295", "99999999999999999999"])
def test_the_system_does_not_know_everybody(name: str) -> None:
    accounts = SystemAccounts()
    assert accounts.user(name) is None
    assert accounts.group(name) is None


class Reader(ProcessProtocol):
    def __init__(self) -> None:
        self.output = b""
        self.ended = Happening()

    def outReceived(self, data: bytes) -> None:
        self.output += data

    def processEnded(self, reason: Failure) -> None:
        self.ended.happen()


async def test_a_unit_runs_as_nobody_or_is_refused(reactor: PosixReactorBase) -> None:
    script = "id -un; id -gn; echo $HOME $USER $LOGNAME; umask; pwd"
    unit = evolve(TASK, run=script, user="nobody", umask=0o077, working_dir="/")
    if os.geteuid() != 0:
        with pytest.raises(StartFailed, match="the daemon does not run as root"):
            prepare(unit, RUN, os.environ, SystemAccounts())
        return
    reader = Reader()
    Spawner(reactor).spawn(reader, prepare(unit, RUN, os.environ, SystemAccounts()))
    await within(reactor, reader.ended.when())
    entry = pwd.getpwnam("nobody")
    group = grp.getgrgid(entry.pw_gid).gr_name
    expected = f"nobody\n{group}\n{entry.pw_dir} nobody nobody\n0077\n/\n"
    assert reader.output.decode() == expected


async def test_a_script_stops_at_its_first_error(reactor: PosixReactorBase, tmp_path: Path) -> None:
    unit = evolve(TASK, run="echo $RUNWISP_TASK\nfalse\necho not reached", working_dir=str(tmp_path))
    reader = Reader()
    Spawner(reactor).spawn(reader, prepare(unit, RUN, os.environ, SystemAccounts()))
    await within(reactor, reader.ended.when())
    assert reader.output == b"backup\n"
