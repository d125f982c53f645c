/** <rw-history>: a list of runs with filters, selection and bulk actions, of one unit (narrow) or of all (wide). */

import { api, isAbort } from "./api.js";
import { clear, el, icon, on, reconcile, setAttr, setIcon, setText, VirtualList } from "./dom.js";
import { apiFilters, chipsOf, filtersOf, isWanted, openFilters } from "./filters.js";
import {
  counted, duration, exitText, grouped, replicaName, shortId, statusLook, statusWord, trigger, words, zoneName,
} from "./format.js";
import { hrefOf } from "./shell.js";
import { newestFirst, store } from "./store.js";
import {
  agoText, button, confirmAction, dot, emptyState, errorState, iconButton, retryText, setAgo, setDot, setReason,
  setRetry, skeletonRows, toast, toastProblem,
} from "./widgets.js";

function makeRow(isWide) {
  const pick = el("input", { type: "checkbox", class: "pick-box" });
  return el(
    "div",
    { class: "hist-row", role: "listitem" },
    el("label", { class: "pick" }, pick),
    el(
      "a",
      { class: "hist-link" },
      dot("neutral"),
      el(
        "span",
        { class: "hist-main" },
        el(
          "span",
          { class: "hist-line" },
          isWide && el("bdi", { class: "hist-task truncate" }),
          agoText(null, "hist-when num"),
        ),
        el(
          "span",
          { class: "hist-line hist-about" },
          el("span", { class: "hist-outcome" }),
          el("span", { class: "hist-replica num" }),
          retryText(null, "retry"),
          el("span", { class: "hist-attempt" }),
          isWide && el("span", { class: "hist-trigger" }),
          el("bdi", { class: "hist-found mono truncate" }),
        ),
      ),
      el("span", { class: "hist-side num" }, el("span", { class: "hist-right" }), el("span", { class: "hist-id" })),
    ),
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

  #count = el("span", { class: "hist-count num", role: "status", title: `Times are in ${zoneName()}` });
  #filter = button("Filter", () => this.#openFilters(), { icon: "filter", class: "btn-small", testid: "filter" });
  #order = iconButton("arrow-down", "Newest first", () =>
    this.#change({ order: this.#filters.order === "asc" ? "desc" : "asc" }),
  );
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
      this.#chips,
      this.#bulk,
      this.#scroller,
      this.#state,
    );
    this.#buildBulk();
    this.#list = new VirtualList({
      scroller: this.#scroller,
      rowHeight: this.#taskName === null ? 64 : 44,
      overscan: 8,
      key: (index) => this.#runs[index].id,
      make: () => this.#makeRow(),
      update: (node, index) => this.#updateRow(node, index),
      onRange: (first, last) => last >= this.#runs.length - AHEAD && this.#loadMore(),
    });
    setAttr(this.#list.canvas, "role", "list");
    setAttr(this.#list.canvas, "aria-label", "Runs");
    this.#ends = [
      store.subscribe("runs", (changes) => this.#merge(changes)),
      store.subscribe("resync", () => this.#loadAgain()),
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

  /** True before the first page has come, or has failed to. */
  get isWaiting() {
    return !this.#isKnown && this.#problem === null;
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
      this.#isKnown = true;
      this.#draw();
      this.onRuns();
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
    return [...changes.values()].filter(
      (run) => run !== null && !known.has(run.id) && this.#isWanted(run) && isNear(run),
    );
  }

  /** Show other runs; what is being looked at stays where it is when something comes above it. */
  #keepPlace(runs) {
    const { rowHeight } = this.#list;
    const seen =
      this.#scroller.scrollTop < rowHeight ? undefined : this.#runs[Math.floor(this.#scroller.scrollTop / rowHeight)];
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
    if (this.#problem !== null)
      clear(
        this.#state,
        errorState(this.#problem, () => this.#retry()),
      );
    else if (this.#runs.length > 0) clear(this.#state);
    else if (this.#found !== null) clear(this.#state, emptyState("No output contains this."));
    else if (this.#isFiltered())
      clear(
        this.#state,
        emptyState(
          "No run matches.",
          null,
          button("Clear the filters", () => this.#clearFilters()),
        ),
      );
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
      this.#chips,
      chips,
      ({ key }) => key,
      () =>
        el("li", {}, el("button", { class: "chip", type: "button" }, el("bdi", { class: "truncate" }), icon("cross"))),
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
    openFilters(this.#filter, {
      get: () => this.#filters,
      set: (changes) => this.#change(changes),
      taskName: this.#taskName,
    });
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
    const verb = (name, label, iconName, tone) =>
      iconButton(iconName, label, () => this.#doBulk(name, tone), { class: `bulk-${name}` });
    this.#verbs = [
      verb("rerun", "Run their tasks again", "play", "primary"),
      verb("stop", "Stop", "stop", "danger"),
      verb("delete", "Delete", "trash", "danger"),
    ];
    on(this.#all, "change", () => {
      this.#picked = { isAll: this.#all.checked, ids: new Set() };
      this.#draw();
    });
    clear(
      this.#bulk,
      el("label", { class: "pick" }, this.#all),
      this.#pickedText,
      this.#verbs,
      iconButton("cross", "End the selection", () => this.#pickMode(false)),
    );
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
    setText(this.#pickedText, count === null ? "All but a few" : `${grouped(count)} selected`);
    const reason = !store.isOnline
      ? "The daemon cannot be reached at the moment."
      : count === 0
        ? "Nothing is selected."
        : null;
    for (const node of this.#verbs) setReason(node, reason, node.getAttribute("aria-label"));
  }

  #bulkBody() {
    const { isAll, ids } = this.#picked;
    if (!isAll) return { match_all: false, filter: {}, ids: [...ids], except_ids: [] };
    if (this.#found !== null)
      return {
        match_all: false,
        filter: {},
        ids: this.#runs.map((run) => run.id).filter((id) => !ids.has(id)),
        except_ids: [],
      };
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
    title: "Run again?",
    body: `Each task of ${many} is started once.`,
    confirm: "Run again",
    done: ["run", "started"],
  }),
  stop: (many) => ({
    title: `Stop ${many}?`,
    body: "Those that have ended are left alone.",
    confirm: "Stop",
    done: ["run", "asked to stop"],
  }),
  delete: (many) => ({
    title: `Delete ${many}?`,
    body: "They and their output are gone for good. Those that are active are left alone.",
    confirm: "Delete",
    done: ["run", "deleted"],
  }),
};

const SKIP_REASONS = {
  active: "still active",
  ended: "ended already",
  locked: "api_trigger = false",
  service: "of services",
  removed: "not configured any more",
  unknown: "gone already",
  expired: "too old",
};

/** Say what was done, and what was not and why. */
function tellOfBulk({ affected, skipped }, [noun, participle]) {
  const reasons = new Map();
  for (const { reason } of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const rest = [...reasons].map(([reason, count]) => `${count} ${SKIP_REASONS[reason] ?? words(reason)}`).join(", ");
  toast(
    `${counted(affected, noun)} ${participle}.${rest && ` Left alone: ${rest}.`}`,
    affected > 0 ? "success" : "warning",
  );
}

function foundText({ isDone }, runs, selectedId) {
  const at = runs.findIndex((run) => run.id === selectedId);
  const place = at >= 0 ? `${at + 1} of ${runs.length}` : counted(runs.length, "run");
  return isDone ? place : `${place}…`;
}

customElements.define("rw-history", RunHistory);
