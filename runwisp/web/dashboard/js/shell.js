/**
 * The frame of all pages: <rw-app> with header, sidebar and banner, the router, and the keyboard.
 *
 * Pages use: navigate, hrefOf, setPage, importModule. A page is `export class XPage extends HTMLElement` with a setter
 * `route` that is given {path, params, query} (query: URLSearchParams) when it is opened and whenever the address
 * changes within it; the node stays the same while the page does. It may have `disconnectedCallback` to end what it
 * has begun. Its heading is in the header: pages start at h2.
 */

import { api, onUnauthenticated } from "./api.js";
import { clear, el, icon, on, reconcile, setAttr, setIcon, setText } from "./dom.js";
import { absolute, clock, elapsed } from "./format.js";
import { UNIT_STATES, store, unitState } from "./store.js";
import { button, dot, emptyState, iconButton, popover, setDot, skeletonRows, ticking, toast } from "./widgets.js";

/** @typedef {{path: string, params: Record<string, string>, query: URLSearchParams}} Route */

/**
 * What can be done on a page. `key` is one character that calls it from anywhere on the page.
 * @typedef {{id: string, label: string, icon?: string, key?: string, reason?: string|null, run: () => void}} Action
 */

/** @typedef {{placeholder: string, value?: string, onInput: (text: string) => void, onEnter?: () => void}} Search */

/**
 * @typedef {object} Page
 * @property {string} title of the tab, and the `h1`
 * @property {Array<{label: string, href: string}>} [trail] what stands before the title
 * @property {Node|null} [chip] stands after the title, such as the schedule
 * @property {Search|null} [search] the search field of the header; without it there is none
 * @property {Action[]} [actions] for the palette, and as shortcuts
 * @property {Record<string, () => void>} [keys] further shortcuts, such as j and k
 */

const ROUTES = [
  { pattern: /^\/$/, names: [], file: "overview.js", page: "OverviewPage" },
  { pattern: /^\/runs(?:\/([^/]+))?$/, names: ["id"], file: "runs.js", page: "RunsPage" },
  { pattern: /^\/tasks\/([^/]+)(?:\/([^/]+))?$/, names: ["name", "id"], file: "unit.js", page: "UnitPage" },
  { pattern: /^\/notifications$/, names: [], file: "notifications.js", page: "NotificationsPage" },
];

/** Addresses of pages. */
export const hrefOf = {
  overview: () => "/",
  runs: () => "/runs",
  notifications: () => "/notifications",
  unit: (name) => `/tasks/${encodeURIComponent(name)}`,
  /** @param {{id: string, task_name: string}} run @param {number|null} [line] */
  run: (run, line = null) => `${hrefOf.unit(run.task_name)}/${run.id}${line === null ? "" : `?line=${line}`}`,
  /** A run selected in the list of all runs. */
  runInAll: (id) => `/runs/${id}`,
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
 * Tell the frame what is shown. A page calls it from its `route`, and again when something of that changes.
 * @param {Page} page
 */
export function setPage(page) {
  app.showPage(page);
}

/** Say something to those who listen to the page rather than look at it. */
function announce(text) {
  setText(app.voice, text);
}

/**
 * Import a module of the dashboard. After an update of the daemon its files are gone and the page is loaded anew.
 * @param {string} file
 */
export async function importModule(file) {
  try {
    return await import(`./${file}`);
  } catch (error) {
    const isUp = (await api.get("/api/auth/status").catch(() => null)) !== null;
    if (!isUp || justReloaded()) throw error;
    location.reload();
    return new Promise(() => {});
  }
}

function justReloaded() {
  const last = Number(sessionStorage.getItem("runwisp:reloaded"));
  sessionStorage.setItem("runwisp:reloaded", String(Date.now()));
  return Date.now() - last < 30_000;
}

/** The width below which the sidebar is a drawer. */
const narrow = matchMedia("(max-width: 1023px)");

class App extends HTMLElement {
  voice = el("p", { class: "sr-only", role: "status", "aria-live": "polite" });
  #main = el("main", { class: "main", id: "main", tabIndex: -1 });
  #banner = el("div", { class: "banners" });
  #sidebar;
  #header;
  #page = null;
  #pageClass = null;
  #shown = { title: "RunWisp" };
  #isLoginOpen = false;
  #dismissed = new Set();
  #version = null;

  connectedCallback() {
    app = this;
    this.classList.add("app");
    this.#sidebar = new Sidebar();
    this.#header = new Header();
    const content = el("div", { class: "content" }, this.#header, this.#banner, this.#main);
    const veil = el("div", { class: "side-veil", on: { click: () => this.toggleSidebar(false) } });
    const skip = el("a", { class: "skip", href: "#main", text: "Skip to content" });
    on(skip, "click", (event) => {
      event.preventDefault();
      this.#main.focus();
    });
    this.append(skip, this.#sidebar, veil, content, this.voice);
    this.classList.toggle("side-hidden", narrow.matches || isSidebarHidden());
    on(narrow, "change", () => this.classList.toggle("side-hidden", narrow.matches || isSidebarHidden()));
    on(document, "click", (event) => this.#follow(event));
    on(document, "keydown", (event) => this.#keyPressed(event));
    on(window, "popstate", () => this.route());
    onUnauthenticated(() => this.showLogin());
    store.subscribe("daemon", () => this.#drawBanners());
    store.subscribe("live", () => this.#liveChanged());
    store.subscribe("units", () => this.#drawTitle());
    this.#boot();
  }

  get page() {
    return this.#shown;
  }

  async #boot() {
    const status = await window.runwispAuth;
    const note = leaveLaunchLink();
    if (status && !status.authenticated) this.showLogin(note);
    else await this.#begin();
  }

  async #begin() {
    await store.start().catch(() => {});
    if (store.units !== null) this.#ready();
    else if (!this.#isLoginOpen) this.#showUnreachable();
  }

  #ready() {
    this.#pageClass = null;
    this.route();
    // What is asked for first is what the page shows.
    setTimeout(() => store.loadUnread().catch(() => {}), 700);
  }

  #showUnreachable() {
    const { problem } = store;
    const retry = button("Try again", () => store.retry(), { icon: "restart", tone: "primary" });
    this.#pageClass = this.#page = null;
    setPage({ title: "Not connected" });
    const hint = `${location.origin} · ${problem?.detail ?? "no answer"} It is tried again by itself.`;
    clear(this.#main, emptyState("The daemon cannot be reached", hint, retry));
    const end = store.subscribe("units", () => {
      if (store.units === null) return;
      end();
      this.#ready();
    });
  }

  // -- routes ----------------------------------------------------------------------------------------------------

  async route() {
    if (store.units === null) return;
    const path = location.pathname;
    const found = ROUTES.map((route) => [route, route.pattern.exec(path)]).find(([, match]) => match !== null);
    const params = found && paramsOf(...found);
    if (!params) return this.#showNothing(path);
    const [{ file, page }] = found;
    try {
      const module = await importModule(file);
      // Meanwhile somebody may have gone elsewhere.
      if (location.pathname === path) this.#open(module[page], params);
    } catch (error) {
      this.#showBroken(error);
    }
  }

  #open(pageClass, params) {
    const isNew = this.#pageClass !== pageClass;
    if (isNew) {
      this.#pageClass = pageClass;
      this.#page = new pageClass();
      this.#main.scrollTop = 0;
      clear(this.#main, this.#page);
    }
    this.#page.route = { path: location.pathname, params, query: new URLSearchParams(location.search) };
    this.#sidebar.mark(params.name ?? null, params.id ?? null);
    if (narrow.matches) this.toggleSidebar(false);
    if (!isNew) return;
    announce(this.#shown.title);
    if (document.activeElement === document.body) this.#main.focus({ preventScroll: true });
  }

  #showNothing(path) {
    this.#pageClass = this.#page = null;
    setPage({ title: "Not found" });
    const link = el("a", { class: "btn", href: hrefOf.overview(), text: "Go to the overview" });
    clear(this.#main, emptyState("There is nothing at this address.", el("code", { text: path }), link));
  }

  #showBroken(error) {
    this.#pageClass = this.#page = null;
    const retry = button("Load it again", () => location.reload(), { icon: "restart" });
    clear(this.#main, emptyState("This page could not be loaded.", String(error?.message ?? error), retry));
    // The daemon may have gone while the page was asked for; one that failed while all is well is not tried again.
    let isOffline = !store.isOnline;
    const end = store.subscribe("live", () => {
      if (!store.isOnline) isOffline = true;
      else if (isOffline) {
        end();
        if (this.#page === null) this.route();
      }
    });
  }

  /** Let links within the dashboard change the page and not load it. */
  #follow(event) {
    const link = event.target.closest?.("a[href^='/']");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
    if (narrow.matches) this.toggleSidebar(false);
  }

  // -- frame -----------------------------------------------------------------------------------------------------

  showPage(page) {
    this.#shown = page;
    this.#header.show(page);
    this.#drawTitle();
  }

  #drawTitle() {
    const count = store.attentionCount();
    const title = `${count > 0 ? `(${count}) ` : ""}${this.#shown.title} · RunWisp`;
    if (document.title !== title) document.title = title;
    drawFavicon(!store.isOnline ? "offline" : count > 0 ? "attention" : "calm");
  }

  #liveChanged() {
    this.dataset.live = store.live.state;
    this.#drawBanners();
    this.#drawTitle();
    this.#sidebar.drawConnection();
    if (store.live.state === "locked") this.showLogin();
  }

  #drawBanners() {
    const { daemon, live } = store;
    this.#version ??= daemon?.version ?? null;
    this.#header.drawAuth();
    const banners = [];
    if (live.state === "offline" && store.units !== null) banners.push("offline");
    if (daemon?.config_stale && !this.#dismissed.has("stale")) banners.push("stale");
    if (daemon && !daemon.config_stale) this.#dismissed.delete("stale");
    if (daemon && daemon.version !== this.#version) banners.push("update");
    reconcile(this.#banner, banners, (name) => name, (name) => this.#makeBanner(name));
  }

  #makeBanner(name) {
    if (name === "offline") {
      const since = ticking(() => `What you see is as of ${absolute(store.live.since + clock.skew)}.`);
      const retry = button("Try again", () => store.retry(), { icon: "restart" });
      return banner("warning", "offline", "The daemon does not answer.", since, retry);
    }
    if (name === "update") {
      const reload = button("Load the new one", () => location.reload(), { icon: "restart" });
      return banner("primary", "info", "RunWisp has been updated; this page is of the version before.", null, reload);
    }
    const reload = button("Reload", async () => (await importModule("actions.js")).reload(), { icon: "restart" });
    const dismiss = iconButton("cross", "Dismiss", () => {
      this.#dismissed.add("stale");
      this.#drawBanners();
    });
    const title = "The configuration on disk has changed.";
    return banner("primary", "file", title, "It is not in effect yet.", reload, dismiss);
  }

  /** Show or hide the sidebar; where there is room for it the choice is remembered. */
  toggleSidebar(isShown = this.classList.contains("side-hidden")) {
    this.classList.toggle("side-hidden", !isShown);
    this.#header.drawSidebarButton();
    if (!narrow.matches) localStorage.setItem("runwisp:sidebar-hidden", isShown ? "false" : "true");
    else if (isShown) this.#sidebar.focusFirst();
    else if (this.#sidebar.contains(document.activeElement)) this.#header.focusSidebarButton();
  }

  get isDrawerOpen() {
    return narrow.matches && !this.classList.contains("side-hidden");
  }

  async showLogin(note = null) {
    if (this.#isLoginOpen) return;
    this.#isLoginOpen = true;
    const { askPassword } = await import("./login.js");
    await askPassword(note);
    this.#isLoginOpen = false;
    if (store.units === null) await this.#begin();
    else {
      await store.start().catch(() => {});
      this.#ready();
    }
  }

  // -- keyboard --------------------------------------------------------------------------------------------------

  #chord = 0;

  #keyPressed(event) {
    if (event.key === "Escape" && this.isDrawerOpen && !event.defaultPrevented) return this.toggleSidebar(false);
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.altKey && !event.shiftKey) {
      return this.#commandPressed(event);
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (document.querySelector("dialog[open]")) return;
    const run = this.#shortcut(event.key);
    this.#chord = event.key === "g" && !run ? Date.now() : 0;
    if (!run) return;
    event.preventDefault();
    run();
  }

  #shortcut(key) {
    if (Date.now() - this.#chord < 1500) {
      const href = { o: hrefOf.overview(), r: hrefOf.runs(), n: hrefOf.notifications() }[key];
      if (href) return () => navigate(href);
    }
    const action = this.#shown.actions?.find((one) => one.key === key);
    if (action) return () => (action.reason ? toast(action.reason, "warning") : action.run());
    const fixed = {
      "?": async () => (await importModule("palette.js")).openShortcuts(),
      t: () => this.#header.nextTheme(),
      b: () => this.toggleSidebar(),
    };
    return this.#shown.keys?.[key] ?? fixed[key];
  }

  /** Ctrl+K: the search of the page, and at the second time (or where there is none) the palette. */
  #commandPressed(event) {
    event.preventDefault();
    const isModal = document.querySelector("dialog[open]") !== null;
    if (isModal) return;
    if (!this.#header.isSearching && isTyping(event)) return;
    if (this.#header.isSearching || !this.#header.focusSearch()) this.openPalette();
  }

  async openPalette() {
    (await importModule("palette.js")).openPalette(this.#shown);
  }
}

/**
 * The daemon answers a launch link that has been used with this page: go where it would have led.
 * @returns {string|null} what to tell of it
 */
function leaveLaunchLink() {
  if (location.pathname !== "/api/auth/launch-ticket") return null;
  const wanted = new URLSearchParams(location.search).get("redirect") ?? "/";
  const target = new URL(/^\/(?![/\\])/.test(wanted) ? wanted : "/", location.origin);
  history.replaceState(null, "", target.origin === location.origin ? target.pathname : "/");
  return "This link has been used already, or has expired.";
}

function paramsOf({ names }, match) {
  try {
    const pairs = names.map((name, i) => [name, match[i + 1]]).filter(([, value]) => value !== undefined);
    return Object.fromEntries(pairs.map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    // A broken escape names nothing.
    return null;
  }
}

function isTyping({ target }) {
  return target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") ?? false;
}

function isSidebarHidden() {
  return localStorage.getItem("runwisp:sidebar-hidden") === "true";
}

function banner(tone, iconName, title, text, ...controls) {
  return el(
    "div", { class: "banner", role: tone === "warning" ? "alert" : "status", dataset: { tone } },
    icon(iconName), el("p", { class: "grow" }, el("strong", { text: title }), " ", text), controls,
  );
}

let favicon = "";

/** The mark in the tab: with a red dot while something needs attention, grey while there is no connection. */
function drawFavicon(state) {
  if (favicon === state) return;
  favicon = state;
  const flame = { calm: "#7b70f5", attention: "#7b70f5", offline: "#8a9593" }[state];
  const mark = state === "attention" ? '<circle cx="24.5" cy="24.5" r="7" fill="#e33b55"/>' : "";
  const path = `<path fill="${flame}" d="${FLAME}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${path}${mark}</svg>`;
  document.querySelector("link[rel=icon]").href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

const FLAME =
  "M17 1.5c2 6-8 9.5-8 18 0 5.5 4.2 9.8 9.4 9.8s9.2-4.1 9.2-9.2c0-4.5-2.7-6.7-3.4-11-2 1.3-3.1 3-3.5 5-1.5-3.5-.7-9-3.7-12.6z";

// -- header --------------------------------------------------------------------------------------------------------

const NO_AUTH = "RUNWISP_NO_AUTH is set: everybody who reaches this port may do everything";

class Header extends HTMLElement {
  #title = el("h1", { class: "page-title truncate" });
  #trail = el("nav", { class: "trail", "aria-label": "Breadcrumb" });
  #chip = el("span", { class: "page-chip" });
  #search = null;
  #searchHost = el("div", { class: "search-host" });
  #menuButton = iconButton("panel", "Show or hide the sidebar", () => app.toggleSidebar(), { class: "side-toggle" });
  #themeButton = iconButton("auto", "Theme", () => this.nextTheme());
  #bell = iconButton("bell", "Notifications", () => this.#openBell(), { class: "bell" });
  #badge = el("span", { class: "bell-count", hidden: true, "aria-hidden": "true" });
  #auth = el(
    "span", { class: "badge", dataset: { tone: "warning" }, hidden: true, title: NO_AUTH },
    icon("unlock"), el("span", { class: "auth-text", text: "Auth disabled" }),
  );
  #unread = 0;

  connectedCallback() {
    if (this.childElementCount) return;
    this.classList.add("header");
    setAttr(this, "role", "banner");
    const more = iconButton("more", "Menu", () => this.#openMenu(more), { class: "header-menu" });
    const searchIcon = iconButton("search", "Search", () => this.focusSearch(), { class: "search-toggle" });
    this.#bell.append(this.#badge);
    this.append(
      this.#menuButton,
      el("div", { class: "heading" }, this.#trail, this.#title, this.#chip),
      this.#searchHost, searchIcon, this.#auth,
      iconButton("command", "Commands (Ctrl+K)", () => app.openPalette(), { class: "palette-button" }),
      this.#themeButton, this.#bell, more,
    );
    this.#drawTheme();
    this.drawSidebarButton();
    store.subscribe("notifications", () => this.#drawBell());
  }

  /** @param {Page} page */
  show({ title, trail = [], chip = null, search = null }) {
    setText(this.#title, title);
    setAttr(this.#title, "title", title);
    const slash = () => el("span", { class: "slash", text: "/", "aria-hidden": "true" });
    clear(this.#trail, trail.map(({ label, href }) => [el("a", { href, text: label }), slash()]));
    this.#trail.hidden = trail.length === 0;
    if (this.#chip.firstChild !== chip) clear(this.#chip, chip);
    this.classList.toggle("has-search", search !== null);
    if (search === null) this.#dropSearch();
    else this.#showSearch(search);
  }

  #dropSearch() {
    this.#search = null;
    this.#searchHost.replaceChildren();
  }

  #showSearch({ placeholder, value = "", onInput, onEnter = () => {} }) {
    if (this.#search === null) {
      this.#search = el("input", { class: "search", type: "search", autocomplete: "off", spellcheck: "false" });
      on(this.#search, "keydown", (event) => this.#searchKey(event));
      on(this.#search, "input", () => this.#search.rwInput(this.#search.value));
      on(this.#search, "blur", () => this.classList.toggle("is-searching", this.#search?.value !== ""));
      const key = el("kbd", { class: "search-key", text: isMac() ? "⌘K" : "Ctrl K" });
      clear(this.#searchHost, icon("search", "search-icon"), this.#search, key);
      this.#search.value = value;
    }
    this.#search.rwInput = onInput;
    this.#search.rwEnter = onEnter;
    setAttr(this.#search, "placeholder", placeholder);
    setAttr(this.#search, "aria-label", placeholder);
    if (document.activeElement !== this.#search && this.#search.value !== value) this.#search.value = value;
  }

  #searchKey(event) {
    if (event.key === "Enter") this.#search.rwEnter();
    if (event.key !== "Escape") return;
    event.preventDefault();
    if (this.#search.value === "") this.#search.blur();
    else {
      this.#search.value = "";
      this.#search.rwInput("");
    }
  }

  get isSearching() {
    return this.#search !== null && document.activeElement === this.#search;
  }

  /** @returns {boolean} false if the page has no search */
  focusSearch() {
    if (this.#search === null) return false;
    this.classList.add("is-searching");
    this.#search.focus();
    this.#search.select();
    return true;
  }

  drawAuth() {
    this.#auth.hidden = store.daemon?.auth_required !== false;
  }

  drawSidebarButton() {
    setAttr(this.#menuButton, "aria-expanded", String(!app.classList.contains("side-hidden")));
    setAttr(this.#menuButton, "aria-controls", "sidebar");
  }

  focusSidebarButton() {
    this.#menuButton.focus();
  }

  nextTheme() {
    const themes = ["auto", "light", "dark"];
    const next = themes[(themes.indexOf(window.runwispTheme.get()) + 1) % themes.length];
    window.runwispTheme.set(next);
    this.#drawTheme();
    announce(`Theme: ${next}`);
  }

  #drawTheme() {
    const theme = window.runwispTheme.get();
    setIcon(this.#themeButton.firstChild, { auto: "auto", light: "sun", dark: "moon" }[theme]);
    const label = `Theme: ${theme}`;
    setAttr(this.#themeButton, "aria-label", label);
    setAttr(this.#themeButton, "title", `${label} (t)`);
  }

  #drawBell() {
    const count = store.unreadCount;
    this.#badge.hidden = count === 0;
    setText(this.#badge, count > 99 ? "99+" : String(count));
    setAttr(this.#bell, "aria-label", count === 0 ? "Notifications" : `Notifications, ${count} unread`);
    if (count > this.#unread) {
      this.#bell.classList.remove("is-new");
      void this.#bell.offsetWidth;
      this.#bell.classList.add("is-new");
    }
    this.#unread = count;
  }

  async #openBell() {
    (await importModule("notifications.js")).openBell(this.#bell);
  }

  #openMenu(anchor) {
    const entry = (iconName, label, run, hint = null) => {
      const node = el(
        "button", { class: "menu-item", type: "button" },
        icon(iconName), el("span", { class: "grow", text: label }), hint && el("kbd", { text: hint }),
      );
      on(node, "click", () => {
        layer.close();
        run();
      });
      return node;
    };
    const open = (file, name) => async () => (await importModule(file))[name](app.page);
    const layer = popover(anchor, {
      label: "Menu", class: "menu",
      content: [
        entry("command", "Commands", () => app.openPalette(), isMac() ? "⌘K" : "Ctrl K"),
        entry("keyboard", "Keyboard shortcuts", open("palette.js", "openShortcuts"), "?"),
        entry("info", "About this daemon", open("palette.js", "openAbout")),
        store.daemon?.auth_required !== false && entry("logout", "Log out", open("login.js", "logOut")),
      ],
    });
  }
}

export function isMac() {
  return /Mac|iP(hone|ad)/.test(navigator.platform);
}

// -- sidebar -------------------------------------------------------------------------------------------------------

const KIND_ICONS = { cron: "clock", manual: "play", service: "repeat" };
const CONNECTION = {
  connecting: ["neutral", "Connecting…"], connected: ["success", "Connected"], offline: ["danger", "Offline"],
  paused: ["warning", "Updates paused"], locked: ["neutral", "Logged out"],
};

class Sidebar extends HTMLElement {
  #list = el("ul", { class: "side-units" });
  #none = el("p", { class: "side-none", hidden: true });
  #filter = el("input", {
    class: "side-filter", type: "search", placeholder: "Filter", "aria-label": "Filter tasks and services",
    autocomplete: "off", spellcheck: "false",
  });
  #connectionText = ticking(() => "", null, "grow truncate");
  #connection = el("button", { class: "connection", type: "button" }, dot("neutral"), this.#connectionText);
  #identity = el("button", { class: "identity truncate", type: "button", hidden: true });
  #nodes = new Map();
  #current = { name: null, id: null };

  connectedCallback() {
    if (this.childElementCount) return;
    this.classList.add("sidebar");
    this.id = "sidebar";
    const close = iconButton("cross", "Close the sidebar", () => app.toggleSidebar(false), { class: "side-close" });
    this.append(
      el("div", { class: "side-head" },
        el("a", { class: "brand", href: "/" }, icon("mark", "mark"), el("span", { text: "RunWisp" })), close),
      el("nav", { class: "side-pages", "aria-label": "Pages" },
        pageLink("overview", "Overview", hrefOf.overview()), pageLink("runs", "All Runs", hrefOf.runs()),
        pageLink("bell", "Notifications", hrefOf.notifications())),
      el("nav", { class: "side-nav", "aria-label": "Tasks and services" },
        el("div", { class: "side-filter-host" }, icon("search"), this.#filter), this.#none, this.#list),
      el("div", { class: "side-foot" }, this.#connection, this.#identity),
    );
    clear(this.#list, el("li", {}, skeletonRows(4, "side-skeleton")));
    on(this.#filter, "input", () => this.#drawAll());
    on(this.#filter, "keydown", (event) => this.#filterKey(event));
    on(this.#connection, "click", () => store.retry());
    on(this.#identity, "click", async () => (await importModule("palette.js")).openAbout());
    store.subscribe("units", (names) => this.#unitsChanged(names));
    store.subscribe("daemon", () => this.#drawIdentity());
    this.drawConnection();
  }

  focusFirst() {
    this.querySelector(".side-pages a").focus();
  }

  /** Mark what is shown: the unit and the run. */
  mark(name, id) {
    const before = this.#current.name;
    this.#current = { name, id };
    for (const link of this.querySelectorAll(".side-pages a")) {
      const isHere = link.pathname === "/" ? location.pathname === "/" : location.pathname.startsWith(link.pathname);
      setAttr(link, "aria-current", isHere ? "page" : null);
    }
    for (const one of new Set([before, name])) this.#drawUnit(one);
    if (name !== before) this.#nodes.get(name)?.scrollIntoView({ block: "nearest" });
  }

  drawConnection() {
    const { state, since } = store.live;
    const [tone, label] = CONNECTION[state];
    setDot(this.#connection.firstChild, tone);
    const passed = () => elapsed((Date.now() - since) / 1000);
    this.#connectionText.tell(() => (state === "offline" ? `${label} for ${passed()}` : label));
    setAttr(this.#connection, "title", state === "connected" ? "Live updates arrive" : "Try to connect now");
    if (state !== "connecting") announce(label);
  }

  #drawIdentity() {
    const { daemon } = store;
    this.#identity.hidden = daemon === null;
    if (daemon === null) return;
    setText(this.#identity, `${daemon.fingerprint} · ${daemon.version}`);
    setAttr(this.#identity, "title", "About this daemon");
  }

  #unitsChanged(names) {
    if (store.units === null) return;
    if (names.has("*")) this.#drawAll();
    else for (const name of names) this.#drawUnit(name);
  }

  #drawAll() {
    if (store.units === null) return;
    if (!this.#list.rwKeyed) this.#list.replaceChildren();
    const wanted = this.#filter.value.trim().toLowerCase();
    const units = [...store.units.values()].filter((unit) => unit.name.toLowerCase().includes(wanted));
    const hasGroups = wanted === "" && units.some((unit) => unit.group !== null);
    const items = inGroups(units).flatMap(([group, members]) => [
      ...(hasGroups ? [{ key: `g:${group}`, group }] : []),
      ...members.map((unit) => ({ key: `u:${unit.name}`, unit })),
    ]);
    this.#none.hidden = units.length > 0;
    setText(this.#none, store.units.size === 0 ? "Nothing is configured yet." : "No name contains this.");
    this.#nodes.clear();
    reconcile(
      this.#list, items, (item) => item.key,
      (item) => (item.unit ? unitNode(item.unit) : groupNode(item.group)),
      (node, { unit }) => {
        if (!unit) return;
        this.#nodes.set(unit.name, node);
        this.#update(node, unit);
      },
    );
  }

  #drawUnit(name) {
    const [node, unit] = [this.#nodes.get(name), store.units?.get(name)];
    if (node && unit) this.#update(node, unit);
  }

  #update(node, unit) {
    const [link, replicas] = node.children;
    const [kind, , count, mark] = link.children;
    const state = unitState(unit);
    const isHere = this.#current.name === unit.name;
    setIcon(kind, KIND_ICONS[unit.kind === "service" ? "service" : unit.cron === null ? "manual" : "cron"]);
    setText(count, countText(unit));
    setDot(mark, toneOf(unit, state), UNIT_STATES[state].label);
    mark.dataset.state = state;
    setAttr(link, "aria-current", isHere ? "page" : null);
    setAttr(link, "title", unit.instances > 1 ? `replica 0 of ${unit.instances}` : unit.description);
    const slots = isHere && unit.instances > 1 ? unit.service.replicas : [];
    reconcile(
      replicas, slots, (slot) => String(slot.replica_index), replicaNode,
      (one, slot) => updateReplica(one, unit, slot, this.#current.id),
    );
  }

  #filterKey(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      this.#filter.value = "";
      this.#drawAll();
      this.#filter.blur();
    }
    if (event.key === "Enter") this.#list.querySelector("a")?.click();
    if (event.key === "ArrowDown") {
      event.preventDefault();
      this.#list.querySelector("a")?.focus();
    }
  }
}

function pageLink(iconName, label, href) {
  return el("a", { class: "side-link", href }, icon(iconName), el("span", { class: "grow", text: label }));
}

function groupNode(group) {
  return el("li", { class: "side-group label", text: group ?? "Ungrouped" });
}

function unitNode(unit) {
  const link = el(
    "a", { class: "side-link", href: hrefOf.unit(unit.name) },
    icon("play"), el("bdi", { class: "grow truncate", text: unit.name }), el("span", { class: "side-count num" }),
    dot("neutral"),
  );
  return el("li", { class: "side-unit" }, link, el("ul", { class: "side-replicas" }));
}

function replicaNode() {
  const name = el("bdi", { class: "grow truncate" });
  return el("li", {}, el("a", { class: "side-link side-replica" }, name, dot("neutral")));
}

const REPLICA_TONES = { running: "running", restarting: "warning", stopped: "neutral", fatal: "danger" };

function updateReplica(node, unit, slot, currentId) {
  const link = node.firstChild;
  const index = slot.replica_index;
  setText(link.firstChild, index === 0 ? unit.name : `${unit.name}#${index}`);
  setAttr(link, "title", `replica ${index} of ${unit.instances}: ${slot.state}`);
  const run = { task_name: unit.name, id: slot.run_id };
  setAttr(link, "href", slot.run_id === null ? hrefOf.unit(unit.name) : hrefOf.run(run));
  setAttr(link, "aria-current", slot.run_id !== null && slot.run_id === currentId ? "true" : null);
  setDot(link.lastChild, REPLICA_TONES[slot.state] ?? "neutral", slot.state);
}

/** What is worth a figure: replicas, or runs beyond the first. */
function countText(unit) {
  if (unit.kind === "service") {
    if (unit.service.state === "degraded" && unit.instances > 1) return `${unit.service.running}/${unit.instances}`;
    return unit.instances > 1 ? `×${unit.instances}` : "";
  }
  const count = unit.active_runs + unit.queued_runs;
  return count > 1 ? String(count) : "";
}

function toneOf(unit, state) {
  return state === "running" && unit.service?.state === "degraded" ? "warning" : UNIT_STATES[state].tone;
}

/**
 * Units in their groups: groups by name without case, the ungrouped last, members by name.
 * @returns {Array<[string|null, object[]]>}
 */
function inGroups(units) {
  const groups = new Map();
  for (const unit of units) groups.set(unit.group, [...(groups.get(unit.group) ?? []), unit]);
  const order = (name) => (name === null ? "\uffff" : name.toLowerCase());
  const sorted = [...groups].sort(([a], [b]) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0));
  for (const [, members] of sorted) members.sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted;
}

customElements.define("rw-header", Header);
customElements.define("rw-sidebar", Sidebar);

/** The only instance. */
let app;
customElements.define("rw-app", App);
