/**
 * The client's model of the daemon: what all pages show is here once, and is kept up to date by the event stream.
 *
 * `store` is the only instance. Read its fields, never change them; `subscribe` to be told of changes.
 */

import { api } from "./api.js";
import { clock, ms } from "./format.js";
import { Live } from "./live.js";

/** Ended runs that are remembered, beyond those that are pending or running. */
const REMEMBERED = 2000;
const SAMPLES = 32;

/** What the figures of the machine leave to more important requests. */
const SYSTEM_DELAY_MS = 150;

/** The least time between two rounds of telling: one change is told at once, hundreds a second ten times. */
const PAUSE_MS = 100;

/** The order of phases: no run ever goes back. */
const RANK = { pending: 0, running: 1, ended: 2 };

/** How long the first load waits for the stream, so that nothing happens between the two unseen. */
const WAIT_FOR_STREAM_MS = 400;

/** Sorts runs newest first, as the API does. */
export function newestFirst(a, b) {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? 1 : -1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/**
 * The state of a unit in the overview and the sidebar.
 * @returns {"running"|"attention"|"paused"|"scheduled"|"manual"|"idle"|"stopped"}
 */
export function unitState(unit) {
  if (unit.service?.state === "fatal" || isStruggling(unit)) return "attention";
  if (unit.active_runs > 0) return "running";
  if (unit.service?.state === "stopped") return "stopped";
  if (unit.last_run?.is_failure) return "attention";
  if (unit.paused_at !== null) return "paused";
  if (unit.next_run_at !== null) return "scheduled";
  return unit.api_trigger && unit.cron === null && unit.kind === "task" ? "manual" : "idle";
}

/** True for a service of which a replica keeps failing to come up. */
function isStruggling(unit) {
  return unit.service?.replicas.some((one) => one.state === "fatal" || one.failed_starts > 1) ?? false;
}

/** @type {Record<string, {label: string, tone: string, icon: string}>} how each state of `unitState` looks */
export const UNIT_STATES = {
  attention: { label: "Needs attention", tone: "danger", icon: "alert" },
  running: { label: "Running", tone: "running", icon: "spinner" },
  paused: { label: "Paused", tone: "warning", icon: "pause" },
  scheduled: { label: "Scheduled", tone: "neutral", icon: "clock" },
  manual: { label: "Manual", tone: "neutral", icon: "play" },
  stopped: { label: "Stopped", tone: "neutral", icon: "stop" },
  idle: { label: "Idle", tone: "neutral", icon: "idle" },
};

/**
 * Topics, each with what its subscribers are given (at most ten times a second, changes gathered):
 *
 *   units          Set of names that changed; has "*" if units came, went or were all fetched anew
 *   runs           Map from id to Run, null if it was deleted
 *   daemon         nothing; DaemonInfo, banner
 *   samples        nothing; a new MetricsSample
 *   notifications  nothing; the rows or the unread count
 *   live           nothing; the state of the connection, at once and not gathered
 *   resync         nothing; events were missed: fetch anew what is not in the store
 *
 * @typedef {"units"|"runs"|"daemon"|"samples"|"notifications"|"live"|"resync"} Topic
 */
export class Store {
  /** @type {Map<string, object>} Tasks and services by name; null until they have been fetched. */
  units = null;
  /** @type {object|null} DaemonInfo */
  daemon = null;
  /** @type {object|null} SystemStats */
  system = null;
  /** @type {object[]} MetricsSamples, oldest first, at most 32 */
  samples = [];
  /** @type {object[]|null} the newest notifications by their last occurrence */
  notifications = null;
  unreadCount = 0;
  /** What kept the first load from succeeding. @type {import("./api.js").ApiProblem|null} */
  problem = null;

  #runs = new Map();
  #active = new Map();
  #eventCount = 0;
  #journals = new Set();
  #loading = null;
  #loadingAgain = null;
  #subscribers = new Map();
  #pending = new Map();
  #isScheduled = false;
  #toldAt = 0;
  #bootAt = null;
  #live;
  #nextTimer = 0;
  #refreshPause = 300;
  #hasStarted = false;

  /** @param {(onEvent: Function, onState: Function) => Live} [makeLive] another connection, for tests */
  constructor(makeLive = (onEvent, onState) => new Live(onEvent, onState)) {
    this.#live = makeLive((event) => this.#heard(event), () => this.#liveChanged());
    document.addEventListener("visibilitychange", () => {
      // No frame comes to a page that is not seen.
      if (document.hidden) this.#flush();
      else this.#refreshDue();
    });
  }

  /** The connection: `state`, `since`, `nextAttemptAt`. */
  get live() {
    return this.#live;
  }

  get isOnline() {
    return this.#live.state === "connected" || this.#live.state === "paused";
  }

  /** Begin to listen to the daemon, and fetch all that is here. @throws {ApiProblem} */
  async start() {
    if (this.#hasStarted) this.#live.retry();
    else this.#live.start();
    this.#hasStarted = true;
    await this.#whenConnected();
    await this.load();
  }

  #whenConnected() {
    if (this.isOnline) return Promise.resolve();
    return new Promise((resolve) => {
      const end = this.subscribe("live", () => done());
      const timer = setTimeout(() => done(), WAIT_FOR_STREAM_MS);
      const done = () => {
        clearTimeout(timer);
        end();
        resolve();
      };
    });
  }

  /** Try to connect now. */
  retry() {
    this.#live.retry();
    if (this.units === null && this.#hasStarted) this.load().catch(() => {});
  }

  /**
   * Be told of changes of a topic.
   * @param {Topic} topic
   * @param {(changes: any) => void} fn
   * @returns {() => void} ends it
   */
  subscribe(topic, fn) {
    const fns = this.#subscribers.get(topic) ?? new Set();
    this.#subscribers.set(topic, fns.add(fn));
    return () => fns.delete(fn);
  }

  /** A run by its id, if it has been seen. */
  run(id) {
    return this.#runs.get(id)?.run;
  }

  /** Runs that are pending or running, newest first; of one unit if it is named. */
  activeRuns(name = null) {
    const sets = name === null ? [...this.#active.values()] : [this.#active.get(name) ?? new Map()];
    return sets.flatMap((runs) => [...runs.values()]).sort(newestFirst);
  }

  /**
   * Fetch a page of runs.
   * @param {object} query as of GET /api/runs; arrays become comma lists
   * @returns {Promise<{items: object[], next_cursor: string|null, total: number|null}>}
   */
  async fetchRuns(query, signal = undefined) {
    const since = this.#eventCount;
    const page = await api.get("/api/runs", { query, signal });
    return { ...page, items: this.addRuns(page.items, since) };
  }

  /** Fetch one run. @throws {ApiProblem} 404 if it is gone */
  async fetchRun(id, signal = undefined) {
    const since = this.#eventCount;
    const run = await api.get(`/api/runs/${encodeURIComponent(id)}`, { signal });
    return this.addRuns([run], since)[0];
  }

  /**
   * Take in runs that the daemon has answered.
   * @param {object[]} runs
   * @param {number} [since] how many events had come when they were asked for: what was told later is newer
   * @returns {object[]} the same runs, each as new as anything that is known of it
   */
  addRuns(runs, since = this.#eventCount) {
    const merged = runs.map((run) => this.#mergeRun(run, since));
    this.#forget();
    return merged;
  }

  /**
   * Take in a unit that the daemon has answered.
   * @param {number} [since] as of `addRuns`
   */
  addUnit(unit, since = this.#eventCount) {
    if (!this.units?.has(unit.name)) return;
    if (unit.last_run !== null) this.#mergeRun(unit.last_run, since);
    this.#setUnit(unit, since);
  }

  /** Fetch all that is here, keeping what happens meanwhile. @throws {ApiProblem} */
  load() {
    // What has changed since a load began may have been too late for it.
    if (this.#loading === null) return this.#loadNow();
    this.#loadingAgain ??= this.#loading.catch(() => {}).then(() => this.#loadNow());
    return this.#loadingAgain;
  }

  #loadNow() {
    this.#loadingAgain = null;
    this.#loading = this.#fetchAll().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #fetchAll() {
    const journal = this.#openJournal();
    const since = this.#eventCount;
    try {
      const requests = [api.get("/api/daemon"), api.get("/api/tasks"), fetchActive()];
      const [daemon, tasks, active] = await Promise.all(requests);
      this.daemon = daemon;
      this.#bootAt = clock.now() - daemon.uptime * 1000;
      this.#active.clear();
      for (const run of active) this.#mergeRun(run, since);
      this.units = new Map(tasks.items.map((unit) => [unit.name, unit]));
      for (const unit of tasks.items) this.#settleUnit(unit, since);
      this.problem = null;
      for (const event of journal) this.#apply(event);
    } catch (problem) {
      this.problem = problem;
      throw problem;
    } finally {
      this.#journals.delete(journal);
      this.#mark("units", "*");
      this.#mark("daemon");
    }
    this.#planRefresh();
  }

  /**
   * Fetch the newest notifications.
   * @returns {Promise<{next_cursor: string|null, total: number}>}
   */
  async loadNotifications() {
    const journal = this.#openJournal();
    try {
      const page = await api.get("/api/notifications", { query: { limit: 50 } });
      this.notifications = page.items.sort(lastFirst);
      this.unreadCount = page.unread_count;
      for (const event of journal) this.#apply(event);
      return page;
    } finally {
      this.#journals.delete(journal);
      this.#mark("notifications");
    }
  }

  /** Take in older notifications that a page has fetched. */
  addNotifications(items) {
    const known = new Set(this.notifications.map((one) => one.id));
    this.notifications = [...this.notifications, ...items.filter((one) => !known.has(one.id))].sort(lastFirst);
    this.#mark("notifications");
  }

  /** Fetch how many notifications are unread. */
  async loadUnread() {
    const { unread_count } = await api.get("/api/notifications/unread-count");
    this.unreadCount = unread_count;
    this.#mark("notifications");
  }

  /** Fetch what is known of the machine, for the pages that show it, after what they are about. */
  async loadSystem() {
    await new Promise((resolve) => setTimeout(resolve, SYSTEM_DELAY_MS));
    const [system, samples] = await Promise.all([api.get("/api/system"), api.get("/api/system/metrics")]);
    this.system = system;
    this.samples = samples.items.slice(-SAMPLES);
    this.#mark("samples");
  }

  /** Seconds since the daemon started; null until that is known. */
  uptime() {
    return this.#bootAt === null ? null : (clock.now() - this.#bootAt) / 1000;
  }

  /** How many units need attention. */
  attentionCount() {
    let count = 0;
    for (const unit of this.units?.values() ?? []) if (unitState(unit) === "attention") count += 1;
    return count;
  }

  /** Mark a notification as read or unread, here at once and at the daemon. */
  async setRead(notification, isRead) {
    const answer = await api.post(`/api/notifications/${notification.id}/${isRead ? "read" : "unread"}`);
    this.#mergeNotification(answer);
  }

  async readAll() {
    const { unread_count } = await api.post("/api/notifications/read");
    this.#allRead(unread_count);
  }

  // -- events ----------------------------------------------------------------------------------------------------

  #openJournal() {
    const journal = [];
    this.#journals.add(journal);
    return journal;
  }

  #heard(event) {
    this.#eventCount += 1;
    for (const journal of this.#journals) journal.push(event);
    this.#apply(event);
  }

  #apply({ type, data }) {
    switch (type) {
      case "run.created":
      case "run.started":
      case "run.updated":
      case "run.ended":
        this.#mergeRun(data.run, Infinity);
        this.#forget();
        break;
      case "run.deleted":
        this.#deleteRun(data.run_id, data.task_name);
        break;
      case "service.updated":
        this.#changeUnit(data.task_name, { service: data.service });
        break;
      case "task.updated":
        this.addUnit(data.task);
        break;
      case "tasks.changed":
        this.load().catch(() => {});
        break;
      case "config.stale":
        if (this.daemon) this.daemon = { ...this.daemon, config_stale: data.stale };
        this.#mark("daemon");
        break;
      case "notification.created":
      case "notification.updated":
        this.unreadCount = data.unread_count;
        this.#mergeNotification(data.notification);
        break;
      case "notification.unread_count_changed":
        this.#allRead(data.unread_count);
        break;
      case "system":
        this.samples = [...this.samples, data.sample].slice(-SAMPLES);
        this.#bootAt = clock.now() - data.uptime * 1000;
        this.#mark("samples");
        break;
      case "resync":
        this.#resync();
        break;
    }
  }

  #resync() {
    this.load().catch(() => {});
    (this.notifications === null ? this.loadUnread() : this.loadNotifications()).catch(() => {});
    if (this.system !== null) this.loadSystem().catch(() => {});
    this.#mark("resync");
  }

  #liveChanged() {
    // What a first load was too early for, or failed at, is made up for.
    if (this.#live.state === "connected" && this.problem !== null) this.load().catch(() => {});
    for (const fn of this.#subscribers.get("live") ?? []) fn();
  }

  // -- runs ------------------------------------------------------------------------------------------------------

  /**
   * @param {number} since as of `addRuns`; Infinity if the stream has told of it
   * @returns {object} the newer of this and what is known
   */
  #mergeRun(run, since) {
    const known = this.#runs.get(run.id);
    if (known !== undefined && !isNewer(known, run, since)) {
      this.#keepActive(known.run);
      return known.run;
    }
    const isEvent = since === Infinity;
    const toldAt = isEvent ? this.#eventCount : (known?.toldAt ?? -1);
    this.#runs.delete(run.id);
    this.#runs.set(run.id, { run, toldAt });
    this.#keepActive(run);
    this.#markRun(run.id, run);
    this.#settleRun(run);
    return run;
  }

  #keepActive(run) {
    let runs = this.#active.get(run.task_name);
    if (run.status !== "ended") {
      if (runs === undefined) this.#active.set(run.task_name, (runs = new Map()));
      runs.set(run.id, run);
    } else if (runs?.delete(run.id) && runs.size === 0) this.#active.delete(run.task_name);
  }

  /** Let the unit of a run show it. */
  #settleRun(run) {
    const unit = this.units?.get(run.task_name);
    if (unit === undefined) return;
    const last = unit.last_run;
    const isLast = last === null || last.id === run.id || newestFirst(run, last) < 0;
    this.#changeUnit(unit.name, isLast ? { last_run: run } : {});
  }

  #deleteRun(id, name) {
    this.#runs.delete(id);
    const runs = this.#active.get(name);
    if (runs?.delete(id) && runs.size === 0) this.#active.delete(name);
    this.#markRun(id, null);
    const unit = this.units?.get(name);
    if (unit?.last_run?.id === id) this.refreshUnits([name]);
    else if (unit) this.#changeUnit(name, {});
  }

  /** Let go of the ended runs that were told of the longest ago, when there are too many. */
  #forget() {
    if (this.#runs.size <= 2 * REMEMBERED) return;
    const surplus = this.#runs.size - REMEMBERED;
    const ended = [...this.#runs].filter(([, { run }]) => run.status === "ended");
    for (const [id] of ended.slice(0, surplus)) this.#runs.delete(id);
  }

  // -- units -----------------------------------------------------------------------------------------------------

  #changeUnit(name, changes) {
    const unit = this.units?.get(name);
    if (unit !== undefined) this.#setUnit({ ...unit, ...changes });
  }

  #setUnit(unit, since = Infinity) {
    this.#settleUnit(unit, since);
    this.units.set(unit.name, unit);
    this.#mark("units", unit.name);
  }

  /** The figures that follow from runs come from those that have been seen. */
  #settleUnit(unit, since) {
    const runs = [...(this.#active.get(unit.name)?.values() ?? [])];
    unit.active_runs = runs.filter((run) => run.status === "running").length;
    unit.queued_runs = runs.length - unit.active_runs;
    const seen = unit.last_run && this.#runs.get(unit.last_run.id);
    if (seen && !isNewer(seen, unit.last_run, since)) unit.last_run = seen.run;
  }

  // -- times of next runs, which no event tells --------------------------------------------------------------------

  /** Ask anew for units whose next run is due, a moment after that. */
  #planRefresh() {
    clearTimeout(this.#nextTimer);
    let next = Infinity;
    for (const unit of this.units?.values() ?? []) {
      if (unit.next_run_at !== null) next = Math.min(next, ms(unit.next_run_at));
    }
    if (next === Infinity) return;
    const wait = Math.max(this.#refreshPause, next - clock.now() + 300);
    this.#nextTimer = setTimeout(() => this.#refreshDue(), Math.min(wait, 2 ** 31 - 1));
  }

  #refreshDue() {
    if (document.hidden || !this.isOnline || this.units === null) return;
    const due = [];
    for (const unit of this.units.values()) {
      if (unit.next_run_at !== null && ms(unit.next_run_at) <= clock.now()) due.push(unit.name);
    }
    // One list costs the daemon less than many single units; a long list is not asked for often.
    this.#refreshPause = due.length > 4 ? 2000 + 10 * this.units.size : 1000;
    this.refreshUnits(due).finally(() => this.#planRefresh());
  }

  /** Fetch some units anew. */
  async refreshUnits(names) {
    if (names.length === 0) return;
    const journal = this.#openJournal();
    const since = this.#eventCount;
    try {
      const units =
        names.length > 4
          ? (await api.get("/api/tasks")).items
          : await Promise.all(names.map((name) => api.get(`/api/tasks/${encodeURIComponent(name)}`)));
      for (const unit of units) this.addUnit(unit, since);
      for (const event of journal) this.#apply(event);
    } catch {
      // Who is offline gets it all anew afterwards; a unit that is gone is told by an event.
    } finally {
      this.#journals.delete(journal);
    }
  }

  // -- notifications ---------------------------------------------------------------------------------------------

  #mergeNotification(notification) {
    if (this.notifications !== null) {
      const others = this.notifications.filter((one) => one.id !== notification.id);
      this.notifications = [notification, ...others].sort(lastFirst);
    }
    this.#mark("notifications");
  }

  #allRead(unreadCount) {
    this.unreadCount = unreadCount;
    if (unreadCount === 0 && this.notifications !== null) {
      const at = new Date(clock.now()).toISOString();
      this.notifications = this.notifications.map((one) => ({ ...one, read_at: one.read_at ?? at }));
    }
    this.#mark("notifications");
  }

  // -- telling ---------------------------------------------------------------------------------------------------

  #mark(topic, name = null) {
    let changes = this.#pending.get(topic);
    if (changes === undefined) this.#pending.set(topic, (changes = new Set()));
    if (name !== null) changes.add(name);
    this.#schedule();
  }

  #markRun(id, run) {
    let changes = this.#pending.get("runs");
    if (changes === undefined) this.#pending.set("runs", (changes = new Map()));
    changes.set(id, run);
    this.#schedule();
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const flush = () => this.#flush();
    const wait = this.#toldAt + PAUSE_MS - performance.now();
    if (document.hidden) setTimeout(flush, 500);
    else if (wait > 0) setTimeout(() => (document.hidden ? flush() : requestAnimationFrame(flush)), wait);
    else requestAnimationFrame(flush);
  }

  #flush() {
    this.#isScheduled = false;
    this.#toldAt = performance.now();
    const pending = this.#pending;
    this.#pending = new Map();
    for (const [topic, changes] of pending) {
      for (const fn of this.#subscribers.get(topic) ?? []) fn(changes);
    }
  }
}

/** Whether a run may take the place of what is known of it. */
function isNewer(known, run, since) {
  const step = RANK[run.status] - RANK[known.run.status];
  return step > 0 || (step === 0 && since >= known.toldAt);
}

/** All runs that are pending or running, as far as a page of them makes sense. */
async function fetchActive() {
  const query = { status: ["pending", "running"], limit: 1000 };
  const runs = [];
  let cursor = null;
  do {
    const page = await api.get("/api/runs", { query: { ...query, cursor } });
    runs.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null && runs.length < 10_000);
  return runs;
}

function lastFirst(a, b) {
  if (a.last_occurred_at !== b.last_occurred_at) return a.last_occurred_at < b.last_occurred_at ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

/** The only instance. */
export const store = new Store();
