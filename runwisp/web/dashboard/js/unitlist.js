/** The list of all units on the overview, as far as the tab, the search and the order say. */

import { clear, el, icon, on, reconcile, setAttr, setIcon, setText, VirtualList } from "./dom.js";
import { scheduleWords } from "./format.js";
import { trouble } from "./phrases.js";
import { hrefOf, importModule, navigate } from "./shell.js";
import { store, UNIT_STATES, unitState } from "./store.js";
import {
  agoText, button, dot, emptyState, iconButton, setAgo, setDot, setReason, setUpcoming, ticking, upcomingText,
} from "./widgets.js";

/** For so long after a touch of the pointer or the focus the order stays as it is. */
const HOLD_MS = 2000;

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

/** Those that have run the latest first. */
export const byActivity = (a, b) => compare(b.last_run?.created_at ?? "", a.last_run?.created_at ?? "");
const byNext = (a, b) => compare(a.next_run_at ?? "~", b.next_run_at ?? "~");
const SORTS = {
  priority: {
    label: "Priority",
    by: (a, b) =>
      PRIORITY.indexOf(unitState(a)) - PRIORITY.indexOf(unitState(b)) ||
      byActivity(a, b) ||
      byNext(a, b) ||
      byName(a, b),
  },
  activity: { label: "Last activity", by: (a, b) => byActivity(a, b) || byName(a, b) },
  next: { label: "Next run", by: (a, b) => byNext(a, b) || byName(a, b) },
  name: { label: "Name", by: byName },
};

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

const phone = matchMedia("(max-width: 767px)");

/** @typedef {{tab: string, sort: string, text: string}} Choice */

/** @param {URLSearchParams} query of the address @returns {Choice} */
export function choiceOf(query) {
  const [tab, sort] = [query.get("tab"), query.get("sort")];
  return { tab: tab in TABS ? tab : "all", sort: sort in SORTS ? sort : "priority", text: query.get("q") ?? "" };
}

/** @param {Choice} choice @returns {string} "" or with the "?" */
export function choiceText({ tab, sort, text }) {
  const query = new URLSearchParams();
  if (tab !== "all") query.set("tab", tab);
  if (sort !== "priority") query.set("sort", sort);
  if (text !== "") query.set("q", text);
  return query.size > 0 ? `?${query}` : "";
}

/** All units as rows, of which only those in sight exist. */
export class UnitList {
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
    for (const [name, { label }] of Object.entries(SORTS))
      this.#sort.append(el("option", { value: name, text: label }));
    on(this.#sort, "change", () => onChoice({ ...this.#choice, sort: this.#sort.value }));
    this.node = el(
      "section",
      { class: "panel unit-list", "aria-label": "Tasks and services" },
      el("header", { class: "unit-list-head" }, this.#tabs, el("label", { class: "sort" }, icon("sort"), this.#sort)),
      this.#state,
      this.#host,
    );
    const hold = () => (this.#heldUntil = performance.now() + HOLD_MS);
    on(this.#host, "pointermove", hold);
    on(this.#host, "focusin", hold);
  }

  open(scroller) {
    this.#list = new VirtualList({
      scroller,
      host: this.#host,
      rowHeight: rowHeight(),
      overscan: 6,
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
    const isOther =
      choice.tab !== this.#choice.tab || choice.sort !== this.#choice.sort || choice.text !== this.#choice.text;
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
    this.#shown = units
      .filter((unit) => TABS[tab].has(unit, unitState(unit)) && matches(unit, words))
      .sort(SORTS[sort].by);
    this.#index = new Map(this.#shown.map(({ name }, index) => [name, index]));
    this.#list.refresh(this.#shown.length);
    this.#drawState(units.length);
  }

  #drawTabs(units) {
    const items = Object.entries(TABS).map(([name, { label, has }]) => ({
      name,
      label,
      count: units.filter((unit) => has(unit, unitState(unit))).length,
    }));
    reconcile(
      this.#tabs,
      items,
      ({ name }) => name,
      ({ name, label }) =>
        el(
          "button",
          { class: "tab", type: "button", on: { click: () => this.#onChoice({ ...this.#choice, tab: name }) } },
          label,
          el("span", { class: "tab-count num" }),
        ),
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
    const focused = this.#host.contains(document.activeElement)
      ? document.activeElement.closest(".unit-row").rwName
      : null;
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
  all: "Nothing here.",
  attention: "Nothing needs attention.",
  running: "Nothing is running.",
  scheduled: "No task has a schedule.",
  manual: "Nothing is there to be started by hand.",
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
    "div",
    { class: "unit-row", role: "listitem" },
    icon("play", "unit-icon"),
    el(
      "div",
      { class: "unit-main" },
      el(
        "p",
        { class: "unit-line" },
        el("a", { class: "unit-name" }, el("bdi", { class: "truncate" })),
        el("span", { class: "unit-state" }, dot("neutral"), el("span")),
        el("bdi", { class: "tag unit-group" }),
        el("span", { class: "tag unit-kind num" }),
      ),
      el(
        "p",
        { class: "unit-line unit-about" },
        ticking(() => "", null, "unit-trouble"),
        el("bdi", { class: "truncate unit-description" }),
      ),
    ),
    el(
      "div",
      { class: "unit-fact unit-latest" },
      el("span", { class: "fact-label", text: "Latest" }),
      agoText(null, "num"),
    ),
    el(
      "div",
      { class: "unit-fact unit-next" },
      el("span", { class: "fact-label", text: "Next" }),
      upcomingText(null, "num"),
    ),
    el(
      "div",
      { class: "unit-fact unit-trigger" },
      el("span", { class: "fact-label", text: "Trigger" }),
      el("span", { class: "truncate" }),
    ),
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
  setAttr(trigger, "title", unit.cron === null ? null : `${unit.cron} · ${unit.timezone}`);
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
  unitActions(unit)
    .find((one) => one.key === "r")
    ?.run();
}

const EXAMPLE = '[tasks.hello]\ncron = "*/5 * * * *"\nrun = "echo hello"';

function nothingConfigured() {
  const path = store.daemon?.config_path ?? "runwisp.toml";
  return emptyState(
    "Nothing is configured yet.",
    ["Add a task to ", el("code", { text: path }), ", then reload."],
    el("pre", { class: "example", text: EXAMPLE }),
    button("Reload", async () => (await importModule("actions.js")).reload(), { icon: "restart", tone: "primary" }),
  );
}

