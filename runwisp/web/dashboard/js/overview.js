/** The overview: how the daemon is, what needs attention, what runs, what comes next, and all units. */

import { clear, el, icon, on, reconcile, setAttr, setIcon, setText, VirtualList } from "./dom.js";
import { ago, bytes, clock, counted, countdown, cronWords, duration, elapsed, exitText, grouped, ms, replicaName, scheduleWords, statusLook, statusWord, upcoming } from "./format.js";
import { trouble } from "./phrases.js";
import { hrefOf, importModule, navigate, setPage } from "./shell.js";
import { newestFirst, store, UNIT_STATES, unitState } from "./store.js";
import {
  agoText, button, dot, emptyState, errorState, iconButton, RhythmStrip, setAgo, setDot, setReason, setSparkline, setUpcoming, skeletonRows,
  sparkline, ticking, upcomingText,
} from "./widgets.js";

const IN_PANEL = 4;
const IN_RECENT = 6;
/** So many of the last runs tell how things go. */
const RECENT = 100;
/** Lists are put in order at most this often, and not under somebody's hand. */
const CALM_MS = 600;
const HOLD_MS = 2000;
const HIGH_LOAD = 85;

/** Units of a tab, by what they are and not by their state alone. */
const TABS = {
  all: { label: "All", has: () => true },
  attention: { label: "Attention", has: (unit, state) => state === "attention" },
  running: { label: "Running", has: (unit) => unit.active_runs > 0 },
  scheduled: { label: "Scheduled", has: (unit) => unit.cron !== null },
  manual: { label: "Manual", has: (unit) => unit.kind === "task" && unit.cron === null && unit.api_trigger },
};

const PRIORITY = ["attention", "running", "paused", "scheduled", "manual", "stopped", "idle"];
const byName = (a, b) => (a.name < b.name ? -1 : 1);
const byActivity = (a, b) => compare(b.last_run?.created_at ?? "", a.last_run?.created_at ?? "");
const byNext = (a, b) => compare(a.next_run_at ?? "~", b.next_run_at ?? "~");
const SORTS = {
  priority: { label: "Priority", by: (a, b) => PRIORITY.indexOf(unitState(a)) - PRIORITY.indexOf(unitState(b)) || byActivity(a, b) || byNext(a, b) || byName(a, b) },
  activity: { label: "Last activity", by: (a, b) => byActivity(a, b) || byName(a, b) },
  next: { label: "Next run", by: (a, b) => byNext(a, b) || byName(a, b) },
  name: { label: "Name", by: byName },
};

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Call `fn` soon, but no more often than each `pause` milliseconds. */
function calmly(fn, pause) {
  let timer = 0;
  let last = -Infinity;
  const call = () => {
    timer = 0;
    last = performance.now();
    fn();
  };
  const soon = () => (timer ||= setTimeout(call, Math.max(0, last + pause - performance.now())));
  soon.cancel = () => clearTimeout(timer);
  return soon;
}

export class OverviewPage extends HTMLElement {
  #hero = new Hero();
  #gauges = new Gauges();
  #panels = new Panels();
  #units = new UnitList((choice) => this.#choose(choice));
  #recent = [];
  #ends = [];
  #drawSoon = calmly(() => this.#draw(), CALM_MS);

  connectedCallback() {
    this.classList.add("overview");
    const { attention, running, next, recent } = this.#panels;
    this.append(
      this.#hero.node, this.#gauges.node,
      el("div", { class: "overview-body" }, attention.node, running.node, this.#units.node, next.node, recent.node),
    );
    this.#units.open(this.closest("main"));
    this.#ends = [
      store.subscribe("units", (names) => this.#unitsChanged(names)),
      store.subscribe("runs", (changes) => this.#runsChanged(changes)),
      store.subscribe("daemon", () => this.#drawSoon()),
      store.subscribe("live", () => this.#liveChanged()),
      store.subscribe("samples", () => this.#gauges.drawLoad()),
      store.subscribe("resync", () => this.#fetch()),
    ];
    this.#draw();
    this.#fetch();
  }

  disconnectedCallback() {
    for (const end of this.#ends) end();
    this.#drawSoon.cancel();
    this.#units.close();
  }

  set route({ query }) {
    const choice = { tab: query.get("tab"), sort: query.get("sort"), text: query.get("q") ?? "" };
    if (!(choice.tab in TABS)) choice.tab = "all";
    if (!(choice.sort in SORTS)) choice.sort = "priority";
    this.#units.choose(choice);
    setPage({
      title: "Overview",
      search: { placeholder: "Search tasks and services", value: choice.text, onInput: (text) => this.#choose({ ...choice, text }), onEnter: () => this.#units.openFirst() },
      keys: { j: () => this.#units.move(1), k: () => this.#units.move(-1) },
    });
  }

  /** What is chosen is part of the address, so that it can be linked and survives a reload. */
  #choose({ tab, sort, text }) {
    const query = new URLSearchParams();
    if (tab !== "all") query.set("tab", tab);
    if (sort !== "priority") query.set("sort", sort);
    if (text !== "") query.set("q", text);
    navigate(query.size > 0 ? `/?${query}` : "/", { replace: true });
  }

  async #fetch() {
    if (store.system === null) store.loadSystem().catch(() => {});
    try {
      const { items } = await store.fetchRuns({ limit: RECENT });
      this.#recent = items;
      this.#panels.recentProblem = null;
    } catch (problem) {
      this.#panels.recentProblem = problem;
    }
    this.#panels.isRecentKnown = true;
    this.#draw();
  }

  #liveChanged() {
    this.#draw();
    if (store.isOnline && this.#panels.recentProblem !== null) this.#fetch();
  }

  #unitsChanged(names) {
    this.#units.update(names);
    this.#drawSoon();
  }

  #runsChanged(changes) {
    const others = this.#recent.filter((run) => !changes.has(run.id));
    const oldest = this.#recent.length < RECENT ? null : this.#recent.at(-1);
    const merged = [...changes.values()].filter((run) => run !== null && (oldest === null || newestFirst(run, oldest) <= 0));
    this.#recent = [...others, ...merged].sort(newestFirst).slice(0, RECENT);
    this.#drawSoon();
  }

  #draw() {
    const units = [...(store.units?.values() ?? [])];
    const running = store.activeRuns().filter((run) => run.status === "running");
    const attention = units.filter((unit) => unitState(unit) === "attention").sort(byActivity);
    this.#hero.draw({ attention: attention.length, running: running.length, recent: this.#recent, units: units.length });
    this.#gauges.draw({ units, attention: attention.length, running: running.length, recent: this.#recent });
    this.#panels.draw({ units, attention, running, recent: this.#recent, retry: () => this.#fetch() });
    this.#units.drawAll();
  }
}

// -- the daemon ----------------------------------------------------------------------------------------------------

/** The daemon in one line, its facts, and the beat of its last runs. */
class Hero {
  #headline = el("h2", { class: "hero-headline", text: "…" });
  #dot = dot("neutral");
  #online = el("span", { class: "label" });
  #facts = el("dl", { class: "facts" });
  #pulse = new RhythmStrip();
  #pulseHost = el("figure", { class: "hero-pulse", hidden: true });

  constructor() {
    this.#pulse.onSelect = (run) => navigate(hrefOf.run(run));
    this.#pulseHost.append(this.#pulse, el("figcaption", { class: "label", text: "Last runs" }));
    this.node = el(
      "section", { class: "hero", "aria-label": "Daemon" },
      el("div", { class: "hero-words" },
        el("p", { class: "hero-online" }, this.#dot, this.#online), this.#headline, this.#facts),
      this.#pulseHost,
    );
  }

  draw({ attention, running, recent, units }) {
    const [tone, text] = headline(attention, running, units);
    setText(this.#headline, text);
    setAttr(this.node, "data-tone", tone);
    setDot(this.#dot, store.isOnline ? "success" : "danger");
    setText(this.#online, store.isOnline ? "Online" : "Offline");
    this.#pulseHost.hidden = recent.length === 0;
    this.#pulse.runs = recent;
    const facts = daemonFacts();
    reconcile(
      this.#facts, facts, ([name]) => name,
      ([name]) => el("div", {}, el("dt", { class: "sr-only", text: name }), el("dd", { title: name })),
      (node, [, value]) => {
        if (typeof value === "string") setText(node.lastChild, value);
        else if (!node.lastChild.firstChild) node.lastChild.append(value);
      },
    );
  }
}

function headline(attention, running, units) {
  if (!store.isOnline && store.live.state !== "connecting") return ["danger", "The daemon does not answer"];
  if (attention > 0) return ["warning", `${counted(attention, "unit")} ${attention === 1 ? "needs" : "need"} attention`];
  if (running > 0) return ["primary", counted(running, "live run")];
  return ["success", units === 0 ? "Ready" : "All clear"];
}

const uptime = ticking(() => `up ${elapsed(store.uptime() ?? 0)}`);

function daemonFacts() {
  const { daemon, system } = store;
  if (daemon === null) return [];
  return [
    ["Version", `v${daemon.version}`],
    ["Host", system?.host],
    ["Processor", system && `${counted(system.cpu_cores, "core")} · ${system.arch}`],
    ["Uptime", uptime],
    ["Fingerprint", daemon.fingerprint],
    ["Time zone", daemon.resolved_timezone],
  ].filter(([, value]) => value);
}

/** Four figures and the load of the machine. */
class Gauges {
  #healthy = gauge("Healthy");
  #attention = gauge("Needs attention", "/?tab=attention");
  #running = gauge("Running now", "/?tab=running");
  #success = gauge("Recent success");
  #cpu = load("CPU");
  #memory = load("Memory");

  constructor() {
    this.node = el(
      "section", { class: "gauges panel", "aria-label": "Figures" },
      this.#healthy.node, this.#attention.node, this.#running.node, this.#success.node, this.#cpu.node, this.#memory.node,
    );
  }

  draw({ units, attention, running, recent }) {
    this.#healthy.show(grouped(units.length - attention), `of ${counted(units.length, "unit")}`);
    this.#attention.show(String(attention), attention === 0 ? "nothing failed" : "look at these first");
    setAttr(this.#attention.node, "data-tone", attention > 0 ? "warning" : null);
    const waiting = store.activeRuns().length - running;
    this.#running.show(String(running), waiting > 0 ? `${waiting} waiting` : "none waiting");
    const [share, of] = successShare(recent);
    this.#success.show(share === null ? "–" : `${share} %`, share === null ? "no runs yet" : `of the last ${counted(of, "run")}`);
  }

  drawLoad() {
    const last = store.samples.at(-1) ?? store.system;
    if (last === null) return;
    this.#cpu.show(last.cpu_usage, store.samples.map((one) => one.cpu_usage), counted(store.system?.cpu_cores ?? 1, "core"));
    this.#memory.show(last.mem_usage, store.samples.map((one) => one.mem_usage), `${bytes(last.mem_used)} / ${bytes(last.mem_total)}`);
  }
}

/** How many of the runs that came to something succeeded, in whole percent that never round a failure away. */
function successShare(runs) {
  const good = runs.filter((run) => run.end_reason === "success").length;
  const all = good + runs.filter((run) => run.is_failure && run.end_reason !== "success").length;
  if (all === 0) return [null, 0];
  return [Math.floor((100 * good) / all), all];
}

function gauge(label, href = null) {
  const value = el("strong", { class: "gauge-value" });
  const hint = el("span", { class: "gauge-hint" });
  const node = el(href === null ? "div" : "a", { class: "gauge", href }, el("span", { class: "label", text: label }), value, hint);
  const show = (text, small) => {
    setText(value, text);
    setText(hint, small);
  };
  return { node, show };
}

function load(label) {
  const { node, show } = gauge(label);
  const line = sparkline({ label: `${label} in use` });
  node.classList.add("gauge-load");
  node.append(line);
  return {
    node,
    show(percent, values, hint) {
      const isHigh = percent >= HIGH_LOAD;
      show(`${Math.round(percent)} %`, `${isHigh ? "high load" : "steady"} · ${hint}`);
      setAttr(node, "data-tone", isHigh ? "warning" : null);
      setSparkline(line, values);
    },
  };
}

// -- panels --------------------------------------------------------------------------------------------------------

class Panels {
  attention = panel("Needs attention", "Nothing needs attention.", "attention");
  running = panel("Running now", "Nothing is running.", "running");
  next = panel("Up next", "Nothing is scheduled.", "next");
  recent = panel("Recent activity", "Nothing has run yet.", "recent");
  recentProblem = null;
  isRecentKnown = false;

  draw({ units, attention, running, recent, retry }) {
    const now = clock.now();
    this.attention.draw(attention, IN_PANEL, attentionRow, "/?tab=attention");
    // What somebody has just started interests more than a service that has been up for days.
    const isTask = (run) => (store.units.get(run.task_name)?.kind === "task" ? 0 : 1);
    this.running.draw(running.sort((a, b) => isTask(a) - isTask(b) || newestFirst(a, b)), IN_PANEL, runningRow, "/runs?status=pending,running");
    this.next.draw(comingRuns(units, now), IN_PANEL, nextRow, "/?tab=scheduled&sort=next");
    if (this.recentProblem !== null) this.recent.say(errorState(this.recentProblem, retry));
    else if (this.isRecentKnown) this.recent.draw(recent, IN_RECENT, recentRow, "/runs");
    else this.recent.say(skeletonRows(IN_RECENT));
  }
}

/** Slots and waiting retries, the nearest first. */
function comingRuns(units, now) {
  const coming = [];
  for (const unit of units) {
    const retryAt = unit.last_run?.next_retry_at ?? null;
    if (unit.next_run_at !== null) coming.push({ id: unit.name, unit, at: unit.next_run_at, isRetry: false });
    if (retryAt !== null) coming.push({ id: `${unit.name} retry`, unit, at: retryAt, isRetry: true });
  }
  return coming.filter(({ at }) => ms(at) > now - 5000).sort((a, b) => compare(a.at, b.at));
}

function panel(title, nothing, name) {
  const count = el("span", { class: "panel-count num" });
  const list = el("ul", { class: "panel-rows" });
  const state = el("div", {});
  const more = el("a", { class: "panel-more", text: "View all" });
  const node = el(
    "section", { class: "panel side-panel", "aria-label": title, dataset: { panel: name } },
    el("header", { class: "panel-head" }, el("h2", { class: "label", text: title }), count, more), state, list,
  );
  const say = (...content) => {
    clear(state, ...content);
    list.hidden = content.length > 0;
  };
  const draw = (items, most, row, href) => {
    if (items.length === 0) say(el("p", { class: "panel-nothing", text: nothing }));
    else if (state.firstChild) say();
    setText(count, items.length > most && name !== "recent" ? String(items.length) : "");
    more.hidden = items.length <= most;
    setAttr(more, "href", href);
    setAttr(more, "aria-label", `View all: ${title}`);
    reconcile(list, items.slice(0, most), (item) => item.id ?? item.name, row.make, row.update);
  };
  return { node, draw, say };
}

/** A row of a panel: a mark, a name, and on the right and below what there is to say. */
function panelRow(mark, right, below = null) {
  return el(
    "li", { class: "panel-row" }, mark,
    el("a", { class: "panel-link" }, el("bdi", { class: "truncate" })), right, below,
  );
}

function nameRow(node, name, href) {
  const link = node.children[1];
  setText(link.firstChild, name);
  setAttr(link, "href", href);
  setAttr(link, "title", name);
}

const attentionRow = {
  make: () => panelRow(dot("danger"), ticking(() => "", null, "panel-right muted num"), ticking(() => "", null, "panel-below danger-text truncate")),
  update(node, unit) {
    nameRow(node, unit.name, unit.last_run?.is_failure ? hrefOf.run(unit.last_run) : hrefOf.unit(unit.name));
    const at = unit.last_run && (unit.last_run.end_at ?? unit.last_run.created_at);
    node.children[2].tell((now) => (at === null ? "" : ago(at, now)));
    node.children[3].tell((now) => trouble(unit, now));
  },
};

const runningRow = {
  make: () => panelRow(dot("running"), ticking(() => "", null, "panel-right num")),
  update(node, run) {
    nameRow(node, replicaName(run), hrefOf.run(run));
    setDot(node.firstChild, run.stopping ? "warning" : "running");
    node.children[2].tell((now) => elapsed((now - ms(run.start_at ?? run.created_at)) / 1000));
  },
};

const nextRow = {
  make: () => panelRow(icon("clock"), ticking(() => "", null, "panel-right num")),
  update(node, { unit, at, isRetry }) {
    nameRow(node, unit.name, hrefOf.unit(unit.name));
    setIcon(node.firstChild, isRetry ? "restart" : "clock");
    const lead = isRetry ? "retry " : "";
    node.children[2].tell((now) => `${lead}${ms(at) <= now ? "now" : `in ${countdown((ms(at) - now) / 1000)}`}`, (now) => upcoming(at, now));
  },
};

const recentRow = {
  make: (run) => panelRow(dot("neutral"), agoText(run.start_at ?? run.created_at, "panel-right muted num"), el("span", { class: "panel-below muted truncate" })),
  update(node, run) {
    nameRow(node, replicaName(run), hrefOf.run(run));
    const look = statusLook(statusWord(run));
    setDot(node.firstChild, look.tone);
    setAgo(node.children[2], run.start_at ?? run.created_at);
    const taken = run.duration === null ? "" : duration(run.duration);
    setText(node.children[3], [look.label, exitText(run), taken].filter(Boolean).join(" · "));
  },
};

// -- the list of units ---------------------------------------------------------------------------------------------

const phone = matchMedia("(max-width: 767px)");

/** All units, as far as the tab, the search and the order say. */
class UnitList {
  #choice = { tab: "all", sort: "priority", text: "" };
  #onChoice;
  #tabs = el("div", { class: "tabs", role: "group", "aria-label": "Show" });
  #sort = el("select", { class: "select", "aria-label": "Order" });
  #state = el("div", {});
  #host = el("div", { class: "unit-rows" });
  #list = null;
  #shown = [];
  #index = new Map();
  #heldUntil = 0;
  #endPhone = () => {};

  constructor(onChoice) {
    this.#onChoice = onChoice;
    for (const [name, { label }] of Object.entries(SORTS)) this.#sort.append(el("option", { value: name, text: label }));
    on(this.#sort, "change", () => onChoice({ ...this.#choice, sort: this.#sort.value }));
    this.node = el(
      "section", { class: "panel unit-list", "aria-label": "Tasks and services" },
      el("header", { class: "unit-list-head" }, this.#tabs, el("label", { class: "sort" }, icon("sort"), this.#sort)),
      this.#state, this.#host,
    );
    const hold = () => (this.#heldUntil = performance.now() + HOLD_MS);
    on(this.#host, "pointermove", hold);
    on(this.#host, "focusin", hold);
  }

  open(scroller) {
    this.#list = new VirtualList({
      scroller, host: this.#host, rowHeight: rowHeight(), overscan: 6,
      key: (index) => this.#shown[index].name,
      make: () => makeUnitRow(),
      update: (node, index) => updateUnitRow(node, this.#shown[index], index, this.#shown.length),
    });
    setAttr(this.#list.canvas, "role", "list");
    this.#endPhone = on(phone, "change", () => (this.#list.rowHeight = rowHeight()));
  }

  close() {
    this.#list.dispose();
    this.#endPhone();
  }

  choose(choice) {
    const isOther = choice.tab !== this.#choice.tab || choice.sort !== this.#choice.sort || choice.text !== this.#choice.text;
    this.#choice = choice;
    this.#sort.value = choice.sort;
    if (!isOther) return;
    this.#heldUntil = 0;
    this.drawAll();
  }

  /** Units have changed: what is shown of them changes at once, the order takes its time. */
  update(names) {
    if (names.has("*")) return this.drawAll();
    for (const name of names) {
      const index = this.#index.get(name);
      if (index === undefined) continue;
      const unit = store.units.get(name);
      this.#shown[index] = unit;
      const node = this.#list.node(index);
      if (node) updateUnitRow(node, unit, index, this.#shown.length);
    }
  }

  drawAll() {
    if (store.units === null || this.#list === null) return;
    const units = [...store.units.values()];
    this.#drawTabs(units);
    if (performance.now() < this.#heldUntil && this.#shown.every(({ name }) => store.units.has(name))) {
      return this.update(new Set(this.#index.keys()));
    }
    const { tab, sort, text } = this.#choice;
    const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
    this.#shown = units.filter((unit) => TABS[tab].has(unit, unitState(unit)) && matches(unit, words)).sort(SORTS[sort].by);
    this.#index = new Map(this.#shown.map(({ name }, index) => [name, index]));
    this.#list.refresh(this.#shown.length);
    this.#drawState(units.length);
  }

  #drawTabs(units) {
    const items = Object.entries(TABS).map(([name, { label, has }]) => ({ name, label, count: units.filter((unit) => has(unit, unitState(unit))).length }));
    reconcile(
      this.#tabs, items, ({ name }) => name,
      ({ name, label }) => el(
        "button", { class: "tab", type: "button", on: { click: () => this.#onChoice({ ...this.#choice, tab: name }) } },
        label, el("span", { class: "tab-count num" })),
      (node, { name, count }) => {
        setText(node.lastChild, String(count));
        setAttr(node, "aria-pressed", name === this.#choice.tab ? "true" : "false");
        setAttr(node, "data-tone", name === "attention" && count > 0 ? "danger" : null);
      },
    );
  }

  #drawState(all) {
    this.#host.hidden = this.#shown.length === 0;
    if (this.#shown.length > 0) return void clear(this.#state);
    if (all === 0) return void clear(this.#state, nothingConfigured());
    const everything = button("Show everything", () => this.#onChoice({ ...this.#choice, tab: "all", text: "" }));
    const title = this.#choice.text ? `Nothing matches “${this.#choice.text}” here.` : EMPTY_TABS[this.#choice.tab];
    clear(this.#state, emptyState(title, null, everything));
  }

  /** Move the focus to the next or the previous row. */
  move(step) {
    const focused = this.#host.contains(document.activeElement) ? document.activeElement.closest(".unit-row").rwName : null;
    const at = focused === null ? -1 : (this.#index.get(focused) ?? -1);
    const index = Math.min(Math.max(0, at + step), this.#shown.length - 1);
    if (index < 0) return;
    this.#list.reveal(index);
    this.#list.node(index)?.querySelector("a").focus();
  }

  openFirst() {
    if (this.#shown.length > 0) navigate(hrefOf.unit(this.#shown[0].name));
  }
}

const EMPTY_TABS = {
  all: "Nothing here.", attention: "Nothing needs attention.", running: "Nothing is running.",
  scheduled: "No task has a schedule.", manual: "Nothing is there to be started by hand.",
};

function rowHeight() {
  return phone.matches ? 64 : 60;
}

function matches(unit, words) {
  if (words.length === 0) return true;
  const text = [unit.name, unit.group, unit.description, unit.cron].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

function makeUnitRow() {
  const action = iconButton("play", "Run", () => act(action.rwUnit), { class: "unit-act" });
  return el(
    "div", { class: "unit-row", role: "listitem" },
    icon("play", "unit-icon"),
    el("div", { class: "unit-main" },
      el("p", { class: "unit-line" },
        el("a", { class: "unit-name" }, el("bdi", { class: "truncate" })),
        el("span", { class: "unit-state" }, dot("neutral"), el("span")),
        el("bdi", { class: "tag unit-group" }), el("span", { class: "tag unit-kind num" })),
      el("p", { class: "unit-line unit-about" },
        ticking(() => "", null, "unit-trouble"), el("bdi", { class: "truncate unit-description" }))),
    el("div", { class: "unit-fact unit-latest" }, el("span", { class: "fact-label", text: "Latest" }), agoText(null, "num")),
    el("div", { class: "unit-fact unit-next" }, el("span", { class: "fact-label", text: "Next" }), upcomingText(null, "num")),
    el("div", { class: "unit-fact unit-trigger" }, el("span", { class: "fact-label", text: "Trigger" }), el("span", { class: "truncate" })),
    action,
  );
}

const KEPT = { always: "kept alive", on_failure: "restarted on failure", never: "started once" };
const KIND_ICONS = { service: "repeat", cron: "clock", manual: "play" };

function updateUnitRow(node, unit, index, count) {
  const [kind, main, latest, next, trigger, action] = node.children;
  const state = unitState(unit);
  const look = UNIT_STATES[state];
  node.rwName = unit.name;
  setAttr(node, "data-tone", look.tone);
  setAttr(node, "data-state", state);
  setAttr(node, "aria-posinset", index + 1);
  setAttr(node, "aria-setsize", count);
  setIcon(kind, KIND_ICONS[unit.kind === "service" ? "service" : unit.cron === null ? "manual" : "cron"]);
  const [name, mark, group, replicas] = main.firstChild.children;
  setText(name.firstChild, unit.name);
  setAttr(name, "href", hrefOf.unit(unit.name));
  setDot(mark.firstChild, look.tone);
  const word = state === "attention" ? "Attention" : look.label;
  setText(mark.lastChild, state === "paused" || unit.paused_at === null ? word : `${word}, paused`);
  setText(group, unit.group ?? "");
  group.hidden = unit.group === null;
  setText(replicas, unit.instances > 1 ? `×${unit.instances}` : "service");
  replicas.hidden = unit.kind !== "service";
  drawAbout(main.lastChild, unit);
  setAgo(latest.lastChild, unit.last_run && (unit.last_run.start_at ?? unit.last_run.created_at));
  setUpcoming(next.lastChild, unit.next_run_at);
  setText(trigger.lastChild, unit.kind === "service" ? KEPT[unit.restart] : scheduleWords(unit));
  setAttr(trigger, "title", unit.cron === null || cronWords(unit.cron) === null ? null : unit.cron);
  drawAction(action, unit);
}

/** What is wrong stands before what it is for. */
function drawAbout(node, unit) {
  const [wrong, description] = node.children;
  const hasTrouble = trouble(unit) !== "";
  wrong.hidden = !hasTrouble;
  if (hasTrouble) wrong.tell((now) => trouble(unit, now));
  setText(description, unit.description ?? "");
  setAttr(description, "title", unit.description);
}

/** The button of a row does what is most likely wanted; what it is called is known without the module of actions. */
function drawAction(node, unit) {
  const isDown = unit.kind === "service" && (unit.service.state === "stopped" || unit.service.state === "fatal");
  const verb = unit.kind === "task" ? "Run" : isDown ? "Start" : "Restart";
  const locked = unit.api_trigger ? null : "api_trigger = false: it is started by its schedule alone.";
  const reason = store.isOnline ? locked : "The daemon cannot be reached at the moment.";
  node.rwUnit = unit;
  setIcon(node.firstChild, verb === "Restart" ? "restart" : "play");
  setAttr(node, "aria-label", `${verb} ${unit.name}`);
  setReason(node, reason, `${verb} ${unit.name}`);
}

async function act(unit) {
  const { unitActions } = await importModule("actions.js");
  unitActions(unit).find((one) => one.key === "r")?.run();
}

const EXAMPLE = '[tasks.hello]\ncron = "*/5 * * * *"\nrun = "echo hello"';

function nothingConfigured() {
  const path = store.daemon?.config_path ?? "runwisp.toml";
  return emptyState(
    "Nothing is configured yet.", ["Add a task to ", el("code", { text: path }), ", then reload."],
    el("pre", { class: "example", text: EXAMPLE }),
    button("Reload", async () => (await importModule("actions.js")).reload(), { icon: "restart", tone: "primary" }),
  );
}

customElements.define("rw-overview", OverviewPage);
