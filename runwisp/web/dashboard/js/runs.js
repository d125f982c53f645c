/**
 * Lists of runs: their filters, <rw-history> with rows, selection and bulk actions, and the page of all runs.
 */

import { api, isAbort } from "./api.js";
import { clear, el, icon, on, reconcile, setAttr, setIcon, setText, VirtualList } from "./dom.js";
import { counted, duration, exitText, replicaName, shortId, statusLook, statusWord, trigger, words } from "./format.js";
import { hrefOf, importModule, navigate, setPage } from "./shell.js";
import { newestFirst, store } from "./store.js";
import {
  agoText, button, confirmAction, dot, emptyState, errorState, iconButton, popover, retryText, setAgo, setDot, setReason, setRetry,
  skeletonRows, toast, toastProblem,
} from "./widgets.js";

// -- filters -------------------------------------------------------------------------------------------------------

/**
 * What runs are wanted, as it stands in the address of a page.
 * @typedef {object} Filters
 * @property {string[]} status words of the API
 * @property {string} from first day, `2026-03-02`, or ""
 * @property {string} to last day
 * @property {string[]} task
 * @property {string|null} group "" is without a group
 * @property {string[]} trigger
 * @property {string[]} source
 * @property {string} exit as typed
 * @property {boolean} retries
 * @property {string} q
 * @property {"desc"|"asc"} order
 */

/** Statuses as most people ask for them; `failure` is what the daemon counts as one. */
const BUCKETS = {
  Running: ["pending", "running"],
  Succeeded: ["success"],
  Failed: ["failure"],
  Skipped: ["skipped", "dst_skipped", "queue_full"],
  Stopped: ["stopped", "daemon_stopped"],
};
const SINGLE_STATUSES = [
  "pending", "running", "success", "failed", "timeout", "crashed", "log_overflow", "start_failed", "missed", "stopped",
  "daemon_stopped", "skipped", "queue_full", "dst_skipped",
];
const TRIGGERS = { cron: "Scheduled", api: "Manual", service: "Service auto-start", startup: "On daemon start" };
const SOURCES = { ui: "From the UI", cli: "From the command line" };
const LISTS = ["status", "task", "trigger", "source"];

/** @param {URLSearchParams} query @returns {Filters} */
export function filtersOf(query) {
  const list = (name) => (query.get(name) ?? "").split(",").filter(Boolean);
  return {
    ...Object.fromEntries(LISTS.map((name) => [name, list(name)])),
    from: dayOf(query.get("from")), to: dayOf(query.get("to")),
    group: query.get("group"), exit: query.get("exit") ?? "", retries: query.get("retries") === "true", q: query.get("q") ?? "",
    order: query.get("order") === "asc" ? "asc" : "desc",
  };
}

function dayOf(text) {
  return /^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(Date.parse(text)) ? text : "";
}

/** @param {Filters} filters @returns {string} "" or with the "?" */
export function filterText(filters) {
  const query = new URLSearchParams();
  for (const name of LISTS) if (filters[name].length > 0) query.set(name, filters[name].join(","));
  for (const name of ["from", "to", "exit", "q"]) if (filters[name] !== "") query.set(name, filters[name]);
  if (filters.group !== null) query.set("group", filters.group);
  if (filters.retries) query.set("retries", "true");
  if (filters.order === "asc") query.set("order", "asc");
  const text = query.toString();
  return text && `?${text}`;
}

/**
 * Read what is asked for of exit codes: `137`, `>100`, `<=2`, `>100 <150`.
 * @returns {{min: number|null, max: number|null}|null} null if it cannot be read
 */
export function exitRange(text) {
  const range = { min: null, max: null };
  const terms = text.trim().match(/(?:[<>]=?|=)?\s*-?\d+|\S+/g) ?? [];
  for (const term of terms) {
    const match = /^([<>]=?|=)?\s*(-?\d{1,9})$/.exec(term);
    if (match === null) return null;
    const [, sign = "=", digits] = match;
    const code = Number(digits);
    if (sign !== "<" && sign !== "<=") range.min = Math.max(range.min ?? -Infinity, sign === ">" ? code + 1 : code);
    if (sign !== ">" && sign !== ">=") range.max = Math.min(range.max ?? Infinity, sign === "<" ? code - 1 : code);
  }
  return range;
}

/** The filters as the API takes them, lists as arrays. */
function apiFilters(filters, taskName) {
  const range = exitRange(filters.exit) ?? { min: null, max: null };
  const wanted = {
    status: filters.status, task_name: taskName === null ? filters.task : [taskName], group: taskName === null ? filters.group : null,
    triggered_by: filters.trigger, trigger_source: filters.source,
    created_after: filters.from && startOfDay(filters.from).toISOString(), created_before: filters.to && endOfDay(filters.to).toISOString(),
    exit_code_min: range.min, exit_code_max: range.max, retries_only: filters.retries || null, search: taskName === null ? filters.q : "",
  };
  const isSet = ([name, value]) => value !== null && (value.length !== 0 || name === "group") && (value !== "" || name === "group");
  return Object.fromEntries(Object.entries(wanted).filter(isSet));
}

function startOfDay(day) {
  return new Date(`${day}T00:00:00`);
}

function endOfDay(day) {
  return new Date(`${day}T23:59:59.999`);
}

/**
 * Whether a run is among those that are wanted, by the rules of the API.
 * @param {object} run
 * @param {object} wanted as of `apiFilters`
 */
function isWanted(run, wanted) {
  const has = (list, value) => list === undefined || list.includes(value);
  const code = run.exit_code;
  return (
    hasStatus(run, wanted.status) && has(wanted.task_name, run.task_name) && has(wanted.triggered_by, run.triggered_by) &&
    has(wanted.trigger_source, run.trigger_source) && (!wanted.retries_only || run.retry_attempt > 0) &&
    (wanted.group === undefined || isInGroup(run, wanted.group)) &&
    (wanted.created_after === undefined || run.created_at >= wanted.created_after) &&
    (wanted.created_before === undefined || run.created_at <= wanted.created_before) &&
    (wanted.exit_code_min === undefined || (code !== null && code >= wanted.exit_code_min)) &&
    (wanted.exit_code_max === undefined || (code !== null && code <= wanted.exit_code_max)) &&
    (wanted.search === undefined || `${run.task_name}\n${run.id}`.toLowerCase().includes(wanted.search.toLowerCase()))
  );
}

function hasStatus(run, status) {
  if (status === undefined) return true;
  return status.includes(run.status) || status.includes(run.end_reason) || (run.is_failure && status.includes("failure"));
}

function isInGroup(run, group) {
  const unit = store.units?.get(run.task_name);
  return unit !== undefined && (unit.group ?? "") === group;
}

/**
 * The filters that are set, each with the text of its chip and the filters without it.
 * @param {Filters} filters
 * @returns {Array<{key: string, text: string, without: Partial<Filters>}>}
 */
function chipsOf(filters, taskName) {
  const chips = [];
  const add = (key, text, without) => chips.push({ key, text, without });
  let rest = filters.status;
  for (const [label, status] of Object.entries(BUCKETS)) {
    if (!status.every((word) => filters.status.includes(word))) continue;
    rest = rest.filter((word) => !status.includes(word));
    add(label, label, { status: filters.status.filter((word) => !status.includes(word)) });
  }
  for (const word of rest) add(`status ${word}`, words(word), { status: filters.status.filter((one) => one !== word) });
  if (filters.from) add("from", `from ${filters.from}`, { from: "" });
  if (filters.to) add("to", `to ${filters.to}`, { to: "" });
  if (taskName === null) {
    for (const name of filters.task) add(`task ${name}`, name, { task: filters.task.filter((one) => one !== name) });
    if (filters.group !== null) add("group", filters.group || "Ungrouped", { group: null });
  }
  for (const word of filters.trigger) add(`trigger ${word}`, TRIGGERS[word] ?? words(word), { trigger: filters.trigger.filter((one) => one !== word) });
  for (const word of filters.source) add(`source ${word}`, SOURCES[word] ?? words(word), { source: filters.source.filter((one) => one !== word) });
  if (exitIsSet(filters)) add("exit", `exit ${filters.exit}`, { exit: "" });
  if (filters.retries) add("retries", "only retries", { retries: false });
  return chips;
}

function exitIsSet(filters) {
  return filters.exit.trim() !== "" && exitRange(filters.exit) !== null;
}

// -- the form of the filters ---------------------------------------------------------------------------------------

/**
 * Open the form of the filters at a button.
 * @param {HTMLElement} anchor
 * @param {{get: () => Filters, set: (changes: Partial<Filters>) => void, taskName: string|null}} options
 */
function openFilters(anchor, { get, set, taskName }) {
  const toggle = (name, values) => {
    const has = values.every((value) => get()[name].includes(value));
    const others = get()[name].filter((one) => !values.includes(one));
    set({ [name]: has ? others : [...others, ...values] });
  };
  const choices = (name, label, items, className = "choices") => el(
    "fieldset", { class: className }, el("legend", { class: "label", text: label }),
    items.map(([text, values]) => choice(text, () => values.every((value) => get()[name].includes(value)), () => toggle(name, values))),
  );
  const single = el("details", { class: "advanced" }, el("summary", { text: "Single statuses" }),
    choices("status", "Single statuses", SINGLE_STATUSES.map((word) => [words(word), [word]])));
  const entries = (table) => Object.entries(table).map(([word, text]) => [text, [word]]);
  const content = el(
    "form", { class: "filter-form" },
    el("h2", { text: "Filter runs" }),
    choices("status", "Status", Object.entries(BUCKETS)), single,
    el("fieldset", { class: "dates" }, el("legend", { class: "label", text: "Date" }), day("From", "from"), day("To", "to")),
    taskName === null && unitFields(get, set),
    choices("trigger", "Triggered by", entries(TRIGGERS)), choices("source", "Started by hand", entries(SOURCES)),
    exitField(get, set),
    choice("Only retries", () => get().retries, () => set({ retries: !get().retries })),
    el("div", { class: "filter-foot" }, button("Clear all", () => clearAll()), button("Done", () => layer.close(), { tone: "primary" })),
  );
  function day(label, name) {
    const field = el("input", { class: "input", type: "date", value: get()[name] });
    on(field, "change", () => set({ [name]: field.value }));
    return el("label", { class: "field" }, el("span", { text: label }), field);
  }
  function clearAll() {
    set({ ...filtersOf(new URLSearchParams()), order: get().order, q: get().q });
    for (const field of content.querySelectorAll(".input")) field.value = "";
    redraw();
  }
  const redraw = () => content.querySelectorAll("[aria-pressed]").forEach((node) => node.rwDraw());
  on(content, "submit", (event) => event.preventDefault());
  on(content, "click", redraw);
  const layer = popover(anchor, { label: "Filters", class: "filters", content });
}

/** A button that is pressed or not. */
function choice(text, isChosen, onClick) {
  const node = el("button", { class: "choice", type: "button", text });
  node.rwDraw = () => setAttr(node, "aria-pressed", isChosen() ? "true" : "false");
  on(node, "click", onClick);
  node.rwDraw();
  return node;
}

function unitFields(get, set) {
  const units = [...(store.units?.values() ?? [])];
  const groups = [...new Set(units.map((unit) => unit.group).filter((group) => group !== null))].sort();
  const task = el("input", { class: "input", list: "filter-tasks", value: get().task.join(", "), placeholder: "any", autocomplete: "off", spellcheck: "false" });
  on(task, "change", () => set({ task: task.value.split(",").map((name) => name.trim()).filter(Boolean) }));
  const group = el("select", { class: "input" }, el("option", { value: "*", text: "any" }),
    groups.map((name) => el("option", { value: `=${name}`, text: name })), el("option", { value: "=", text: "Ungrouped" }));
  group.value = get().group === null ? "*" : `=${get().group}`;
  on(group, "change", () => set({ group: group.value === "*" ? null : group.value.slice(1) }));
  return el(
    "fieldset", { class: "dates" }, el("legend", { class: "label", text: "Unit" }),
    el("label", { class: "field" }, el("span", { text: "Task" }), task), el("label", { class: "field" }, el("span", { text: "Group" }), group),
    el("datalist", { id: "filter-tasks" }, units.map(({ name }) => el("option", { value: name }))),
  );
}

function exitField(get, set) {
  const field = el("input", { class: "input", value: get().exit, placeholder: "137, >100, <=2, >100 <150", autocomplete: "off", spellcheck: "false", "aria-describedby": "exit-flaw" });
  const flaw = el("span", { class: "field-error", id: "exit-flaw" });
  on(field, "input", () => {
    const isBad = exitRange(field.value) === null;
    setAttr(field, "aria-invalid", isBad ? "true" : null);
    setText(flaw, isBad ? "Not understood: a number, or one after <, <=, > or >=." : "");
    if (!isBad) set({ exit: field.value.trim() });
  });
  return el("label", { class: "field" }, el("span", { class: "label", text: "Exit code" }), field, flaw);
}

// -- rows ----------------------------------------------------------------------------------------------------------

function makeRow(isWide) {
  const pick = el("input", { type: "checkbox", class: "pick-box" });
  return el(
    "div", { class: "hist-row", role: "listitem" },
    el("label", { class: "pick" }, pick),
    el("a", { class: "hist-link" },
      dot("neutral"),
      el("span", { class: "hist-main" },
        el("span", { class: "hist-line" }, isWide && el("bdi", { class: "hist-task truncate" }), agoText(null, "hist-when num")),
        el("span", { class: "hist-line hist-about" },
          el("span", { class: "hist-outcome" }), el("span", { class: "hist-replica num" }), retryText(null, "retry"),
          el("span", { class: "hist-attempt" }), isWide && el("span", { class: "hist-trigger" }), el("bdi", { class: "hist-found mono truncate" }))),
      el("span", { class: "hist-side num" }, el("span", { class: "hist-right" }), el("span", { class: "hist-id" }))),
  );
}

/** @param {{href: string, isSelected: boolean, isPicked: boolean|null, found: object|null}} look `found`: a hit of a search in it */
function updateRow(node, run, { href, isSelected, isPicked, found }) {
  const [pick, link] = node.children;
  const word = statusWord(run);
  const look = run.stopping ? { label: "Stopping", tone: "warning" } : statusLook(word);
  node.rwId = run.id;
  setAttr(node, "data-tone", look.tone);
  node.classList.toggle("is-selected", isSelected);
  node.classList.toggle("is-picking", isPicked !== null);
  pick.firstChild.checked = isPicked === true;
  setAttr(pick.firstChild, "aria-label", `Select run ${run.id}`);
  setAttr(link, "href", href);
  setAttr(link, "aria-current", isSelected ? "true" : null);
  setDot(link.firstChild, look.tone);
  setText(node.querySelector(".hist-outcome"), look.label);
  setAgo(node.querySelector(".hist-when"), run.start_at ?? run.created_at);
  setText(node.querySelector(".hist-replica"), run.replica_index > 0 ? `#${run.replica_index}` : "");
  setText(node.querySelector(".hist-attempt"), run.retry_attempt > 0 ? `retry #${run.retry_attempt}` : "");
  setRetry(node.querySelector(".retry"), run);
  const [right, id] = link.lastChild.children;
  setText(right, rightText(run, word));
  setAttr(right, "data-tone", run.is_failure && exitText(run) ? "danger" : run.status === "running" ? "running" : null);
  setText(id, shortId(run.id));
  setAttr(id, "title", run.id);
  const task = node.querySelector(".hist-task");
  if (task) {
    setText(task, replicaName(run));
    setText(node.querySelector(".hist-trigger"), trigger(run));
  }
  drawFound(node.querySelector(".hist-found"), found);
}

function rightText(run, word) {
  if (word === "running") return "live";
  if (word === "pending") return "queued";
  return exitText(run) || duration(run.duration);
}

/** The first line of a run's output that was searched for. */
function drawFound(node, found) {
  node.hidden = found === null;
  node.parentNode.classList.toggle("has-found", found !== null);
  if (found === null) return setText(node, "");
  setText(node, found.text.trim());
  setAttr(node, "title", `${counted(found.count, "line")}, the first is ${found.n}`);
}

// -- the list ------------------------------------------------------------------------------------------------------

const PAGE = 100;
const AHEAD = 10;

/** A list of runs: of one unit (narrow) or of all (wide). */
export class RunHistory extends HTMLElement {
  /** Called when the user changes the filters. @type {(filters: Filters) => void} */
  onFilters = () => {};
  /** Called when the user chooses a run. @type {(run: object, line: number|null) => void} */
  onSelect = () => {};
  /** Called when the runs have been fetched or some came or went. @type {() => void} */
  onRuns = () => {};
  /** Address of a run. @type {(run: object) => string} */
  hrefOf = hrefOf.run;

  #taskName;
  #filters = null;
  #wanted = {};
  #runs = [];
  #cursor = null;
  #total = null;
  #problem = null;
  #isLoading = false;
  #isKnown = false;
  #abort = new AbortController();
  #selectedId = null;
  #picked = null;
  #lastPicked = -1;
  #found = null;
  #ends = [];
  #list;

  #count = el("span", { class: "hist-count num", role: "status" });
  #filter = button("Filter", () => this.#openFilters(), { icon: "filter", class: "btn-small", testid: "filter" });
  #order = iconButton("arrow-down", "Newest first", () => this.#change({ order: this.#filters.order === "asc" ? "desc" : "asc" }));
  #picking = iconButton("square", "Select runs", () => this.#pickMode(this.#picked === null));
  #chips = el("ul", { class: "chips", "aria-label": "Filters" });
  #bulk = el("div", { class: "bulk", role: "toolbar", "aria-label": "Selected runs", hidden: true });
  #scroller = el("div", { class: "hist-rows" });
  #state = el("div", { class: "hist-state" });

  /** @param {string|null} [taskName] whose runs; those of all units if left out */
  constructor(taskName = null) {
    super();
    this.#taskName = taskName;
  }

  connectedCallback() {
    this.classList.add("history", this.#taskName === null ? "is-wide" : "is-narrow");
    this.append(
      el("header", { class: "hist-head" }, this.#count, this.#filter, this.#order, this.#picking),
      this.#chips, this.#bulk, this.#scroller, this.#state,
    );
    this.#buildBulk();
    this.#list = new VirtualList({
      scroller: this.#scroller, rowHeight: this.#taskName === null ? 64 : 44, overscan: 8,
      key: (index) => this.#runs[index].id,
      make: () => this.#makeRow(),
      update: (node, index) => this.#updateRow(node, index),
      onRange: (first, last) => last >= this.#runs.length - AHEAD && this.#loadMore(),
    });
    setAttr(this.#list.canvas, "role", "list");
    setAttr(this.#list.canvas, "aria-label", "Runs");
    this.#ends = [
      store.subscribe("runs", (changes) => this.#merge(changes)), store.subscribe("resync", () => this.#loadAgain()),
      store.subscribe("live", () => this.#liveChanged()),
    ];
    if (this.#filters !== null) this.load();
  }

  disconnectedCallback() {
    for (const end of this.#ends) end();
    this.#abort.abort();
    this.#list.dispose();
  }

  get runs() {
    return this.#runs;
  }

  /** False until the first page has come. */
  get isKnown() {
    return this.#isKnown;
  }

  /** True if there is nothing to be listed, whatever is asked for. */
  get isEmpty() {
    return this.#isKnown && this.#runs.length === 0 && this.#found === null && !this.#isFiltered();
  }

  /** @param {Filters} filters */
  set filters(filters) {
    const wanted = { ...apiFilters(filters, this.#taskName), order: filters.order };
    const isSame = this.#filters !== null && JSON.stringify(wanted) === JSON.stringify(this.#wanted);
    this.#filters = filters;
    this.#wanted = wanted;
    this.#drawHead();
    if (isSame || !this.isConnected) return;
    this.#pickMode(false);
    this.#scroller.scrollTop = 0;
    this.load();
  }

  /** The id of the run that is shown beside the list. */
  set selected(id) {
    if (id === this.#selectedId) return;
    this.#selectedId = id;
    this.#list?.refresh(this.#runs.length);
    const index = this.#runs.findIndex((run) => run.id === id);
    if (index >= 0) this.#list?.reveal(index);
  }

  /**
   * Show only the runs in whose output something was found; null for all.
   * @param {{runs: object[], lines: Map<string, {n: number, text: string, count: number}>, text: string}|null} found
   */
  set found(found) {
    const before = this.#found;
    this.#found = found;
    if (found !== null) {
      this.#abort.abort();
      this.#isLoading = false;
      this.#cursor = null;
      this.#runs = found.runs;
      this.#draw();
    } else if (before !== null) this.load();
  }

  async load(limit = PAGE) {
    if (this.#found !== null) return;
    this.#abort.abort();
    const { signal } = (this.#abort = new AbortController());
    this.#isLoading = true;
    this.#problem = null;
    if (!this.#isKnown) clear(this.#state, skeletonRows(8));
    try {
      const page = await store.fetchRuns({ ...this.#wanted, limit }, signal);
      this.#runs = page.items.filter((run) => this.#isWanted(run));
      this.#cursor = page.next_cursor;
      this.#total = page.total;
      this.#isKnown = true;
    } catch (problem) {
      if (isAbort(problem)) return;
      this.#problem = problem;
    }
    this.#isLoading = false;
    this.#draw();
    this.onRuns();
  }

  /** Fetch as many as there were, so that what is being looked at stays there. */
  #loadAgain() {
    this.load(Math.min(1000, Math.max(PAGE, this.#runs.length)));
  }

  async #loadMore() {
    if (this.#isLoading || this.#cursor === null || this.#problem !== null) return;
    const { signal } = this.#abort;
    this.#isLoading = true;
    try {
      const page = await store.fetchRuns({ ...this.#wanted, limit: PAGE, cursor: this.#cursor }, signal);
      const known = new Set(this.#runs.map((run) => run.id));
      this.#runs = [...this.#runs, ...page.items.filter((run) => !known.has(run.id))];
      this.#cursor = page.next_cursor;
    } catch (problem) {
      if (isAbort(problem)) return;
      this.#problem = problem;
    }
    this.#isLoading = false;
    this.#draw();
  }

  #retry() {
    this.#problem = null;
    if (this.#isKnown) this.#loadMore();
    else this.load();
  }

  // -- what happens meanwhile ------------------------------------------------------------------------------------

  #isWanted(run) {
    return isWanted(run, this.#wanted);
  }

  #liveChanged() {
    this.#drawBulk();
    if (store.isOnline && this.#problem !== null) this.#retry();
  }

  get #compare() {
    return this.#filters.order === "asc" ? (a, b) => newestFirst(b, a) : newestFirst;
  }

  #merge(changes) {
    if (!this.#isKnown) return;
    const known = new Set(this.#runs.map((run) => run.id));
    const kept = [];
    for (const run of this.#runs) {
      const changed = changes.get(run.id);
      if (changed === undefined) kept.push(run);
      else if (changed !== null && (this.#found !== null || this.#isWanted(changed))) kept.push(changed);
    }
    const gone = this.#runs.length - kept.length;
    const came = this.#found === null ? this.#newcomers(changes, known) : [];
    const isChanged = gone > 0 || came.length > 0 || [...changes.keys()].some((id) => known.has(id));
    if (!isChanged) return;
    if (this.#total !== null) this.#total += came.length - gone;
    this.#keepPlace(came.length > 0 ? joined(came.sort(this.#compare), kept, this.#compare) : kept);
    if (gone > 0 || came.length > 0) this.onRuns();
  }

  /** Runs that belong where the list has been fetched already. */
  #newcomers(changes, known) {
    const last = this.#cursor === null ? null : this.#runs.at(-1);
    const isNear = (run) => last === null || last === undefined || this.#compare(run, last) < 0;
    return [...changes.values()].filter((run) => run !== null && !known.has(run.id) && this.#isWanted(run) && isNear(run));
  }

  /** Show other runs; what is being looked at stays where it is when something comes above it. */
  #keepPlace(runs) {
    const { rowHeight } = this.#list;
    const seen = this.#scroller.scrollTop < rowHeight ? undefined : this.#runs[Math.floor(this.#scroller.scrollTop / rowHeight)];
    const index = seen ? runs.findIndex((run) => run.id === seen.id) : -1;
    const moved = index < 0 ? 0 : index - this.#runs.indexOf(seen);
    this.#runs = runs;
    this.#draw();
    if (moved !== 0) this.#scroller.scrollTop += moved * rowHeight;
  }

  // -- drawing ---------------------------------------------------------------------------------------------------

  #draw() {
    this.#drawHead();
    this.#drawBulk();
    this.#list.refresh(this.#runs.length);
    this.#scroller.hidden = this.#runs.length === 0;
    if (this.#problem !== null) clear(this.#state, errorState(this.#problem, () => this.#retry()));
    else if (this.#runs.length > 0) clear(this.#state);
    else if (this.#found !== null) clear(this.#state, emptyState("No output contains this."));
    else if (this.#isFiltered()) clear(this.#state, emptyState("No run matches.", null, button("Clear the filters", () => this.#clearFilters())));
    else clear(this.#state, emptyState("Nothing has run yet."));
  }

  #isFiltered() {
    return this.#chipsNow().length > 0 || (this.#taskName === null && this.#filters.q !== "");
  }

  #chipsNow() {
    return chipsOf(this.#filters, this.#taskName);
  }

  #drawHead() {
    const chips = this.#chipsNow();
    setText(this.#filter.lastChild, chips.length > 0 ? `Filter ${chips.length}` : "Filter");
    setAttr(this.#filter, "aria-label", chips.length > 0 ? `Filter, ${counted(chips.length, "filter")} set` : "Filter");
    this.#filter.hidden = this.#order.hidden = this.#found !== null;
    const isAsc = this.#filters.order === "asc";
    setIcon(this.#order.firstChild, isAsc ? "arrow-up" : "arrow-down");
    const label = isAsc ? "Oldest first" : "Newest first";
    setAttr(this.#order, "aria-label", `${label}: turn round`);
    setAttr(this.#order, "title", label);
    setText(this.#count, this.#countText());
    this.#chips.hidden = chips.length === 0 || this.#found !== null;
    reconcile(
      this.#chips, chips, ({ key }) => key,
      () => el("li", {}, el("button", { class: "chip", type: "button" }, el("bdi", { class: "truncate" }), icon("cross"))),
      (node, { text, without }) => {
        setText(node.firstChild.firstChild, text);
        setAttr(node.firstChild, "aria-label", `Remove the filter ${text}`);
        node.firstChild.onclick = () => this.#change(without);
      },
    );
  }

  #countText() {
    if (this.#found !== null) return foundText(this.#found, this.#runs, this.#selectedId);
    if (!this.#isKnown) return "";
    if (this.#total !== null) return counted(this.#total, "run");
    return this.#cursor === null ? counted(this.#runs.length, "run") : "over 10,000 runs";
  }

  #makeRow() {
    const node = makeRow(this.#taskName === null);
    const [pick, link] = node.children;
    on(pick.firstChild, "click", (event) => this.#pick(node.rwId, event.shiftKey));
    on(link, "click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      if (this.#picked !== null) this.#pick(node.rwId, false);
      else this.#choose(node.rwId);
    });
    return node;
  }

  #updateRow(node, index) {
    const run = this.#runs[index];
    const found = this.#found?.lines.get(run.id) ?? null;
    const isPicked = this.#picked === null ? null : this.#picked.isAll !== this.#picked.ids.has(run.id);
    updateRow(node, run, { href: this.hrefOf(run), isSelected: run.id === this.#selectedId, isPicked, found });
    setAttr(node, "aria-posinset", index + 1);
    setAttr(node, "aria-setsize", this.#cursor === null ? this.#runs.length : -1);
  }

  #choose(id) {
    const run = this.#runs.find((one) => one.id === id);
    if (run) this.onSelect(run, this.#found?.lines.get(id)?.n ?? null);
  }

  /** Choose the next run of the list, or with -1 the one before. */
  move(step) {
    if (this.#runs.length === 0) return;
    const at = this.#runs.findIndex((run) => run.id === this.#selectedId);
    const run = this.#runs[Math.min(Math.max(0, at + step), this.#runs.length - 1)];
    if (run.id !== this.#selectedId) this.#choose(run.id);
  }

  #openFilters() {
    openFilters(this.#filter, { get: () => this.#filters, set: (changes) => this.#change(changes), taskName: this.#taskName });
  }

  #change(changes) {
    this.onFilters({ ...this.#filters, ...changes });
  }

  #clearFilters() {
    this.onFilters({ ...filtersOf(new URLSearchParams()), order: this.#filters.order });
  }

  // -- many at once ----------------------------------------------------------------------------------------------

  #all = el("input", { type: "checkbox", "aria-label": "Select all runs" });
  #pickedText = el("span", { class: "bulk-count grow num", role: "status" });
  #verbs = [];

  #buildBulk() {
    const verb = (name, label, iconName, tone) => iconButton(iconName, label, () => this.#doBulk(name, tone), { class: `bulk-${name}` });
    this.#verbs = [verb("rerun", "Run their tasks again", "play", "primary"), verb("stop", "Stop", "stop", "danger"), verb("delete", "Delete", "trash", "danger")];
    on(this.#all, "change", () => {
      this.#picked = { isAll: this.#all.checked, ids: new Set() };
      this.#draw();
    });
    clear(this.#bulk, el("label", { class: "pick" }, this.#all), this.#pickedText, this.#verbs, iconButton("cross", "End the selection", () => this.#pickMode(false)));
  }

  #pickMode(isOn) {
    if (isOn === (this.#picked !== null)) return;
    this.#picked = isOn ? { isAll: false, ids: new Set() } : null;
    this.#lastPicked = -1;
    setAttr(this.#picking, "aria-pressed", isOn ? "true" : "false");
    if (this.#list) this.#draw();
    if (isOn) this.#all.focus();
  }

  /** Select a run or take it out again; with a range, all from the last one to this. */
  #pick(id, isRange) {
    const index = this.#runs.findIndex((run) => run.id === id);
    const first = isRange && this.#lastPicked >= 0 ? this.#lastPicked : index;
    const { ids } = this.#picked;
    const isIn = !ids.has(id);
    for (let i = Math.min(first, index); i <= Math.max(first, index); i += 1) {
      if (isIn) ids.add(this.#runs[i].id);
      else ids.delete(this.#runs[i].id);
    }
    this.#lastPicked = index;
    this.#draw();
  }

  /** How many are selected; null if nobody has counted them. */
  #pickedCount() {
    const { isAll, ids } = this.#picked;
    if (!isAll) return ids.size;
    const all = this.#total ?? (this.#cursor === null ? this.#runs.length : null);
    return all === null ? null : all - ids.size;
  }

  #drawBulk() {
    this.#bulk.hidden = this.#picked === null;
    if (this.#picked === null) return;
    const { isAll, ids } = this.#picked;
    const count = this.#pickedCount();
    this.#all.checked = isAll && ids.size === 0;
    this.#all.indeterminate = ids.size > 0;
    setText(this.#pickedText, count === null ? "All but a few" : `${count.toLocaleString("en")} selected`);
    const reason = !store.isOnline ? "The daemon cannot be reached at the moment." : count === 0 ? "Nothing is selected." : null;
    for (const node of this.#verbs) setReason(node, reason, node.getAttribute("aria-label"));
  }

  #bulkBody() {
    const { isAll, ids } = this.#picked;
    if (!isAll) return { match_all: false, filter: {}, ids: [...ids], except_ids: [] };
    if (this.#found !== null) return { match_all: false, filter: {}, ids: this.#runs.map((run) => run.id).filter((id) => !ids.has(id)), except_ids: [] };
    const { order, ...filter } = this.#wanted;
    return { match_all: true, filter, ids: [], except_ids: [...ids] };
  }

  async #doBulk(name, tone) {
    const count = this.#pickedCount();
    const many = count === null ? "all these runs" : counted(count, "run");
    const { title, body, confirm, done } = BULK[name](many);
    if (!(await confirmAction({ title, body, confirm, tone }))) return;
    try {
      const result = await api.post(`/api/runs/bulk/${name}`, { body: this.#bulkBody() });
      store.addRuns(result.created);
      tellOfBulk(result, done);
      this.#pickMode(false);
    } catch (problem) {
      toastProblem(problem);
    }
  }
}

/** Two lists in order as one; the first nearly always goes before the second. */
function joined(came, kept, compareRuns) {
  const isBefore = kept.length === 0 || compareRuns(came.at(-1), kept[0]) < 0;
  return isBefore ? [...came, ...kept] : [...kept, ...came].sort(compareRuns);
}

const BULK = {
  rerun: (many) => ({
    title: "Run again?", body: `Each task of ${many} is started once.`, confirm: "Run again", done: ["run", "started"],
  }),
  stop: (many) => ({ title: `Stop ${many}?`, body: "Those that have ended are left alone.", confirm: "Stop", done: ["run", "asked to stop"] }),
  delete: (many) => ({
    title: `Delete ${many}?`, body: "They and their output are gone for good. Those that are active are left alone.", confirm: "Delete", done: ["run", "deleted"],
  }),
};

const SKIP_REASONS = {
  active: "still active", ended: "ended already", locked: "api_trigger = false", service: "of services", removed: "not configured any more",
  unknown: "gone already", expired: "too old",
};

/** Say what was done, and what was not and why. */
function tellOfBulk({ affected, skipped }, [noun, participle]) {
  const reasons = new Map();
  for (const { reason } of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const rest = [...reasons].map(([reason, count]) => `${count} ${SKIP_REASONS[reason] ?? words(reason)}`).join(", ");
  toast(`${counted(affected, noun)} ${participle}.${rest && ` Left alone: ${rest}.`}`, affected > 0 ? "success" : "warning");
}

function foundText({ isDone }, runs, selectedId) {
  const at = runs.findIndex((run) => run.id === selectedId);
  const place = at >= 0 ? `${at + 1} of ${runs.length}` : counted(runs.length, "run");
  return isDone ? place : `${place}…`;
}

customElements.define("rw-history", RunHistory);

// -- the list and what is chosen of it -----------------------------------------------------------------------------

const SEARCH_MS = 250;
const MOST_HITS = 200;
const phone = matchMedia("(max-width: 767px)");

/**
 * A list of runs and beside it the one that is chosen; the address says which, and what is filtered.
 *
 * Without a run in the address one is chosen: that which runs, else the newest; of a service, always the newest.
 */
export class RunBrowser extends HTMLElement {
  /** Called with the id of the run that is shown; null if none is. @type {(id: string|null) => void} */
  onShown = () => {};
  /** Called when the runs of the list are known, or some came or went. @type {(runs: object[]) => void} */
  onRuns = () => {};

  #taskName;
  #base;
  #filters = filtersOf(new URLSearchParams());
  #find = "";
  #route = null;
  #autoId = null;
  #shownId = null;
  #history;
  #detail = el("div", { class: "browser-detail" });
  #page = null;
  #timer = 0;
  #abort = new AbortController();
  #tool = null;
  #ends = [];

  /** @param {string|null} [taskName] the unit; all of them if left out */
  constructor(taskName = null) {
    super();
    this.#taskName = taskName;
    this.#base = taskName === null ? hrefOf.runs() : hrefOf.unit(taskName);
    this.#history = new RunHistory(taskName);
    this.#history.hrefOf = (run) => this.#hrefOf(run.id);
    this.#history.onFilters = (filters) => this.change(filters);
    this.#history.onSelect = (run, line) => this.select(run.id, line);
    this.#history.onRuns = () => {
      this.onRuns(this.#history.runs);
      this.classList.toggle("is-empty", this.#history.isEmpty);
      this.#show();
    };
  }

  connectedCallback() {
    this.classList.add("browser", this.#taskName === null ? "is-wide" : "is-narrow");
    this.append(this.#history, this.#detail);
    if (this.#taskName !== null) this.#ends = [store.subscribe("runs", () => this.#route?.params.id === undefined && this.#show())];
  }

  disconnectedCallback() {
    for (const end of this.#ends) end();
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  /** What is wanted of the runs. */
  get filters() {
    return this.#filters;
  }

  /** True if there are no runs at all. */
  get isEmpty() {
    return this.#history.isEmpty;
  }

  /** What is looked for in their output. */
  get find() {
    return this.#find;
  }

  /** @param {import("./shell.js").Route} route */
  set route(route) {
    const { query } = route;
    this.#route = route;
    this.#filters = filtersOf(query);
    this.#history.filters = this.#filters;
    const find = this.#taskName === null ? "" : (query.get("find") ?? "");
    if (find !== this.#find) this.#search(find);
    this.#show();
  }

  /** Show a run, and one of its lines. */
  select(id, line = null) {
    navigate(this.#hrefOf(id, line), { replace: true });
    if (phone.matches) this.#detail.scrollIntoView({ block: "start" });
  }

  /** Change the filters. @param {Partial<Filters>} changes */
  change(changes) {
    this.#go({ ...this.#filters, ...changes }, this.#find);
  }

  /** Look for text in the output of the runs, when nobody has typed for a moment. */
  findSoon(text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#go(this.#filters, text.trim()), SEARCH_MS);
  }

  move(step) {
    this.#history.move(step);
  }

  /** Let the list be hidden until it is asked for. */
  set isFolded(isFolded) {
    if (this.classList.contains("can-fold") === isFolded) return;
    this.classList.toggle("can-fold", isFolded);
    this.classList.toggle("is-folded", isFolded);
    this.#tool = isFolded ? iconButton("history", "History", () => this.#toggleList()) : null;
    if (this.#tool) setAttr(this.#tool, "aria-expanded", "false");
    if (this.#page) this.#page.tools = this.#tool;
  }

  #toggleList() {
    const isFolded = this.classList.toggle("is-folded");
    setAttr(this.#tool, "aria-expanded", String(!isFolded));
  }

  #go(filters, find) {
    const id = this.#route.params.id;
    const path = id === undefined ? this.#base : `${this.#base}/${id}`;
    navigate(path + this.#suffix(filters, find), { replace: true });
  }

  #hrefOf(id, line = null) {
    return `${this.#base}/${id}${this.#suffix(this.#filters, this.#find, line)}`;
  }

  #suffix(filters, find, line = null) {
    const query = new URLSearchParams(filterText(filters));
    if (find !== "") query.set("find", find);
    if (line !== null) query.set("line", String(line));
    return query.size > 0 ? `?${query}` : "";
  }

  // -- the run ---------------------------------------------------------------------------------------------------

  #show() {
    const id = this.#route.params.id ?? this.#automatic();
    this.#history.selected = id;
    this.classList.toggle("has-run", id !== null);
    if (id !== this.#shownId) this.onShown(id);
    this.#shownId = id;
    if (id === null) return this.#showNone();
    const { query } = this.#route;
    const route = { path: location.pathname, params: { name: this.#taskName, id }, query };
    if (this.#page !== null) return void this.#place(route);
    importModule("run.js").then(({ RunPage }) => {
      this.#page ??= this.#makePage(RunPage);
      if (this.#history.isConnected) this.#show();
    });
  }

  #place(route) {
    if (!this.#page.isConnected) clear(this.#detail, this.#page);
    this.#page.route = route;
  }

  #makePage(RunPage) {
    const page = new RunPage();
    page.hrefOfRun = (run) => (run.task_name === this.#taskName || this.#taskName === null ? this.#hrefOf(run.id) : hrefOf.run(run));
    page.onDeleted = () => this.#deleted();
    if (this.#tool) page.tools = this.#tool;
    return page;
  }

  #deleted() {
    this.#autoId = null;
    if (this.#route.params.id !== undefined) navigate(this.#base + this.#suffix(this.#filters, this.#find), { replace: true });
    else this.#show();
  }

  #automatic() {
    if (this.#taskName === null && phone.matches) return null;
    const isService = store.units?.get(this.#taskName)?.kind === "service";
    const running = this.#taskName === null ? undefined : store.activeRuns(this.#taskName).find((run) => run.status === "running");
    if (isService && running) this.#autoId = running.id;
    this.#autoId ??= running?.id ?? this.#history.runs[0]?.id ?? null;
    return this.#autoId;
  }

  #showNone() {
    if (!this.#history.isKnown) return void clear(this.#detail, skeletonRows(6));
    const hint = this.#history.runs.length > 0 ? "Choose a run to see what came of it." : "What runs print is shown here.";
    clear(this.#detail, el("p", { class: "browser-hint", text: hint }));
  }

  // -- what they have printed ------------------------------------------------------------------------------------

  async #search(text) {
    this.#find = text;
    this.#abort.abort();
    if (text === "") return void (this.#history.found = null);
    const { signal } = (this.#abort = new AbortController());
    const found = { runs: [], lines: new Map(), isDone: false };
    this.#history.found = found;
    try {
      const { searchOutput } = await importModule("log.js");
      const adding = [];
      await searchOutput(this.#taskName, { q: text }, { limit: MOST_HITS, signal, onHits: (hits) => adding.push(this.#addHits(found, hits, signal)) });
      await Promise.all(adding);
      this.#history.found = Object.assign(found, { isDone: true });
    } catch (problem) {
      if (!isAbort(problem)) toastProblem(problem);
    }
  }

  /** Count the lines of each run, and fetch those runs that have not been seen. */
  async #addHits(found, hits, signal) {
    for (const { run_id: id, n, text } of hits) {
      const known = found.lines.get(id);
      if (known) known.count += 1;
      else found.lines.set(id, { n, text, count: 1 });
    }
    const missing = [...new Set(hits.map((hit) => hit.run_id))].filter((id) => store.run(id) === undefined);
    for (let i = 0; i < missing.length; i += 8) {
      await Promise.all(missing.slice(i, i + 8).map((id) => store.fetchRun(id, signal).catch(() => {})));
    }
    if (signal.aborted) return;
    found.runs = [...found.lines.keys()].map((id) => store.run(id)).filter(Boolean).sort(newestFirst);
    this.#history.found = found;
  }
}

customElements.define("rw-browser", RunBrowser);

/** The page of all runs. */
export class RunsPage extends HTMLElement {
  #browser = new RunBrowser();
  #timer = 0;

  connectedCallback() {
    this.classList.add("runs-page");
    this.append(this.#browser);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  set route(route) {
    this.#browser.route = route;
    setPage({
      title: "All Runs",
      search: { placeholder: "Search by task or id", value: this.#browser.filters.q, onInput: (text) => this.#searchSoon(text) },
      keys: { j: () => this.#browser.move(1), k: () => this.#browser.move(-1) },
    });
  }

  #searchSoon(text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#browser.change({ q: text.trim().replace(/^#/, "") }), SEARCH_MS);
  }
}

customElements.define("rw-runs", RunsPage);
