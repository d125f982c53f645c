"""What the units of the demo have done before anybody looks: how attempts ended, and what they printed.

It has to sound like the commands of ``runwisp.toml`` beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import TypeAlias

from attrs import frozen

from runwisp.model import EndReason, Stream

#: Text that was printed; a tuple of lines each.
Output: TypeAlias = Sequence[tuple[Stream, str]]

_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86_400.0


@frozen
class Ending:
    """How an attempt came out after ``seconds``."""

    seconds: float
    output: Output
    reason: EndReason = EndReason.SUCCESS
    exit_code: int = 0


@frozen
class TaskStory:
    """The past of a task, which goes back ``reach_s`` seconds.

    ``attempt`` gets the number of the slot and that of the attempt. Without a schedule the task was started
    by hand ``times`` times.
    """

    reach_s: float
    attempt: Callable[[Random, int, int], Ending]
    times: int = 0


@frozen
class Life:
    """One run of a replica, which began and ended so many seconds before the present."""

    replica_index: int
    began_s: float
    ended_s: float
    output: Output
    reason: EndReason = EndReason.STOPPED
    exit_code: int = -1


def _out(*lines: str) -> Output:
    return [(Stream.STDOUT, line) for line in lines]


def _orders(random: Random, slot: int, attempt: int) -> Ending:
    count = random.randint(1, 5) if slot % 17 else 6
    stored = [f"order {4000 + number} stored" for number in range(1, count + 1)]
    lines = [f"market place has {count} new orders", *stored]
    if count < 6:
        return Ending(count + random.random() / 5, _out(*lines))
    return Ending(26.0 + random.random(), _out(*lines, "waiting for the last page"))


def _invoices(random: Random, slot: int, attempt: int) -> Ending:
    begin = _out(f"attempt {attempt}: connecting to the bank")
    if attempt == 0:
        refused = (Stream.STDERR, "bank: connection refused")
        return Ending(1.0 + random.random() / 9, [*begin, refused], EndReason.FAILED, 7)
    return Ending(1.0 + random.random() / 9, [*begin, *_out("all invoices sent")])


def _prices(random: Random, slot: int, attempt: int) -> Ending:
    asking = _out("asking for prices")
    if slot % 3 == 2:
        over = (Stream.SYSTEM, "timeout of 4s is over, stopping the run")
        return Ending(4.0 + random.random() / 50, [*asking, over], EndReason.TIMEOUT, -1)
    return Ending(slot % 3 * 3 + random.random() / 9, [*asking, *_out("312 prices compared")])


def _backup(random: Random, slot: int, attempt: int) -> Ending:
    copied = (f"copied media/{number // 100}/{number}.jpg" for number in range(1, 12_001))
    return Ending(300 + 200 * random.random(), _out(*copied, "12000 files, 3.1 GB"))


def _certificates(random: Random, slot: int, attempt: int) -> Ending:
    expiring = (Stream.STDERR, "mail.shop.example: 2 days left")
    output = [*_out("www.shop.example: 61 days left"), expiring]
    return Ending(0.3 + random.random(), output, EndReason.FAILED, 1)


def _access_log(random: Random, slot: int, attempt: int) -> Ending:
    lines = (f"GET /product/{number} 200" for number in range(1, 4000))
    return Ending(0.6 + random.random() / 4, _out(*lines), EndReason.LOG_OVERFLOW, -1)


def _tests(random: Random, slot: int, attempt: int) -> Ending:
    lines = ["\x1b[1mRunning 4 tests\x1b[0m"]
    lines += [f"\x1b[1;32mPASS\x1b[0m {name}" for name in ("cart", "checkout", "search")]
    if slot == 2:
        broken = (Stream.STDERR, "\x1b[1;37;41mFAIL\x1b[0m payment: \x1b[31mexpected 402, got 500\x1b[0m")
        return Ending(4.0 + random.random(), [*_out(*lines), broken], EndReason.FAILED, 1)
    lines += ["\x1b[1;33mSLOW\x1b[0m payment \x1b[2m(3.2 s)\x1b[0m"]
    lines += ["\x1b[38;5;208m4 of 4\x1b[0m, \x1b[4mno failures\x1b[0m"]
    return Ending(3.0 + random.random(), _out(*lines))


TASKS: Mapping[str, TaskStory] = {
    "orders": TaskStory(40 * _MINUTE_S, _orders),
    "invoices": TaskStory(5 * _HOUR_S, _invoices),
    "prices": TaskStory(1.5 * _HOUR_S, _prices),
    "backup": TaskStory(6 * _DAY_S, _backup),
    "certificates": TaskStory(8 * _HOUR_S, _certificates),
    "access-log": TaskStory(_DAY_S, _access_log),
    "tests": TaskStory(4 * _DAY_S, _tests, times=5),
}


def _mail(replica_index: int, messages: int) -> Output:
    return _out(*(f"worker {replica_index}: message {number} sent" for number in range(1, messages + 1)))


def _web(random: Random, requests: int) -> Output:
    carts = (random.randint(1, 90) for _ in range(requests))
    return _out(
        "listening at 8080", *(f"\x1b[36mGET\x1b[0m /cart/{cart} \x1b[32m200\x1b[0m" for cart in carts)
    )


def service_lives(random: Random) -> Iterator[tuple[str, Life]]:
    """The past of the services: the last life of each replica ended when the daemon was restarted."""
    for replica_index in range(3):
        began_s = 20 * _HOUR_S
        if replica_index == 1:
            killed = (*_mail(1, 400), (Stream.SYSTEM, "ended by SIGKILL"))
            yield "mail", Life(1, began_s, 7 * _HOUR_S, killed, EndReason.FAILED)
            began_s = 7 * _HOUR_S - 1
        yield "mail", Life(replica_index, began_s, 1, _mail(replica_index, 900))
    lost = (Stream.STDERR, "lost the database")
    for ended_s in (140 * _MINUTE_S, 90 * _MINUTE_S, 55 * _MINUTE_S):
        output = [*_web(random, 90), lost]
        yield "web", Life(0, ended_s + 182, ended_s, output, EndReason.FAILED, 3)
    yield "web", Life(0, 55 * _MINUTE_S - 2, 1, _web(random, 1500))
