from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.settings import Config, EventKind, Route, RouteMatch
from runwisp.model import EndReason, NotifyEvent, NotifyKind
from runwisp.policy.notify_events import run_ended
from runwisp.policy.routing import RouteTable
from tests.make import config
from tests.notify import events
from tests.notify.events import ended, ended_run, failure, success

NOTIFIERS = """
    [[notifier]]
    id = "ops"
    type = "slack"
    webhook_url = "https://hooks.example.net/1"
    [[notifier]]
    id = "mail"
    type = "sendmail"
    from = "runwisp@example.net"
    to = ["root@example.net"]
"""


def table(toml_text: str) -> RouteTable:
    return RouteTable.of(config(NOTIFIERS + toml_text))


def test_without_a_configuration_the_bell_gets_the_failures_alone() -> None:
    routes = table("")
    got = {kind for kind, event in events.one_of_each().items() if routes.targets(event)}
    assert got == {
        "run.failed",
        "run.timeout",
        "run.crashed",
        "run.missed",
        "service.fatal",
        "log.disk_pressure",
    }
    assert routes.targets(failure()) == ("inapp",)


def test_without_default_notifiers_nobody_gets_anything() -> None:
    routes = table("[notify]\ndefault_notifiers = []")
    assert not any(routes.targets(event) for event in events.one_of_each().values())
    assert not any(routes.wants(kind) for kind in NotifyKind)


def test_the_default_notifiers_can_be_others_than_the_bell() -> None:
    routes = table('[notify]\ndefault_notifiers = ["mail"]')
    assert routes.targets(failure()) == ("mail",)
    assert routes.targets(events.disk_pressure()) == ()


UNITS = """
    [notify]
    default_notifiers = ["inapp", "mail"]
    [tasks.backup]
    run = "true"
    notify_on_failure = ["ops:#db", "mail"]
    notify_on_success = ["ops"]
    [tasks.backup-2]
    run = "true"
    [services.web]
    run = "true"
    notify_on_failure = ["ops"]
    notify_on_success = []
"""


def test_the_lists_of_a_unit_are_for_it_alone_and_bring_the_default_along() -> None:
    routes = table(UNITS)
    assert routes.targets(failure("backup")) == ("ops:#db", "mail", "inapp")
    assert routes.targets(success("backup")) == ("ops", "inapp", "mail")
    assert routes.targets(failure("backup-2")) == ("inapp", "mail")
    assert routes.targets(success("backup-2")) == ()
    assert routes.targets(events.gave_up("web")) == ("ops", "inapp", "mail")
    assert routes.targets(success("web")) == ()


def test_the_lists_of_a_unit_hold_without_a_default() -> None:
    routes = table(UNITS.replace('["inapp", "mail"]', "[]", 1))
    assert routes.targets(failure("backup")) == ("ops:#db", "mail")
    assert routes.targets(success("backup")) == ("ops",)
    assert routes.targets(failure("backup-2")) == ()


def test_two_routes_a_list_and_the_default_that_name_one_notifier_send_once() -> None:
    routes = table(
        """
        [notify]
        default_notifiers = ["ops"]
        [tasks.backup]
        run = "true"
        notify_on_failure = ["ops", "ops"]
        [[notification_route]]
        notify = ["ops"]
        [[notification_route]]
        match = { kind = "run.failed" }
        notify = ["ops"]
        """
    )
    assert routes.targets(failure()) == ("ops",)


def test_another_target_of_the_same_notifier_is_another_notifier() -> None:
    routes = table(
        """
        [[notification_route]]
        notify = ["ops", " ops : #a ", "ops:#a"]
        """
    )
    assert routes.targets(success()) == ("ops", "ops:#a")


def routed(match: str, event: NotifyEvent) -> bool:
    toml_text = f"""
        [notify]
        default_notifiers = []
        [[notification_route]]
        match = {match}
        notify = ["ops"]
    """
    return table(toml_text).targets(event) == ("ops",)


@pytest.mark.parametrize(
    ("match", "kinds"),
    [
        ("{}", set(NotifyKind) - {"run.started", "notify.test", "notify.delivery_failed"}),
        ("{ kind = [] }", set(NotifyKind) - {"run.started", "notify.test", "notify.delivery_failed"}),
        ('{ kind = "run.started" }', {"run.started"}),
        ('{ kind = ["stopped", "run.queue_full"] }', {"run.stopped", "run.queue_full"}),
        ("{ failure = true }", {"run.failed", "run.timeout", "run.crashed", "run.missed", "service.fatal"}),
        ('{ failure = true, kind = ["run.timeout", "run.stopped"] }', {"run.timeout"}),
        ('{ task = "w*" }', {"service.fatal"}),
        ('{ task = "b?ckup", kind = "run.succeeded" }', {"run.succeeded"}),
        ('{ task = "back" }', set()),
    ],
)
def test_a_route_takes_what_all_its_conditions_hold_for(match: str, kinds: set[str]) -> None:
    found = {kind for kind, event in events.one_of_each().items() if routed(match, event)}
    assert found == kinds


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        ("run.failed", {"failed", "log_overflow", "unhealthy"}),
        ("run.log_overflow", {"log_overflow"}),
        ("run.unhealthy", {"unhealthy"}),
        ("run.stopped", {"stopped", "daemon_stopped"}),
        ("run.daemon_stopped", {"daemon_stopped"}),
    ],
)
def test_a_kind_includes_its_end_reasons_or_is_one_of_them(kind: str, reasons: set[str]) -> None:
    found = set()
    for reason in EndReason:
        event = run_ended(ended_run(reason), events.event_id(), events.START)
        if event is not None and routed(f'{{ kind = "{kind}" }}', event):
            found.add(reason)
    assert found == reasons


def test_a_stopped_run_goes_nowhere_but_through_a_route() -> None:
    stopped = ended(ended_run(EndReason.STOPPED))
    assert table("").targets(stopped) == ()
    assert routed("{}", stopped)


def test_a_failure_that_the_unit_does_not_count_is_for_routes_that_list_its_kind() -> None:
    event = ended(ended_run(EndReason.LOG_OVERFLOW, is_failure=False))
    assert table("").targets(event) == ()
    assert not routed("{}", event)
    assert not routed("{ failure = true }", event)
    assert not routed('{ failure = true, kind = "run.failed" }', event)
    assert routed('{ kind = "run.failed" }', event)
    assert routed('{ kind = "run.log_overflow" }', event)


def test_what_is_never_routed_reaches_not_even_a_route_for_everything() -> None:
    assert not routed("{}", events.undelivered())
    assert not routed("{}", events.trial())


def test_both_ways_to_write_a_configuration_give_the_same_routing() -> None:
    canonical = config(
        """
        [notify]
        default_notifiers = ["ops"]
        occurrence_ring = 5
        [[notifier]]
        id = "ops"
        type = "slack"
        webhook_url = "https://hooks.example.net/1"
        [[notification_route]]
        match = { kind = ["run.failed"], task = "b*" }
        notify = ["inapp"]
        """
    )
    aliased = config(
        """
        [notify]
        global_notifiers = ["ops"]
        coalesce_limit = 5
        [notifiers.ops]
        type = "slack"
        webhook_url = "https://hooks.example.net/1"
        [[route]]
        match = { kinds = ["failed"], task = "b*" }
        notifiers = ["inapp"]
        """
    )
    assert RouteTable.of(aliased).targets(failure()) == ("inapp", "ops")
    assert RouteTable.of(aliased).targets(failure("mail")) == ("ops",)
    for event in events.one_of_each().values():
        assert RouteTable.of(aliased).targets(event) == RouteTable.of(canonical).targets(event)
    assert aliased.notify == canonical.notify


# The same said once more, naively: by sets of words, and globs whose matches are written down.

_NAMES = ("a", "ab", "cab", "web")
_GLOBS = {
    None: {*_NAMES, "gone"},
    "*": {*_NAMES, "gone"},
    "a*": {"a", "ab"},
    "?ab": {"cab"},
    "[^a]*": {"cab", "web", "gone"},
}
_TOKENS = ("inapp", "ops", "ops:#a", "mail")
_BASE = config(NOTIFIERS + "".join(f'[tasks."{name}"]\nrun = "true"\n' for name in _NAMES))


def naive_targets(settings: Config, event: NotifyEvent) -> set[str]:
    words = {event.kind.value}
    if event.run is not None:
        reason = str(event.run.end_reason)
        words |= {f"run.{reason}"} & {"run.log_overflow", "run.unhealthy", "run.daemon_stopped"}
    usual_failures = {"run.failed", "run.timeout", "run.crashed", "run.missed", "service.fatal"}
    may_fail = event.kind.value in usual_failures
    is_failure = may_fail and event.run is not None and event.run.is_failure
    is_quiet = event.kind.value == "run.started" or (may_fail and not is_failure)
    got = set[str]()
    if event.kind.value in ("notify.test", "notify.delivery_failed"):
        return got
    for route in settings.routes:
        listed = {kind.value for kind in route.match.kind}
        if listed and not listed & words:
            continue
        if not listed and is_quiet:
            continue
        if route.match.failure and not is_failure:
            continue
        if event.task_name in _GLOBS[route.match.task]:
            got |= set(route.notify)
    unit = settings.unit(event.task_name or "")
    default = set(settings.notify.default_notifiers)
    if is_failure:
        got |= default
        got |= set(unit.notify_on_failure) if unit is not None else set()
    if event.kind.value == "run.succeeded" and unit is not None and unit.notify_on_success:
        got |= set(unit.notify_on_success) | default
    if event.kind.value == "log.disk_pressure" and "inapp" in default:
        got.add("inapp")
    return got


def lists(shortest: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(_TOKENS), min_size=shortest, max_size=3).map(tuple)


_MATCHES = st.builds(
    RouteMatch,
    kind=st.lists(st.sampled_from(EventKind), max_size=3).map(tuple),
    failure=st.booleans(),
    task=st.sampled_from(list(_GLOBS)),
)


@st.composite
def configurations(draw: st.DrawFn) -> Config:
    routes = draw(st.lists(st.builds(Route, match=_MATCHES, notify=lists(1)), max_size=4))
    tasks = {
        name: evolve(task, notify_on_failure=draw(lists()), notify_on_success=draw(lists()))
        for name, task in _BASE.tasks.items()
    }
    notify = evolve(_BASE.notify, default_notifiers=draw(lists()))
    return evolve(_BASE, routes=tuple(routes), tasks=tasks, notify=notify)


@st.composite
def any_event(draw: st.DrawFn) -> NotifyEvent:
    name = draw(st.sampled_from([*_NAMES, "gone"]))
    reason = draw(st.sampled_from(EndReason))
    run = ended_run(reason, name, is_failure=reason is not EndReason.SUCCESS and draw(st.booleans()))
    event = run_ended(run, events.event_id(), events.START)
    others = [events.started(name), events.disk_pressure(name), events.undelivered(failure(name))]
    others += [events.gave_up(name, is_failure=draw(st.booleans())), events.trial()]
    return event if event is not None and draw(st.booleans()) else draw(st.sampled_from(others))


@given(settings=configurations(), event=any_event())
def test_everybody_gets_what_a_naive_reading_of_the_rules_says(settings: Config, event: NotifyEvent) -> None:
    routes = RouteTable.of(settings)
    targets = routes.targets(event)
    assert len(targets) == len(set(targets))
    assert set(targets) == naive_targets(settings, event)
    assert routes.wants(event.kind) or not targets
