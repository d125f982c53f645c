/** A daemon for tests of modules: its answers are in a table, its events are sent by hand. */

/** The connection of a store, in the hands of a test. */
export class FakeLive {
  state = "connecting";
  since = 0;
  retries = 0;

  constructor(onEvent, onState) {
    this.onEvent = onEvent;
    this.onState = onState;
  }

  start() {}

  retry() {
    this.retries += 1;
  }

  become(state) {
    this.state = state;
    this.onState(state);
  }

  send(type, data) {
    this.onEvent({ type, id: null, data });
  }
}

/**
 * Answer requests of this page from a table; what is not in it answers 404.
 * @param {Record<string, object|(() => object)>} answers by method and path without query, such as "GET /api/tasks"
 * @returns {{requests: string[], hold: () => () => void}} `hold` keeps answers back until its result is called
 */
export function fakeDaemon(answers) {
  const requests = [];
  let gate = Promise.resolve();
  globalThis.fetch = async (url, { method = "GET" } = {}) => {
    requests.push(`${method} ${url}`);
    const found = answers[`${method} ${url.split("?")[0]}`];
    // What is answered was true when the request came.
    const text = found && JSON.stringify(typeof found === "function" ? found(url) : found);
    await gate;
    if (!text) return new Response(JSON.stringify({ type: "urn:runwisp:problem:not-found", detail: "no", errors: [] }), { status: 404 });
    return new Response(text, { status: 200 });
  };
  return {
    requests,
    hold() {
      let open;
      gate = new Promise((resolve) => (open = resolve));
      return open;
    },
  };
}

/** A run of the API; `n` makes its id and age. */
export function makeRun(n, changes = {}) {
  const at = new Date(Date.UTC(2026, 2, 2, 12) + n * 1000).toISOString();
  return {
    id: `01JA9XQ4Z6M8T2V7C3K5N${String(n).padStart(5, "0")}`, task_name: "a", status: "running", end_reason: null, exit_code: null,
    is_failure: false, message: null, created_at: at, start_at: at, end_at: null, duration: null, triggered_by: "cron",
    trigger_source: null, retry_attempt: 0, retry_of_run_id: null, next_retry_at: null, replica_index: 0, stopping: false,
    params: null, peak_memory_bytes: null, cpu_time: null, ...changes,
  };
}

/** The same run, ended. */
export function ended(run, changes = {}) {
  return { ...run, status: "ended", end_reason: "success", exit_code: 0, duration: 1, end_at: run.start_at, ...changes };
}

/** A task of the API, with the fields that the store looks at. */
export function makeTask(name, changes = {}) {
  return {
    name, kind: "task", group: null, cron: null, api_trigger: true, parallelism: 1, instances: null, next_run_at: null,
    active_runs: 0, queued_runs: 0, last_run: null, service: null, paused_at: null, ...changes,
  };
}

export const DAEMON = { name: "runwisp", version: "1", fingerprint: "calm-marsh", uptime: 60, config_stale: false, auth_required: true, config_warnings: [] };

/** A store that has loaded, and what it talks to. */
export async function loadedStore({ tasks = [makeTask("a"), makeTask("b")], active = [], answers = {} } = {}) {
  const { Store } = await import("/js/store.js");
  const table = {
    "GET /api/daemon": DAEMON,
    "GET /api/tasks": () => ({ items: tasks, next_cursor: null }),
    "GET /api/runs": () => ({ items: active, next_cursor: null, total: active.length }),
    "GET /api/notifications/unread-count": { unread_count: 0 },
    ...answers,
  };
  const daemon = fakeDaemon(table);
  let live;
  const store = new Store((onEvent, onState) => (live = new FakeLive(onEvent, onState)));
  const started = store.start();
  live.become("connected");
  await started;
  return { store, live, daemon, table };
}

/** The next time that a store tells of a topic. */
export function told(store, topic) {
  return new Promise((resolve) => {
    const end = store.subscribe(topic, (changes) => {
      end();
      resolve(changes);
    });
  });
}
