/** The overview: how the daemon is, what needs attention, what runs, what comes next, and all units. */

import { clear, el, icon, reconcile, setAttr, setIcon, setText } from "./dom.js";
import {
  ago, bytes, clock, counted, countdown, duration, elapsed, exitText, grouped, ms, replicaName, statusLook,
  statusWord, upcoming,
} from "./format.js";
import { trouble } from "./phrases.js";
import { hrefOf, navigate, setPage } from "./shell.js";
import { newestFirst, store, unitState } from "./store.js";
import { byActivity, choiceOf, choiceText, UnitList } from "./unitlist.js";
import {
  agoText, dot, errorState, RhythmStrip, setAgo, setDot, setSparkline, skeletonRows, sparkline, ticking,
} from "./widgets.js";

const IN_PANEL = 4;
const IN_RECENT = 6;
/** So many of the last runs tell how things go. */
const RECENT = 100;
/** Lists are put in order at most this often. */
const CALM_MS = 600;
const HIGH_LOAD = 85;

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
  #timer = 0;
  #drawSoon = calmly(() => this.#draw(), CALM_MS);

  connectedCallback() {
    this.classList.add("overview");
    const { attention, running, next, recent } = this.#panels;
    this.append(
      this.#hero.node,
      this.#gauges.node,
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
    // The list comes first; what is beside it may come a moment later.
    this.#timer = setTimeout(() => this.#fetch(), 50);
  }

  disconnectedCallback() {
    for (const end of this.#ends) end();
    clearTimeout(this.#timer);
    this.#drawSoon.cancel();
    this.#units.close();
  }

  set route({ query }) {
    const choice = choiceOf(query);
    this.#units.choose(choice);
    setPage({
      title: "Overview",
      search: {
        placeholder: "Search tasks and services",
        value: choice.text,
        onInput: (text) => this.#choose({ ...choice, text }),
        onEnter: () => this.#units.openFirst(),
      },
      keys: { j: () => this.#units.move(1), k: () => this.#units.move(-1) },
    });
  }

  /** What is chosen is part of the address, so that it can be linked and survives a reload. */
  #choose(choice) {
    navigate(hrefOf.overview() + choiceText(choice), { replace: true });
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
    const merged = [...changes.values()].filter(
      (run) => run !== null && (oldest === null || newestFirst(run, oldest) <= 0),
    );
    this.#recent = [...others, ...merged].sort(newestFirst).slice(0, RECENT);
    this.#drawSoon();
  }

  #draw() {
    const units = [...(store.units?.values() ?? [])];
    const running = store.activeRuns().filter((run) => run.status === "running");
    const attention = units.filter((unit) => unitState(unit) === "attention").sort(byActivity);
    this.#hero.draw({
      attention: attention.length,
      running: running.length,
      recent: this.#recent,
      units: units.length,
    });
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
      "section",
      { class: "hero", "aria-label": "Daemon" },
      el(
        "div",
        { class: "hero-words" },
        el("p", { class: "hero-online" }, this.#dot, this.#online),
        this.#headline,
        this.#facts,
      ),
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
      this.#facts,
      facts,
      ([name]) => name,
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
  if (attention > 0)
    return ["warning", `${counted(attention, "unit")} ${attention === 1 ? "needs" : "need"} attention`];
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
      "section",
      { class: "gauges panel", "aria-label": "Figures" },
      this.#healthy.node,
      this.#attention.node,
      this.#running.node,
      this.#success.node,
      this.#cpu.node,
      this.#memory.node,
    );
  }

  draw({ units, attention, running, recent }) {
    this.#healthy.show(grouped(units.length - attention), `of ${counted(units.length, "unit")}`);
    this.#attention.show(String(attention), attention === 0 ? "nothing failed" : "look at these first");
    setAttr(this.#attention.node, "data-tone", attention > 0 ? "warning" : null);
    const waiting = store.activeRuns().length - running;
    this.#running.show(String(running), waiting > 0 ? `${waiting} waiting` : "none waiting");
    const [share, of] = successShare(recent);
    this.#success.show(
      share === null ? "–" : `${share} %`,
      share === null ? "no runs yet" : `of the last ${counted(of, "run")}`,
    );
  }

  drawLoad() {
    const last = store.samples.at(-1) ?? store.system;
    if (last === null) return;
    this.#cpu.show(
      last.cpu_usage,
      store.samples.map((one) => one.cpu_usage),
      counted(store.system?.cpu_cores ?? 1, "core"),
    );
    this.#memory.show(
      last.mem_usage,
      store.samples.map((one) => one.mem_usage),
      `${bytes(last.mem_used)} / ${bytes(last.mem_total)}`,
    );
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
  const node = el(
    href === null ? "div" : "a",
    { class: "gauge", href },
    el("span", { class: "label", text: label }),
    value,
    hint,
  );
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
    this.running.draw(
      running.sort((a, b) => isTask(a) - isTask(b) || newestFirst(a, b)),
      IN_PANEL,
      runningRow,
      "/runs?status=pending,running",
    );
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
  return coming.filter(({ at }) => ms(at) > now - 5000).sort((a, b) => ms(a.at) - ms(b.at));
}

function panel(title, nothing, name) {
  const count = el("span", { class: "panel-count num" });
  const list = el("ul", { class: "panel-rows" });
  const state = el("div", {});
  const more = el("a", { class: "panel-more", text: "View all" });
  const node = el(
    "section",
    { class: "panel side-panel", "aria-label": title, dataset: { panel: name } },
    el("header", { class: "panel-head" }, el("h2", { class: "label", text: title }), count, more),
    state,
    list,
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
    "li",
    { class: "panel-row" },
    mark,
    el("a", { class: "panel-link" }, el("bdi", { class: "truncate" })),
    right,
    below,
  );
}

function nameRow(node, name, href) {
  const link = node.children[1];
  setText(link.firstChild, name);
  setAttr(link, "href", href);
  setAttr(link, "title", name);
}

const attentionRow = {
  make: () =>
    panelRow(
      dot("danger"),
      ticking(() => "", null, "panel-right muted num"),
      ticking(() => "", null, "panel-below danger-text truncate"),
    ),
  update(node, unit) {
    nameRow(node, unit.name, unit.last_run?.is_failure ? hrefOf.run(unit.last_run) : hrefOf.unit(unit.name));
    const at = unit.last_run && (unit.last_run.end_at ?? unit.last_run.created_at);
    node.children[2].tell((now) => (at === null ? "" : ago(at, now)));
    node.children[3].tell((now) => trouble(unit, now));
  },
};

const runningRow = {
  make: () =>
    panelRow(
      dot("running"),
      ticking(() => "", null, "panel-right num"),
    ),
  update(node, run) {
    nameRow(node, replicaName(run), hrefOf.run(run));
    setDot(node.firstChild, run.stopping ? "warning" : "running");
    node.children[2].tell((now) => elapsed((now - ms(run.start_at ?? run.created_at)) / 1000));
  },
};

const nextRow = {
  make: () =>
    panelRow(
      icon("clock"),
      ticking(() => "", null, "panel-right num"),
    ),
  update(node, { unit, at, isRetry }) {
    nameRow(node, unit.name, hrefOf.unit(unit.name));
    setIcon(node.firstChild, isRetry ? "restart" : "clock");
    const lead = isRetry ? "retry " : "";
    node.children[2].tell(
      (now) => `${lead}${ms(at) <= now ? "now" : `in ${countdown((ms(at) - now) / 1000)}`}`,
      (now) => upcoming(at, now),
    );
  },
};

const recentRow = {
  make: (run) =>
    panelRow(
      dot("neutral"),
      agoText(run.start_at ?? run.created_at, "panel-right muted num"),
      el("span", { class: "panel-below muted truncate" }),
    ),
  update(node, run) {
    nameRow(node, replicaName(run), hrefOf.run(run));
    const look = statusLook(statusWord(run));
    setDot(node.firstChild, look.tone);
    setAgo(node.children[2], run.start_at ?? run.created_at);
    const taken = run.duration === null ? "" : duration(run.duration);
    setText(node.children[3], [look.label, exitText(run), taken].filter(Boolean).join(" · "));
  },
};

customElements.define("rw-overview", OverviewPage);
