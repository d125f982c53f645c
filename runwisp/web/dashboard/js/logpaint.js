/**
 * How a row of the console looks. What a process has printed only ever becomes text.
 */

import { pieces, plain } from "./ansi.js";
import { el, setAttr, setText } from "./dom.js";
import { counted, grouped, timeOfDay } from "./format.js";

const MOST_MARKS = 200;

/** Characters that reorder what follows them; those that only tell the direction of letters do no harm. */
const REORDERING = /[\u202a-\u202e\u2066-\u2069]/;
const NAMES = {
  "\u202a": "LRE",
  "\u202b": "RLE",
  "\u202c": "PDF",
  "\u202d": "LRO",
  "\u202e": "RLO",
  "\u2066": "LRI",
  "\u2067": "RLI",
  "\u2068": "FSI",
  "\u2069": "PDI",
};

/**
 * What rows have in common, to be changed before they are painted again.
 * @typedef {object} Paper
 * @property {"off"|"clock"|"since"} time what the column of times shows
 * @property {number} most characters of a line; it is cut there until somebody asks for the rest
 * @property {number|null} start of the run, in milliseconds
 * @property {RegExp|null} matcher what is marked in the text
 * @property {number|null} hit the line at which the search stands
 * @property {[number, number]|null} picked the first and last of the lines that are picked
 * @property {number|null} flash the line that lights up
 * @property {Set<number>} whole long lines that are shown in full
 * @property {(n: number) => string} hrefOf address of a line
 */

/** A row that is no line: lines that were rotated away. @typedef {{gone: number}} Gap */
/** The tail of a stream that has not ended its line. @typedef {{tail: true, stream: string, text: string}} Tail */

/**
 * Paint a row.
 * @param {HTMLElement} node
 * @param {import("./log.js").Line|Gap|Tail|undefined} row undefined while it is not here
 * @param {number} n its number
 * @param {Paper} paper
 */
export function paintRow(node, row, n, paper) {
  const parts = (node.rwParts ??= makeParts(node));
  if (row?.gone) return paintGap(node, parts, row);
  setAttr(node, "class", classesOf(row, n, paper));
  setAttr(node, "data-stream", row?.stream ?? null);
  paintNumber(parts.number, row, n, paper);
  setText(parts.time, row ? timeText(row.ts, paper) : "");
  if (row === undefined) parts.text.replaceChildren();
  else paintText(parts.text, row, n, paper);
}

function makeParts(node) {
  const number = el("a", { class: "log-n", tabindex: "-1" });
  const time = el("span", { class: "log-ts" });
  const text = el("span", { class: "log-text", dir: "ltr" });
  node.replaceChildren(number, time, text);
  return { number, time, text };
}

function paintGap(node, parts, { gone }) {
  setAttr(node, "class", "log-row is-gap");
  setAttr(node, "data-stream", null);
  setText(parts.number, "");
  parts.number.removeAttribute("href");
  setText(parts.time, "");
  parts.text.replaceChildren(`${counted(gone, "earlier line")} rotated away`);
}

function classesOf(row, n, { picked, flash, hit }) {
  let classes = "log-row";
  if (row === undefined) classes += " is-missing";
  else if (row.tail) classes += " is-tail";
  else if (row.continued) classes += " is-continued";
  if (picked !== null && n >= picked[0] && n <= picked[1]) classes += " is-picked";
  if (flash === n) classes += " is-flash";
  if (hit === n) classes += " is-hit";
  return classes;
}

function paintNumber(node, row, n, { hrefOf }) {
  if (row?.tail) {
    setText(node, "");
    node.removeAttribute("href");
    return;
  }
  setText(node, String(n));
  setAttr(node, "href", hrefOf(n));
  setAttr(node, "title", row && row.stream !== "stdout" ? `Line ${grouped(n)} · ${row.stream}` : null);
}

function timeText(ts, { time, start }) {
  if (time === "off" || ts === null || ts === undefined) return "";
  const fraction = `.${String(ts % 1000).padStart(3, "0")}`;
  if (time === "clock") return timeOfDay(ts) + fraction;
  return sinceText(ts - (start ?? ts));
}

/** `+0:01.123`, `+1:02:03.004` */
function sinceText(passed) {
  const ms = Math.abs(passed);
  const pad = (value, digits = 2) => String(Math.floor(value)).padStart(digits, "0");
  const hours = ms >= 3_600_000 ? `${Math.floor(ms / 3_600_000)}:` : "";
  const minutes = hours ? pad((ms / 60_000) % 60) : Math.floor(ms / 60_000);
  return `${passed < 0 ? "−" : "+"}${hours}${minutes}:${pad((ms / 1000) % 60)}.${pad(ms % 1000, 3)}`;
}

function paintText(node, { text }, n, { matcher, whole, most }) {
  if (matcher === null && text.length <= most && !text.includes("\x1b") && !REORDERING.test(text)) {
    const { firstChild } = node;
    if (firstChild?.nodeType === Node.TEXT_NODE && node.lastChild === firstChild) firstChild.data = text;
    else node.replaceChildren(text);
    return;
  }
  const ranges = matcher === null ? [] : rangesOf(plain(text), matcher);
  const isCut = !whole.has(n) && !(ranges.at(-1)?.[1] > most);
  const nodes = [];
  let shown = 0;
  for (const piece of pieces(text)) {
    if (isCut && shown >= most) break;
    const part = isCut ? piece.text.slice(0, most - shown) : piece.text;
    for (const [piecePart, isMarked] of divided(part, shown, ranges)) nodes.push(run(piecePart, piece.look, isMarked));
    shown += part.length;
  }
  const left = plain(text).length - shown;
  if (left > 0) {
    nodes.push(el("button", { class: "log-more", type: "button", tabindex: "-1", text: `… ${grouped(left)} more` }));
  }
  node.replaceChildren(...nodes);
}

/** Where the matcher matches, as pairs of offsets. */
function rangesOf(text, matcher) {
  const ranges = [];
  matcher.lastIndex = 0;
  for (let match; ranges.length < MOST_MARKS && (match = matcher.exec(text)) !== null;) {
    if (match[0] === "") matcher.lastIndex += 1;
    else ranges.push([match.index, matcher.lastIndex]);
  }
  return ranges;
}

/** Divide text that begins at an offset of the line at the edges of ranges. */
function divided(text, offset, ranges) {
  const parts = [];
  let at = 0;
  for (const [from, to] of ranges) {
    const start = Math.max(0, from - offset);
    const end = Math.min(text.length, to - offset);
    if (end <= start || start < at) continue;
    if (start > at) parts.push([text.slice(at, start), false]);
    parts.push([text.slice(start, end), true]);
    at = end;
  }
  if (at < text.length) parts.push([text.slice(at), false]);
  return parts;
}

function run(text, look, isMarked) {
  const children = REORDERING.test(text) ? fenced(text) : [text];
  if (look === null && !isMarked) return children.length === 1 ? text : el("span", {}, children);
  const node = el(isMarked ? "mark" : "span", {}, children);
  if (look !== null) {
    if (look.classes) node.className = look.classes;
    if (!isMarked) for (const [name, value] of Object.entries(look.style)) node.style.setProperty(name, value);
  }
  return node;
}

/** Characters that reorder are shown by their names, each in a fence that its effect does not leave. */
function fenced(text) {
  return text
    .split(/([\u202a-\u202e\u2066-\u2069])/)
    .map((part) =>
      NAMES[part] ? el("span", { class: "log-control", dataset: { name: NAMES[part] }, text: part }) : part,
    );
}
