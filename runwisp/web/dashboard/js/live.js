/**
 * The live connection: one stream of events per browser, shared by its tabs.
 *
 * The tab that holds the lock reads the stream and passes everything on; when it goes, the next one takes over from
 * the last event that it has seen. Browsers without locks (plain HTTP, but for localhost) have a stream per tab.
 */

import { ApiProblem, isAbort, openStream } from "./api.js";

const NAME = "runwisp:events";

/** Milliseconds until the next attempt, by how many have failed. */
const DELAYS = [500, 1000, 2000, 4000, 8000, 15_000];

/** A tab in front that has heard nothing for so long takes the stream from one that is asleep. */
const ASLEEP_MS = 45_000;

/**
 * connecting: not there yet. connected. offline: it was there, or did not come at once. paused: the daemon has no
 * stream to spare. locked: a login is needed.
 * @typedef {"connecting"|"connected"|"offline"|"paused"|"locked"} LiveState
 */

export class Live {
  /** @type {LiveState} */
  state = "connecting";
  /** Since when, in milliseconds of this browser. */
  since = Date.now();
  /** When the next attempt is due, likewise; null while there is none. */
  nextAttemptAt = null;

  #onEvent;
  #onState;
  #channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(NAME) : null;
  #lastId = null;
  #heardAt = Date.now();
  #hasBeenOpen = false;
  #isLeader = false;
  #abort = new AbortController();
  #wake = null;

  /**
   * @param {(event: {type: string, id: string|null, data: any}) => void} onEvent in order, none twice, none lost but
   *   for what a `resync` tells
   * @param {(state: LiveState) => void} onState
   */
  constructor(onEvent, onState) {
    this.#onEvent = onEvent;
    this.#onState = onState;
  }

  /** Begin, for as long as the page lives. */
  start() {
    this.#channel?.addEventListener("message", ({ data }) => this.#heard(data));
    this.#channel?.postMessage({ kind: "hello" });
    addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
    addEventListener("focus", () => this.#look());
    setInterval(() => document.hidden || this.#look(), 5000);
    if (this.#channel && navigator.locks) this.#queue(false);
    else this.#lead();
  }

  /** Try again now, in whichever tab reads the stream. */
  retry() {
    if (this.state === "connected") return;
    if (this.#isLeader) this.#wake?.();
    else this.#channel?.postMessage({ kind: "retry" });
  }

  #queue(steal) {
    const options = steal ? { steal: true } : {};
    navigator.locks
      .request(NAME, options, () => this.#lead())
      // Another tab has taken it from this one, which waits for it again.
      .catch(() => {
        this.#abort.abort();
        this.#isLeader = false;
        this.#queue(false);
      });
  }

  /** Take over when the tab that should be reading has fallen asleep. */
  #look() {
    this.retry();
    if (this.#isLeader || !navigator.locks || Date.now() - this.#heardAt < ASLEEP_MS) return;
    this.#heardAt = Date.now();
    this.#queue(true);
  }

  async #lead() {
    const abort = (this.#abort = new AbortController());
    this.#isLeader = true;
    let failures = 0;
    while (!abort.signal.aborted) {
      try {
        if (this.state !== "offline" || failures === 0) this.#become("connecting");
        await openStream("/api/events", {
          lastEventId: this.#lastId,
          signal: abort.signal,
          onOpen: () => {
            failures = 0;
            this.#opened();
          },
          onEvent: (event) => this.#read(event),
        });
        this.#become("connecting");
      } catch (error) {
        if (isAbort(error)) return;
        this.#become(this.#stateAfter(error));
        failures += 1;
      }
      await this.#pause(this.state === "locked" ? Infinity : DELAYS[Math.min(failures, DELAYS.length - 1)]);
    }
  }

  #opened() {
    // Events were missed that nobody can name when not one has been seen before the connection broke.
    const isBehind = this.#hasBeenOpen && this.#lastId === null;
    if (isBehind) this.#read({ type: "resync", id: null, data: { reason: "behind" } });
    this.#hasBeenOpen = true;
    this.#become("connected");
  }

  #stateAfter(error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (error.status === 401) return "locked";
    return error.code === "stream-limit" ? "paused" : "offline";
  }

  /** Wait, a little longer or shorter than others do, unless somebody wants it sooner. */
  #pause(delay) {
    const wait = delay * (0.8 + 0.4 * Math.random());
    this.nextAttemptAt = wait === Infinity ? null : Date.now() + wait;
    return new Promise((resolve) => {
      const timer = wait === Infinity ? 0 : setTimeout(resolve, wait);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    }).finally(() => {
      this.#wake = null;
      this.nextAttemptAt = null;
    });
  }

  #read(event) {
    this.#channel?.postMessage({ kind: "event", event });
    this.#take(event);
  }

  #take(event) {
    this.#heardAt = Date.now();
    if (event.id !== null) this.#lastId = event.id;
    if (event.type !== "ping") this.#onEvent(event);
  }

  #heard(message) {
    if (this.#isLeader) {
      if (message.kind === "hello") this.#tell();
      if (message.kind === "retry") this.retry();
      return;
    }
    this.#heardAt = Date.now();
    if (message.kind === "event") this.#take(message.event);
    if (message.kind === "state") {
      this.#lastId ??= message.lastId;
      this.#hasBeenOpen ||= message.state === "connected";
      this.#set(message.state);
    }
  }

  #become(state) {
    this.#set(state);
    this.#tell();
  }

  #tell() {
    this.#channel?.postMessage({ kind: "state", state: this.state, lastId: this.#lastId });
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.#onState(state);
  }
}
