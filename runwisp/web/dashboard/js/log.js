/**
 * The output of one run, as far as it is needed: chunks of lines fetched when they come into view, the stream of a
 * live run, and its search. What is far from view is forgotten, so that a log of any length fits into a page.
 */

import { api, isAbort, openStream } from "./api.js";

/** Lines that are fetched and forgotten together. */
const CHUNK = 1000;
const MOST_CHUNKS = 60;
/** Lines that are fetched beyond each edge of the view. */
const AHEAD = 300;
/** A view that moves on within so many milliseconds has not come for these lines. */
const SETTLE_MS = 70;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];
const POLL_MS = 5000;
/** Probes of one round when a time is looked for: a browser has few connections. */
const PROBES = 3;

/** @typedef {{n: number, ts: number|null, stream: string, text: string, continued: boolean}} Line */

/**
 * loading: the first lines are on their way. live, ended. retrying: the stream broke off. limited: the daemon has no
 * stream to spare. gone: the run was deleted. failed: see `problem`.
 * @typedef {"loading"|"live"|"ended"|"retrying"|"limited"|"gone"|"failed"} LogState
 */

export class RunLog {
  /** @type {LogState} */
  state = "loading";
  /** Why the state is "failed". @type {import("./api.js").ApiProblem|null} */
  problem = null;
  /** The lowest line that is still kept. */
  first = 1;
  /** The number of the last line. */
  total = 0;
  /** Size of what is kept. */
  bytes = 0;
  /** Unterminated tails, to be shown after the last line. @type {Array<{stream: string, text: string}>} */
  partials = [];

  #runId;
  #onChange;
  #onLines;
  #onRun;
  /** From the number of a chunk to its lines, those first that were looked at the longest ago. */
  #chunks = new Map();
  #wanted = [0, -1];
  #fetches = new Map();
  #timer = 0;
  #poll = 0;
  #polledTotal = 0;
  #wake = null;
  #abort = new AbortController();

  /**
   * @param {string} runId
   * @param {object} options
   * @param {() => void} options.onChange called at each change, many times in a frame
   * @param {(lines: Line[]) => void} [options.onLines] what the stream brings
   * @param {(run: object) => void} [options.onRun] the run at its end
   */
  constructor(runId, { onChange, onLines = () => {}, onRun = () => {} }) {
    this.#runId = runId;
    this.#onChange = onChange;
    this.#onLines = onLines;
    this.#onRun = onRun;
  }

  /** Fetch the last lines, or those around `line`, and follow a live log from its end. */
  async open(line = null) {
    this.#become("loading");
    try {
      const from = line === null ? null : Math.max(1, line - CHUNK / 2);
      this.#takePage(await this.#page({ from, limit: CHUNK }));
    } catch (problem) {
      return this.#fail(problem);
    }
    if (this.state === "ended") return;
    this.#become("live");
    this.#planPoll();
    await this.#follow();
  }

  /** Stop all that goes on. */
  close() {
    this.#abort.abort();
    this.#wake?.();
    clearTimeout(this.#timer);
    clearTimeout(this.#poll);
    for (const abort of this.#fetches.values()) abort.abort();
    this.#onChange = this.#onLines = this.#onRun = () => {};
  }

  /** Try at once what was to be tried later. */
  retry() {
    if (this.state === "failed") this.open();
    else this.#wake?.();
  }

  /** @returns {Line|undefined} undefined while it is not here */
  line(n) {
    return this.#chunks.get(chunkOf(n))?.[(n - 1) % CHUNK];
  }

  /** Say which lines are in view. */
  need(from, to) {
    const missing = this.#missing().join();
    this.#wanted = [Math.max(this.first, from - AHEAD), Math.min(this.total, to + AHEAD)];
    for (const index of this.#wantedChunks()) this.#touch(index);
    const next = this.#missing();
    if (next.length === 0 || (next.join() === missing && this.#timer)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetchMissing(), SETTLE_MS);
  }

  /** Fetch lines for another use than showing them. @returns {Promise<Line[]>} */
  async lines(from, to) {
    const found = [];
    for (let n = from; n <= to;) {
      const page = await this.#page({ from: n, limit: Math.min(10_000, to - n + 1) });
      found.push(...page.items.filter((line) => line.n <= to));
      if (page.items.length === 0) break;
      n = page.items.at(-1).n + 1;
    }
    return found;
  }

  /** The number of the first line that came at `ms` or later; the last line if none did. */
  async lineAt(ms) {
    let [low, high] = [this.first, this.total];
    while (low < high) {
      const step = (high - low) / (PROBES + 1);
      const probes = [...new Set(Array.from({ length: PROBES }, (_, i) => Math.floor(low + step * (i + 1))))];
      const times = await Promise.all(probes.map((n) => this.#timeOf(n)));
      const at = times.findIndex((time) => time !== null && time >= ms);
      const [before, after] = at < 0 ? [probes.at(-1), high] : [probes[at - 1] ?? low - 1, probes[at]];
      [low, high] = [before + 1, after];
    }
    return Math.max(low, this.first);
  }

  // -- pages -----------------------------------------------------------------------------------------------------

  #page(query, signal = this.#abort.signal) {
    return api.get(`/api/runs/${this.#runId}/log`, { query, signal });
  }

  async #timeOf(n) {
    const { items } = await this.#page({ from: n, limit: 1 });
    return items[0]?.ts ?? null;
  }

  #takePage(page) {
    this.#takeBounds(page);
    for (const line of page.items) this.#put(line);
    if (this.total === page.total_lines) this.partials = page.partials;
    if (page.finalized) {
      this.partials = [];
      this.#become("ended");
    }
    this.#evict();
    this.#onChange();
  }

  #takeBounds({ first_available, total_lines, bytes }) {
    this.first = Math.max(this.first, first_available);
    // What a page knows of before the stream brings it would be there as a number without text.
    if (this.state !== "live") this.total = Math.max(this.total, total_lines);
    this.bytes = bytes;
  }

  async #fetchMissing() {
    this.#timer = 0;
    const missing = this.#missing();
    for (const [index, abort] of this.#fetches) if (!missing.includes(index)) abort.abort();
    await Promise.all(missing.filter((index) => !this.#fetches.has(index)).map((index) => this.#fetchChunk(index)));
  }

  async #fetchChunk(index) {
    const abort = new AbortController();
    this.#fetches.set(index, abort);
    let pause = SETTLE_MS;
    try {
      const from = this.#firstMissing(index);
      const limit = (index + 1) * CHUNK - from + 1;
      this.#takePage(await this.#page({ from, limit }, abort.signal));
    } catch (problem) {
      if (problem.status === 404) this.#become("gone");
      if (isAbort(problem) || problem.status === 404) return;
      pause = RETRY_MS[2];
    } finally {
      this.#fetches.delete(index);
    }
    // A page ends early where lines are long.
    if (this.#missing().includes(index)) this.#timer ||= setTimeout(() => this.#fetchMissing(), pause);
  }

  #wantedChunks() {
    const [from, to] = this.#wanted;
    const found = [];
    for (let index = chunkOf(Math.max(1, from)); index <= chunkOf(to); index += 1) found.push(index);
    return found;
  }

  /** The chunks in view of which not all lines are here. */
  #missing() {
    return this.#wantedChunks().filter((index) => this.#firstMissing(index) !== null);
  }

  #firstMissing(index) {
    const lines = this.#chunks.get(index);
    const last = Math.min((index + 1) * CHUNK, this.total);
    for (let n = Math.max(index * CHUNK + 1, this.first); n <= last; n += 1) {
      if (lines?.[(n - 1) % CHUNK] === undefined) return n;
    }
    return null;
  }

  #put(line) {
    const index = chunkOf(line.n);
    let lines = this.#chunks.get(index);
    if (lines === undefined) this.#chunks.set(index, (lines = new Array(CHUNK).fill(undefined)));
    lines[(line.n - 1) % CHUNK] = line;
  }

  #touch(index) {
    const lines = this.#chunks.get(index);
    if (lines === undefined) return;
    this.#chunks.delete(index);
    this.#chunks.set(index, lines);
  }

  /** Forget the chunks that were looked at the longest ago, but none in view and not the last. */
  #evict() {
    if (this.#chunks.size <= MOST_CHUNKS) return;
    const kept = new Set([...this.#wantedChunks(), chunkOf(this.total), chunkOf(this.total) - 1]);
    for (const index of this.#chunks.keys()) {
      if (this.#chunks.size <= MOST_CHUNKS) return;
      if (!kept.has(index)) this.#chunks.delete(index);
    }
  }

  // -- stream ----------------------------------------------------------------------------------------------------

  async #follow() {
    const { signal } = this.#abort;
    let failures = 0;
    while (!signal.aborted && this.state !== "ended") {
      let pause = RETRY_MS[0];
      try {
        await openStream(`/api/runs/${this.#runId}/log/stream?from=${this.total + 1}`, {
          signal,
          onOpen: () => {
            failures = 0;
            this.#become("live");
          },
          onEvent: (event) => this.#heard(event),
        });
      } catch (problem) {
        if (isAbort(problem)) return;
        if (problem.status === 404) return this.#become("gone");
        if (problem.status === 401) pause = Infinity;
        else pause = Math.max(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)], (problem.retryAfter ?? 0) * 1000);
        failures += 1;
        this.#become(problem.code === "stream-limit" ? "limited" : "retrying");
      }
      if (this.state !== "ended") await this.#pause(pause);
    }
  }

  #pause(wait) {
    return new Promise((resolve) => {
      const timer = wait === Infinity ? 0 : setTimeout(resolve, wait * (0.8 + 0.4 * Math.random()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    }).finally(() => (this.#wake = null));
  }

  #heard({ type, data }) {
    if (this.#abort.signal.aborted) return;
    if (type === "lines") this.#append(data.items);
    else if (type === "partial") this.#setPartial(data);
    else if (type === "rotated") this.#rotated(data.first_available);
    else if (type === "done") this.#done(data);
    else return;
    this.#onChange();
  }

  #append(lines) {
    for (const line of lines) {
      this.#put(line);
      // Until it is measured again.
      this.bytes += line.text.length + 1;
      if (this.partials.length > 0) this.#setPartial({ stream: line.stream, text: "" });
    }
    this.total = Math.max(this.total, lines.at(-1).n);
    this.#evict();
    this.#onLines(lines);
  }

  #setPartial({ stream, text }) {
    const others = this.partials.filter((one) => one.stream !== stream);
    this.partials = text === "" ? others : [...others, { stream, text }].sort((a, b) => (a.stream > b.stream ? 1 : -1));
  }

  #rotated(first) {
    this.first = first;
    this.total = Math.max(this.total, first - 1);
    for (const index of this.#chunks.keys()) if (index < chunkOf(first)) this.#chunks.delete(index);
  }

  #done({ total_lines, run }) {
    this.total = total_lines;
    this.partials = [];
    this.#become("ended");
    this.#onRun(run);
    this.#measure();
  }

  /** A stream tells neither the size nor what has been rotated away behind it; without one this is all there is. */
  #planPoll() {
    this.#poll = setTimeout(() => {
      const hasGrown = this.state === "live" && this.total !== this.#polledTotal;
      if (!document.hidden && (hasGrown || this.state === "limited")) this.#measure();
      this.#polledTotal = this.total;
      if (this.state !== "ended") this.#planPoll();
    }, POLL_MS);
  }

  async #measure() {
    try {
      this.#takeBounds(await this.#page({ limit: 1 }));
      this.#onChange();
    } catch {
      // The next time will do, and the stream tells of what has broken.
    }
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.#onChange();
  }

  #fail(problem) {
    if (isAbort(problem)) return;
    this.problem = problem;
    this.#become(problem.status === 404 ? "gone" : "failed");
  }
}

function chunkOf(n) {
  return Math.floor((n - 1) / CHUNK);
}

// -- search ------------------------------------------------------------------------------------------------------

/**
 * What is looked for: `q`, taken literally unless `regex`; letter case counts if `case`.
 * @typedef {{q: string, regex: boolean, case: boolean}} Query
 */

/**
 * Search what a unit's runs have printed, newest run first, or one run only.
 *
 * @param {string} taskName
 * @param {Query} query
 * @param {object} options
 * @param {string|null} [options.runId]
 * @param {number} [options.limit] after so many hits it stops, 200 if left out
 * @param {string|null} [options.cursor] go on where the search before has stopped
 * @param {AbortSignal} options.signal
 * @param {(hits: object[]) => void} options.onHits LogHits of the API, as they are found
 * @returns {Promise<string|null>} the cursor to go on with; null if all has been searched
 * @throws {import("./api.js").ApiProblem} or an AbortError
 */
export async function searchOutput(taskName, query, { runId = null, limit = 200, cursor = null, signal, onHits }) {
  const path = `/api/tasks/${encodeURIComponent(taskName)}/log/search`;
  let left = limit;
  let next = cursor;
  do {
    const page = await api.get(path, {
      query: { ...query, run_id: runId, limit: Math.min(left, 1000), cursor: next },
      signal,
    });
    left -= page.items.length;
    next = page.next_cursor;
    onHits(page.items);
  } while (next !== null && left > 0);
  return next;
}

/**
 * Finds in a line's text, for marking it, what the daemon has found.
 * @param {Query} query
 * @returns {RegExp|null} null if it cannot be found here, for the daemon's expressions are not quite a browser's
 */
export function matcherOf({ q, regex, case: isCase }) {
  if (q === "") return null;
  try {
    return new RegExp(regex ? q : q.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), isCase ? "gu" : "giu");
  } catch {
    return null;
  }
}
