"""Delivery by programs that take a letter from their standard input."""

from __future__ import annotations

import email
import os
from pathlib import Path

import pytest
from twisted.internet.posixbase import PosixReactorBase

from runwisp.engine import procfs
from runwisp.engine.process import Spawner
from runwisp.model import Seconds
from runwisp.notify.channel import Permanent, Retryable, Undelivered
from runwisp.notify.transports.sendmail import SendmailChannel
from runwisp.policy.delivery import LONGEST_MAIL_ATTEMPT
from tests import make
from tests.notify.hostile import WHOLE, failed

NOWHERE = ("/nowhere/sendmail",)


class Post:
    """A channel for a program whose script is ``sh``."""

    def __init__(self, reactor: PosixReactorBase, home: Path) -> None:
        self._reactor = reactor
        self.home = home
        self.program = home / "sendmail"

    def channel(
        self,
        sh: str,
        limit: Seconds = LONGEST_MAIL_ATTEMPT,
        places: tuple[str, ...] = NOWHERE,
        path: str = "/usr/bin:/bin",
        is_named: bool = True,
    ) -> SendmailChannel:
        self.program.write_text(f"#!/bin/sh\n{sh}\n")
        self.program.chmod(0o755)
        named = f'sendmail_path = "{self.program}"\n' if is_named else ""
        notifier = make.config(
            '[notifiers.mail]\ntype = "sendmail"\nfrom = "runwisp@example.net"\n'
            f'to = ["ops@example.net"]\nbcc = ["boss@example.net"]\n{named}'
        ).notifiers["mail"]
        environ = {"PATH": path, "HOME": str(self.home)}
        spawner = Spawner(self._reactor)
        return SendmailChannel(
            notifier, self._reactor, spawner, lambda: 1_772_416_800.0, environ, places, limit
        )

    async def send(self, channel: SendmailChannel) -> str:
        return await channel.send(channel.write(WHOLE))

    async def fail(self, channel: SendmailChannel) -> Undelivered:
        with pytest.raises(Undelivered) as caught:
            await self.send(channel)
        return caught.value


@pytest.fixture
def post(reactor: PosixReactorBase, tmp_path: Path) -> Post:
    return Post(reactor, tmp_path)


async def test_the_program_reads_the_letter_and_its_recipients_in_it(post: Post) -> None:
    said = await post.send(
        post.channel('echo "$@" > "$HOME/arguments"; pwd > "$HOME/place"; cat > "$HOME/letter"')
    )
    assert said == "accepted"
    assert (post.home / "arguments").read_text() == "-t -i\n"
    assert (post.home / "place").read_text() == "/\n"
    letter = email.message_from_bytes((post.home / "letter").read_bytes())
    assert (letter["To"], letter["Bcc"]) == ("ops@example.net", "boss@example.net")
    assert letter["Subject"] == "db:backup failed"


async def test_the_program_need_not_read_anything(post: Post) -> None:
    assert await post.send(post.channel("exec true")) == "accepted"


async def test_exit_code_75_means_later(post: Post) -> None:
    error = await post.fail(post.channel("echo queue is full >&2; exit 75"))
    assert isinstance(error, Retryable)
    assert str(error) == f"sendmail:mail: {post.program}: exit code 75: queue is full"


@pytest.mark.parametrize(("sh", "how"), [("exit 1", "exit code 1"), ("kill -9 $$", "signal 9")])
async def test_any_other_end_is_final(post: Post, sh: str, how: str) -> None:
    error = await post.fail(post.channel(sh))
    assert isinstance(error, Permanent)
    assert str(error) == f"sendmail:mail: {post.program}: {how}"


async def test_four_kilobytes_of_its_complaint_are_repeated(post: Post) -> None:
    error = await post.fail(
        post.channel("yes x | tr -d '\\n' | head -c 100000 >&2; yes | head -c 100000; exit 1")
    )
    assert str(error).partition("exit code 1: ")[2] == "x" * 4096


async def test_a_program_that_cannot_be_run_is_final(post: Post) -> None:
    channel = post.channel("true")
    post.program.chmod(0o644)
    error = await post.fail(channel)
    assert isinstance(error, Permanent)
    assert str(error) == f"sendmail:mail: cannot start {post.program}: Permission denied"
    assert not error.has_gone_out


async def test_it_is_looked_for_in_the_usual_places_and_then_in_the_path(post: Post) -> None:
    usual = post.channel("exit 3", places=(*NOWHERE, str(post.program)), path="", is_named=False)
    assert "exit code 3" in str(await post.fail(usual))
    found = post.channel("exit 4", path=f"/nowhere:{post.home}", is_named=False)
    assert "exit code 4" in str(await post.fail(found))


async def test_where_there_is_none_the_error_names_what_was_tried(post: Post) -> None:
    error = await post.fail(post.channel("true", path="/nowhere", is_named=False))
    assert isinstance(error, Permanent)
    assert str(error) == "sendmail:mail: there is no sendmail; tried /nowhere/sendmail, $PATH"


async def test_it_is_looked_for_at_each_send(post: Post) -> None:
    channel = post.channel("true", path=str(post.home), is_named=False)
    post.program.unlink()
    await post.fail(channel)
    post.channel("true")
    assert await post.send(channel) == "accepted"


async def test_a_program_that_hangs_is_killed_with_its_children(post: Post) -> None:
    channel = post.channel('sleep 600 & echo $! > "$HOME/child"; wait', limit=Seconds(0.5))
    error = await post.fail(channel)
    assert isinstance(error, Retryable)
    assert str(error) == f"sendmail:mail: {post.program} took longer than 0.5 s"
    child = procfs.read_process(int((post.home / "child").read_text()))
    assert child is None or child.is_zombie


async def test_one_that_delivers_in_the_background_does_not_keep_us(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runwisp.notify.transports.sendmail.FAREWELL_S", 0.1)
    channel = post.channel('sleep 600 & echo $! > "$HOME/child"; exit 0')
    assert await post.send(channel) == "accepted"
    os.kill(int((post.home / "child").read_text()), 9)


async def test_a_large_letter_is_handed_on_whole(post: Post) -> None:
    channel = post.channel('cat > "$HOME/letter"')
    letter = channel.write(failed("t", "x", "y"))
    whole = letter.content + b"z" * 1_000_000
    await channel.send(type(letter)(letter.sender, letter.recipients, whole))
    assert (post.home / "letter").read_bytes() == whole
