/**
 * Finding in the output: the field, the hits of this run as a list of line numbers, and what other runs of the same
 * unit have printed.
 */

import { plain } from "./ansi.js";
import { api, isAbort } from "./api.js";
import { clear, el, icon, on, setAttr, setText } from "./dom.js";
import { counted, dayAndTime, grouped, shortId, statusLook, statusWord } from "./format.js";
import { matcherOf, searchOutput } from "./log.js";
import { store } from "./store.js";
import { button, dot, iconButton } from "./widgets.js";

const PAUSE_MS = 250;
const MOST_HITS = 10_000;
const HITS_OF_ALL = 200;

export class Finder {
  /** The parts, to be placed by the console. */
  bar;
  results = el("section", { class: "find-results", "aria-label": "Found in all runs", hidden: true });

  #options;
  #field = el("input", {
    class: "console-input",
    type: "search",
    placeholder: "Find in output",
    "aria-label": "Find in output",
    spellcheck: "false",
    autocomplete: "off",
    maxlength: "1024",
    dataset: { testid: "log-find" },
  });
  #count = el("span", { class: "find-count num", role: "status", dataset: { testid: "log-find-count" } });
  #toggles;
  #run = null;
  #query = { q: "", regex: false, case: false };
  #hits = [];
  #fresh = [];
  #at = -1;
  #isSearching = false;
  #hasMore = false;
  #problem = "";
  #matcher = null;
  #timer = 0;
  #abort = new AbortController();
  #abortAll = new AbortController();
  #allOf = "";

  /**
   * @param {object} options
   * @param {() => number} options.place the line that the search starts at
   * @param {(n: number) => void} options.onJump
   * @param {(matcher: RegExp|null) => void} options.onMatcher what is to be marked has changed
   * @param {(hits: number[]) => void} options.onHits
   * @param {(run: {id: string, task_name: string}, n: number) => string} options.hrefOf address of a line of a run
   * @param {() => void} options.onLeave the field was left with Esc
   */
  constructor(options) {
    this.#options = options;
    this.#toggles = {
      case: this.#toggle("Aa", "Match case", "case"),
      regex: this.#toggle(".*", "Regular expression", "regex"),
      all: this.#makeToggle("All runs", "Find in all runs", () => this.#toggleAll()),
    };
    this.#toggles.all.classList.add("find-all");
    this.bar = el(
      "div",
      { class: "find", role: "search" },
      el("label", { class: "find-field" }, icon("search"), this.#field, this.#count),
      iconButton("up", "Previous match", () => this.step(-1)),
      iconButton("down", "Next match", () => this.step(1)),
      this.#toggles.case,
      this.#toggles.regex,
      this.#toggles.all,
    );
    on(this.#field, "input", () => this.#soon());
    on(this.#field, "keydown", (event) => this.#key(event));
  }

  get isActive() {
    return this.#query.q !== "";
  }

  focus() {
    this.#field.focus();
    this.#field.select();
  }

  /** Look for what is in the field in another run. */
  set run(run) {
    const isOther = this.#run?.task_name !== run.task_name;
    this.#run = run;
    this.#search(false);
    if (isOther && !this.results.hidden) this.#searchAll();
  }

  /** Look for a text as if it had been typed. */
  find(text, isJumping) {
    this.#query = { q: text, regex: false, case: false };
    this.#field.value = text;
    for (const name of ["case", "regex"]) setAttr(this.#toggles[name], "aria-pressed", "false");
    this.#search(isJumping);
  }

  /** Take in lines that have come since. */
  add(lines) {
    if (this.#matcher === null || this.#fresh.length >= MOST_HITS) return;
    const before = this.#fresh.length;
    for (const line of lines) {
      this.#matcher.lastIndex = 0;
      if (this.#matcher.test(plain(line.text))) this.#fresh.push(line.n);
    }
    if (this.#fresh.length > before) this.#changed();
  }

  /** Go to the next hit, or with -1 to the one before; around the ends. */
  step(direction) {
    const hits = this.#all;
    if (hits.length === 0) return;
    if (this.#at < 0) this.#at = this.#nearest(hits) - (direction > 0 ? 1 : 0);
    this.#at = (this.#at + direction + hits.length) % hits.length;
    this.#show();
    this.#options.onJump(hits[this.#at]);
  }

  dispose() {
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#abortAll.abort();
  }

  #toggle(text, label, name) {
    return this.#makeToggle(text, label, () => {
      this.#query[name] = !this.#query[name];
      setAttr(this.#toggles[name], "aria-pressed", String(this.#query[name]));
      this.#search(true);
    });
  }

  #makeToggle(text, label, onClick) {
    return el("button", {
      class: "find-toggle",
      type: "button",
      text,
      title: label,
      "aria-label": label,
      "aria-pressed": "false",
      on: { click: onClick },
    });
  }

  #key(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      if (this.#field.value !== this.#query.q) this.#search(true);
      else this.step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (this.#field.value === "") return this.#options.onLeave();
      this.#field.value = "";
      this.#search(false);
    }
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(true), PAUSE_MS);
  }

  // -- this run --------------------------------------------------------------------------------------------------

  get #all() {
    const last = this.#hits.at(-1) ?? 0;
    return this.#fresh.length === 0 ? this.#hits : [...this.#hits, ...this.#fresh.filter((n) => n > last)];
  }

  async #search(isJumping) {
    clearTimeout(this.#timer);
    this.#abort.abort();
    const { signal } = (this.#abort = new AbortController());
    this.#query.q = this.#field.value;
    this.#hits = [];
    this.#fresh = [];
    this.#at = -1;
    this.#hasMore = false;
    this.#matcher = matcherOf(this.#query);
    this.#options.onMatcher(this.#matcher);
    this.#isSearching = this.isActive;
    setAttr(this.#field, "aria-invalid", null);
    if (!this.results.hidden) this.#searchAll();
    this.#changed();
    if (!this.isActive || this.#run === null) return;
    try {
      const rest = await searchOutput(this.#run.task_name, this.#query, {
        runId: this.#run.id,
        limit: MOST_HITS,
        signal,
        onHits: (hits) => {
          for (const { n } of hits) this.#hits.push(n);
          if (isJumping && this.#at < 0) this.step(1);
          this.#changed();
        },
      });
      this.#hasMore = rest !== null;
    } catch (problem) {
      if (isAbort(problem)) return;
      this.#refused(problem);
    }
    this.#isSearching = false;
    this.#changed();
  }

  #refused(problem) {
    setAttr(this.#field, "aria-invalid", "true");
    this.#problem = problem.code === "malformed" ? "not a valid expression" : problem.detail;
  }

  #changed() {
    this.#show();
    this.#options.onHits(this.#all);
  }

  #show() {
    setText(this.#count, this.#countText());
    this.bar.classList.toggle("has-query", this.isActive);
    this.bar.classList.toggle("is-empty", this.isActive && !this.#isSearching && this.#all.length === 0);
  }

  #countText() {
    if (!this.isActive) return "";
    if (this.#field.getAttribute("aria-invalid")) return this.#problem;
    const { length } = this.#all;
    if (length === 0) return this.#isSearching ? "searching…" : "not found";
    const more = this.#isSearching ? "…" : this.#hasMore || this.#fresh.length >= MOST_HITS ? "+" : "";
    return `${this.#at < 0 ? "–" : grouped(this.#at + 1)} of ${grouped(length)}${more}`;
  }

  /** The index of the first hit at or after the place in view; of the last one if there is none. */
  #nearest(hits) {
    const place = this.#options.place();
    const at = hits.findIndex((n) => n >= place);
    return at < 0 ? hits.length - 1 : at;
  }

  // -- all runs --------------------------------------------------------------------------------------------------

  #toggleAll() {
    this.results.hidden = !this.results.hidden;
    setAttr(this.#toggles.all, "aria-pressed", String(!this.results.hidden));
    if (this.results.hidden) this.#abortAll.abort();
    else this.#searchAll();
  }

  async #searchAll() {
    const key = JSON.stringify([this.#run?.task_name, this.#query]);
    if (key === this.#allOf) return;
    this.#allOf = key;
    this.#abortAll.abort();
    const { signal } = (this.#abortAll = new AbortController());
    const list = el("div", { class: "find-list" });
    const foot = el("p", { class: "find-foot", role: "status" });
    clear(this.results, list, foot);
    if (!this.isActive || this.#run === null) return setText(foot, "Type what to look for in the output of all runs.");
    // What is known of the runs goes to the head of their hits.
    const known = await api.get("/api/runs", { query: { task_name: this.#run.task_name }, signal }).catch(() => null);
    if (known !== null) store.addRuns(known.items);
    if (!signal.aborted) await this.#moreOfAll(list, foot, null, signal);
  }

  async #moreOfAll(list, foot, cursor, signal) {
    clear(foot, "Searching…");
    const task = this.#run.task_name;
    try {
      const rest = await searchOutput(task, this.#query, {
        cursor,
        limit: HITS_OF_ALL,
        signal,
        onHits: (hits) => this.#list(list, hits, task),
      });
      const count = list.querySelectorAll("a").length;
      const runs = list.childElementCount;
      const text = count === 0 ? "No run has printed that." : `${counted(count, "line")} in ${counted(runs, "run")}`;
      clear(
        foot,
        `${text}${rest === null ? "" : " so far"}`,
        rest !== null && button("Search on", () => this.#moreOfAll(list, foot, rest, signal)),
      );
    } catch (problem) {
      if (isAbort(problem)) return;
      this.#allOf = "";
      clear(foot, problem.detail);
    }
  }

  #list(list, hits, task) {
    for (const hit of hits) {
      if (list.lastChild?.dataset.run !== hit.run_id) list.append(this.#group(hit.run_id));
      list.lastChild.append(this.#hit(hit, task));
    }
  }

  #group(id) {
    const run = store.run(id);
    const word = run && statusWord(run);
    return el(
      "div",
      { class: "find-group", dataset: { run: id } },
      el(
        "p",
        { class: "find-run", title: id },
        run && dot(statusLook(word).tone),
        shortId(id),
        el("span", { text: dayAndTime(run ? (run.start_at ?? run.created_at) : timeOfUlid(id)) }),
        run && el("span", { text: statusLook(word).label }),
      ),
    );
  }

  #hit({ run_id, n, stream, text }, task) {
    return el(
      "a",
      {
        class: "find-hit",
        href: this.#options.hrefOf({ id: run_id, task_name: task }, n),
        dataset: { stream },
        on: { click: (event) => this.#open(event, run_id, n) },
      },
      el("span", { class: "find-line num", text: String(n) }),
      el("span", { class: "find-text", dir: "ltr" }, snippet(text, this.#matcher)),
    );
  }

  /** A hit in the run that is shown is gone to at once; the frame follows the link to another one. */
  #open(event, runId, n) {
    if (runId !== this.#run.id || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#options.onJump(n);
  }
}

/** The part of a line around its first match. */
function snippet(text, matcher) {
  const whole = plain(text);
  if (matcher === null) return whole.slice(0, 300);
  matcher.lastIndex = 0;
  const match = matcher.exec(whole);
  if (match === null) return whole.slice(0, 300);
  const start = Math.max(0, match.index - 60);
  const end = match.index + match[0].length;
  return [
    start > 0 ? "…" : "",
    whole.slice(start, match.index),
    el("mark", { text: match[0].slice(0, 200) }),
    whole.slice(end, end + 200),
  ];
}

/** The milliseconds that an id was made at. */
function timeOfUlid(id) {
  const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return [...id.slice(0, 10)].reduce((sum, digit) => sum * 32 + digits.indexOf(digit), 0);
}
