/**
 * The frame of all pages: <rw-app>, the router, header and sidebar, login, shortcuts.
 *
 * Pages use: navigate, hrefOf, setPage. A page is `export class XPage extends HTMLElement` with a setter `route` that
 * is given {path, params, query} (query: URLSearchParams) when it is opened and whenever the address changes within
 * it; the node stays the same while the page does.
 */

import { ApiProblem, api, login, logout, onUnauthenticated } from "./api.js";
import { clear, el, icon, on, reconcile, setAttr, setIcon, setText } from "./dom.js";
import * as format from "./format.js";
import { UNIT_STATES, store, unitState } from "./store.js";
import {
  badge, button, dialog, dot, emptyState, errorState, iconButton, popover, setDot, setReason, skeletonRows, ticking,
  toast, toastProblem,
} from "./widgets.js";

/** @typedef {{path: string, params: Record<string, string>, query: URLSearchParams}} Route */

const ROUTES = [
  { pattern: /^\/$/, names: [], load: () => import("./overview.js"), page: "OverviewPage" },
  { pattern: /^\/runs(?:\/([^/]+))?$/, names: ["id"], load: () => import("./runs.js"), page: "RunsPage" },
  {
    pattern: /^\/tasks\/([^/]+)(?:\/([^/]+))?$/, names: ["name", "id"], load: () => import("./unit.js"), page: "UnitPage",
  },
  { pattern: /^\/notifications$/, names: [], load: () => import("./notifications.js"), page: "NotificationsPage" },
];

/** Addresses of pages. */
export const hrefOf = {
  overview: () => "/",
  runs: () => "/runs",
  unit: (name) => `/tasks/${encodeURIComponent(name)}`,
  /** @param {{id: string, task_name: string}} run */
  run: (run, line = null) => `${hrefOf.unit(run.task_name)}/${run.id}${line === null ? "" : `?line=${line}`}`,
  /** The run selected in the list of all runs. */
  runInAll: (id) => `/runs/${id}`,
  notifications: () => "/notifications",
};

/**
 * Go to an address of the dashboard.
 * @param {string} href
 * @param {{replace?: boolean}} [options] `replace`: without an entry in the browser's history
 */
export function navigate(href, { replace = false } = {}) {
  if (href === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", href);
  app.route();
}

/**
 * Tell the frame what is shown. To be called by a page from its `route`, and again when something of it changes.
 *
 * @param {object} page
 * @param {string} page.title of the tab, and the `h1`
 * @param {Array<{label: string, href?: string}>} [page.trail] what stands before the title
 * @param {Node|null} [page.chip] stands after the title, such as the schedule
 * @param {{placeholder: string, value?: string, onInput: (text: string) => void, onEnter?: () => void}|null}
 *   [page.search] the search field of the header; null hides it
 * @param {Action[]} [page.actions] for the palette and as shortcuts
 */
export function setPage(page) {
  app.showPage(page);
}

/**
 * What can be done on a page. `key` is one character that calls it from anywhere on the page.
 * @typedef {{id: string, label: string, icon?: string, key?: string, reason?: string|null, run: () => void}} Action
 */

class App extends HTMLElement {
  #main;
  #page = null;
  #pageClass = null;
  #shown = {};
  #login = null;
  #banner = el("div", { class: "banner-host" });

  connectedCallback() {
    app = this;
    this.classList.add("app");
    this.#main = el("main", { class: "main", id: "main", tabIndex: -1 });
    this.sidebar = new Sidebar();
    this.header = new Header(this);
    this.append(this.sidebar, el("div", { class: "content" }, this.header, this.#banner, this.#main));
    on(document, "click", (event) => this.#follow(event));
    on(window, "popstate", () => this.route());
    onUnauthenticated(() => this.showLogin());
    this.#boot();
  }

  async #boot() {
    store.subscribe("daemon", () => this.header.update());
    const status = await window.runwispAuth;
    if (status && !status.authenticated) this.showLogin();
    else await this.#begin();
  }

  async #begin() {
    store.start();
    await store.load().catch(() => {});
    this.route();
  }

  #follow(event) {
    const link = event.target.closest?.("a[href^='/']");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  }

  async route() {
    const path = location.pathname;
    for (const { pattern, names, load, page } of ROUTES) {
      const match = pattern.exec(path);
      if (match === null) continue;
      const params = {};
      names.forEach((name, i) => match[i + 1] !== undefined && (params[name] = decodeURIComponent(match[i + 1])));
      const module = await load();
      if (location.pathname !== path) return;
      this.#open(module[page], { path, params, query: new URLSearchParams(location.search) });
      return;
    }
    this.#page = this.#pageClass = null;
    setPage({ title: "Not found" });
    clear(this.#main, emptyState("There is nothing at this address.", path));
  }

  #open(pageClass, route) {
    if (this.#pageClass !== pageClass) {
      this.#pageClass = pageClass;
      this.#page = new pageClass();
      clear(this.#main, this.#page);
    }
    this.#page.route = route;
    this.sidebar.mark(location.pathname);
  }

  showPage(page) {
    this.#shown = page;
    document.title = `${page.title} · RunWisp`;
    this.header.show(page);
  }

  showLogin() {
    if (this.#login) return;
    const field = el("input", { type: "password", class: "input", id: "password", autocomplete: "current-password" });
    const error = el("p", { class: "field-error", role: "alert" });
    const submit = el("button", { class: "btn", type: "submit", dataset: { tone: "primary" }, text: "Log in" });
    const form = el(
      "form", { class: "login-form" }, 
      el("input", { type: "text", hidden: true, autocomplete: "username", value: "runwisp" }),
      el("label", { for: "password", text: "Password" }), field, error, submit,
    );
    on(form, "submit", async (event) => {
      event.preventDefault();
      try {
        await login(field.value);
        this.#login.close();
        this.#login = null;
        await this.#begin();
      } catch (problem) {
        setText(error, problem.code === "rejected" ? "Wrong password." : problem.detail);
        field.select();
      }
    });
    this.#login = dialog({ title: "RunWisp", body: form, class: "dialog-login", strict: true });
    field.focus();
  }
}

class Header extends HTMLElement {
  #title = el("h1", { class: "page-title" });
  #chip = el("span", { class: "page-chip" });

  connectedCallback() {
    if (this.childElementCount) return;
    this.classList.add("header");
    this.append(this.#title, this.#chip);
  }

  show({ title, chip = null }) {
    setText(this.#title, title);
    clear(this.#chip, chip);
  }

  update() {}
}

class Sidebar extends HTMLElement {
  #list = el("div", { class: "side-units" });

  connectedCallback() {
    if (this.childElementCount) return;
    this.classList.add("sidebar");
    this.append(
      el("a", { class: "brand", href: "/" }, icon("mark", "mark"), el("span", { text: "RunWisp" })),
      el("a", { class: "side-link", href: "/" }, icon("overview"), "Overview"),
      el("a", { class: "side-link", href: "/runs" }, icon("runs"), "All runs"),
      this.#list,
    );
    clear(this.#list, skeletonRows(4));
    store.subscribe("units", () => this.#draw());
  }

  mark(path) {
    for (const link of this.querySelectorAll("a")) {
      setAttr(link, "aria-current", link.pathname === path ? "page" : null);
    }
  }

  #draw() {
    if (!store.units) return;
    if (!this.#list.rwKeyed) this.#list.replaceChildren();
    reconcile(
      this.#list, store.units.values(), (unit) => unit.name,
      (unit) => el("a", { class: "side-link", href: hrefOf.unit(unit.name) }, dot("neutral"), el("span", { text: unit.name })),
      (node, unit) => setDot(node.firstChild, UNIT_STATES[unitState(unit)].tone, UNIT_STATES[unitState(unit)].label),
    );
  }
}

customElements.define("rw-header", Header);
customElements.define("rw-sidebar", Sidebar);

/** The only instance. */
let app;
customElements.define("rw-app", App);

