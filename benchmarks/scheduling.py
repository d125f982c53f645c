"""A program that puts many tasks on the schedule and says how long that took.

``python -m benchmarks.scheduling DIRECTORY TASKS SCHEDULES`` makes so many tasks with so many different
schedules, at most 10,080, from one that it loads from a file in ``DIRECTORY``. Schedules are read before the
clock starts, as they are when a configuration is loaded. It prints the seconds from the first task that is
added until the scheduler has set its timer.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from runwisp.config.cron import parse
from runwisp.config.loader import load
from runwisp.engine.scheduler import Gap, ISlotTaker, Scheduler
from runwisp.model import Task, UnixMs
from runwisp.policy.firing import Slot

_CONFIG = """
[tasks.only]
cron = "0 0 * * *"
timezone = "Europe/Berlin"
run = "true"
"""


@implementer(ISlotTaker)
class Nobody:
    """Takes no slots: none comes."""

    def fire(self, name: str, slot: Slot) -> None:
        raise AssertionError(f"{name} fired at {slot}")

    def catch_up(self, gaps: Sequence[Gap], now: UnixMs) -> Deferred[None]:
        return succeed(None)

    def start_anew(self, names: Sequence[str], now: UnixMs) -> None:
        raise AssertionError("no clock was set")


def make_tasks(only: Task, count: int, schedules: int) -> list[Task]:
    """``count`` tasks that differ in name and share ``schedules`` schedules: a minute of the week each."""
    texts = [
        f"{number % 60} {number // 60 % 24} * * {number // 1440}" for number in range(min(schedules, count))
    ]
    for text in texts:
        parse(text)
    return [evolve(only, name=f"task-{number}", cron=texts[number % len(texts)]) for number in range(count)]


def main(directory: str, count: str, schedules: str) -> None:
    path = Path(directory) / "runwisp.toml"
    path.write_text(_CONFIG)
    tasks = make_tasks(load(path, os.environ).tasks["only"], int(count), int(schedules))
    scheduler = Scheduler(Clock(), time.time, Nobody())
    began_s = time.perf_counter()
    for task in tasks:
        scheduler.add(task)
    scheduler.start()
    print(time.perf_counter() - began_s)


if __name__ == "__main__":
    main(*sys.argv[1:])
