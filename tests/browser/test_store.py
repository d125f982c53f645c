"""The dashboard's model of the daemon: events and answers come in any order, and nothing goes back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

_TOOLS = """
    const { DAEMON, ended, fakeDaemon, FakeLive, loadedStore, makeRun, makeTask, told } =
        await import('/tests/fake_daemon.js');
"""


def tried(modules: Page, body: str) -> Any:
    """What the body of an async function returns that has the tools of the fake daemon."""
    return modules.evaluate(f"async () => {{ {_TOOLS} {body} }}")


def test_what_runs_is_counted_by_unit(modules: Page) -> None:
    assert tried(
        modules,
        """
        const pending = makeRun(2, { status: 'pending', start_at: null });
        const active = [makeRun(1), pending, makeRun(3, { task_name: 'b' })];
        const { store } = await loadedStore({ active });
        const [a, b] = ['a', 'b'].map((name) => store.units.get(name));
        const counts = [store.activeRuns('a').length, store.activeRuns().length];
        return [a.active_runs, a.queued_runs, b.active_runs, ...counts];
        """,
    ) == [1, 1, 1, 2, 3]


def test_a_run_is_followed_from_its_creation_to_its_end(modules: Page) -> None:
    assert tried(
        modules,
        """
        const { store, live } = await loadedStore();
        const seen = [];
        const look = () => {
            const unit = store.units.get('a');
            seen.push([unit.queued_runs, unit.active_runs, unit.last_run.status, store.activeRuns().length]);
        };
        const run = makeRun(1, { status: 'pending', start_at: null });
        live.send('run.created', { run });
        look();
        live.send('run.started', { run: { ...run, status: 'running' } });
        look();
        live.send('run.ended', { run: ended(run) });
        look();
        return seen;
        """,
    ) == [[1, 0, "pending", 1], [0, 1, "running", 1], [0, 0, "ended", 0]]


def test_no_run_goes_back(modules: Page) -> None:
    assert tried(
        modules,
        """
        const { store, live } = await loadedStore();
        const run = makeRun(1);
        live.send('run.ended', { run: ended(run) });
        live.send('run.started', { run });
        const [merged] = store.addRuns([run]);
        return [store.run(run.id).status, merged.status, store.units.get('a').active_runs];
        """,
    ) == ["ended", "ended", 0]


def test_what_the_stream_tells_while_a_page_is_fetched_is_newer(modules: Page) -> None:
    assert tried(
        modules,
        """
        const run = makeRun(1);
        const { store, live, daemon, table } = await loadedStore({ active: [run] });
        table['GET /api/runs'] = { items: [run], next_cursor: null, total: 1 };
        const open = daemon.hold();
        const fetching = store.fetchRuns({ limit: 1 });
        live.send('run.updated', { run: { ...run, stopping: true } });
        open();
        const early = (await fetching).items[0].stopping;
        const late = (await store.fetchRuns({ limit: 1 })).items[0].stopping;
        return [early, late];
        """,
    ) == [True, False]


def test_what_happens_during_the_first_load_is_not_lost(modules: Page) -> None:
    assert tried(
        modules,
        """
        const { Store } = await import('/js/store.js');
        const run = makeRun(1);
        const daemon = fakeDaemon({
            'GET /api/daemon': DAEMON,
            'GET /api/tasks': { items: [makeTask('a', { last_run: run, active_runs: 1 })] },
            'GET /api/runs': { items: [run], next_cursor: null },
        });
        let live;
        const store = new Store((...fns) => (live = new FakeLive(...fns)));
        const open = daemon.hold();
        const started = store.start();
        live.become('connected');
        await new Promise((resolve) => setTimeout(resolve));
        live.send('run.ended', { run: ended(run, { is_failure: true, end_reason: 'failed' }) });
        live.send('run.created', { run: makeRun(2) });
        open();
        await started;
        const unit = store.units.get('a');
        return [store.run(run.id).end_reason, unit.active_runs, unit.last_run.id === makeRun(2).id];
        """,
    ) == ["failed", 1, True]


def test_all_active_runs_are_fetched_page_by_page(modules: Page) -> None:
    assert tried(
        modules,
        """
        const answers = {
            'GET /api/runs': (url) => url.includes('cursor=next')
                ? { items: [makeRun(1)], next_cursor: null }
                : { items: [makeRun(2)], next_cursor: 'next' },
        };
        const { store } = await loadedStore({ answers });
        return store.activeRuns().map((run) => run.id.slice(-1));
        """,
    ) == ["2", "1"]


@pytest.mark.parametrize(
    ("unit", "state"),
    [
        ("makeTask('a')", "manual"),
        ("makeTask('a', { api_trigger: false })", "idle"),
        ("makeTask('a', { cron: '@daily', next_run_at: '2026-03-03T00:00:00Z' })", "scheduled"),
        ("makeTask('a', { cron: '@daily', paused_at: '2026-03-01T00:00:00Z' })", "paused"),
        ("makeTask('a', { paused_at: 'x', last_run: ended(makeRun(1), { is_failure: true }) })", "attention"),
        ("makeTask('a', { active_runs: 1, last_run: ended(makeRun(1), { is_failure: true }) })", "running"),
        ("service('running', 1)", "running"),
        ("service('degraded', 1, { failed_starts: 1 })", "running"),
        ("service('degraded', 1, { failed_starts: 2 })", "attention"),
        ("service('fatal', 0, { state: 'fatal' })", "attention"),
        ("service('stopped', 0, { state: 'stopped' })", "stopped"),
    ],
)
def test_the_state_of_a_unit(modules: Page, unit: str, state: str) -> None:
    assert (
        tried(
            modules,
            f"""
        const {{ unitState }} = await import('/js/store.js');
        const service = (state, active, slot = {{}}) => makeTask('a', {{
            kind: 'service', active_runs: active, instances: 1,
            service: {{
                state, running: active, replicas: [{{ state: 'running', failed_starts: 0, ...slot }}],
            }},
        }});
        return unitState({unit});
        """,
        )
        == state
    )


def test_changes_are_told_once_per_frame(modules: Page) -> None:
    assert tried(
        modules,
        """
        const { store, live } = await loadedStore();
        await told(store, 'units');
        let times = 0;
        store.subscribe('units', () => (times += 1));
        const units = told(store, 'units');
        const runs = told(store, 'runs');
        for (let n = 0; n < 100; n += 1) {
            live.send('run.created', { run: makeRun(n, { task_name: n % 2 ? 'a' : 'b' }) });
        }
        live.send('run.deleted', { run_id: makeRun(0).id, task_name: 'b' });
        const names = [...(await units)].sort();
        const changes = await runs;
        return [names, times, changes.size, changes.get(makeRun(0).id), store.units.get('b').active_runs];
        """,
    ) == [["a", "b"], 1, 100, None, 49]


def test_a_deleted_last_run_is_asked_for_anew(modules: Page) -> None:
    assert (
        tried(
            modules,
            """
        const last = ended(makeRun(2));
        const answers = { 'GET /api/tasks/a': makeTask('a', { last_run: ended(makeRun(1)) }) };
        const { store, live } = await loadedStore({ tasks: [makeTask('a', { last_run: last })], answers });
        await told(store, 'units');
        live.send('run.deleted', { run_id: last.id, task_name: 'a' });
        await told(store, 'units');
        return store.units.get('a').last_run.id.slice(-1);
        """,
        )
        == "1"
    )


def test_a_unit_whose_next_run_is_due_is_asked_for_anew(modules: Page) -> None:
    assert tried(
        modules,
        """
        const soon = new Date(Date.now() + 50).toISOString();
        const later = new Date(Date.now() + 3600_000).toISOString();
        const answers = { 'GET /api/tasks/a': makeTask('a', { next_run_at: later }) };
        const tasks = [makeTask('a', { next_run_at: soon }), makeTask('b', { next_run_at: later })];
        const { store } = await loadedStore({ tasks, answers });
        await told(store, 'units');
        await told(store, 'units');
        return store.units.get('a').next_run_at === later;
        """,
    )


def test_a_resync_fetches_everything_anew(modules: Page) -> None:
    assert tried(
        modules,
        """
        const run = makeRun(1);
        const { store, live, table } = await loadedStore({ active: [run] });
        table['GET /api/tasks'] = { items: [makeTask('a', { last_run: ended(run) }), makeTask('c')] };
        table['GET /api/runs'] = { items: [], next_cursor: null };
        const pages = told(store, 'resync');
        live.send('resync', { reason: 'restarted' });
        await pages;
        while (!store.units.has('c')) await told(store, 'units');
        return [[...store.units.keys()], store.activeRuns().length, store.units.get('a').active_runs];
        """,
    ) == [["a", "c"], 0, 0]


def test_two_loads_at_once_are_followed_by_one_more(modules: Page) -> None:
    assert (
        tried(
            modules,
            """
        const { store, daemon } = await loadedStore();
        daemon.requests.length = 0;
        await Promise.all([store.load(), store.load(), store.load()]);
        return daemon.requests.filter((line) => line === 'GET /api/tasks').length;
        """,
        )
        == 2
    )


def test_a_failed_first_load_is_made_up_for_when_the_connection_is_there(modules: Page) -> None:
    assert tried(
        modules,
        """
        const { Store } = await import('/js/store.js');
        const table = {};
        fakeDaemon(table);
        let live;
        const store = new Store((...fns) => (live = new FakeLive(...fns)));
        const starting = store.start().catch((problem) => problem.status);
        live.become('offline');
        const status = await starting;
        table['GET /api/daemon'] = DAEMON;
        table['GET /api/tasks'] = { items: [makeTask('a')] };
        table['GET /api/runs'] = { items: [], next_cursor: null };
        live.become('connected');
        while (store.units === null) await told(store, 'units');
        return [status, store.problem, store.units.size];
        """,
    ) == [404, None, 1]


def test_notifications_change_in_place_and_move_up(modules: Page) -> None:
    assert tried(
        modules,
        """
        const note = (id, at, count = 1) => ({ id, last_occurred_at: at, count, read_at: null });
        const answers = {
            'GET /api/notifications': { items: [note('B', '12:02'), note('A', '12:01')], unread_count: 2 },
        };
        const { store, live } = await loadedStore({ answers });
        await store.loadNotifications();
        live.send('notification.updated', { notification: note('A', '12:03', 2), unread_count: 2 });
        const order = store.notifications.map((one) => one.id + one.count);
        live.send('notification.unread_count_changed', { unread_count: 0 });
        return [order, store.unreadCount, store.notifications.every((one) => one.read_at !== null)];
        """,
    ) == [["A2", "B1"], 0, True]


def test_ended_runs_are_not_kept_for_ever(modules: Page) -> None:
    assert tried(
        modules,
        """
        const { store, live } = await loadedStore();
        live.send('run.created', { run: makeRun(0) });
        for (let n = 1; n <= 5000; n += 1) live.send('run.ended', { run: ended(makeRun(n)) });
        let kept = 0;
        for (let n = 1; n <= 5000; n += 1) kept += store.run(makeRun(n).id) ? 1 : 0;
        const [newest, active] = [makeRun(5000), makeRun(0)].map((run) => store.run(run.id).status);
        return [kept <= 4000, kept >= 2000, newest, active];
        """,
    ) == [True, True, "ended", "running"]


def test_a_stale_configuration_is_told(modules: Page) -> None:
    assert tried(
        modules,
        """
        const { store, live } = await loadedStore();
        await told(store, 'daemon');
        live.send('config.stale', { stale: true });
        await told(store, 'daemon');
        return store.daemon.config_stale;
        """,
    )


def test_events_of_unknown_units_and_kinds_do_no_harm(modules: Page) -> None:
    assert tried(
        modules,
        """
        const { store, live } = await loadedStore();
        live.send('run.created', { run: makeRun(1, { task_name: 'gone' }) });
        live.send('service.updated', { task_name: 'gone', service: {} });
        live.send('task.updated', { task: makeTask('gone') });
        live.send('tide.turned', {});
        return [[...store.units.keys()], store.run(makeRun(1).id).task_name];
        """,
    ) == [["a", "b"], "gone"]
