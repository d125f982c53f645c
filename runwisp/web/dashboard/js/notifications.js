/** The bell's panel and the page of all notifications. */

import { api } from "./api.js";
import { clear, el, on, reconcile, setAttr, setText } from "./dom.js";
import { absolute, clock, counted, rhythm, rhythmBlocks, shortId } from "./format.js";
import { hrefOf, setPage } from "./shell.js";
import { store } from "./store.js";
import {
  button, dot, emptyState, errorState, iconButton, popover, setDot, skeletonRows, ticking, toastProblem,
} from "./widgets.js";

const IN_PANEL = 10;
const TONES = { error: "danger", warn: "warning", info: "running" };
const SEVERITIES = { error: "Error", warn: "Warning", info: "Information" };

// -- one notification ----------------------------------------------------------------------------------------------

/** Where a notification leads: to the run of its newest occurrence, else to its unit. */
function hrefOfNotification({ task_name, run_id }) {
  if (task_name === null) return null;
  return run_id === null ? hrefOf.unit(task_name) : hrefOf.run({ task_name, id: run_id });
}

function makeRow(hasBody, onOpen) {
  const title = el("a", { class: "note-title" });
  const toggle = () => store.setRead(row.rwItem, row.rwItem.read_at === null).catch(toastProblem);
  const row = el(
    "li", { class: "note", dataset: { testid: "notification-item" } },
    dot("neutral"),
    el("div", { class: "note-main" },
      el("p", { class: "note-head" }, title, el("span", { class: "note-count num" })),
      hasBody && el("bdi", { class: "note-body" }),
      el("p", { class: "note-facts" },
        ticking(() => ""), el("span", { class: "note-spark", role: "img" }),
        el("bdi", { class: "note-task mono truncate" }))),
    iconButton("check", "Mark as read", toggle, { class: "note-mark" }),
  );
  on(title, "click", () => {
    if (row.rwItem.read_at === null) store.setRead(row.rwItem, true).catch(toastProblem);
    onOpen();
  });
  return row;
}

function updateRow(row, item) {
  row.rwItem = item;
  const isUnread = item.read_at === null;
  row.classList.toggle("is-unread", isUnread);
  setDot(row.firstChild, TONES[item.severity] ?? "running", SEVERITIES[item.severity] ?? item.severity);
  const title = row.querySelector(".note-title");
  setText(title, item.title);
  const href = hrefOfNotification(item);
  setAttr(title, "href", href);
  setAttr(title, "aria-description", isUnread ? "unread" : null);
  setText(row.querySelector(".note-count"), item.count > 1 ? `×${item.count}` : "");
  const body = row.querySelector(".note-body");
  if (body) setText(body, item.body.replace(` · run ${item.run_id}`, ""));
  row.querySelector("rw-tick").tell((now) => rhythm(item, now), () => absolute(item.last_occurred_at));
  const run = item.run_id === null ? "" : ` ${shortId(item.run_id)}`;
  setText(row.querySelector(".note-task"), `${item.task_name ?? ""}${run}`);
  setAttr(row.querySelector(".note-task"), "title", item.run_id);
  const spark = row.querySelector(".note-spark");
  const blocks = item.count > 1 ? rhythmBlocks(item.occurrence_ring, clock.now()) : null;
  setText(spark, blocks ?? "");
  spark.hidden = blocks === null;
  setAttr(spark, "aria-label", `${item.count} times; the last hour`);
  const mark = row.querySelector(".note-mark");
  const label = isUnread ? "Mark as read" : "Mark as unread";
  setAttr(mark, "aria-label", label);
  setAttr(mark, "title", label);
}

// -- the panel -----------------------------------------------------------------------------------------------------

/** Open or close the panel at the bell. */
export function openBell(bell) {
  const list = el("ul", { class: "notes" });
  const state = el("div", {});
  const readAll = button("Mark all read", () => store.readAll().catch(toastProblem), { class: "btn-small" });
  const more = el("span", { class: "muted num" });
  const content = [
    el("div", { class: "bell-head" }, el("h2", { text: "Notifications" }), readAll),
    state, list,
    el("div", { class: "bell-foot" }, el("a", { href: hrefOf.notifications(), text: "View all" }), more),
  ];
  const draw = () => {
    const items = store.notifications;
    readAll.hidden = store.unreadCount === 0;
    if (items === null) return;
    clear(state, items.length === 0 && emptyState("Nothing has been reported yet."));
    reconcile(list, items.slice(0, IN_PANEL), (item) => item.id, () => makeRow(false, () => layer.close()), updateRow);
    const beyond = store.unreadCount - items.slice(0, IN_PANEL).filter((item) => item.read_at === null).length;
    setText(more, beyond > 0 ? `+${beyond} more` : "");
    layer?.place();
  };
  const end = store.subscribe("notifications", draw);
  const layer = popover(bell, { label: "Notifications", class: "bell-panel", content, onClose: end });
  if (layer === null) return end();
  on(layer.node, "click", ({ target }) => target.closest("a") && layer.close());
  const load = () => {
    clear(state, store.notifications === null && skeletonRows(4));
    store.loadNotifications().catch((problem) => clear(state, errorState(problem, load)));
  };
  draw();
  if (store.notifications === null) load();
}

// -- the page ------------------------------------------------------------------------------------------------------

export class NotificationsPage extends HTMLElement {
  #list = el("ul", { class: "notes panel" });
  #state = el("div", {});
  #summary = el("p", { class: "muted" });
  #readAll = button("Mark all read", () => store.readAll().catch(toastProblem), { icon: "check" });
  #more = button("Load more", () => this.#loadMore());
  #cursor = null;
  #total = 0;
  #end = () => {};

  connectedCallback() {
    this.classList.add("notifications-page");
    this.append(
      el("div", { class: "page-bar" }, this.#summary, this.#readAll), this.#state, this.#list,
      el("div", { class: "page-end" }, this.#more),
    );
    this.#end = store.subscribe("notifications", () => this.#draw());
  }

  disconnectedCallback() {
    this.#end();
  }

  set route(route) {
    setPage({ title: "Notifications" });
    this.#load();
  }

  async #load() {
    if (store.notifications === null) clear(this.#state, skeletonRows(6));
    try {
      const page = await store.loadNotifications();
      this.#cursor = page.next_cursor;
      this.#total = page.total;
      this.#draw();
    } catch (problem) {
      clear(this.#state, errorState(problem, () => this.#load()));
    }
  }

  async #loadMore() {
    try {
      const page = await api.get("/api/notifications", { query: { cursor: this.#cursor, limit: 50 } });
      this.#cursor = page.next_cursor;
      store.addNotifications(page.items);
    } catch (problem) {
      toastProblem(problem);
    }
  }

  #draw() {
    const items = store.notifications;
    if (items === null) return;
    clear(this.#state, items.length === 0 && emptyState(
      "Nothing has been reported yet.", "Failures and what else the routes of the configuration name appear here."));
    this.#list.hidden = items.length === 0;
    reconcile(this.#list, items, (item) => item.id, () => makeRow(true, () => {}), updateRow);
    this.#more.hidden = this.#cursor === null;
    this.#readAll.hidden = store.unreadCount === 0;
    const count = counted(Math.max(this.#total, items.length), "notification");
    setText(this.#summary, `${count}, ${store.unreadCount} unread`);
  }
}

customElements.define("rw-notifications", NotificationsPage);
