from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.policy.reload import leaves_queue, moves_schedule, needs_restart, only_scales, plan_reload
from tests.make import config, task

BASE = """
[tasks.stays]
run = "true"
[tasks.goes]
run = "true"
[services.scales]
run = "true"
"""


def test_added_removed_and_changed_units_are_told_with_their_keys() -> None:
    new = """
        [tasks.stays]
        run = "false"
        timeout = "5s"
        [tasks.comes]
        run = "true"
        [services.scales]
        run = "true"
        instances = 4
    """
    plan = plan_reload(config(BASE), config(new))
    assert (plan.added, plan.removed) == (("comes",), ("goes",))
    assert plan.changed == {"scales": ("instances",), "stays": ("run", "timeout")}
    assert plan.settings == ()
    assert not plan.is_empty


def test_a_change_of_defaults_is_a_change_of_each_unit_it_reaches() -> None:
    plan = plan_reload(config(BASE), config(BASE + '[defaults]\ntimeout = "5s"\nstop_signal = "SIGINT"\n'))
    assert plan.changed == {
        "goes": ("stop_signal", "timeout"),
        "scales": ("stop_signal",),
        "stays": ("stop_signal", "timeout"),
    }


def test_a_unit_that_changes_its_kind_says_only_that() -> None:
    plan = plan_reload(config('[tasks.a]\nrun = "true"'), config('[services.a]\nrun = "false"'))
    assert plan.changed == {"a": ("kind",)}


def test_the_same_text_changes_nothing_and_neither_does_its_order() -> None:
    one = config('[tasks.a]\nrun = "true"\n[tasks.b]\nrun = "true"')
    other = config('[tasks.b]\nrun = "true"\n[tasks.a]\nrun = "true"')
    assert plan_reload(one, other).is_empty


def test_settings_are_told_by_key() -> None:
    new = """
        [scheduler]
        timezone = "Europe/Vienna"
        [daemon]
        shutdown_timeout = "3s"
        [storage]
        max_size = "1gb"
        [notify]
        coalesce_window = "5m"
        [[notifier]]
        id = "n"
        type = "gotify"
        url = "http://localhost"
        token = "t"
        [[notification_route]]
        notify = ["n"]
    """
    assert plan_reload(config(""), config(new)).settings == (
        "storage.max_size",
        "daemon.shutdown_timeout",
        "notify.coalesce_window",
        "scheduler.timezone",
        "notifier",
        "notification_route",
    )


@pytest.mark.parametrize("line", ['tls = "auto"', 'metrics_listen = "127.0.0.1:9478"'])
def test_what_only_a_restart_changes_is_named(line: str) -> None:
    (key, *_) = needs_restart(config(""), config(f"[daemon]\n{line}"))
    assert key.startswith("daemon.")
    assert needs_restart(config(""), config('[daemon]\nshutdown_timeout = "1s"')) == ()


def test_a_schedule_moves_with_its_expression_or_zone_only() -> None:
    assert moves_schedule(("run", "timezone"))
    assert moves_schedule(("cron",))
    assert not moves_schedule(("run", "timeout"))


def test_only_a_change_of_instances_alone_leaves_processes_running() -> None:
    assert only_scales(("instances",))
    assert not only_scales(("instances", "run"))


def test_only_a_task_that_queued_before_leaves_the_queue() -> None:
    queues, skips = task(), task('on_overlap = "skip"')
    assert leaves_queue(queues, skips)
    assert not leaves_queue(skips, queues)
    assert not leaves_queue(skips, skips)


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_every_unit_is_added_removed_or_kept(before: set[str], after: set[str]) -> None:
    old, new = (
        config("".join(f'[tasks.{name}]\nrun = "true"\n' for name in names)) for names in (before, after)
    )
    plan = plan_reload(old, new)
    assert set(plan.added) == after - before
    assert set(plan.removed) == before - after
    assert plan.changed == {}
