/**
 * Elements without markup: what comes from the daemon only ever becomes text.
 *
 * el, svgEl, icon, setText, setAttr, clear, on, reconcile, VirtualList.
 */

/**
 * Make an element.
 *
 * `props`: `class`, `text`, `dataset` {}, `style` {} (custom properties too), `on` {click: fn}; names with a dash,
 * `role`, `for`, `title`, `href`, `type` and the like are attributes; true is an empty attribute, false, null and
 * undefined leave it out; any other name (`value`, `checked`, `disabled`, `hidden`) is a property.
 * Children: nodes, text, arrays of them; false, null and undefined are left out.
 *
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...any} children
 * @returns {HTMLElement}
 */
export function el(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** As `el`, for SVG. @returns {SVGElement} */
export function svgEl(tag, props, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) setProp(node, name, value);
  append(node, children);
  return node;
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "indeterminate", "tabIndex", "scrollTop"]);

function setProp(node, name, value) {
  if (value === undefined || value === null) return;
  if (name === "class") node.setAttribute("class", value);
  else if (name === "text") node.textContent = value;
  else if (name === "dataset") Object.assign(node.dataset, value);
  else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
  else if (name === "on") for (const [type, fn] of Object.entries(value)) node.addEventListener(type, fn);
  else if (PROPERTIES.has(name)) node[name] = value;
  else setAttr(node, name, value);
}

function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child);
  }
}

/**
 * An icon of the sprite (icons.svg, which the index page contains), hidden from screen readers: what it means has to
 * stand beside it or in a label.
 * @param {string} name without "i-"
 * @param {string} [className]
 */
export function icon(name, className = "") {
  const use = svgEl("use", { href: `#i-${name}` });
  return svgEl("svg", { class: `icon ${className}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, use);
}

/** Change which icon an element made by `icon` shows. */
export function setIcon(node, name) {
  setAttr(node.firstChild, "href", `#i-${name}`);
}

/** Set the text of a node unless it is that already. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute unless it is that already; true is an empty one, false, null and undefined take it away. */
export function setAttr(node, name, value) {
  const isData = name.startsWith("aria-") || name.startsWith("data-");
  if (value === null || value === undefined || (value === false && !isData)) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
    return;
  }
  const text = value === true && !isData ? "" : String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** Take all children out of a node, and put others in. */
export function clear(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/**
 * Listen.
 * @returns {() => void} ends it
 */
export function on(target, type, fn, options) {
  target.addEventListener(type, fn, options);
  return () => target.removeEventListener(type, fn, options);
}

/**
 * Make the children of `parent` show `items` in their order, moving and changing as little as possible.
 *
 * Children belong to this function alone. Focus and scroll position survive, for nodes are kept by key.
 *
 * @template T
 * @param {Element} parent
 * @param {Iterable<T>} items
 * @param {(item: T) => string} key unique within the list
 * @param {(item: T) => Element} make a new node; `update` is called for it as well
 * @param {(node: any, item: T) => void} [update]
 */
export function reconcile(parent, items, key, make, update = () => {}) {
  const known = (parent.rwKeyed ??= new Map());
  const wanted = new Map();
  for (const item of items) wanted.set(key(item), item);
  for (const [name, node] of known) {
    if (wanted.has(name)) continue;
    node.remove();
    known.delete(name);
  }
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  let next = parent.firstChild;
  for (const [name, item] of wanted) {
    let node = known.get(name);
    if (node === undefined) known.set(name, (node = make(item)));
    update(node, item);
    // One that has gone down is cheaper to move than all that came up.
    if (next !== null && node === next.nextSibling) parent.append(next);
    else if (node !== next) parent.insertBefore(node, next);
    next = node.nextSibling;
  }
  // Nodes that are moved lose the focus.
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

/**
 * A list of any length of which only the rows near the viewport exist. All rows have one height.
 *
 * The scroller's size may change; `refresh` after the items have.
 */
export class VirtualList {
  #scroller;
  #canvas;
  #options;
  #count = 0;
  #rows = new Map();
  #frame = 0;
  #observer;
  #endScroll;

  /**
   * @param {object} options
   * @param {HTMLElement} options.scroller the element that scrolls
   * @param {HTMLElement} [options.host] what the rows are put into, within the scroller; itself if left out
   * @param {number} options.rowHeight in pixels
   * @param {number} [options.overscan] rows beyond each edge, 8 if left out
   * @param {(index: number) => string} options.key of the row at an index
   * @param {(index: number) => HTMLElement} options.make
   * @param {(node: HTMLElement, index: number) => void} options.update called for each row on each refresh
   * @param {(first: number, last: number) => void} [options.onRange] told which rows are shown
   */
  constructor(options) {
    this.#options = { overscan: 8, ...options };
    this.#scroller = options.scroller;
    this.#canvas = el("div", { class: "virtual", role: "presentation" });
    (options.host ?? this.#scroller).append(this.#canvas);
    this.#endScroll = on(this.#scroller, "scroll", () => this.#soon(), { passive: true });
    this.#observer = new ResizeObserver(() => this.#soon());
    this.#observer.observe(this.#scroller);
  }

  /** The element that the rows are in, for a role. */
  get canvas() {
    return this.#canvas;
  }

  get rowHeight() {
    return this.#options.rowHeight;
  }

  set rowHeight(height) {
    this.#options.rowHeight = height;
    this.refresh(this.#count);
  }

  /** Show `count` rows, and change those that are there. */
  refresh(count) {
    this.#count = count;
    this.#canvas.style.setProperty("height", `${count * this.#options.rowHeight}px`);
    this.#draw(true);
  }

  /** Scroll as little as needed to show a row in full. */
  reveal(index) {
    const { rowHeight } = this.#options;
    const top = this.#top() + index * rowHeight;
    const { scrollTop, clientHeight } = this.#scroller;
    if (top < scrollTop) this.#scroller.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) this.#scroller.scrollTop = top + rowHeight - clientHeight;
    this.#draw(false);
  }

  /** The node that shows a row, if it is near enough to the viewport to exist. */
  node(index) {
    return index < this.#count ? this.#rows.get(this.#options.key(index)) : undefined;
  }

  dispose() {
    this.#observer.disconnect();
    this.#endScroll();
    cancelAnimationFrame(this.#frame);
    this.#canvas.remove();
  }

  /** Where the first row is within what is scrolled. */
  #top() {
    const { scrollTop } = this.#scroller;
    return this.#canvas.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top + scrollTop;
  }

  #soon() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw(false);
    });
  }

  #draw(isUpdating) {
    const { rowHeight, overscan, onRange } = this.#options;
    const top = this.#scroller.scrollTop - this.#top();
    const first = Math.max(0, Math.floor(top / rowHeight) - overscan);
    const last = Math.min(this.#count, Math.ceil((top + this.#scroller.clientHeight) / rowHeight) + overscan);
    const wanted = new Map();
    for (let index = first; index < last; index += 1) wanted.set(this.#options.key(index), index);
    for (const [key, node] of this.#rows) {
      // A row with the focus stays while the list does, or the focus would be gone when it is scrolled to again.
      if (wanted.has(key) || (!isUpdating && node.contains(document.activeElement))) continue;
      node.remove();
      this.#rows.delete(key);
    }
    // In the order of the list, for those who read it and do not see it.
    let next = this.#canvas.firstChild;
    for (const [key, index] of wanted) {
      const node = this.#row(key, index, isUpdating);
      if (next?.contains(document.activeElement) && node !== next) next = next.nextSibling;
      if (node === next) next = next.nextSibling;
      else this.#canvas.insertBefore(node, next);
    }
    if (last > first) onRange?.(first, last - 1);
  }

  #row(key, index, isUpdating) {
    const { rowHeight, make, update } = this.#options;
    let node = this.#rows.get(key);
    const isNew = node === undefined;
    if (isNew) this.#rows.set(key, (node = make(index)));
    if (isNew || isUpdating) update(node, index);
    node.style.setProperty("transform", `translateY(${index * rowHeight}px)`);
    return node;
  }
}
