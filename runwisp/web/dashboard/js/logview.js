/**
 * A view of rows without end: millions of them, of one height or, when they are wrapped, of any.
 *
 * The scroll bar's range is limited by what browsers can lay out, so that beyond some hundred thousand rows a pixel of
 * it stands for many rows. Small movements move the rows by as many pixels all the same, for the place is kept as
 * a row and an offset into it (the anchor), not as a position of the scroll bar; that one is set right when
 * the movement has ended, together with the rows, so that nothing is seen of it.
 */

import { el, on } from "./dom.js";

/** The height of a row that is not wrapped. */
export const LINE = 20;

/** Browsers lay out some ten to thirty million pixels. */
const MOST_PX = 8_000_000;
const OVERSCAN = 50;
/** While everything in view changes with each frame there is no use in preparing more. */
const HASTY_OVERSCAN = 4;
const HASTY_MS = 120;
/** And nobody can read what is there for a frame only. */
const HASTY_PAUSE_MS = 60;
const IDLE_MS = 150;
/** Rows from the end within which a view still follows it. */
const NEAR_END = 2;
const MOST_SPARE = 400;

export class LogView {
  #scroller;
  #space = el("div", { class: "log-space" });
  #block = el("div", { class: "log-rows" });
  #options;
  #first = 1;
  #last = 0;
  /** The row at the upper edge, and by how many pixels it is cut. */
  #anchor = { n: 1, px: 0 };
  #from = 1;
  #nodes = [];
  #spare = [];
  #epoch = 0;
  #average = LINE;
  #height = 0;
  #scrollTop = 0;
  #isFollowing = true;
  #isWrapped = false;
  #isHeld = false;
  #isHidden = false;
  #jumpedAt = 0;
  #frame = 0;
  #idle = 0;

  /**
   * @param {object} options
   * @param {HTMLElement} options.scroller
   * @param {(n: number) => any} options.row what a row shows; a row is painted again when that is another object
   * @param {(node: HTMLElement, data: any, n: number) => void} options.paint
   * @param {() => void} options.onMove the range in view or whether it follows the end may have changed
   */
  constructor(options) {
    this.#options = options;
    this.#scroller = options.scroller;
    this.#space.append(this.#block);
    this.#scroller.append(this.#space);
    on(this.#scroller, "scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
  }

  /** Whether the last row stays in view as rows are added. */
  get isFollowing() {
    return this.#isFollowing;
  }

  set isFollowing(value) {
    this.#takeMovement();
    this.#isHeld = false;
    this.#isFollowing = value;
    this.refresh();
    this.#options.onMove();
  }

  get isWrapped() {
    return this.#isWrapped;
  }

  set isWrapped(value) {
    this.#isWrapped = value;
    this.#average = LINE;
    this.#scroller.classList.toggle("is-wrapped", value);
    this.repaint();
  }

  /** The first and the last row in view, none of them cut. @returns {[number, number]} */
  get visible() {
    const { n, px } = this.#anchor;
    const rows = Math.floor((this.#scroller.clientHeight + px) / this.#average);
    return [Math.min(n + (px > LINE / 2 ? 1 : 0), this.#last), Math.min(this.#last, n + Math.max(0, rows - 1))];
  }

  /** The node that shows a row, if there is one. */
  node(n) {
    return this.#nodes[n - this.#from];
  }

  /** Set which rows there are, by their numbers; in the next frame they are seen. */
  setRange(first, last) {
    this.#first = first;
    this.#last = last;
    this.refresh();
  }

  /** Show in the next frame what has changed; when nothing stays as it was from one frame to the next, in a later one. */
  refresh() {
    this.#frame ||= requestAnimationFrame((now) => {
      this.#frame = 0;
      if (this.#isFollowing && now - this.#jumpedAt < HASTY_PAUSE_MS) this.refresh();
      else this.#draw();
    });
  }

  /** Paint all rows again, for something besides their data has changed. */
  repaint() {
    this.#epoch += 1;
    this.refresh();
  }

  /**
   * Bring a row into view, at a third of the height, and stay there.
   * @param {number} n
   * @param {{isNear?: boolean}} [options] `isNear`: do nothing if it is in view already
   */
  show(n, { isNear = false } = {}) {
    this.#takeMovement();
    const [from, to] = this.visible;
    this.isFollowing = false;
    if (isNear && n >= from && n <= to) return;
    const above = Math.floor(this.#scroller.clientHeight / 3 / this.#average);
    this.#anchor = { n: this.#within(n - above), px: 0 };
    this.#jumpedAt = performance.now();
    this.#draw(true);
  }

  /** Forget everything, for another log. */
  reset() {
    this.#first = 1;
    this.#last = 0;
    this.#anchor = { n: 1, px: 0 };
    this.#average = LINE;
    this.#isFollowing = true;
    this.#isHeld = false;
    this.repaint();
  }

  /** Set the place again, which a browser forgets when the scroller was hidden or moved within the document. */
  restore() {
    this.#scroller.scrollTop = this.#scrollTop;
    this.#scrollTop = this.#scroller.scrollTop;
    this.#draw(true);
  }

  #resized() {
    const isHidden = this.#scroller.clientHeight === 0;
    if (this.#isHidden && !isHidden) this.restore();
    else this.#draw();
    this.#isHidden = isHidden;
  }

  // -- place -----------------------------------------------------------------------------------------------------

  get #count() {
    return this.#last - this.#first + 1;
  }

  /** Whether a position of the scroll bar and a place in the rows are the same thing. */
  get #isExact() {
    return !this.#isWrapped && this.#count * LINE <= MOST_PX;
  }

  #within(n) {
    return Math.max(this.#first, Math.min(n, this.#last));
  }

  #scrolled() {
    if (Math.abs(this.#scroller.scrollTop - this.#scrollTop) >= 0.5) this.#draw();
  }

  /** Take the place to where the scroll bar has been moved. Drawing may come before the event that tells of it. */
  #takeMovement() {
    const { scrollTop, clientHeight } = this.#scroller;
    const moved = scrollTop - this.#scrollTop;
    if (Math.abs(moved) < 0.5) return;
    this.#settleSoon();
    this.#scrollTop = scrollTop;
    const isJump = Math.abs(moved) > 1.5 * clientHeight;
    if (isJump) this.#jumpedAt = performance.now();
    if (this.#isExact) this.#anchor = { n: this.#first + Math.floor(scrollTop / LINE), px: scrollTop % LINE };
    else if (isJump) this.#anchor = this.#placeAt(scrollTop);
    else this.#anchor = this.#movedBy(moved);
    const isNearEnd = this.#distanceToEnd() <= NEAR_END * LINE;
    if (this.#isFollowing && moved < 0) {
      // A slow movement away from the end must not be undone by the next line that comes.
      if (isNearEnd) this.#isHeld = true;
      else this.#isFollowing = false;
    } else if (moved > 0 && isNearEnd) this.#isFollowing = true;
  }

  /** When the movement has ended, prepare what is near the view and set the scroll bar right. */
  #settleSoon() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#isHeld = false;
      this.#draw(true);
    }, IDLE_MS);
  }

  /** The place that a position of the scroll bar stands for. */
  #placeAt(scrollTop) {
    const range = Math.max(1, this.#height - this.#scroller.clientHeight);
    const rows = Math.max(0, this.#count - this.#scroller.clientHeight / this.#average);
    const place = Math.min(1, scrollTop / range) * rows;
    return { n: this.#first + Math.floor(place), px: (place % 1) * this.#average };
  }

  #movedBy(pixels) {
    let { n, px } = this.#anchor;
    px += pixels;
    while (px < 0 && n > this.#first) {
      n -= 1;
      px += this.#heightOf(n);
    }
    while (n < this.#last && px >= this.#heightOf(n)) {
      px -= this.#heightOf(n);
      n += 1;
    }
    return { n, px: Math.max(0, px) };
  }

  #heightOf(n) {
    if (!this.#isWrapped) return LINE;
    return this.node(n)?.offsetHeight ?? this.#average;
  }

  #distanceToEnd() {
    const { clientHeight } = this.#scroller;
    if (this.#isExact) return this.#height - clientHeight - this.#scrollTop;
    let { n, px } = this.#anchor;
    let distance = -px - clientHeight;
    for (; n <= this.#last && distance <= NEAR_END * LINE; n += 1) distance += this.#heightOf(n);
    return distance;
  }

  // -- drawing ---------------------------------------------------------------------------------------------------

  /** @param {boolean} [isSettling] set the scroll bar to where it should be, for nobody is moving it */
  #draw(isSettling = false) {
    const { clientHeight } = this.#scroller;
    if (clientHeight === 0) return;
    this.#takeMovement();
    const isAtEnd = this.#isFollowing && !this.#isHeld;
    if (!isAtEnd && this.#anchor.n < this.#first) this.#anchor = { n: this.#first, px: 0 };
    this.#fill(clientHeight, isAtEnd);
    const blockHeight = this.#measure();
    // Behind the last row there is nothing to be seen.
    const isBeyond = this.#from + this.#nodes.length > this.#last && blockHeight - this.#anchorY < clientHeight;
    if (isAtEnd || isBeyond) this.#anchorAtEnd(clientHeight, blockHeight);
    const y = this.#anchorY;
    this.#place(y, blockHeight, clientHeight, isSettling || isAtEnd);
    this.#options.onMove();
  }

  /** Let there be nodes for the rows in and near the view, and paint those that need it. */
  #fill(clientHeight, isAtEnd) {
    const rows = Math.ceil(clientHeight / LINE) + 1;
    const top = isAtEnd ? this.#last - rows : this.#anchor.n;
    if (this.#nodes.length > 0 && (top >= this.#from + this.#nodes.length || top + rows < this.#from))
      this.#jumpedAt = performance.now();
    const isHasty = performance.now() - this.#jumpedAt < HASTY_MS;
    const overscan = isHasty ? HASTY_OVERSCAN : OVERSCAN;
    const from = Math.max(this.#first, top - overscan);
    const to = Math.min(this.#last, top + rows + overscan);
    this.#setNodes(from, to);
    this.#nodes.forEach((node, i) => this.#paint(node, from + i));
    if (isHasty) this.#settleSoon();
  }

  #setNodes(from, to) {
    const end = this.#from + this.#nodes.length;
    if (from >= end || to < this.#from) {
      // Nothing stays: the nodes are all painted anew.
      this.#from = from;
    } else {
      while (this.#from < from) this.#drop(this.#nodes.shift(), 1);
      while (this.#from > from) this.#nodes.unshift(this.#take((node) => this.#block.prepend(node), -1));
    }
    const count = Math.max(0, to - from + 1);
    while (this.#nodes.length > count) this.#drop(this.#nodes.pop(), 0);
    while (this.#nodes.length < count) this.#nodes.push(this.#take((node) => this.#block.append(node), 0));
  }

  #take(insert, step) {
    const node = this.#spare.pop() ?? el("div", { class: "log-row" });
    insert(node);
    this.#from += step;
    return node;
  }

  #drop(node, step) {
    node.remove();
    this.#from += step;
    if (this.#spare.length < MOST_SPARE) this.#spare.push(node);
  }

  #paint(node, n) {
    const data = this.#options.row(n);
    if (node.rwRow === data && node.rwNumber === n && node.rwEpoch === this.#epoch) return;
    node.rwRow = data;
    node.rwNumber = n;
    node.rwEpoch = this.#epoch;
    this.#options.paint(node, data, n);
  }

  #measure() {
    if (!this.#isWrapped) return this.#nodes.length * LINE;
    const height = this.#block.offsetHeight;
    // Rows whose data is not here yet tell nothing of the others.
    if (this.#nodes.some((node) => node.rwRow === undefined)) return height;
    const average = height / Math.max(1, this.#nodes.length);
    // The scroll bar shall not breathe with each row.
    if (Math.abs(average - this.#average) > 0.3 * this.#average) this.#average = Math.max(LINE, average);
    return height;
  }

  /** How many pixels of the block of nodes are above the upper edge. */
  get #anchorY() {
    const { n, px } = this.#anchor;
    return (this.#isWrapped ? (this.node(n)?.offsetTop ?? 0) : (n - this.#from) * LINE) + px;
  }

  #anchorAtEnd(clientHeight, blockHeight) {
    const y = Math.max(0, blockHeight - clientHeight);
    if (!this.#isWrapped) {
      this.#anchor = { n: this.#from + Math.floor(y / LINE), px: y % LINE };
      return;
    }
    const i = this.#nodes.findIndex((node) => node.offsetTop + node.offsetHeight > y);
    this.#anchor = { n: this.#from + Math.max(0, i), px: i < 0 ? 0 : y - this.#nodes[i].offsetTop };
  }

  /** Put the block and the scroll bar where they belong: `y` pixels of the block are above the upper edge. */
  #place(y, blockHeight, clientHeight, isSettling) {
    const above = (this.#from - this.#first) * this.#average;
    const below = (this.#last - this.#from - this.#nodes.length + 1) * this.#average;
    const full = above + blockHeight + below;
    const height = Math.max(Math.min(full, MOST_PX), 0);
    if (height !== this.#height) this.#space.style.setProperty("height", `${(this.#height = height)}px`);
    const ideal = this.#ideal({ above, below, full, y, blockHeight, clientHeight });
    const isAtEdge = above === 0 || below === 0;
    const { scrollTop } = this.#scroller;
    const isFree =
      isSettling || isAtEdge || this.#isExact || scrollTop < clientHeight * 2 || scrollTop > height - 3 * clientHeight;
    const wanted = isFree ? Math.max(0, Math.min(ideal, height - clientHeight)) : scrollTop;
    if (Math.abs(wanted - scrollTop) >= 1) this.#scroller.scrollTop = wanted;
    this.#scrollTop = this.#scroller.scrollTop;
    this.#block.style.setProperty("transform", `translateY(${this.#scrollTop - y}px)`);
  }

  /** Where the scroll bar should be: in proportion, but at the ends as many pixels from them as there are. */
  #ideal({ above, below, full, y, blockHeight, clientHeight }) {
    if (full <= MOST_PX) return above + y;
    if (above === 0) return y;
    if (below === 0) return MOST_PX - (blockHeight - y);
    const margin = 4 * clientHeight;
    const part = (above + y) / (full - clientHeight);
    return Math.max(margin, Math.min(part * (MOST_PX - clientHeight), MOST_PX - clientHeight - margin));
  }
}
