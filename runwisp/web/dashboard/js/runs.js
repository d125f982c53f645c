/** <rw-browser>: a list of runs and the one that is chosen of it; and the page of all runs. */

import { plain } from "./ansi.js";
import { isAbort } from "./api.js";
import { clear, el, setAttr } from "./dom.js";
import { filtersOf, filterText } from "./filters.js";
import { RunHistory } from "./history.js";
import { hrefOf, importModule, navigate, setPage } from "./shell.js";
import { newestFirst, store } from "./store.js";
import { iconButton, skeletonRows, toastProblem } from "./widgets.js";

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
    if (this.#taskName !== null)
      this.#ends = [store.subscribe("runs", () => this.#route?.params.id === undefined && this.#show())];
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
    page.hrefOfRun = (run) =>
      run.task_name === this.#taskName || this.#taskName === null ? this.#hrefOf(run.id) : hrefOf.run(run);
    page.onDeleted = () => this.#deleted();
    if (this.#tool) page.tools = this.#tool;
    return page;
  }

  #deleted() {
    this.#autoId = null;
    if (this.#route.params.id !== undefined)
      navigate(this.#base + this.#suffix(this.#filters, this.#find), { replace: true });
    else this.#show();
  }

  #automatic() {
    if (this.#taskName === null && phone.matches) return null;
    const isService = store.units?.get(this.#taskName)?.kind === "service";
    const running =
      this.#taskName === null ? undefined : store.activeRuns(this.#taskName).find((run) => run.status === "running");
    if (isService && running) this.#autoId = running.id;
    this.#autoId ??= running?.id ?? this.#history.runs[0]?.id ?? null;
    return this.#autoId;
  }

  #showNone() {
    if (this.#history.isWaiting) return void clear(this.#detail, skeletonRows(6));
    const hint =
      this.#history.runs.length > 0 ? "Choose a run to see what came of it." : "What runs print is shown here.";
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
      await searchOutput(
        this.#taskName,
        { q: text },
        { limit: MOST_HITS, signal, onHits: (hits) => adding.push(this.#addHits(found, hits, signal)) },
      );
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
      else found.lines.set(id, { n, text: plain(text), count: 1 });
    }
    const missing = [...new Set(hits.map((hit) => hit.run_id))].filter((id) => store.run(id) === undefined);
    for (let i = 0; i < missing.length; i += 8) {
      await Promise.all(missing.slice(i, i + 8).map((id) => store.fetchRun(id, signal).catch(() => {})));
    }
    if (signal.aborted) return;
    found.runs = [...found.lines.keys()]
      .map((id) => store.run(id))
      .filter(Boolean)
      .sort(newestFirst);
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
      search: {
        placeholder: "Search by task or id",
        value: this.#browser.filters.q,
        onInput: (text) => this.#searchSoon(text),
      },
      keys: { j: () => this.#browser.move(1), k: () => this.#browser.move(-1) },
    });
  }

  #searchSoon(text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#browser.change({ q: text.trim().replace(/^#/, "") }), SEARCH_MS);
  }
}

customElements.define("rw-runs", RunsPage);
