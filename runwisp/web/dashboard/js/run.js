/**
 * <rw-run>: one run, with what came of it in a sentence, its facts, and its output. Pages put it beside their list
 * of runs.
 */

import { deleteRun, runUnit, stopRun } from "./actions.js";
import { api, isAbort } from "./api.js";
import { LogConsole } from "./console.js";
import { clear, el, icon, reconcile, setAttr, setText } from "./dom.js";
import * as format from "./format.js";
import { duration, ms, shortId, statusLook, statusWord } from "./format.js";
import { explain, neverRan } from "./outcome.js";
import { hrefOf, navigate } from "./shell.js";
import { store } from "./store.js";
import { button, emptyState, errorState, idChip, retryText, setRetry, skeletonRows, ticking } from "./widgets.js";

/** Attempts that are looked up on each side of a run. */
const MOST_ATTEMPTS = 10;

export class RunPage extends HTMLElement {
  /** Address of a run where this is shown. @type {(run: {id: string, task_name: string}) => string} */
  hrefOfRun = hrefOf.run;
  /** Called when the run that is shown has been deleted. @type {(id: string) => void} */
  onDeleted = () => {};

  #id = null;
  #run = null;
  #lines = null;
  #shownLines = "";
  #text = "";
  #found = "";
  #abort = new AbortController();
  #ends = [];
  #attempts = [];
  #attemptsOf = "";

  #tools = el("div", { class: "run-tools" });
  #verdict = el(
    "span",
    { class: "run-verdict", dataset: { testid: "run-verdict" } },
    el("span", { class: "run-icon" }),
    el("span"),
  );
  #taken = ticking(() => "", null, "run-duration num");
  #exit = el("span", { class: "run-exit num", dataset: { testid: "run-exit" } });
  #retry = retryText(null, "run-retry");
  #buttons = el("div", { class: "run-buttons" });
  #sentence = el("p", { class: "run-sentence", dataset: { testid: "run-sentence" } });
  #facts = el("dl", { class: "run-facts" });
  #chain = el("ol", { class: "run-chain", "aria-label": "Attempts", hidden: true });
  #head = el(
    "section",
    { class: "run-head", "aria-label": "Outcome" },
    el("div", { class: "run-line" }, this.#tools, this.#verdict, this.#taken, this.#exit, this.#retry, this.#buttons),
    this.#sentence,
    el("div", { class: "run-about" }, this.#facts),
    this.#chain,
  );
  #console = new LogConsole();
  #started = ticking(() => "", null, "num");
  #isAsking = false;

  constructor() {
    super();
    this.#taken.dataset.testid = "run-duration";
    this.#started.dataset.testid = "run-started";
    this.#console.hrefOf = (run, line) => this.#hrefOfLine(run, line);
    this.#console.onRun = (run) => store.addRuns([run]);
    this.#console.onPick = (first, last) => this.#picked(first, last);
  }

  connectedCallback() {
    this.classList.add("run");
    this.#ends = [
      store.subscribe("runs", (runs) => this.#runsChanged(runs)),
      store.subscribe("units", (names) => (names.has("*") || names.has(this.#run?.task_name)) && this.#draw()),
      store.subscribe("resync", () => this.#fetch()),
      store.subscribe("live", () => this.#draw()),
    ];
    if (this.#id !== null) this.#open();
  }

  disconnectedCallback() {
    for (const end of this.#ends) end();
    this.#abort.abort();
    this.#console.leaveWindow();
  }

  /** Controls of the page around it, to stand before the outcome, such as the one that shows the list of runs. */
  set tools(nodes) {
    clear(this.#tools, nodes);
  }

  /**
   * @param {{params: {id: string}, query: URLSearchParams}} route in the query `line=N` or `line=N-M` picks lines, and
   *   `find` is looked for in the output
   */
  set route({ params, query }) {
    this.#lines = linesOf(query.get("line"));
    this.#text = query.get("find") ?? "";
    const isOther = params.id !== this.#id;
    this.#id = params.id;
    if (!this.isConnected) return;
    if (isOther) this.#open();
    else this.#showLines();
  }

  #open() {
    this.#run = store.run(this.#id) ?? null;
    this.#attempts = [];
    this.#attemptsOf = "";
    this.#isAsking = false;
    this.#shownLines = "";
    if (this.#run === null) clear(this, skeletonRows(6));
    else this.#showRun();
    this.#fetch();
  }

  async #fetch() {
    if (this.#id === null) return;
    this.#abort.abort();
    const { signal } = (this.#abort = new AbortController());
    try {
      const run = await api.get(`/api/runs/${encodeURIComponent(this.#id)}`, { signal });
      [this.#run] = store.addRuns([run]);
      this.#showRun();
    } catch (problem) {
      if (isAbort(problem)) return;
      if (problem.status === 404 || problem.status === 422) this.#showGone();
      else if (this.#run === null)
        clear(
          this,
          errorState(problem, () => this.#open()),
        );
    }
  }

  #showGone() {
    this.#run = null;
    const hint = "It may have been deleted: old runs go as keep_runs and keep_for say.";
    clear(this, emptyState(`There is no run ${shortId(this.#id)}`, hint));
  }

  #showRun() {
    const run = this.#run;
    if (this.#head.parentNode !== this) clear(this, this.#head, this.#console);
    this.#draw();
    this.#console.hidden = neverRan(run);
    if (this.#console.hidden) return;
    this.#showLines();
  }

  #showLines() {
    const key = `${this.#id} ${this.#lines}`;
    if (this.#run === null || this.#console.hidden) return;
    const isNew = this.#shownLines !== key && this.#lines !== null;
    this.#shownLines = key;
    this.#console.show(this.#run, ...(isNew ? this.#lines : []));
    if (this.#text === this.#found) return;
    this.#found = this.#text;
    this.#console.find(this.#text, this.#lines === null);
  }

  #runsChanged(runs) {
    if (this.#run === null) return;
    for (const run of runs.values()) if (run !== null && this.#isNextAttempt(run)) this.#attemptsOf = "";
    const run = runs.get(this.#id);
    if (run === null) {
      this.#showGone();
      this.onDeleted(this.#id);
    } else if (run !== undefined) {
      this.#run = run;
      this.#showRun();
    } else this.#loadAttempts();
  }

  // -- lines -----------------------------------------------------------------------------------------------------

  #hrefOfLine(run, line) {
    const href = this.hrefOfRun(run);
    return `${href}${href.includes("?") ? "&" : "?"}line=${line}`;
  }

  #picked(first, last) {
    this.#lines = first === null ? null : [first, last];
    this.#shownLines = `${this.#id} ${this.#lines}`;
    const query = new URLSearchParams(location.search);
    if (first === null) query.delete("line");
    else query.set("line", last > first ? `${first}-${last}` : String(first));
    const text = query.toString();
    navigate(this.hrefOfRun(this.#run).split("?")[0] + (text && `?${text}`), { replace: true });
  }

  // -- the outcome -----------------------------------------------------------------------------------------------

  #draw() {
    const run = this.#run;
    if (run === null) return;
    const unit = store.units?.get(run.task_name) ?? null;
    const word = run.stopping ? "stopping" : statusWord(run);
    const look = run.stopping ? { label: "Stopping", tone: "warning", icon: "stop" } : statusLook(word);
    this.#head.dataset.tone = look.tone;
    this.#head.classList.toggle("is-live", run.status === "running");
    if (this.#verdict.dataset.status !== word) {
      this.#verdict.dataset.status = word;
      clear(this.#verdict.firstChild, icon(look.icon, word === "running" ? "spin" : ""));
      setText(this.#verdict.lastChild, look.label);
    }
    if (run.status === "running") this.#taken.tell((now) => format.elapsed(format.runSeconds(run, now)));
    else this.#taken.tell(() => (run.start_at === null ? "" : duration(run.duration)));
    setText(this.#exit, run.is_failure ? format.exitText(run) : "");
    setRetry(this.#retry, run);
    setText(this.#sentence, explain(run, unit));
    this.#drawFacts(run, unit);
    this.#drawButtons(run, unit);
    this.#loadAttempts();
  }

  #drawFacts(run, unit) {
    const at = run.start_at ?? run.created_at;
    this.#started.tell(
      (now) => startText(at, now),
      () => format.absolute(at),
    );
    const queued = run.start_at === null ? 0 : (ms(run.start_at) - ms(run.created_at)) / 1000;
    const facts = [
      [run.start_at === null ? "Created" : "Started", this.#started],
      run.end_at !== null &&
        run.start_at !== null && ["Ended", format.timeOfDay(run.end_at), format.absolute(run.end_at)],
      ["Trigger", format.trigger(run)],
      (run.replica_index > 0 || unit?.instances > 1) && [
        "Replica",
        `#${run.replica_index}${unit?.instances ? ` of ${unit.instances}` : ""}`,
      ],
      queued >= 1 && ["Queued for", duration(queued)],
      run.cpu_time !== null && ["CPU time", duration(run.cpu_time)],
      run.peak_memory_bytes !== null && ["Peak memory", format.bytes(run.peak_memory_bytes)],
      run.retry_of_run_id !== null && [`Retry #${run.retry_attempt} of`, this.#linkTo(run.retry_of_run_id)],
    ].filter(Boolean);
    reconcile(
      this.#facts,
      facts,
      ([name]) => name.replace(/#\d+/, ""),
      ([name]) => fact(name),
      (node, [name, value, title]) => {
        setText(node.firstChild, name);
        setAttr(node.lastChild, "title", title);
        if (value instanceof Node) value.parentNode === node.lastChild || clear(node.lastChild, value);
        else setText(node.lastChild, value);
      },
    );
    if (this.#facts.rwId !== run.id) {
      this.#facts.rwId = run.id;
      this.#idFact?.remove();
      this.#facts.after((this.#idFact = idChip(run.id)));
    }
  }

  #idFact = null;
  #retried = null;

  #linkTo(id) {
    if (this.#retried?.rwId !== id) {
      const href = this.hrefOfRun({ id, task_name: this.#run.task_name });
      this.#retried = Object.assign(el("a", { class: "num", href, title: id, text: shortId(id) }), { rwId: id });
    }
    return this.#retried;
  }

  #drawButtons(run, unit) {
    const isEnded = run.status === "ended";
    const offline = store.isOnline ? null : "The daemon cannot be reached at the moment.";
    const locked = unit?.api_trigger === false ? "api_trigger = false: it is started by its schedule alone." : null;
    const key = [run.id, isEnded, run.stopping, offline, locked, unit === null, this.#isAsking].join();
    if (this.#buttons.dataset.key === key) return;
    this.#buttons.dataset.key = key;
    const hadFocus = this.#buttons.contains(document.activeElement);
    if (this.#isAsking) clear(this.#buttons, ...this.#question(run));
    else {
      clear(
        this.#buttons,
        isEnded &&
          unit?.kind === "task" &&
          button("Run again", () => runUnit(unit), {
            icon: "play",
            reason: offline ?? locked,
            class: "btn-small",
            testid: "run-again",
          }),
        !isEnded &&
          button("Stop", () => stopRun(run), {
            icon: "stop",
            tone: "danger",
            reason: run.stopping ? "It is being stopped." : offline,
            class: "btn-small",
            testid: "run-stop",
          }),
        isEnded &&
          button("Delete", () => this.#ask(true), {
            icon: "trash",
            reason: offline,
            class: "btn-small",
            testid: "run-delete",
          }),
      );
    }
    if (hadFocus) this.#buttons.querySelector("button")?.focus();
  }

  /** Ask, in the place of the buttons, whether the run shall be deleted. */
  #question(run) {
    return [
      el("span", { class: "run-question", text: "Delete the run and its output?", role: "alert" }),
      button("Keep", () => this.#ask(false), { class: "btn-small" }),
      button(
        "Delete",
        async () => {
          this.#ask(false);
          await deleteRun(run);
        },
        { tone: "danger", class: "btn-small", testid: "confirm-delete" },
      ),
    ];
  }

  #ask(isAsking) {
    this.#isAsking = isAsking;
    this.#draw();
  }

  // -- attempts --------------------------------------------------------------------------------------------------

  /** True for a retry that the chain does not have yet. */
  #isNextAttempt({ id, retry_of_run_id: before }) {
    return before !== null && this.#isOfChain(before) && !this.#isOfChain(id);
  }

  #isOfChain(id) {
    return id === this.#id || this.#attempts.some((run) => run.id === id);
  }

  /** Find the attempts before and after this one, where there may be any. */
  async #loadAttempts() {
    const run = this.#run;
    const mayHave =
      run.retry_attempt > 0 || (run.status === "ended" && store.units?.get(run.task_name)?.retry_attempts > 0);
    const key = `${run.id} ${run.status} ${run.next_retry_at}`;
    if (!mayHave || this.#attemptsOf === key) return this.#drawAttempts();
    this.#attemptsOf = key;
    const chain = [run];
    try {
      while (chain[0].retry_of_run_id !== null && chain.length <= MOST_ATTEMPTS) {
        const id = chain[0].retry_of_run_id;
        chain.unshift(store.run(id) ?? store.addRuns([await api.get(`/api/runs/${id}`)])[0]);
      }
    } catch {
      // The earliest ones may be gone; the rest is shown.
    }
    try {
      for (let i = 0; i < MOST_ATTEMPTS && chain.at(-1).status === "ended" && !chain.at(-1).next_retry_at; i += 1) {
        const { items } = await api.get("/api/runs", { query: { retry_of_run_id: chain.at(-1).id, limit: 1 } });
        if (items.length === 0) break;
        chain.push(...store.addRuns(items));
      }
    } catch {
      // As above.
    }
    if (this.#run?.id !== run.id) return;
    this.#attempts = chain.length > 1 ? chain : [];
    this.#drawAttempts();
  }

  #drawAttempts() {
    const runs = this.#attempts.map((run) => store.run(run.id) ?? run);
    this.#chain.hidden = runs.length === 0;
    reconcile(
      this.#chain,
      runs,
      (run) => run.id,
      (run) =>
        el(
          "li",
          {},
          el("a", { href: this.hrefOfRun(run) }, el("span", { class: "run-icon" }), el("span", { class: "num" })),
        ),
      (node, run) => {
        const link = node.firstChild;
        const look = statusLook(statusWord(run));
        if (link.dataset.status !== look.label) clear(link.firstChild, icon(look.icon));
        link.dataset.status = look.label;
        link.dataset.tone = look.tone;
        setText(link.lastChild, `${run.retry_attempt + 1}`);
        const label = `Attempt ${run.retry_attempt + 1}: ${look.label}, ${shortId(run.id)}`;
        setAttr(link, "aria-label", label);
        setAttr(link, "title", label);
        setAttr(link, "aria-current", run.id === this.#id ? "true" : null);
      },
    );
  }
}

/** `02:00:00 · 5m ago`, and with the day once it is longer ago. */
function startText(at, now) {
  const isRecent = now - ms(at) < 86_400_000;
  return isRecent ? `${format.timeOfDay(at)} · ${format.ago(at, now)}` : format.absolute(at);
}

function fact(name) {
  return el("div", {}, el("dt", { text: name }), el("dd"));
}

/** `12` or `12-20` @returns {[number, number]|null} */
function linesOf(text) {
  const match = /^([1-9]\d*)(?:-([1-9]\d*))?$/.exec(text ?? "");
  return match && [Number(match[1]), Number(match[2] ?? match[1])];
}

customElements.define("rw-run", RunPage);
