"""Sentences about decisions, for the rows of runs."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from runwisp.policy.catch_up import CatchUpPlan


def describe_gap(plan: CatchUpPlan, zone: str) -> str:
    """How many slots were missed since when, in the task's zone, and how many of them run now."""
    since = datetime.fromtimestamp(plan.since / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    count = f"at least {plan.missed}" if plan.is_at_least else str(plan.missed)
    slots = "slot" if plan.missed == 1 else "slots"
    again = {0: "none runs now", 1: "1 runs now"}.get(len(plan.rerun), f"{len(plan.rerun)} run now")
    return f"{count} {slots} missed since {since}: the daemon was not running or the machine slept; {again}"
