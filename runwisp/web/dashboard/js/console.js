/**
 * <rw-console>: the output of a run, with all that one does with it: following, finding, going to a line or a time,
 * linking to a line, copying, downloading, and the whole window for it.
 */

import { clear, el, icon, on, setAttr, setIcon, setText } from "./dom.js";
import { bytes, counted, grouped, ms } from "./format.js";
import { plain } from "./ansi.js";
import { RunLog } from "./log.js";
import { Finder, placeOf } from "./logfind.js";
import { paintRow } from "./logpaint.js";
import { LogView } from "./logview.js";
import { store } from "./store.js";
import { button, copyText, dot, emptyState, errorState, iconButton, skeletonRows, toast } from "./widgets.js";

await stylesheet();

const FLASH_MS = 1500;
/** So many lines are copied at most: a clipboard is no file. */
const MOST_COPIED = 10_000;
const TIMES = ["off", "clock", "since"];
const TIME_LABELS = { off: "Times: off", clock: "Times: time of day", since: "Times: since the start of the run" };
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

const isNarrow = () => matchMedia("(max-width: 767px)").matches;

export class LogConsole extends HTMLElement {
  /** Told the run at its end, as the stream of its output gives it. @type {(run: object) => void} */
  onRun = () => {};
  /** Address of a line. @type {(run: {id: string, task_name: string}, n: number) => string} */
  hrefOf = () => "";
  /** Told the lines that somebody picks, nulls for none: the page's address should have them. @type {(first: number|null, last: number|null) => void} */
  onPick = () => {};

  #run = null;
  #log = null;
  #view = null;
  #finder = null;
  #paper = {
    time: "off", start: null, matcher: null, hit: null, picked: null, flash: null, whole: new Set(),
    hrefOf: (n) => this.hrefOf(this.#run, n),
  };
  #gap = { gone: 0 };
  #tails = [];
  #hits = [];
  #seen = 0;
  #rate = { at: 0, total: 0, text: "" };
  #ends = [];
  #timer = 0;
  #maximised = null;
  #isMoving = false;

  #scroller = el("div", { class: "log", tabIndex: 0, role: "region", dataset: { testid: "log" } });
  #overlay = el("div", { class: "log-state" });
  #ruler = el("canvas", { class: "log-ruler", "aria-hidden": "true" });
  #down = button("", () => (this.#view.isFollowing = true), { icon: "arrow-down", class: "log-down", testid: "log-down" });
  #state = el("span", { class: "log-live" }, dot("neutral"), el("span", { role: "status" }));
  #facts = el("span", { class: "num truncate", dataset: { testid: "log-facts" } });
  #where = el("span", { class: "num log-where" });
  #follow = button("Follow", () => this.#toggleFollow(), { class: "log-follow", testid: "log-follow" });
  #goto = el("input", {
    class: "console-input log-goto", placeholder: "Line or time", "aria-label": "Go to line or time",
    title: "1200, -50, 14:05, 14:05:30, +2m30s, 50%", spellcheck: "false", autocomplete: "off",
    dataset: { testid: "log-goto" },
  });
  #time = iconButton("clock", "", () => this.#nextTime());
  #wrap = iconButton("wrap", "Wrap lines", () => this.#setWrap(!this.#view.isWrapped));
  #copy = iconButton("copy", "Copy output", () => this.#copyLines());
  #download = el("a", { class: "icon-btn", download: true, title: "Download", "aria-label": "Download output" }, icon("download"));
  #size = iconButton("maximise", "Maximise (f)", () => this.toggleMaximised());

  connectedCallback() {
    if (this.#isMoving) return;
    if (this.#view === null) this.#build();
    this.#ends.push(
      on(document, "keydown", (event) => this.#anywhere(event)),
      on(document, "selectionchange", () => this.#keepSelection()),
      store.subscribe("live", () => store.isOnline && this.#log?.retry()),
    );
    this.#timer = setInterval(() => this.#measureRate(), 1000);
    if (this.#run !== null && this.#log === null) this.#open(null);
  }

  disconnectedCallback() {
    if (this.#isMoving) return;
    for (const end of this.#ends.splice(0)) end();
    clearInterval(this.#timer);
    this.#log?.close();
    this.#log = null;
    this.#finder.dispose();
  }

  get isMaximised() {
    return this.#maximised !== null;
  }

  /**
   * Show the output of a run, or take in what has changed of the one that is shown.
   * @param {object} run a Run of the API
   * @param {number|null} [line] go to it
   * @param {number|null} [lastLine] of a range that begins with it
   */
  show(run, line = null, lastLine = line) {
    const isOther = this.#run?.id !== run.id;
    this.#run = run;
    this.#paper.start = run.start_at === null ? null : ms(run.start_at);
    if (isOther) {
      this.#reset();
      this.#open(line);
      this.#finder.run = run;
    }
    if (line !== null) this.goTo(line, lastLine);
    else if (isOther && this.#log) this.#changed();
  }

  /** Go to a line, pick it and those up to another one, and let it light up. */
  goTo(line, lastLine = line) {
    this.#paper.picked = [Math.min(line, lastLine), Math.max(line, lastLine)];
    this.#paper.flash = line;
    setTimeout(() => {
      if (this.#paper.flash === line) this.#paper.flash = null;
      this.#view.repaint();
    }, FLASH_MS);
    this.#view.show(line, { isNear: true });
    this.#view.repaint();
  }

  /** Put the console back where it belongs. */
  leaveWindow() {
    this.#maximised?.close();
  }

  /** Fill the window with the console, or put it back. */
  toggleMaximised() {
    if (this.#maximised !== null) return this.leaveWindow();
    const place = el("div", { class: "console-place" });
    const node = el("dialog", { class: "console-window dark", "aria-label": "Output" });
    const focused = this.contains(document.activeElement) ? document.activeElement : this.#size;
    document.body.append(node);
    this.#move(() => {
      this.replaceWith(place);
      node.append(this);
    });
    node.showModal();
    on(node, "close", () => {
      this.#maximised = null;
      if (place.isConnected) this.#move(() => place.replaceWith(this));
      node.remove();
      this.#maximisedChanged(focused);
    });
    this.#maximised = node;
    this.#maximisedChanged(focused);
  }

  // -- making ----------------------------------------------------------------------------------------------------

  #build() {
    this.classList.add("console", "dark");
    this.#view = new LogView({
      scroller: this.#scroller,
      row: (n) => this.#row(n),
      paint: (node, row, n) => paintRow(node, row, n, this.#paper),
      onMove: () => this.#moved(),
    });
    this.#finder = new Finder({
      place: () => this.#view.visible[0],
      hrefOf: (run, n) => this.hrefOf(run, n),
      onJump: (n) => this.#jumpToHit(n),
      onMatcher: (matcher) => this.#setMatcher(matcher),
      onHits: (hits) => {
        this.#hits = hits;
        this.#drawRuler();
      },
      onLeave: () => this.#scroller.focus(),
    });
    this.append(
      el(
        "div", { class: "console-bar" }, this.#finder.bar,
        el("div", { class: "console-tools" }, this.#goto, this.#time, this.#wrap, this.#copy, this.#download, this.#size),
      ),
      this.#finder.results,
      el("div", { class: "log-frame" }, this.#scroller, this.#ruler, this.#overlay, this.#down),
      el("div", { class: "console-foot" }, this.#state, this.#facts, el("span", { class: "grow" }), this.#where, this.#follow),
    );
    on(this.#scroller, "click", (event) => this.#clicked(event));
    on(this.#scroller, "keydown", (event) => this.#keyInLog(event));
    on(this.#scroller, "copy", (event) => this.#copyEvent(event));
    on(this.#goto, "keydown", (event) => this.#keyInGoto(event));
    on(this, "keydown", (event) => this.#key(event));
    this.#setWrap(recall("runwisp:log-wrap", isNarrow() ? "on" : "off") === "on", false);
    this.#setTime(recall("runwisp:log-time", isNarrow() ? "off" : "clock"));
  }

  #reset() {
    this.#log?.close();
    this.#log = null;
    Object.assign(this.#paper, { hit: null, picked: null, flash: null, whole: new Set() });
    this.#seen = 0;
    this.#rate = { at: 0, total: 0, text: "" };
    this.#view.reset();
  }

  #open(line) {
    if (!this.isConnected) return;
    setAttr(this.#scroller, "aria-label", `Output of run ${this.#run.id}`);
    setAttr(this.#download, "href", `/api/runs/${this.#run.id}/log/raw`);
    this.#log = new RunLog(this.#run.id, {
      onChange: () => this.#changed(),
      onLines: (lines) => this.#finder.add(lines),
      onRun: (run) => this.onRun(run),
    });
    this.#log.open(line);
  }

  // -- rows ------------------------------------------------------------------------------------------------------

  #row(n) {
    if (n < this.#log.first) return this.#gap;
    return n > this.#log.total ? this.#tails[n - this.#log.total - 1] : this.#log.line(n);
  }

  /** Something of the log has changed: that is told many times in a frame, so this does little. */
  #changed() {
    const { first, total, partials } = this.#log;
    const gone = first - 1;
    if (this.#gap.gone !== gone) this.#gap = { gone };
    if (this.#tails.source !== partials) {
      this.#tails = partials.map((one) => ({ ...one, tail: true }));
      this.#tails.source = partials;
    }
    this.#view.setRange(first - (gone > 0 ? 1 : 0), total + this.#tails.length);
  }

  /** The view has been drawn. */
  #moved() {
    if (this.#log === null) return;
    const [from, to] = this.#view.visible;
    this.#log.need(from, to);
    const { total, state } = this.#log;
    if (this.#view.isFollowing) this.#seen = total;
    const isAway = to < total - 2 && total > 0;
    this.#down.hidden = !isAway;
    if (isAway) setText(this.#down.lastChild, total > this.#seen ? `${counted(total - this.#seen, "new line")}` : "To the end");
    this.#scroller.style.setProperty("--digits", Math.max(4, String(total).length));
    setText(this.#where, total === 0 ? "" : `${grouped(Math.max(1, from))}–${grouped(Math.min(to, total))}`);
    setAttr(this.#follow, "aria-pressed", String(this.#view.isFollowing));
    this.#follow.hidden = state === "ended" || state === "gone" || state === "failed";
    this.#showState();
    this.#drawRuler();
  }

  #showState() {
    const { total, state, partials } = this.#log;
    const isPending = state === "live" && this.#run.status === "pending";
    const [word, tone] = STATES[isPending ? "waiting" : state];
    setAttr(this.#state.firstChild, "data-tone", tone);
    setText(this.#state.lastChild, word);
    const facts = [counted(total, "line"), total > 0 && bytes(this.#log.bytes), state === "live" && this.#rate.text];
    setText(this.#facts, state === "loading" ? "" : facts.filter(Boolean).join(" · "));
    const shown = total > 0 || partials.length > 0 ? "" : isPending ? "waiting" : state;
    if (this.#overlay.dataset.state === shown) return;
    this.#overlay.dataset.state = shown;
    this.#overlay.hidden = shown === "";
    clear(this.#overlay, shown && this.#stateText(shown));
  }

  #stateText(state) {
    switch (state) {
      case "loading":
        return skeletonRows(6);
      case "waiting":
        return emptyState("Waiting for the run to start", "Its output appears here.");
      case "ended":
        return emptyState("No output", "This run has printed nothing.");
      case "gone":
        return emptyState("This run has been deleted", "Its output went with it.");
      case "failed":
        return errorState(this.#log.problem, () => this.#log.retry());
      default:
        return emptyState("Waiting for output", "Nothing has been printed yet.");
    }
  }

  #measureRate() {
    if (this.#log === null || document.hidden) return;
    const now = performance.now();
    const { total } = this.#log;
    const rate = (1000 * (total - this.#rate.total)) / (now - this.#rate.at);
    const isKnown = this.#rate.at > 0;
    this.#rate = { at: now, total, text: isKnown && rate >= 1 ? `${grouped(Math.round(rate))} lines/s` : "" };
    if (this.#log.state === "live") this.#showState();
  }

  // -- finding and going -----------------------------------------------------------------------------------------

  #setMatcher(matcher) {
    this.#paper.matcher = matcher;
    this.#paper.hit = null;
    this.#view.repaint();
  }

  #jumpToHit(n) {
    this.#paper.hit = n;
    this.#view.show(n, { isNear: true });
    this.#view.repaint();
  }

  /** Marks beside the scroll bar where the hits are. */
  #drawRuler() {
    const isShown = this.#hits.length > 0 && this.#log !== null;
    this.#ruler.hidden = !isShown;
    if (!isShown) return;
    const { clientHeight } = this.#scroller;
    const { first, total } = this.#log;
    const key = `${this.#hits.length} ${total} ${first} ${clientHeight}`;
    if (this.#ruler.rwKey === key) return;
    this.#ruler.rwKey = key;
    this.#ruler.width = 6;
    this.#ruler.height = clientHeight;
    const context = this.#ruler.getContext("2d");
    context.fillStyle = getComputedStyle(this).getPropertyValue("--find");
    const rows = total - first + 1;
    for (const n of this.#hits) context.fillRect(0, Math.floor(((n - first) / rows) * (clientHeight - 2)), 6, 2);
  }

  async #goTo(text) {
    const { first, total } = this.#log;
    const place = placeOf(text, this.#paper.start);
    let line = place?.line ?? null;
    if (place?.fromEnd) line = total + 1 - place.fromEnd;
    if (place?.part !== undefined) line = Math.round(first + place.part * (total - first));
    if (place?.at) line = await this.#log.lineAt(place.at).catch(() => null);
    setAttr(this.#goto, "aria-invalid", line === null ? "true" : null);
    if (line === null || total === 0) return;
    line = Math.max(first, Math.min(line, total));
    this.goTo(line);
    this.onPick(line, line);
  }

  // -- doing -----------------------------------------------------------------------------------------------------

  #toggleFollow() {
    this.#view.isFollowing = !this.#view.isFollowing;
  }

  #setWrap(isWrapped, isKept = true) {
    this.#view.isWrapped = isWrapped;
    setAttr(this.#wrap, "aria-pressed", String(isWrapped));
    if (isKept) keep("runwisp:log-wrap", isWrapped ? "on" : "off");
  }

  #nextTime() {
    const time = TIMES[(TIMES.indexOf(this.#paper.time) + 1) % TIMES.length];
    keep("runwisp:log-time", time);
    this.#setTime(time);
  }

  #setTime(time) {
    this.#paper.time = TIMES.includes(time) ? time : "clock";
    this.#scroller.dataset.time = this.#paper.time;
    setAttr(this.#time, "aria-label", TIME_LABELS[this.#paper.time]);
    setAttr(this.#time, "title", TIME_LABELS[this.#paper.time]);
    setAttr(this.#time, "aria-pressed", String(this.#paper.time !== "off"));
    this.#view.repaint();
  }

  async #copyLines() {
    const { first, total, partials } = this.#log;
    const [from, to] = this.#paper.picked ?? [Math.max(first, total - MOST_COPIED + 1), total];
    const last = Math.min(to, from + MOST_COPIED - 1);
    try {
      const lines = await this.#log.lines(from, last);
      const tails = this.#paper.picked === null ? partials : [];
      const text = [...lines, ...tails].map((line) => plain(line.text)).join("\n");
      const isPart = last < to || (this.#paper.picked === null && from > first);
      await copyText(text, isPart ? `${counted(lines.length, "line")} copied: download the log for all` : copied(lines));
    } catch (problem) {
      toast(problem.detail ?? String(problem), "danger");
    }
  }

  #clicked(event) {
    const more = event.target.closest(".log-more");
    if (more) {
      this.#paper.whole.add(more.closest(".log-row").rwNumber);
      this.#view.repaint();
      return;
    }
    const number = event.target.closest(".log-n[href]");
    if (!number || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const n = number.parentNode.rwNumber;
    const start = event.shiftKey && this.#paper.picked ? this.#paper.picked[0] : n;
    getSelection().removeAllRanges();
    this.goTo(start, n);
    const [from, to] = this.#paper.picked;
    this.onPick(from, to);
    const href = this.hrefOf(this.#run, from) + (to > from ? `-${to}` : "");
    copyText(location.origin + href, to > from ? "Link to the lines copied" : "Link to the line copied");
  }

  /** Rows come and go under a selection, so following ends where one begins. */
  #keepSelection() {
    const selection = getSelection();
    if (selection.isCollapsed || !this.#view.isFollowing || !this.#scroller.contains(selection.anchorNode)) return;
    this.#view.isFollowing = false;
  }

  /** Without a selection of the browser what is copied are the lines that are picked. */
  #copyEvent(event) {
    if (!getSelection().isCollapsed || this.#paper.picked === null) return;
    event.preventDefault();
    this.#copyLines();
  }

  #move(insert) {
    this.#isMoving = true;
    insert();
    this.#isMoving = false;
  }

  #maximisedChanged(focused) {
    const isMaximised = this.isMaximised;
    setIcon(this.#size.firstChild, isMaximised ? "minimise" : "maximise");
    const label = isMaximised ? "Leave full window (f)" : "Maximise (f)";
    setAttr(this.#size, "aria-label", label);
    setAttr(this.#size, "title", label);
    focused.focus({ preventScroll: true });
    this.#view.restore();
  }

  // -- keys ------------------------------------------------------------------------------------------------------

  #anywhere(event) {
    if (event.defaultPrevented || event.key !== "f" || hasModifier(event) || isField(event.target)) return;
    const layer = document.querySelector("dialog[open]");
    if (layer !== null && layer !== this.#maximised) return;
    event.preventDefault();
    this.toggleMaximised();
  }

  #key(event) {
    const isFind = (event.ctrlKey || event.metaKey) && event.key === "f" && !event.shiftKey && !event.altKey;
    const isSlash = event.key === "/" && !hasModifier(event) && !isField(event.target);
    if (!isFind && !isSlash) return;
    event.preventDefault();
    event.stopPropagation();
    this.#finder.focus();
  }

  #keyInLog(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return this.#chordInLog(event);
    const actions = {
      n: () => this.#finder.step(1),
      N: () => this.#finder.step(-1),
      Home: () => this.#view.show(this.#log.first),
      End: () => (this.#view.isFollowing = true),
      Escape: () => this.#unpick(),
    };
    const action = actions[event.key];
    if (!action || (event.key === "Escape" && this.#paper.picked === null)) return;
    if ((event.key === "n" || event.key === "N") && !this.#finder.isActive) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  #chordInLog(event) {
    if (event.key !== "a" || event.altKey || this.#log.total === 0) return;
    event.preventDefault();
    this.#paper.picked = [this.#log.first, this.#log.total];
    this.#view.repaint();
  }

  #unpick() {
    this.#paper.picked = null;
    this.#view.repaint();
    this.onPick(null, null);
  }

  #keyInGoto(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.#goTo(this.#goto.value);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#goto.value = "";
      setAttr(this.#goto, "aria-invalid", null);
      this.#scroller.focus();
    }
  }
}

function copied(lines) {
  return `${counted(lines.length, "line")} copied`;
}

function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

function isField(node) {
  return node.closest?.("input, textarea, select, [contenteditable]") !== null;
}

function recall(key, fallback) {
  try {
    return localStorage.getItem(key) ?? fallback;
  } catch {
    return fallback;
  }
}

function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It then lasts as long as the page.
  }
}

/** Only pages with a console fetch its styles, and nothing of them is shown without. */
function stylesheet() {
  const link = el("link", { rel: "stylesheet", href: new URL("../console.css", import.meta.url).pathname });
  document.head.append(link);
  return new Promise((resolve) => (link.onload = link.onerror = resolve));
}

customElements.define("rw-console", LogConsole);
