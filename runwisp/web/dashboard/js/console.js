/**
 * <rw-console>: the output of a run, with all that one does with it: following, finding, going to a line or a time,
 * linking to a line, copying, downloading, and the whole window for it.
 */

import { plain } from "./ansi.js";
import { Foot, FullWindow, GoTo, Ruler } from "./consoleparts.js";
import { clear, el, icon, on, setAttr, setIcon, setText } from "./dom.js";
import { counted, ms } from "./format.js";
import { RunLog } from "./log.js";
import { Finder } from "./logfind.js";
import { paintRow } from "./logpaint.js";
import { LogView } from "./logview.js";
import { hrefOf } from "./shell.js";
import { store } from "./store.js";
import { button, copyText, emptyState, errorState, iconButton, skeletonRows, toast } from "./widgets.js";

const FLASH_MS = 1500;
/** So many lines are copied at most: a clipboard is no file. */
const MOST_COPIED = 10_000;
/** Characters of a line that are shown at first, by whether it is wrapped. */
const MOST_SHOWN = { false: 4000, true: 1000 };
const TIMES = ["off", "clock", "since"];
const TIME_LABELS = { off: "Times: off", clock: "Times: time of day", since: "Times: since the start of the run" };
const isNarrow = () => matchMedia("(max-width: 767px)").matches;

export class LogConsole extends HTMLElement {
  /** Told the run at its end, as the stream of its output gives it. @type {(run: object) => void} */
  onRun = () => {};
  /** Address of a line in another run. @type {(run: {id: string, task_name: string}, n: number) => string} */
  hrefOf = hrefOf.run;
  /** Told the lines that somebody picks, nulls for none: the page's address should have them. @type {(first: number|null, last: number|null) => void} */
  onPick = () => {};

  #run = null;
  #log = null;
  #view = null;
  #finder = null;
  #paper = {
    time: "off",
    most: MOST_SHOWN.false,
    start: null,
    matcher: null,
    hit: null,
    picked: null,
    flash: null,
    whole: new Set(),
    hrefOf: (n) => hrefOf.run(this.#run, n),
  };
  #gap = { gone: 0 };
  #tails = [];
  #target = null;
  #hits = [];
  /** How many lines there were when the end was last in view; negative until that is known. */
  #seen = -1;
  #ends = [];
  #window = new FullWindow(this, (isOpen) => this.#windowChanged(isOpen));

  #scroller = el("div", { class: "log", tabIndex: 0, role: "region", dataset: { testid: "log" } });
  #overlay = el("div", { class: "log-state" });
  #ruler = new Ruler();
  #foot = new Foot(() => this.#toggleFollow());
  #down = button("", () => (this.#view.isFollowing = true), {
    icon: "arrow-down",
    class: "log-down",
    testid: "log-down",
  });
  #goto = new GoTo({
    where: () => ({ log: this.#log, start: this.#paper.start }),
    onLine: (line) => {
      this.goTo(line);
      this.onPick(line, line);
    },
    onLeave: () => this.#scroller.focus(),
  });
  #time = iconButton("clock", "", () => this.#nextTime());
  #wrap = iconButton("wrap", "Wrap lines", () => this.#setWrap(!this.#view.isWrapped));
  #copy = iconButton("copy", "Copy output", () => this.#copyLines());
  #download = el(
    "a",
    { class: "icon-btn", download: true, title: "Download", "aria-label": "Download output" },
    icon("download"),
  );
  #size = iconButton("maximise", "Maximise (f)", () => this.#window.toggle());

  connectedCallback() {
    if (this.#window.isMoving) return;
    if (this.#view === null) this.#build();
    this.#ends.push(
      on(document, "keydown", (event) => this.#anywhere(event)),
      on(document, "selectionchange", () => this.#keepSelection()),
      store.subscribe("live", () => store.isOnline && this.#log?.retry()),
    );
    const timer = setInterval(() => this.#showState(), 1000);
    this.#ends.push(() => clearInterval(timer));
    if (this.#run !== null && this.#log === null) this.#open(null);
  }

  disconnectedCallback() {
    if (this.#window.isMoving) return;
    for (const end of this.#ends.splice(0)) end();
    this.#log?.close();
    this.#log = null;
    this.#finder.dispose();
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
    this.#target = line;
    this.#reach();
    this.#view.repaint();
  }

  /** Show the line that is to be gone to, once it is known which there are. */
  #reach() {
    if (this.#target === null || this.#log === null || this.#log.state === "loading") return;
    const line = Math.max(this.#log.first, Math.min(this.#target, this.#log.total));
    this.#target = null;
    this.#view.show(line, { isNear: true });
  }

  /** Look for a text and mark it, and go to where it is; "" ends that. */
  find(text, isJumping) {
    this.#finder.find(text, isJumping);
  }

  /** Put the console back where it belongs. */
  leaveWindow() {
    this.#window.close();
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
        this.#moved();
      },
      onLeave: () => this.#scroller.focus(),
    });
    this.append(
      el(
        "div",
        { class: "console-bar" },
        this.#finder.bar,
        el(
          "div",
          { class: "console-tools" },
          this.#goto.node,
          this.#time,
          this.#wrap,
          this.#copy,
          this.#download,
          this.#size,
        ),
      ),
      this.#finder.results,
      el("div", { class: "log-frame" }, this.#scroller, this.#ruler.node, this.#overlay, this.#down),
      this.#foot.node,
    );
    on(this.#scroller, "click", (event) => this.#clicked(event));
    on(this.#scroller, "keydown", (event) => this.#keyInLog(event));
    on(this.#scroller, "copy", (event) => this.#copyEvent(event));
    on(this, "keydown", (event) => this.#key(event));
    this.#setWrap(recall("runwisp:log-wrap", isNarrow() ? "on" : "off") === "on", false);
    this.#setTime(recall("runwisp:log-time", isNarrow() ? "off" : "clock"));
  }

  #reset() {
    this.#log?.close();
    this.#log = null;
    Object.assign(this.#paper, { hit: null, picked: null, flash: null, whole: new Set() });
    this.#target = null;
    this.#seen = -1;
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
    const { first, total, partials, state } = this.#log;
    if (this.#seen < 0 && state !== "loading") this.#seen = total;
    const gone = first - 1;
    if (this.#gap.gone !== gone) this.#gap = { gone };
    if (this.#tails.source !== partials) {
      this.#tails = partials.map((one) => ({ ...one, tail: true }));
      this.#tails.source = partials;
    }
    this.#view.setRange(first - (gone > 0 ? 1 : 0), total + this.#tails.length);
    this.#reach();
  }

  /** The view has been drawn. */
  #moved() {
    if (this.#log === null) return;
    const [from, to] = this.#view.visible;
    this.#log.need(from, to);
    const { total, state } = this.#log;
    if (this.#view.isFollowing && state !== "loading") this.#seen = total;
    const isAway = to < total - 2 && total > 0;
    this.#down.hidden = !isAway;
    if (isAway)
      setText(this.#down.lastChild, total > this.#seen ? counted(total - this.#seen, "new line") : "To the end");
    this.#scroller.style.setProperty("--digits", Math.max(4, String(total).length));
    this.#ruler.show(this.#hits, this.#log, this.#scroller.clientHeight);
    this.#showState();
  }

  #showState() {
    if (this.#log === null || document.hidden) return;
    const { total, partials } = this.#log;
    const isPending = this.#log.state === "live" && this.#run.status === "pending";
    const state = isPending ? "waiting" : this.#log.state;
    this.#foot.show(state, this.#log, this.#view);
    const shown = total > 0 || partials.length > 0 ? "" : state;
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

  // -- doing -----------------------------------------------------------------------------------------------------

  #toggleFollow() {
    this.#view.isFollowing = !this.#view.isFollowing;
  }

  #setWrap(isWrapped, isKept = true) {
    this.#paper.most = MOST_SHOWN[isWrapped];
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
      await copyText(
        text,
        isPart ? `${counted(lines.length, "line")} copied: download the log for all` : copied(lines),
      );
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
    const href = hrefOf.run(this.#run, from) + (to > from ? `-${to}` : "");
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

  #windowChanged(isOpen) {
    const label = isOpen ? "Leave the full window (f)" : "Maximise (f)";
    setIcon(this.#size.firstChild, isOpen ? "minimise" : "maximise");
    setAttr(this.#size, "aria-label", label);
    setAttr(this.#size, "title", label);
    if (!this.isConnected) return;
    this.#scroller.focus({ preventScroll: true });
    this.#view.restore();
  }

  // -- keys ------------------------------------------------------------------------------------------------------

  #anywhere(event) {
    if (event.defaultPrevented || event.key !== "f" || hasModifier(event) || isField(event.target)) return;
    if (!this.#window.isTop) return;
    event.preventDefault();
    this.#window.toggle();
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
    if (!action || (event.key === "Escape" && (this.#paper.picked === null || this.#window.isOpen))) return;
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

customElements.define("rw-console", LogConsole);
