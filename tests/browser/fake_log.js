/** The log of a run for tests of modules: pages of any length, and a stream whose events are sent by hand. */

import { RunLog } from "/js/log.js";

/** Line `n`, a millisecond after the one before. */
export function makeLine(n, changes = {}) {
  return { n, ts: n, stream: "stdout", text: `line ${n}`, continued: false, frame_count: null, ...changes };
}

/**
 * Serve a log of lines 1 to `total` to this page.
 * @param {{total: number, first?: number, finalized?: boolean, most?: number}} log `most`: lines of a page
 */
export function fakeLog(log) {
  const state = { first: 1, finalized: true, most: 10_000, partials: [], pages: [], streams: [], refusals: [], ...log };
  globalThis.fetch = async (url, { signal }) => {
    const { pathname, searchParams } = new URL(url, location.origin);
    if (pathname.endsWith("/stream")) return openStream(state, searchParams, signal);
    state.pages.push(searchParams.toString());
    return new Response(JSON.stringify(page(state, searchParams)));
  };
  return state;
}

function page({ first, total, finalized, most, partials }, query) {
  const limit = Math.min(most, Number(query.get("limit") ?? 1000));
  const from = Math.max(first, query.has("from") ? Number(query.get("from")) : total - limit + 1);
  const last = Math.min(total, from + limit - 1);
  const items = Array.from({ length: Math.max(0, last - from + 1) }, (_, i) => makeLine(from + i));
  return {
    items, partials: last === total ? partials : [], first_available: first, total_lines: total, truncated: first > 1,
    finalized, bytes: 10 * (total - first + 1),
  };
}

function openStream(state, query, signal) {
  const refusal = state.refusals.shift();
  const from = query.get("from");
  if (refusal) {
    state.streams.push({ from, refusal });
    const problem = { type: `urn:runwisp:problem:${refusal}`, detail: "no", errors: [] };
    return new Response(JSON.stringify(problem), { status: refusal === "not-found" ? 404 : 503 });
  }
  let sink;
  const body = new ReadableStream({ start: (controller) => (sink = controller) });
  signal.addEventListener("abort", () => sink.error(new DOMException("", "AbortError")));
  state.streams.push({
    from,
    send(type, data) {
      sink.enqueue(new TextEncoder().encode(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`));
    },
    end: () => sink.close(),
  });
  return new Response(body);
}

/** A log that is being read, with all that it has told. */
export async function openedLog(log, line = null) {
  const server = fakeLog(log);
  const told = { lines: [], runs: [] };
  const reader = new RunLog("R", {
    onChange: () => told.wake?.(),
    onLines: (lines) => told.lines.push(...lines.map(({ n }) => n)),
    onRun: (run) => told.runs.push(run),
  });
  /** Resolves when something holds; looks at it whenever the log changes. */
  const when = async (holds) => {
    while (!holds()) await new Promise((resolve) => (told.wake = resolve));
  };
  const opened = reader.open(line);
  await when(() => reader.state !== "loading");
  if (reader.state === "ended") await opened;
  return { server, reader, told, when };
}

/** Have a log try again what it puts off, and give it a moment. */
export function retried(reader) {
  reader.retry();
  return new Promise((resolve) => setTimeout(resolve, 5));
}
