/**
 * Parts of the console that know nothing of each other: the field for going to a place, its foot, the marks beside
 * the scroll bar, and the window that it can fill.
 */

import { el, on, setAttr, setText } from "./dom.js";
import { bytes, counted, grouped } from "./format.js";
import { button, dot } from "./widgets.js";

// -- places ----------------------------------------------------------------------------------------------------

/** The field that takes a line or a time. */
export class GoTo {
  node = el("input", {
    class: "console-input log-goto",
    placeholder: "Line or time",
    "aria-label": "Go to line or time",
    title: "1200, -50, 14:05, 14:05:30, +2m30s, 50%",
    spellcheck: "false",
    autocomplete: "off",
    enterkeyhint: "go",
    dataset: { testid: "log-goto" },
  });

  #options;

  /**
   * @param {object} options
   * @param {() => {log: import("./log.js").RunLog, start: number|null}} options.where
   * @param {(line: number) => void} options.onLine
   * @param {() => void} options.onLeave
   */
  constructor(options) {
    this.#options = options;
    on(this.node, "keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") return void this.#go();
    this.node.value = "";
    setAttr(this.node, "aria-invalid", null);
    this.#options.onLeave();
  }

  async #go() {
    const { log, start } = this.#options.where();
    const line = log.total > 0 ? await lineOf(placeOf(this.node.value, start), log) : null;
    setAttr(this.node, "aria-invalid", line === null ? "true" : null);
    if (line !== null) this.#options.onLine(line);
  }
}

/** The line at a place, or the nearest there is; null if that is no place or the times could not be fetched. */
async function lineOf(place, log) {
  const { first, total } = log;
  let line = place?.line ?? null;
  if (place?.fromEnd) line = total + 1 - place.fromEnd;
  if (place?.part !== undefined) line = Math.round(first + place.part * (total - first));
  if (place?.at) line = await log.lineAt(place.at).catch(() => null);
  return line === null ? null : Math.max(first, Math.min(line, total));
}

const MINUTE = 60_000;

/**
 * Read a place in a log: `1200` a line, `-50` from the end, `50%` of the way, `14:05` or `14:05:30.5` a time of day,
 * `2026-03-02 14:05` with its day, `+90`, `+2m30s` or `+1h` since the start of the run.
 *
 * @param {string} text
 * @param {number|null} start of the run, in milliseconds
 * @returns {{line?: number, fromEnd?: number, part?: number, at?: number}|null} `at` in milliseconds; null if it is none
 */
export function placeOf(text, start) {
  const value = text.trim().replaceAll(",", "");
  if (/^[1-9]\d*$/.test(value)) return { line: Number(value) };
  if (/^-[1-9]\d*$/.test(value)) return { fromEnd: -Number(value) };
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(value);
  if (percent) return { part: Math.min(1, Number(percent[1]) / 100) };
  if (/^\d{4}-\d\d-\d\d[ T]\d/.test(value)) {
    const at = Date.parse(value.replace(" ", "T"));
    return Number.isNaN(at) ? null : { at };
  }
  if (start === null) return null;
  const since = /^\+(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(value);
  if (since && value !== "+") {
    const [hours, minutes, seconds] = since.slice(1).map((part) => Number(part ?? 0));
    return { at: start + 1000 * (3600 * hours + 60 * minutes + seconds) };
  }
  const clock = /^(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d{1,3})?))?$/.exec(value);
  return clock && { at: timeOnDay(start, ...clock.slice(1).map((part) => Number(part ?? 0))) };
}

/** The first time of that name at or after the start, of which the part of a minute is left out. */
function timeOnDay(start, hours, minutes, seconds) {
  const date = new Date(start);
  date.setHours(hours, minutes, 0, 0);
  if (date.getTime() + MINUTE <= start) date.setDate(date.getDate() + 1);
  return date.getTime() + seconds * 1000;
}

// -- foot ------------------------------------------------------------------------------------------------------

const RATE_MS = 1000;

/** @type {Record<string, [string, string]>} how the states of a log look: their words and tones */
const STATES = {
  loading: ["Loading", "neutral"],
  waiting: ["Waiting to start", "neutral"],
  live: ["Streaming", "running"],
  ended: ["Ended", "neutral"],
  retrying: ["Reconnecting", "warning"],
  limited: ["Live updates are at their limit", "warning"],
  gone: ["Deleted", "neutral"],
  failed: ["Not loaded", "danger"],
};

/** The line below the output: its state, how much there is and how fast it grows, what is in view, following. */
export class Foot {
  node;

  #state = el(
    "span",
    { class: "log-live" },
    dot("neutral"),
    el("span", { role: "status", dataset: { testid: "log-state" } }),
  );
  #facts = el("span", { class: "num truncate", dataset: { testid: "log-facts" } });
  #where = el("span", { class: "num log-where" });
  #follow;
  #rate = { at: 0, total: 0, text: "" };

  /** @param {() => void} onFollow */
  constructor(onFollow) {
    this.#follow = button("Follow", onFollow, { class: "log-follow", testid: "log-follow" });
    this.node = el(
      "div",
      { class: "console-foot" },
      this.#state,
      this.#facts,
      el("span", { class: "grow" }),
      this.#where,
      this.#follow,
    );
  }

  /**
   * @param {string} state
   * @param {import("./log.js").RunLog} log
   * @param {import("./logview.js").LogView} view
   */
  show(state, log, view) {
    const { total } = log;
    const [word, tone] = STATES[state];
    const [from, to] = view.visible;
    setAttr(this.#state.firstChild, "data-tone", tone);
    setText(this.#state.lastChild, word);
    const facts = [counted(total, "line"), total > 0 && bytes(log.bytes), this.#rateText(state, total)];
    setText(this.#facts, state === "loading" ? "" : facts.filter(Boolean).join(" · "));
    setText(this.#where, total === 0 ? "" : `${grouped(Math.max(1, from))}–${grouped(Math.min(to, total))}`);
    setAttr(this.#follow, "aria-pressed", String(view.isFollowing));
    this.#follow.hidden = state === "ended" || state === "gone" || state === "failed";
  }

  /** Measured over a second at least, as often as something is shown. */
  #rateText(state, total) {
    if (state !== "live") {
      this.#rate = { at: 0, total, text: "" };
      return "";
    }
    const passed = performance.now() - this.#rate.at;
    if (passed < RATE_MS) return this.#rate.text;
    const rate = Math.round((1000 * (total - this.#rate.total)) / passed);
    const isKnown = this.#rate.at > 0 && passed < 3 * RATE_MS;
    this.#rate = { at: performance.now(), total, text: isKnown && rate >= 10 ? `${grouped(rate)} lines/s` : "" };
    return this.#rate.text;
  }
}

// -- ruler -----------------------------------------------------------------------------------------------------

/** Marks beside the scroll bar, at the places of lines in the whole log. */
export class Ruler {
  node = el("canvas", { class: "log-ruler", "aria-hidden": "true", hidden: true });
  #shown = "";

  /**
   * @param {number[]} lines
   * @param {{first: number, total: number}} log
   * @param {number} height in pixels
   */
  show(lines, { first, total }, height) {
    const key = `${lines.length} ${lines[0]} ${first} ${total} ${height}`;
    if (key === this.#shown) return;
    this.#shown = key;
    this.node.hidden = lines.length === 0;
    if (this.node.hidden) return;
    this.node.width = 6;
    this.node.height = height;
    const context = this.node.getContext("2d");
    context.fillStyle = getComputedStyle(this.node).color;
    for (const n of lines) context.fillRect(0, Math.floor(((n - first) / (total - first + 1)) * (height - 2)), 6, 2);
  }
}

// -- window ----------------------------------------------------------------------------------------------------

/** A window of its own for an element: above the page, which waits behind it, until Esc. */
export class FullWindow {
  /** The element is being moved, and neither goes nor comes. */
  isMoving = false;

  #element;
  #onChange;
  #dialog = null;

  /**
   * @param {HTMLElement} element
   * @param {(isOpen: boolean) => void} onChange
   */
  constructor(element, onChange) {
    this.#element = element;
    this.#onChange = onChange;
  }

  get isOpen() {
    return this.#dialog !== null;
  }

  /** Whether it is what lies on top. */
  get isTop() {
    const [layer] = [...document.querySelectorAll("dialog[open]")].slice(-1);
    return layer === undefined || layer === this.#dialog;
  }

  toggle() {
    if (this.#dialog === null) this.#open();
    else this.close();
  }

  close() {
    this.#dialog?.close();
  }

  #open() {
    const element = this.#element;
    const place = el("div", { class: "console-place" });
    const dialog = (this.#dialog = el("dialog", { class: "console-window dark", "aria-label": "Output" }));
    document.body.append(dialog);
    this.#move(() => {
      element.replaceWith(place);
      dialog.append(element);
    });
    dialog.showModal();
    on(dialog, "close", () => {
      this.#dialog = null;
      // The page may be gone by now, and then the element goes with the dialog.
      if (place.isConnected) this.#move(() => place.replaceWith(element));
      dialog.remove();
      this.#onChange(false);
    });
    this.#onChange(true);
  }

  #move(work) {
    this.isMoving = true;
    work();
    this.isMoving = false;
  }
}
