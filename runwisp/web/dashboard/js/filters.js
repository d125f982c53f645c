/**
 * What runs are wanted: as it stands in the address of a page, as the API takes it, as chips and as a form.
 *
 * filtersOf, filterText, exitRange, apiFilters, isWanted, chipsOf, openFilters.
 */

import { el, on, setAttr, setText } from "./dom.js";
import { words } from "./format.js";
import { store } from "./store.js";
import { button, popover } from "./widgets.js";

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
  "pending",
  "running",
  "success",
  "failed",
  "timeout",
  "crashed",
  "log_overflow",
  "start_failed",
  "missed",
  "stopped",
  "daemon_stopped",
  "skipped",
  "queue_full",
  "dst_skipped",
];
const TRIGGERS = { cron: "Scheduled", api: "Manual", service: "Service auto-start", startup: "On daemon start" };
const SOURCES = { ui: "From the UI", cli: "From the command line" };
const LISTS = ["status", "task", "trigger", "source"];

/** @param {URLSearchParams} query @returns {Filters} */
export function filtersOf(query) {
  const list = (name) => (query.get(name) ?? "").split(",").filter(Boolean);
  return {
    ...Object.fromEntries(LISTS.map((name) => [name, list(name)])),
    from: dayOf(query.get("from")),
    to: dayOf(query.get("to")),
    group: query.get("group"),
    exit: query.get("exit") ?? "",
    retries: query.get("retries") === "true",
    q: query.get("q") ?? "",
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
export function apiFilters(filters, taskName) {
  const range = exitRange(filters.exit) ?? { min: null, max: null };
  const wanted = {
    status: filters.status,
    task_name: taskName === null ? filters.task : [taskName],
    group: taskName === null ? filters.group : null,
    triggered_by: filters.trigger,
    trigger_source: filters.source,
    created_after: filters.from && startOfDay(filters.from).toISOString(),
    created_before: filters.to && endOfDay(filters.to).toISOString(),
    exit_code_min: range.min,
    exit_code_max: range.max,
    retries_only: filters.retries || null,
    search: taskName === null ? filters.q : "",
  };
  const isSet = ([name, value]) =>
    value !== null && (value.length !== 0 || name === "group") && (value !== "" || name === "group");
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
export function isWanted(run, wanted) {
  const has = (list, value) => list === undefined || list.includes(value);
  const code = run.exit_code;
  return (
    hasStatus(run, wanted.status) &&
    has(wanted.task_name, run.task_name) &&
    has(wanted.triggered_by, run.triggered_by) &&
    has(wanted.trigger_source, run.trigger_source) &&
    (!wanted.retries_only || run.retry_attempt > 0) &&
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
  return (
    status.includes(run.status) || status.includes(run.end_reason) || (run.is_failure && status.includes("failure"))
  );
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
export function chipsOf(filters, taskName) {
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
  for (const word of filters.trigger)
    add(`trigger ${word}`, TRIGGERS[word] ?? words(word), { trigger: filters.trigger.filter((one) => one !== word) });
  for (const word of filters.source)
    add(`source ${word}`, SOURCES[word] ?? words(word), { source: filters.source.filter((one) => one !== word) });
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
export function openFilters(anchor, { get, set, taskName }) {
  const toggle = (name, values) => {
    const has = values.every((value) => get()[name].includes(value));
    const others = get()[name].filter((one) => !values.includes(one));
    set({ [name]: has ? others : [...others, ...values] });
  };
  const choices = (name, label, items, className = "choices") =>
    el(
      "fieldset",
      { class: className },
      el("legend", { class: "label", text: label }),
      items.map(([text, values]) =>
        choice(
          text,
          () => values.every((value) => get()[name].includes(value)),
          () => toggle(name, values),
        ),
      ),
    );
  const single = el(
    "details",
    { class: "advanced" },
    el("summary", { text: "Single statuses" }),
    choices(
      "status",
      "Single statuses",
      SINGLE_STATUSES.map((word) => [words(word), [word]]),
    ),
  );
  const entries = (table) => Object.entries(table).map(([word, text]) => [text, [word]]);
  const content = el(
    "form",
    { class: "filter-form" },
    el("h2", { text: "Filter runs" }),
    choices("status", "Status", Object.entries(BUCKETS)),
    single,
    el(
      "fieldset",
      { class: "dates" },
      el("legend", { class: "label", text: "Date" }),
      day("From", "from"),
      day("To", "to"),
    ),
    taskName === null && unitFields(get, set),
    choices("trigger", "Triggered by", entries(TRIGGERS)),
    choices("source", "Started by hand", entries(SOURCES)),
    exitField(get, set),
    choice(
      "Only retries",
      () => get().retries,
      () => set({ retries: !get().retries }),
    ),
    el(
      "div",
      { class: "filter-foot" },
      button("Clear all", () => clearAll()),
      button("Done", () => layer.close(), { tone: "primary" }),
    ),
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
  const task = el("input", {
    class: "input",
    list: "filter-tasks",
    value: get().task.join(", "),
    placeholder: "any",
    autocomplete: "off",
    spellcheck: "false",
  });
  on(task, "change", () =>
    set({
      task: task.value
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean),
    }),
  );
  const group = el(
    "select",
    { class: "input" },
    el("option", { value: "*", text: "any" }),
    groups.map((name) => el("option", { value: `=${name}`, text: name })),
    el("option", { value: "=", text: "Ungrouped" }),
  );
  group.value = get().group === null ? "*" : `=${get().group}`;
  on(group, "change", () => set({ group: group.value === "*" ? null : group.value.slice(1) }));
  return el(
    "fieldset",
    { class: "dates" },
    el("legend", { class: "label", text: "Unit" }),
    el("label", { class: "field" }, el("span", { text: "Task" }), task),
    el("label", { class: "field" }, el("span", { text: "Group" }), group),
    el(
      "datalist",
      { id: "filter-tasks" },
      units.map(({ name }) => el("option", { value: name })),
    ),
  );
}

function exitField(get, set) {
  const field = el("input", {
    class: "input",
    value: get().exit,
    placeholder: "137, >100, <=2, >100 <150",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "exit-flaw",
  });
  const flaw = el("span", { class: "field-error", id: "exit-flaw" });
  on(field, "input", () => {
    const isBad = exitRange(field.value) === null;
    setAttr(field, "aria-invalid", isBad ? "true" : null);
    setText(flaw, isBad ? "Not understood: a number, or one after <, <=, > or >=." : "");
    if (!isBad) set({ exit: field.value.trim() });
  });
  return el("label", { class: "field" }, el("span", { class: "label", text: "Exit code" }), field, flaw);
}
