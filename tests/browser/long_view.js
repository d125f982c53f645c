/** A view of a log on the page of a test, with numbered rows of which every seventh is long. */

import { LogView } from "/js/logview.js";

const SETTLED_MS = 200;

/** @param {number} height of it, in pixels */
export async function openView(height) {
  await styles("/console.css");
  const frame = document.createElement("div");
  frame.style.cssText = `position: relative; width: 600px; height: ${height}px; font: 13px monospace`;
  const scroller = document.createElement("div");
  scroller.className = "log";
  frame.append(scroller);
  document.body.append(frame);
  const rows = new Map();
  const row = (n) => rows.get(n) ?? rows.set(n, { n }).get(n);
  const view = new LogView({ scroller, row, paint, onMove() {} });
  return new Bench(view, scroller, height);
}

function styles(href) {
  const link = document.createElement("link");
  Object.assign(link, { rel: "stylesheet", href });
  return new Promise((resolve) => {
    link.onload = resolve;
    document.head.append(link);
  });
}

function paint(node, { n }) {
  const text = document.createElement("span");
  text.className = "log-text";
  text.textContent = `${n} ${"word ".repeat(n % 7 ? 2 : 60 + (n % 11))}`;
  node.replaceChildren(text);
}

class Bench {
  constructor(view, scroller, height) {
    Object.assign(this, { view, scroller, height });
  }

  close() {
    this.scroller.parentNode.remove();
  }

  async begin(count, { isWrapped = false } = {}) {
    this.view.reset();
    this.view.isWrapped = isWrapped;
    this.view.setRange(1, count);
    this.count = count;
    await this.frames();
  }

  async show(n) {
    this.view.show(n);
    await this.settled();
  }

  async scrollTo(scrollTop) {
    this.scroller.scrollTop = scrollTop;
    await this.settled();
  }

  async frames() {
    for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
  }

  /** When nothing has moved for a while, the view has put all in order. */
  async settled() {
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    await this.frames();
  }

  /** From the numbers of the rows that exist to how far each is below the upper edge. */
  tops() {
    const edge = this.scroller.getBoundingClientRect().top;
    const nodes = [...this.scroller.querySelectorAll(".log-row")];
    return new Map(nodes.map((node) => [Number(node.textContent.split(" ")[0]), node.getBoundingClientRect().top - edge]));
  }

  /** The first and the last row that can be seen. */
  shown() {
    const edge = this.scroller.getBoundingClientRect();
    const nodes = [...this.scroller.querySelectorAll(".log-row")].filter((node) => {
      const { top, bottom } = node.getBoundingClientRect();
      return bottom > edge.top && top < edge.bottom;
    });
    return [nodes[0], nodes.at(-1)].map((node) => Number(node.textContent.split(" ")[0]));
  }

  /** How far the view can still be moved up (negative) or down, as long as the end is near enough to exist. */
  room(pixels) {
    const nodes = [...this.scroller.querySelectorAll(".log-row")];
    const edge = this.scroller.getBoundingClientRect();
    const [first, last] = [nodes[0].getBoundingClientRect(), nodes.at(-1).getBoundingClientRect()];
    if (pixels < 0) return Math.max(pixels, Math.min(0, first.top - edge.top));
    return Math.min(pixels, Math.max(0, last.bottom - edge.bottom));
  }

  /** Move by some pixels; by how many the rows have moved otherwise. */
  async move(pixels) {
    const wanted = this.room(pixels);
    const before = this.tops();
    this.scroller.scrollTop += pixels;
    await this.frames();
    return this.#worst(before, wanted);
  }

  /** By how many pixels rows move while the view settles. */
  async rest() {
    const before = this.tops();
    await this.settled();
    return this.#worst(before, 0);
  }

  #worst(before, wanted) {
    const after = this.tops();
    const moved = [...before].filter(([n]) => after.has(n)).map(([n, top]) => Math.abs(top - after.get(n) - wanted));
    // Within two lines from the end it goes there.
    return Math.max(0, ...moved) - (this.view.isFollowing ? 40 : 0);
  }
}
