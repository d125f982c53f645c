/**
 * The small parts that pages are made of. What an element made here says by colour it also says by words.
 *
 * Ticking: ticking, agoText, upcomingText, retryText. Marks: dot, idChip.
 * Controls: button, iconButton, setReason, copyText. Layers: dialog, confirmAction, popover, toast, toastProblem.
 * States: skeletonRows, emptyState, errorState. Charts: sparkline, RhythmStrip.
 */

import { el, icon, on, reconcile, setAttr, setText, svgEl } from "./dom.js";
import * as format from "./format.js";
import { clock, statusLook, statusWord } from "./format.js";

// -- what changes with time --------------------------------------------------------------------------------------

const ticks = new Set();

function tickAll() {
  if (document.hidden) return;
  const now = clock.now();
  for (const node of ticks) node.tick(now);
}

setInterval(tickAll, 1000);
document.addEventListener("visibilitychange", tickAll);

class TickingText extends HTMLElement {
  #text = () => "";
  #full = null;

  connectedCallback() {
    ticks.add(this);
    this.tick(clock.now());
  }

  disconnectedCallback() {
    ticks.delete(this);
  }

  /** Change what it tells. */
  tell(text, full = null) {
    this.#text = text;
    this.#full = full;
    this.tick(clock.now());
  }

  tick(now) {
    setText(this, this.#text(now));
    setAttr(this, "title", this.#full?.(now));
  }
}

customElements.define("rw-tick", TickingText);

/**
 * Text that stays true as time passes: it is made again each second while it is on the page.
 * @param {(now: number) => string} text
 * @param {((now: number) => string)|null} [full] the tooltip
 * @returns {HTMLElement & {tell: (text: (now: number) => string, full?: (now: number) => string) => void}}
 */
export function ticking(text, full = null, className = "") {
  const node = el("rw-tick", { class: className });
  node.tell(text, full);
  return node;
}

/** `5m ago`, with the full time as its tooltip; "—" for null. Without `at`, to be given by `setAgo`. */
export function agoText(at = null, className = "") {
  const node = ticking(() => "", null, className);
  setAgo(node, at);
  return node;
}

/** Let what `agoText` has made tell another time. */
export function setAgo(node, at) {
  if (at === null) node.tell(() => "—");
  else node.tell((now) => format.ago(at, now), () => format.absolute(at));
}

/** `14:05:00 (in 4m)`; "—" for null. */
export function upcomingText(at = null, className = "") {
  const node = ticking(() => "", null, className);
  setUpcoming(node, at);
  return node;
}

export function setUpcoming(node, at) {
  if (at === null) node.tell(() => "—");
  else node.tell((now) => format.upcoming(at, now), () => format.absolute(at));
}

/** `retry in 12s`, "" for a run that has no retry waiting. */
export function retryText(run = null, className = "retry") {
  const node = ticking(() => "", null, className);
  if (run !== null) setRetry(node, run);
  return node;
}

export function setRetry(node, run) {
  const at = run.next_retry_at;
  node.tell((now) => (at === null ? "" : `retry in ${format.countdown((format.ms(at) - now) / 1000)}`));
}

// -- marks -------------------------------------------------------------------------------------------------------

/**
 * A round mark. It is for the eye alone unless it has a label.
 * @param {string} tone neutral, running, success, warning, danger, primary
 */
export function dot(tone, label = null) {
  const node = el("span", { class: "dot" });
  setDot(node, tone, label);
  return node;
}

export function setDot(node, tone, label = null) {
  setAttr(node, "data-tone", tone);
  setAttr(node, "role", label === null ? null : "img");
  setAttr(node, "aria-label", label);
  setAttr(node, "title", label);
}

/** `#K7QD`: the full id on hover, copied by a click. */
export function idChip(id) {
  return el("button", {
    class: "chip id-chip", type: "button", text: format.shortId(id), title: `${id} (click to copy)`,
    "aria-label": `${format.shortId(id)}, copy id ${id}`,
    on: {
      click: (event) => {
        event.stopPropagation();
        event.preventDefault();
        copyText(id, "Id copied");
      },
    },
  });
}

// -- controls ----------------------------------------------------------------------------------------------------

/**
 * @param {string} label
 * @param {(event: MouseEvent) => void} onClick
 * @param {{tone?: "primary"|"danger"|"plain", icon?: string, reason?: string|null, class?: string, testid?: string}}
 *   [options] `reason`: why it is disabled; it is then shown as the tooltip and read out
 */
export function button(label, onClick, options = {}) {
  const node = el(
    "button",
    { class: `btn ${options.class ?? ""}`, type: "button", dataset: { tone: options.tone ?? "plain" } },
    options.icon && icon(options.icon), el("span", { class: "btn-label", text: label }),
  );
  if (options.testid) node.dataset.testid = options.testid;
  node.addEventListener("click", (event) => node.getAttribute("aria-disabled") !== "true" && onClick(event));
  setReason(node, options.reason ?? null);
  return node;
}

/**
 * Disable a control for a reason, or enable it with null. It stays in the order of focus, so that the reason can be
 * read by everybody.
 */
export function setReason(node, reason, title = null) {
  setAttr(node, "aria-disabled", reason === null ? null : "true");
  setAttr(node, "title", reason ?? title);
  if (reason !== null) setAttr(node, "aria-description", reason);
  else setAttr(node, "aria-description", null);
}

/** A button that is only an icon; `label` is its name and tooltip. */
export function iconButton(iconName, label, onClick, options = {}) {
  const node = el(
    "button",
    { class: `icon-btn ${options.class ?? ""}`, type: "button", "aria-label": label, title: label },
    icon(iconName),
  );
  node.addEventListener("click", (event) => node.getAttribute("aria-disabled") !== "true" && onClick(event));
  return node;
}

/** Copy text, and say so. */
export async function copyText(text, done = "Copied") {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyBySelection(text);
    toast(done, "success");
  } catch {
    toast("The browser does not allow to copy.", "danger");
  }
}

/** Browsers have no clipboard for pages over plain HTTP. */
function copyBySelection(text) {
  const field = el("textarea", { class: "sr-only", value: text, "aria-hidden": "true" });
  const host = document.querySelector("dialog[open]") ?? document.body;
  const focused = document.activeElement;
  host.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  focused?.focus();
  if (!isDone) throw new Error("not copied");
}

// -- layers ------------------------------------------------------------------------------------------------------

let layers = 0;

/**
 * Open a dialog. Focus stays within it and goes back afterwards; Esc and a click beside it close it unless it is
 * `modal: "strict"`.
 *
 * @param {{title: string, body: any, actions?: HTMLElement[], class?: string, role?: string, strict?: boolean}} options
 * @returns {{node: HTMLDialogElement, close: (value?: any) => void, closed: Promise<any>}} `closed` resolves with what
 *   `close` was given, undefined for Esc
 */
export function dialog({ title, body, actions = [], class: className = "", role = "dialog", strict = false }) {
  const id = `layer-${(layers += 1)}`;
  const focused = document.activeElement;
  const node = el(
    "dialog",
    { class: `dialog ${className}`, role, "aria-modal": "true", "aria-labelledby": id },
    el("h2", { id, class: "dialog-title", text: title }),
    !strict && actions.length === 0 && iconButton("cross", "Close", () => node.close(), { class: "dialog-close" }),
    el("div", { class: "dialog-body" }, body),
    actions.length > 0 && el("div", { class: "dialog-actions" }, actions),
  );
  let settle;
  const closed = new Promise((resolve) => (settle = resolve));
  let value;
  const close = (result) => {
    value = result;
    node.close();
  };
  on(node, "cancel", (event) => strict && event.preventDefault());
  on(node, "keydown", (event) => strict && event.key === "Escape" && event.preventDefault());
  on(node, "click", (event) => !strict && event.target === node && isOutside(node, event) && node.close());
  on(node, "close", () => {
    node.remove();
    if (focused?.isConnected) focused.focus();
    settle(value);
  });
  document.body.append(node);
  node.showModal();
  return { node, close, closed };
}

function isOutside(node, { clientX, clientY }) {
  const box = node.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

/**
 * Ask before something is done. The safe answer has the focus.
 * @param {{title: string, body?: any, confirm: string, tone?: "primary"|"danger"}} options
 * @returns {Promise<boolean>}
 */
export async function confirmAction({ title, body = null, confirm, tone = "primary" }) {
  const yes = button(confirm, () => layer.close(true), { tone, testid: "confirm" });
  const no = button("Cancel", () => layer.close(false));
  const layer = dialog({ title, body, actions: [no, yes], class: "dialog-confirm", role: "alertdialog" });
  no.focus();
  return (await layer.closed) === true;
}

/**
 * Open a panel at a control; a click elsewhere, Esc and a second click on the control close it.
 *
 * On narrow screens it is a sheet at the bottom. Focus goes to the first control in it and returns to the anchor.
 * @param {HTMLElement} anchor gets `aria-expanded` and `aria-controls`
 * @param {{label: string, content: any, class?: string, onClose?: () => void, focus?: boolean}} options
 * @returns {{node: HTMLElement, close: () => void, place: () => void}|null} null if it has just been closed
 */
export function popover(anchor, { label, content, class: className = "", onClose = () => {}, focus = true }) {
  if (anchor.rwPopover) {
    anchor.rwPopover.close();
    return null;
  }
  const id = `layer-${(layers += 1)}`;
  const node = el("div", { id, class: `popover ${className}`, role: "dialog", "aria-label": label }, content);
  const place = () => placeAt(node, anchor);
  const ends = [];
  const close = (isLeft = false) => {
    if (!anchor.rwPopover) return;
    anchor.rwPopover = null;
    for (const end of ends) end();
    const hadFocus = node.contains(document.activeElement);
    node.remove();
    setAttr(anchor, "aria-expanded", "false");
    anchor.removeAttribute("aria-controls");
    if (hadFocus && !isLeft) anchor.focus();
    onClose();
  };
  const layer = { node, close, place };
  anchor.rwPopover = layer;
  setAttr(anchor, "aria-haspopup", "dialog");
  setAttr(anchor, "aria-expanded", "true");
  setAttr(anchor, "aria-controls", id);
  (anchor.closest("dialog") ?? document.body).append(node);
  place();
  ends.push(
    on(window, "resize", place),
    on(document, "pointerdown", ({ target }) => {
      if (!node.contains(target) && !anchor.contains(target) && !target.closest?.("dialog")) close(true);
    }),
    on(document, "keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      close();
    }),
    on(node, "focusout", ({ relatedTarget }) => {
      if (relatedTarget && !node.contains(relatedTarget) && relatedTarget !== anchor) close(true);
    }),
  );
  if (focus) (node.querySelector("[autofocus], a[href], button, input, select") ?? node).focus();
  return layer;
}

function placeAt(node, anchor) {
  if (matchMedia("(max-width: 767px)").matches) {
    node.style.removeProperty("top");
    node.style.removeProperty("left");
    return;
  }
  const box = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = node;
  const left = Math.min(Math.max(8, box.right - offsetWidth), innerWidth - offsetWidth - 8);
  const isBelow = box.bottom + offsetHeight + 12 < innerHeight || box.top < innerHeight / 2;
  const top = isBelow ? box.bottom + 6 : box.top - offsetHeight - 6;
  node.style.setProperty("left", `${Math.max(8, left)}px`);
  node.style.setProperty("top", `${Math.max(8, Math.min(top, innerHeight - offsetHeight - 8))}px`);
}

let toasts = null;

/**
 * Say something in passing, read out to those who listen: errors at once.
 * @param {string} text
 * @param {"success"|"danger"|"warning"|"neutral"} [tone]
 * @param {{label: string, run: () => void}|null} [action]
 */
export function toast(text, tone = "neutral", action = null) {
  toasts ??= document.body.appendChild(el("div", { class: "toasts" }));
  const isError = tone === "danger";
  const close = () => node.remove();
  const node = el(
    "div",
    { class: "toast", dataset: { tone, testid: "toast" }, role: isError ? "alert" : "status" },
    icon(isError ? "alert" : tone === "success" ? "check" : "info"),
    el("span", { class: "toast-text", text }),
    action && button(action.label, () => { close(); action.run(); }),
    iconButton("cross", "Dismiss", close),
  );
  // Above open dialogs, which are in the top layer.
  (document.querySelector("dialog[open]") ?? document.body).append(toasts);
  toasts.append(node);
  while (toasts.childElementCount > 4) toasts.firstChild.remove();
  setTimeout(close, isError ? 9000 : 4500);
}

/** Say what has failed, in the daemon's words. */
export function toastProblem(problem) {
  toast(problem.detail ?? String(problem), "danger");
}

// -- states of lists ---------------------------------------------------------------------------------------------

/** Pulsing places for `count` rows that are being fetched. */
export function skeletonRows(count = 4, className = "") {
  return el(
    "div", { class: `skeleton ${className}`, role: "status", "aria-label": "Loading" },
    Array.from({ length: count }, () => el("div", { class: "skeleton-row" })),
  );
}

/** A sentence where nothing is, and what to do about it. */
export function emptyState(title, hint = null, ...more) {
  return el(
    "div", { class: "empty" },
    el("p", { class: "empty-title", text: title }), hint && el("p", { class: "empty-hint" }, hint), more,
  );
}

/** What could not be fetched, with a way to try again. @param {import("./api.js").ApiProblem} problem */
export function errorState(problem, retry) {
  return el(
    "div", { class: "empty", dataset: { tone: "danger" }, role: "alert" },
    icon("alert"),
    el("p", {
      class: "empty-title", text: problem.isUnreachable ? "The daemon does not answer" : "That did not work",
    }),
    el("p", { class: "empty-hint", text: problem.detail }),
    button("Try again", retry, { icon: "restart" }),
  );
}

// -- charts ------------------------------------------------------------------------------------------------------

/**
 * A line of values from 0 to `max`, the newest at the right; missing ones before the first are zero.
 * @param {{label: string, length?: number, max?: number, class?: string}} options
 */
export function sparkline({ label, length = 32, max = 100, class: className = "" }) {
  const line = svgEl("path", { class: "spark-line" });
  const area = svgEl("path", { class: "spark-area" });
  const node = svgEl(
    "svg", { class: `spark ${className}`, viewBox: `0 0 ${length - 1} 24`, preserveAspectRatio: "none", role: "img" },
    area, line,
  );
  node.rwShow = (values) => {
    const padded = [...new Array(Math.max(0, length - values.length)).fill(0), ...values.slice(-length)];
    const points = padded.map((value, x) => `${x} ${(23 - (22 * Math.min(value, max)) / max).toFixed(2)}`);
    line.setAttribute("d", `M${points.join("L")}`);
    area.setAttribute("d", `M0 24L${points.join("L")}L${length - 1} 24Z`);
    setAttr(node, "aria-label", `${label}: ${values.at(-1) ?? 0} %`);
  };
  node.rwShow([]);
  return node;
}

/** Show values in what `sparkline` has made. */
export function setSparkline(node, values) {
  node.rwShow(values);
}

/**
 * The last runs as bars, oldest at the left: height by the logarithm of the duration, colour by the outcome.
 *
 * `runs` (newest first) is set to show them; a click or Enter calls `onSelect` with a run.
 */
export class RhythmStrip extends HTMLElement {
  /** @type {(run: object) => void} */
  onSelect = () => {};
  #selected = null;
  #runs = [];

  set runs(runs) {
    this.#runs = runs.slice(0, 50).reverse();
    this.#draw();
  }

  /** The id of the run that is marked. */
  set selected(id) {
    this.#selected = id;
    this.#draw();
  }

  connectedCallback() {
    this.classList.add("rhythm");
    setAttr(this, "role", "group");
    setAttr(this, "aria-label", "Last runs, oldest first");
  }

  #draw() {
    const now = clock.now();
    const seconds = this.#runs.map((run) => format.runSeconds(run, now) ?? 0);
    const heights = seconds.map((value) => Math.log1p(value * 10));
    const most = Math.max(...heights, 0.001);
    const bars = this.#runs.map((run, i) => ({ run, height: Math.max(0.12, heights[i] / most) }));
    reconcile(
      this, bars, ({ run }) => run.id,
      () => el("button", { class: "rhythm-bar", type: "button" }, el("span", { class: "rhythm-fill" })),
      (node, { run, height }) => this.#update(node, run, height),
    );
    const focusable = this.querySelector(".rhythm-bar.is-selected") ?? this.lastElementChild;
    for (const bar of this.children) bar.tabIndex = bar === focusable ? 0 : -1;
  }

  #update(node, run, height) {
    const look = statusLook(statusWord(run));
    const taken = run.status === "ended" ? format.duration(run.duration) : "live";
    const label = [look.label, taken, format.exitText(run), run.start_at ? format.absolute(run.start_at) : ""];
    node.dataset.tone = look.tone;
    node.dataset.status = statusWord(run);
    node.firstChild.style.setProperty("height", `${Math.round(height * 100)}%`);
    setAttr(node, "aria-label", label.filter(Boolean).join(", "));
    setAttr(node, "title", label.filter(Boolean).join(" · "));
    node.classList.toggle("is-selected", run.id === this.#selected);
    setAttr(node, "aria-pressed", run.id === this.#selected ? "true" : "false");
    node.onclick = () => this.onSelect(run);
    node.onkeydown = (event) => this.#move(event);
  }

  #move(event) {
    const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
    const next = step && event.currentTarget[step];
    if (!next) return;
    event.preventDefault();
    event.currentTarget.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

customElements.define("rw-rhythm", RhythmStrip);
