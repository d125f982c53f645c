/**
 * The API of the daemon: requests, streams of events, and the login.
 *
 * api.get, api.post, api.del, ApiProblem, openStream, login, logout, onUnauthenticated.
 */

import { clock } from "./format.js";

/** A stream that has been silent for so long is dead: the daemon pings every 15 s. */
const SILENCE_MS = 40_000;

/**
 * What went wrong with a request. `status` is 0 and `code` "unreachable" when there was no answer at all.
 * `detail` is a sentence for the user; `errors` are those of the Problem of the API.
 */
export class ApiProblem extends Error {
  /**
   * @param {number} status
   * @param {string} code the last part of the problem's type: "locked", "wrong-state", …
   * @param {string} detail
   * @param {Array<{message: string, location: string|null, file: string|null, line: number|null}>} errors
   * @param {number|null} retryAfter seconds
   */
  constructor(status, code, detail, errors = [], retryAfter = null) {
    super(detail);
    this.name = "ApiProblem";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  get isUnreachable() {
    return this.status === 0;
  }
}

const unauthenticated = new Set();

/**
 * Be told when the daemon wants a login.
 * @param {() => void} fn
 */
export function onUnauthenticated(fn) {
  unauthenticated.add(fn);
}

export const api = {
  /**
   * @param {string} path below the origin, with names encoded by `encodeURIComponent`
   * @param {{query?: object, signal?: AbortSignal}} [options] `query`: arrays become comma lists; null, undefined
   *   and empty arrays are left out
   * @returns {Promise<any>} the JSON; null if there is none
   * @throws {ApiProblem} or an AbortError, if `signal` has been aborted
   */
  get: (path, options) => request("GET", path, options),
  /** @param {{query?: object, body?: object, signal?: AbortSignal}} [options] */
  post: (path, options) => request("POST", path, options),
  del: (path, options) => request("DELETE", path, options),
};

async function request(method, path, { query, body, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await send(path + queryText(query), {
    method,
    headers,
    signal,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw await problemOf(answer, path);
  if (answer.status === 204) return null;
  try {
    return await answer.json();
  } catch (error) {
    throw isAbort(error) ? error : unreachable();
  }
}

/** @param {object} [query] @returns {string} "" or with the "?" */
export function queryText(query) {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    pairs.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  const text = pairs.toString();
  return text && `?${text}`;
}

async function send(url, options) {
  const sent = Date.now();
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    throw isAbort(error) ? error : unreachable();
  }
  clock.learn(answer.headers.get("Date"), sent, Date.now());
  return answer;
}

/** True for the error of a request that this page has given up. */
export function isAbort(error) {
  return error?.name === "AbortError";
}

function unreachable() {
  return new ApiProblem(0, "unreachable", "The daemon does not answer.");
}

async function problemOf(answer, path) {
  const retryAfter = Number(answer.headers.get("Retry-After")) || null;
  let problem;
  try {
    const { type, detail, errors } = await answer.json();
    problem = new ApiProblem(answer.status, String(type).split(":").pop(), detail, errors, retryAfter);
  } catch {
    // A proxy in between answers in its own words.
    const gone = answer.status === 502 || answer.status === 504;
    problem = new ApiProblem(
      gone ? 0 : answer.status, gone ? "unreachable" : "internal", `HTTP status ${answer.status}.`, [], retryAfter,
    );
  }
  if (problem.status === 401 && path !== "/api/auth/login") for (const fn of unauthenticated) fn();
  return problem;
}

/**
 * Read a stream of events until it ends, fails or is given up.
 *
 * @param {string} path with its query
 * @param {object} options
 * @param {string|number|null} [options.lastEventId] go on after that event
 * @param {(event: {type: string, id: string|null, data: any}) => void} options.onEvent pings included
 * @param {() => void} [options.onOpen] called when the daemon has accepted
 * @param {AbortSignal} options.signal
 * @returns {Promise<void>} resolves when the daemon ends the stream
 * @throws {ApiProblem} if it is refused, breaks off or falls silent; an AbortError after `signal`
 */
export async function openStream(path, { lastEventId = null, onEvent, onOpen, signal }) {
  const silence = new AbortController();
  const headers = { Accept: "text/event-stream" };
  if (lastEventId !== null) headers["Last-Event-ID"] = String(lastEventId);
  const answer = await send(path, { headers, signal: anySignal(signal, silence) });
  if (!answer.ok) throw await problemOf(answer, path);
  onOpen?.();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser(onEvent);
  let watch = 0;
  try {
    for (;;) {
      clearTimeout(watch);
      watch = setTimeout(() => silence.abort(), SILENCE_MS);
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(value);
    }
  } catch (error) {
    throw isAbort(error) && signal.aborted ? error : unreachable();
  } finally {
    clearTimeout(watch);
    silence.abort();
  }
}

function anySignal(signal, controller) {
  if (signal.aborted) controller.abort();
  signal.addEventListener("abort", () => controller.abort(), { once: true, signal: controller.signal });
  return controller.signal;
}

/** Takes a text/event-stream apart, as far as the daemon makes use of it: one line of data, lines end with \n. */
export class EventParser {
  #rest = "";
  #onEvent;
  #type = "message";
  #id = null;
  #data = null;

  constructor(onEvent) {
    this.#onEvent = onEvent;
  }

  /** @param {string} text the next piece, divided anywhere */
  feed(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    if (line === "") {
      if (this.#data !== null) this.#onEvent({ type: this.#type, id: this.#id, data: JSON.parse(this.#data) });
      this.#type = "message";
      this.#id = this.#data = null;
    } else if (line.startsWith("data:")) this.#data = line.slice(5).trimStart();
    else if (line.startsWith("event:")) this.#type = line.slice(6).trim();
    else if (line.startsWith("id:")) this.#id = line.slice(3).trim();
  }
}

/**
 * Log in. The password stays in this function: only its hash with a nonce leaves the page.
 * @param {string} password
 * @throws {ApiProblem} "rejected" if it is wrong, "rate-limited" with `retryAfter`
 */
export async function login(password) {
  const { nonce } = await api.get("/api/auth/challenge");
  const response = await sha256(`${password}:${nonce}`);
  await api.post("/api/auth/login", { body: { nonce, response } });
}

/** End the session of this browser. */
export async function logout() {
  await api.post("/api/auth/logout");
}

async function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  if (globalThis.crypto?.subtle) {
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  // Browsers keep the one above to themselves on plain HTTP.
  return (await import("./sha256.js")).sha256Hex(bytes);
}
