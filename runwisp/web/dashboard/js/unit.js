/** The page of a task or a service: its state and what can be done, its definition, its replicas and its runs. */

import { unitActions } from "./actions.js";
import { api } from "./api.js";
import { clear, el, icon, reconcile, setAttr, setText } from "./dom.js";
import {
  absolute, bytes, clock, countdown, cronWords, duration, elapsed, ms, scheduleWords, shortId, zoneName,
} from "./format.js";
import { clockChanges, sentence, verdict } from "./phrases.js";
import { RunBrowser } from "./runs.js";
import { hrefOf, setPage } from "./shell.js";
import { newestFirst, store } from "./store.js";
import { button, copyText, dot, emptyState, iconButton, RhythmStrip, setDot, setReason, ticking } from "./widgets.js";

/** What names of units may be. */
const NAMES = /^[\w.:-]{1,100}$/;
const IN_STRIP = 50;
const NEXT_RUNS = 5;

export class UnitPage extends HTMLElement {
  #name = null;
  #route = null;
  #strip = null;
  #replicas = null;
  #definition = null;
  #browser = null;
  #isNothing = false;
  #pageShown = "";
  #ends = [];

  connectedCallback() {
    this.classList.add("unit");
    this.#ends = [
      store.subscribe("units", (names) => (names.has("*") || names.has(this.#name)) && this.#draw()),
      store.subscribe("runs", (changes) => this.#strip?.merge(changes)),
      store.subscribe("live", () => this.#draw()),
      store.subscribe("resync", () => this.#strip?.load()),
    ];
  }

  disconnectedCallback() {
    for (const end of this.#ends) end();
  }

  get #unit() {
    return store.units?.get(this.#name) ?? null;
  }

  set route(route) {
    this.#route = route;
    this.#pageShown = "";
    if (route.params.name !== this.#name) this.#build(route.params.name);
    if (!this.#isNothing) this.#browser.route = route;
    this.#draw();
  }

  #build(name) {
    this.#name = name;
    // Of a name that nothing can have the daemon is not even asked.
    this.#isNothing = !NAMES.test(name);
    if (this.#isNothing) return;
    this.#strip = new Strip(
      name,
      (run) => this.#browser.select(run.id),
      () => this.#toggleDefinition(),
    );
    this.#replicas = new Replicas((id) => this.#browser.select(id));
    this.#definition = new Definition();
    this.#browser = new RunBrowser(name);
    this.#browser.onShown = (id) => this.#strip.select(id);
    this.#browser.onRuns = (runs) => this.#runsKnown(runs);
    clear(this, this.#strip.node, this.#replicas.node, this.#definition.node, this.#browser);
    this.#strip.load();
  }

  /** Where nothing has run there is room for what would; a name without a unit and without runs is none. */
  #runsKnown(runs) {
    const wasNothing = this.#isNothing;
    this.#isNothing = this.#unit === null && this.#browser.isEmpty;
    if (runs.length === 0 && this.#browser.isEmpty && this.#unit) this.#toggleDefinition(true);
    if (this.#isNothing !== wasNothing) this.#draw();
  }

  #toggleDefinition(isOpen = this.#definition.node.hidden) {
    this.#definition.node.hidden = !isOpen;
    this.#strip.markDefinition(isOpen);
    if (isOpen && this.#unit) this.#definition.draw(this.#unit);
  }

  #draw() {
    if (this.#route === null) return;
    const unit = this.#unit;
    if (this.#isNothing && unit === null) return this.#showNothing();
    if (this.#isNothing) return this.#appeared();
    const actions =
      unit === null ? [] : unitActions(unit).map((action) => ({ ...action, run: () => this.#act(action.id) }));
    this.#showPage(unit, actions);
    this.#strip.draw(unit, actions);
    this.#replicas.draw(unit);
    if (!this.#definition.node.hidden && unit) this.#definition.draw(unit);
    this.#browser.isFolded = unit?.kind === "service" && unit.instances === 1;
  }

  #showNothing() {
    setPage({ title: this.#name });
    const link = el("a", { class: "btn", href: hrefOf.overview(), text: "Go to the overview" });
    clear(
      this,
      emptyState(
        `There is no task or service ${this.#name}.`,
        "It may have been renamed, or taken out of the configuration.",
        link,
      ),
    );
  }

  /** What was not there has come with a new configuration. */
  #appeared() {
    this.#build(this.#name);
    this.#browser.route = this.#route;
    this.#draw();
  }

  #showPage(unit, actions) {
    const shown = JSON.stringify([this.#name, this.#browser.find, unit && scheduleWords(unit), actions]);
    if (shown === this.#pageShown) return;
    this.#pageShown = shown;
    setPage({
      title: this.#name,
      trail: [{ label: "Overview", href: hrefOf.overview() }],
      chip: unit && this.#scheduleChip(unit),
      search: {
        placeholder: "Search the output",
        value: this.#browser.find,
        onInput: (text) => this.#browser.findSoon(text),
      },
      actions,
      keys: { j: () => this.#browser.move(1), k: () => this.#browser.move(-1), d: () => this.#toggleDefinition() },
    });
  }

  #chip = el("span", { class: "chip" });

  #scheduleChip(unit) {
    // Elsewhere times are those of the browser.
    const zone = unit.cron !== null && unit.timezone !== zoneName() ? ` ${unit.timezone}` : "";
    setText(this.#chip, scheduleWords(unit) + zone);
    setAttr(this.#chip, "title", unit.cron === null ? null : `${unit.cron} · ${unit.timezone}`);
    return this.#chip;
  }

  /** A run that has been started from here is what one wants to see. */
  async #act(id) {
    const action = this.#unit && unitActions(this.#unit).find((one) => one.id === id);
    const run = await action?.run();
    if (id === "run" && run && this.isConnected) this.#browser.select(run.id);
  }
}

// -- the strip -----------------------------------------------------------------------------------------------------

/** The state in a word, what happens next in a sentence, what can be done, and the last runs as bars. */
class Strip {
  #name;
  #runs = [];
  #mark = el("span", { class: "strip-mark" });
  #word = ticking(() => "");
  #sentence = ticking(() => "", null, "strip-sentence");
  #description = el("bdi", { class: "strip-description", dataset: { testid: "task-description" } });
  #buttons = el("div", { class: "strip-buttons" });
  #rhythm = new RhythmStrip();
  #figures = el("p", { class: "strip-figures num" });
  #definition;

  constructor(name, onSelect, onDefinition) {
    this.#name = name;
    this.#rhythm.onSelect = onSelect;
    this.#sentence.dataset.testid = "task-sentence";
    this.#definition = button("Definition", onDefinition, { icon: "file" });
    setAttr(this.#definition, "aria-expanded", "false");
    setAttr(this.#definition, "aria-controls", "definition");
    setAttr(this.#definition, "title", "Definition (d)");
    this.node = el(
      "section",
      { class: "strip panel", "aria-label": "State", dataset: { testid: "task-strip" } },
      el(
        "div",
        { class: "strip-head" },
        el(
          "div",
          { class: "strip-words" },
          el("h2", { class: "strip-word" }, this.#mark, this.#word),
          this.#sentence,
          this.#description,
        ),
        el("div", { class: "strip-controls" }, this.#buttons, this.#definition),
      ),
      el("div", { class: "strip-foot" }, this.#rhythm, this.#figures),
    );
  }

  async load() {
    try {
      const { items } = await store.fetchRuns({ task_name: this.#name, limit: IN_STRIP });
      this.#runs = items;
    } catch {
      // The list of runs beside it says what is wrong.
    }
    this.#drawRuns();
  }

  /** Take in what the store has heard of. */
  merge(changes) {
    const mine = [...changes.values()].filter((run) => run?.task_name === this.#name);
    const kept = this.#runs.filter((run) => !changes.has(run.id));
    if (mine.length === 0 && kept.length === this.#runs.length) return;
    this.#runs = [...kept, ...mine].sort(newestFirst).slice(0, IN_STRIP);
    this.#drawRuns();
  }

  select(id) {
    this.#rhythm.selected = id;
  }

  markDefinition(isOpen) {
    setAttr(this.#definition, "aria-expanded", String(isOpen));
  }

  draw(unit, actions) {
    if (unit === null) return this.#drawRemoved();
    const look = verdict(unit);
    this.#show(
      look,
      (now) => verdict(unit, now).word,
      (now) => sentence(unit, now),
    );
    setText(this.#description, unit.description ?? "");
    this.#description.hidden = unit.description === null;
    this.#definition.hidden = false;
    reconcile(
      this.#buttons,
      actions,
      (action) => `${action.id} ${action.label}`,
      (action) =>
        button(action.label, () => this.#buttons.rwActions.get(action.id).run(), {
          tone: action.tone,
          icon: action.icon,
          testid: `action-${action.id}`,
        }),
      (node, action) => setReason(node, action.reason, action.key && `${action.label} (${action.key})`),
    );
    this.#buttons.rwActions = new Map(actions.map((action) => [action.id, action]));
  }

  #drawRemoved() {
    const look = { word: "Not configured", tone: "neutral", icon: "unknown" };
    this.#show(
      look,
      () => look.word,
      () => "It is not in the configuration any more; its runs are still here.",
    );
    this.#description.hidden = this.#definition.hidden = true;
    reconcile(this.#buttons, [], String, () => null);
  }

  #show({ word, tone, icon: iconName }, words, text) {
    const isTurning = iconName === "spinner";
    if (this.#mark.dataset.icon !== iconName) clear(this.#mark, icon(iconName, isTurning ? "spin" : ""));
    this.#mark.dataset.icon = iconName;
    this.#word.tell(words);
    this.#sentence.tell(text);
    setAttr(this.node, "data-tone", tone);
    setAttr(this.node, "data-state", word.split(" · ")[0]);
  }

  #drawRuns() {
    this.#rhythm.runs = this.#runs;
    const taken = this.#runs
      .map((run) => run.duration)
      .filter((seconds) => seconds !== null)
      .sort((a, b) => a - b);
    const good = this.#runs.filter((run) => run.end_reason === "success").length;
    const all = good + this.#runs.filter((run) => run.is_failure && run.end_reason !== "success").length;
    const parts = [
      all > 0 && `${good} of ${all} succeeded`,
      taken.length > 1 && `median ${duration(taken[Math.floor((taken.length - 1) / 2)])}`,
      taken.length > 1 && `longest ${duration(taken.at(-1))}`,
    ].filter(Boolean);
    setText(this.#figures, parts.join(" · "));
    this.node.classList.toggle("has-runs", this.#runs.length > 0);
  }
}

// -- replicas ------------------------------------------------------------------------------------------------------

const REPLICA_LOOKS = {
  running: ["running", "Up"],
  restarting: ["warning", "Restarting"],
  stopped: ["neutral", "Stopped"],
  fatal: ["danger", "Gave up"],
};

/** The slots of a service, where there is something to tell of them one by one. */
class Replicas {
  #rows = el("tbody");
  #onSelect;

  constructor(onSelect) {
    this.#onSelect = onSelect;
    const heads = ["Replica", "State", "Since", "Restarts", "Failed starts", "Last exit", "Run"];
    this.node = el(
      "section",
      { class: "panel replicas", "aria-label": "Replicas", hidden: true },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            heads.map((text) => el("th", { class: "label", scope: "col", text })),
          ),
        ),
        this.#rows,
      ),
    );
  }

  draw(unit) {
    const replicas = unit?.service?.replicas ?? [];
    this.node.hidden = replicas.length < 2 && replicas.every((one) => one.state === "running" && one.restarts === 0);
    reconcile(
      this.#rows,
      replicas,
      (one) => String(one.replica_index),
      () => this.#make(),
      (row, one) => this.#update(row, unit, one),
    );
  }

  #make() {
    const link = el("a", { class: "chip" });
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#onSelect(link.dataset.id);
    });
    return el(
      "tr",
      {},
      el("th", { scope: "row", class: "num" }),
      el("td", {}, el("span", { class: "replica-state" }, dot("neutral"), el("span"))),
      el(
        "td",
        { dataset: { label: "Since" } },
        ticking(() => "", null, "num"),
      ),
      el("td", { class: "num", dataset: { label: "Restarts" } }),
      el("td", { class: "num", dataset: { label: "Failed starts" } }),
      el("td", { class: "num", dataset: { label: "Last exit" } }),
      el("td", {}, link),
    );
  }

  #update(row, unit, one) {
    const [name, state, since, restarts, failed, exit, run] = row.children;
    const [tone, word] = REPLICA_LOOKS[one.state] ?? ["neutral", one.state];
    setText(name, `#${one.replica_index}`);
    setAttr(name, "title", `replica ${one.replica_index} of ${unit.instances}`);
    setAttr(row, "data-tone", tone);
    setDot(state.firstChild.firstChild, tone);
    setText(state.firstChild.lastChild, word);
    since.firstChild.tell(
      (now) => sinceText(one, now),
      () => (one.start_at === null ? "" : `since ${absolute(one.start_at)}`),
    );
    setText(restarts, String(one.restarts));
    setText(failed, String(one.failed_starts));
    setText(exit, one.last_exit_code === null ? "—" : String(one.last_exit_code));
    run.firstChild.hidden = one.run_id === null;
    if (one.run_id === null) return;
    run.firstChild.dataset.id = one.run_id;
    setText(run.firstChild, shortId(one.run_id));
    setAttr(run.firstChild, "title", one.run_id);
    setAttr(run.firstChild, "href", hrefOf.run({ task_name: unit.name, id: one.run_id }));
  }
}

function sinceText(one, now) {
  if (one.start_at !== null) return elapsed((now - ms(one.start_at)) / 1000);
  return one.next_start_at === null ? "—" : `starts in ${countdown((ms(one.next_start_at) - now) / 1000)}`;
}

// -- the definition ------------------------------------------------------------------------------------------------

/** What the configuration says of a unit, under the keys of the file. */
class Definition {
  #groups = el("div", { class: "definition-groups" });
  #command = el("pre", { class: "command-text", tabIndex: 0 });
  #next = el("ol", { class: "next-runs" });
  #nextFor = "";
  #shown = "";

  constructor() {
    const copy = iconButton("copy", "Copy the command", () => copyText(this.#command.textContent, "Command copied"));
    this.node = el(
      "section",
      { class: "panel definition", id: "definition", "aria-label": "Definition", hidden: true },
      el("div", { class: "command" }, this.#command, copy),
      this.#groups,
    );
  }

  draw(unit) {
    const key = JSON.stringify({ ...unit, last_run: null, service: null, active_runs: 0, queued_runs: 0 });
    if (key === this.#shown) return;
    this.#shown = key;
    setText(this.#command, (unit.run ?? "").trimEnd());
    this.#command.parentNode.hidden = unit.run === null;
    const groups = groupsOf(unit).filter(([, entries]) => entries.length > 0);
    clear(
      this.#groups,
      groups.map(([title, entries]) =>
        el(
          "section",
          { class: "definition-group" },
          el("h3", { class: "label", text: title }),
          el(
            "dl",
            {},
            entries.map(([name, value, hint]) =>
              el(
                "div",
                {},
                el("dt", { class: "mono", text: name }),
                el(
                  "dd",
                  {},
                  el("bdi", { class: "mono", text: value }),
                  hint && el("span", { class: "muted", text: hint }),
                ),
              ),
            ),
          ),
          title === "Schedule" &&
            unit.cron !== null && [el("p", { class: "label next-label", text: `Next, in ${zoneName()}` }), this.#next],
        ),
      ),
    );
    if (unit.cron !== null) this.#loadNext(unit);
  }

  async #loadNext(unit) {
    const key = `${unit.name} ${unit.next_run_at} ${unit.paused_at}`;
    if (key === this.#nextFor) return;
    this.#nextFor = key;
    try {
      const { items } = await api.get(`/api/tasks/${encodeURIComponent(unit.name)}/next-runs`, {
        query: { limit: NEXT_RUNS },
      });
      if (key === this.#nextFor) this.#drawNext(unit, items);
    } catch (problem) {
      clear(this.#next, el("li", { class: "muted", text: problem.detail }));
    }
  }

  #drawNext(unit, times) {
    const paused = unit.paused_at === null ? "The schedule has no further run." : "Paused: nothing is started.";
    if (times.length === 0) return void clear(this.#next, el("li", { class: "muted", text: paused }));
    const notes = clockChanges(times, unit.timezone, clock.now());
    clear(
      this.#next,
      times.map((at, i) =>
        el(
          "li",
          {},
          el("span", { class: "num", text: `${weekday(at)} ${absolute(at)}` }),
          unit.timezone !== zoneName() && el("span", { class: "muted num", text: wallClock(at, unit.timezone) }),
          ticking((now) => `in ${countdown((ms(at) - now) / 1000)}`, null, "muted num"),
          notes[i] && el("span", { class: "next-note", text: notes[i] }),
        ),
      ),
    );
  }
}

/** Sections of [key of the file, value, hint]; what is unset or does not apply is left out. */
function groupsOf(unit) {
  const plain = (...names) => names.map((name) => [name, text(unit[name])]).filter(([, value]) => value !== "");
  const spans = (...names) =>
    names.filter((name) => unit[name] !== null && unit[name] !== undefined).map((name) => [name, span(unit[name])]);
  const isTask = unit.kind === "task";
  const retries =
    unit.retry_attempts > 0 ? [...plain("retry_attempts"), ...spans("retry_delay"), ...plain("retry_backoff")] : [];
  const schedule =
    unit.cron === null
      ? []
      : [["cron", unit.cron, cronWords(unit.cron)], ...plain("timezone", "catch_up", "catch_up_limit")];
  const file = store.daemon && [["file", store.daemon.config_path]];
  return [
    ["Schedule", [...schedule, ...plain("run_on_start")]],
    [
      "Service",
      isTask
        ? []
        : [
            ...plain("instances", "restart"),
            ...spans("restart_delay"),
            ...plain("restart_backoff", "restart_attempts"),
            ...spans("healthy_after"),
            ...plain("autostart", "priority", "depends_on"),
          ],
    ],
    [
      "Execution",
      [
        ...plain("parallelism", "on_overlap"),
        ...(isTask ? plain("max_queued") : []),
        ...spans("timeout", "graceful_stop"),
        ...plain("stop_signal"),
        ...retries,
        ...plain("failures"),
        ...(unit.api_trigger ? [] : [["api_trigger", "false"]]),
      ],
    ],
    [
      "Environment",
      [
        ...plain("working_dir", "user", "shell", "umask", "env_base", "env_file", "secrets_file"),
        ...Object.entries(unit.env ?? {}).map(([name, value]) => [`env.${name}`, value]),
      ],
    ],
    [
      "Output and retention",
      [
        ...(unit.log_max_size === null ? [] : [["log_max_size", bytes(unit.log_max_size)]]),
        ...plain("log_on_full", "keep_runs"),
        ...spans("keep_for"),
      ],
    ],
    ["Notifications", plain("notify_on_failure", "notify_on_success")],
    ["Defined in", [...(file ?? []), ...plain("group")]],
  ];
}

function text(value) {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function span(seconds) {
  return Number.isInteger(seconds) ? elapsed(seconds) : duration(seconds);
}

function weekday(at) {
  return new Intl.DateTimeFormat("en", { weekday: "short" }).format(ms(at));
}

/** `02:30 in Europe/Berlin` */
function wallClock(at, timeZone) {
  const time = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" }).format(ms(at));
  return `${time} in ${timeZone}`;
}

customElements.define("rw-unit", UnitPage);
