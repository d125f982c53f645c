"""The rows of the table: every comparison, and what it is wanted to show."""

from __future__ import annotations

from benchmarks import capture, due, idle, restart, retention, runs, schedule
from benchmarks.allowance import ALLOWANCE
from benchmarks.contest import Contest
from benchmarks.figures import Row, at_least, at_most

CONTESTS: dict[str, Contest] = {
    contest.name: contest
    for contest in (
        runs.CONTEST,
        capture.CONTEST,
        due.CONTEST,
        retention.CONTEST,
        idle.MEMORY,
        idle.ACTIVITY,
        restart.CONTEST,
        schedule.CONTEST,
    )
}

ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row(
            name="runs",
            title="`echo hi`, 4 at a time, rows and logs included",
            contest="runs",
            subject=runs.ENGINE,
            peer=runs.SUBPROCESS,
            quantity=runs.RUNS_PER_SECOND,
            unit="/s",
            target=at_least(0.45),
        ),
        Row(
            name="runs-crowded",
            title="the same beside 300 live children",
            contest="runs",
            subject=runs.CROWDED_ENGINE,
            peer=runs.ENGINE,
            quantity=runs.RUNS_PER_SECOND,
            unit="/s",
            target=at_least(0.8),
        ),
        Row(
            name="capture",
            title="300 MB of 104-byte lines",
            contest="capture",
            subject=capture.ENGINE,
            peer=capture.PIPE,
            quantity=capture.SECONDS,
            unit="s",
            target=at_most(1.5),
        ),
        Row(
            name="capture-supervisord",
            title="the same",
            contest="capture",
            subject=capture.ENGINE,
            peer=capture.SUPERVISORD,
            quantity=capture.SECONDS,
            unit="s",
            target=at_most(1),
        ),
        Row(
            name="due",
            title="1,000 jobs in one second: its begin to the last start",
            contest="due",
            subject=due.DAEMON,
            peer=due.CRONSTABLE,
            quantity=due.LAST_START,
            unit="s",
            target=at_most(1),
        ),
        Row(
            name="retention",
            title="100,000 old runs deleted: longest wait for the reactor",
            contest="retention",
            subject=retention.HOUSEKEEPING,
            peer=ALLOWANCE,
            quantity=retention.LONGEST_WAIT,
            unit="ms",
            target=at_most(1),
        ),
        Row(
            name="memory-supervisord",
            title="idle, 100 tasks and 10 services, children not counted",
            contest="memory",
            subject=idle.DAEMON,
            peer=idle.SUPERVISORD,
            quantity=idle.MEBIBYTES,
            unit="MiB",
            target=at_most(2),
        ),
        Row(
            name="memory-cronstable",
            title="the same",
            contest="memory",
            subject=idle.DAEMON,
            peer=idle.CRONSTABLE,
            quantity=idle.MEBIBYTES,
            unit="MiB",
            target=at_most(1),
        ),
        Row(
            name="idle-cpu",
            title="1,000 schedules, none due: processor time per minute",
            contest="idle",
            subject=idle.DAEMON,
            peer=idle.CRONSTABLE,
            quantity=idle.CPU_MS,
            unit="ms",
            target=at_most(1),
        ),
        Row(
            name="idle-wakes",
            title="the same: wake-ups per minute",
            contest="idle",
            subject=idle.DAEMON,
            peer=idle.CRONSTABLE,
            quantity=idle.WAKES,
            unit="",
            # The clock is looked at every 30 seconds, which cronstable does not do.
            target=at_most(2),
        ),
        Row(
            name="restart",
            title="a killed replica: time to the next start",
            contest="restart",
            subject=restart.DAEMON,
            peer=ALLOWANCE,
            quantity=restart.REACTION_MS,
            unit="ms",
            target=at_most(1),
        ),
        Row(
            name="restart-supervisord",
            title="the same",
            contest="restart",
            subject=restart.DAEMON,
            peer=restart.SUPERVISORD,
            quantity=restart.REACTION_MS,
            unit="ms",
            target=at_most(1),
        ),
        Row(
            name="restart-circus",
            title="the same",
            contest="restart",
            subject=restart.DAEMON,
            peer=restart.CIRCUSD,
            quantity=restart.REACTION_MS,
            unit="ms",
            target=at_most(1),
        ),
        Row(
            name="schedule",
            title="100,000 tasks with 2,000 schedules put on the schedule",
            contest="schedule",
            subject=schedule.SCHEDULER,
            peer=ALLOWANCE,
            quantity=schedule.SECONDS,
            unit="s",
            target=at_most(1),
        ),
    )
}
