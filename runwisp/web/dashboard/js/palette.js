/** The command palette, the table of shortcuts and what there is to know of the daemon. */

import { reload, unitActions } from "./actions.js";
import { el, icon, on, reconcile, setAttr, setText } from "./dom.js";
import { absolute, ago, clock, counted, replicaName, shortId, statusLook, statusWord, zoneName } from "./format.js";
import { hrefOf, isMac, navigate } from "./shell.js";
import { UNIT_STATES, store, unitState } from "./store.js";
import { copyText, dialog, dot, ticking } from "./widgets.js";

/** As many entries as are of use on one screen. */
const MOST = 40;
const DEBOUNCE_MS = 150;

/**
 * @typedef {{key: string, icon: string, label: string, hint: string, tone?: string, reason?: string|null,
 *   run: () => void}} Entry
 */

/**
 * Open the palette.
 * @param {import("./shell.js").Page} page what is shown now
 */
export function openPalette(page) {
  new Palette(page);
}

class Palette {
  #field = el("input", {
    class: "palette-field", type: "text", role: "combobox", placeholder: "Go to, run, stop…", autocomplete: "off",
    spellcheck: "false", "aria-label": "Command", "aria-controls": "palette-list", "aria-expanded": "true",
    "aria-autocomplete": "list", autofocus: true,
  });
  #list = el("ul", { class: "palette-list", id: "palette-list", role: "listbox", "aria-label": "Commands" });
  #none = el("p", { class: "palette-none", role: "status" });
  #layer;
  #fixed;
  #entries = [];
  #runs = [];
  #index = 0;
  #timer = 0;

  constructor(page) {
    this.#fixed = fixedEntries(page);
    this.#layer = dialog({ title: "Commands", body: [this.#field, this.#list, this.#none], class: "palette" });
    on(this.#field, "input", () => this.#changed());
    on(this.#field, "keydown", (event) => this.#pressed(event));
    this.#field.focus();
    this.#draw();
  }

  #changed() {
    this.#index = 0;
    this.#runs = [];
    this.#draw();
    clearTimeout(this.#timer);
    const wanted = this.#field.value.trim().replace(/^#/, "");
    if (wanted.length >= 3) this.#timer = setTimeout(() => this.#searchRuns(wanted), DEBOUNCE_MS);
  }

  async #searchRuns(wanted) {
    const page = await store.fetchRuns({ search: wanted, limit: 8 }).catch(() => null);
    if (page === null || this.#field.value.trim().replace(/^#/, "") !== wanted) return;
    this.#runs = page.items.map(runEntry);
    this.#draw();
  }

  #draw() {
    const words = this.#field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (entry) => words.every((word) => `${entry.label} ${entry.hint}`.toLowerCase().includes(word));
    // What begins with the text comes before what contains it.
    const rank = (entry) => (words.length > 0 && entry.label.toLowerCase().startsWith(words[0]) ? 0 : 1);
    const found = this.#fixed.filter(matches).sort((a, b) => rank(a) - rank(b));
    this.#entries = [...found.slice(0, MOST), ...this.#runs];
    this.#index = Math.min(this.#index, Math.max(0, this.#entries.length - 1));
    reconcile(this.#list, this.#entries, (entry) => entry.key, (entry) => this.#make(entry));
    setText(this.#none, this.#entries.length === 0 ? "Nothing matches." : "");
    this.#mark();
  }

  #make(entry) {
    const node = el(
      "li", {
        class: "palette-entry", role: "option", id: `palette-${entry.key}`,
        "aria-disabled": entry.reason ? "true" : null,
      },
      entry.tone ? dot(entry.tone) : icon(entry.icon),
      el("bdi", { class: "truncate", text: entry.label }),
      el("span", { class: "palette-hint truncate", text: entry.reason ?? entry.hint }),
    );
    on(node, "click", () => this.#choose(entry));
    on(node, "pointermove", () => {
      this.#index = this.#entries.indexOf(entry);
      this.#mark();
    });
    return node;
  }

  #mark() {
    [...this.#list.children].forEach((node, i) => {
      setAttr(node, "aria-selected", i === this.#index ? "true" : "false");
      if (i === this.#index) node.scrollIntoView({ block: "nearest" });
    });
    setAttr(this.#field, "aria-activedescendant", this.#list.children[this.#index]?.id ?? null);
  }

  #pressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#entries.length > 0) {
      this.#index = (this.#index + step + this.#entries.length) % this.#entries.length;
      this.#mark();
    } else if (event.key === "Enter" && this.#entries[this.#index]) this.#choose(this.#entries[this.#index]);
    else return;
    event.preventDefault();
  }

  async #choose(entry) {
    if (entry.reason) return;
    this.#layer.close();
    // Focus first goes back to where it was, so that the next layer finds it there.
    await this.#layer.closed;
    entry.run();
  }
}

function fixedEntries(page) {
  const onPage = (page.actions ?? []).map((action) => ({
    key: `action:${action.id}`, icon: action.icon ?? "right", label: action.label, hint: page.title,
    reason: action.reason, run: action.run,
  }));
  const known = new Set((page.actions ?? []).map((action) => `${action.label} ${page.title}`));
  const units = [...(store.units?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  const actions = units.flatMap((unit) => unitActions(unit)
    .filter((action) => !known.has(`${action.label} ${unit.name}`))
    .map((action) => ({
      key: `${action.id}:${unit.name}`, icon: action.icon, label: `${action.label} ${unit.name}`,
      hint: unit.group ?? "", reason: action.reason, run: action.run,
    })));
  return [...onPage, ...units.map(unitEntry), ...pageEntries(), ...actions];
}

function unitEntry(unit) {
  const look = UNIT_STATES[unitState(unit)];
  const hint = [unit.group, look.label].filter(Boolean).join(" · ");
  const run = () => navigate(hrefOf.unit(unit.name));
  return { key: `unit:${unit.name}`, tone: look.tone, label: unit.name, hint, run };
}

function pageEntries() {
  const go = (key, iconName, label, href) => ({ key, icon: iconName, label, hint: "page", run: () => navigate(href) });
  return [
    go("page:overview", "overview", "Overview", hrefOf.overview()),
    go("page:runs", "runs", "All runs", hrefOf.runs()),
    go("page:notifications", "bell", "Notifications", hrefOf.notifications()),
    {
      key: "reload", icon: "restart", label: "Reload the configuration", hint: "daemon",
      run: reload,
    },
    { key: "shortcuts", icon: "keyboard", label: "Keyboard shortcuts", hint: "help", run: openShortcuts },
    { key: "about", icon: "info", label: "About this daemon", hint: "help", run: openAbout },
  ];
}

function runEntry(run) {
  const word = statusWord(run);
  const when = ago(run.start_at ?? run.created_at, clock.now());
  return {
    key: `run:${run.id}`, tone: statusLook(word).tone, label: `${replicaName(run)} ${shortId(run.id)}`,
    hint: `${statusLook(word).label} · ${when}`, run: () => navigate(hrefOf.run(run)),
  };
}

// -- shortcuts -----------------------------------------------------------------------------------------------------

const command = isMac() ? "⌘ K" : "Ctrl K";

const SHORTCUTS = [
  ["Everywhere", [
    [command, "Search the page; again: commands"], ["?", "This table"], ["g o", "Overview"], ["g r", "All runs"],
    ["g n", "Notifications"], ["b", "Sidebar"], ["t", "Theme"], ["Esc", "Close, clear, go back"],
  ]],
  ["Lists", [["j  k", "Next, previous row"]]],
  ["A task, a service", [
    ["r", "Run now; start or restart a service"], ["s", "Stop"], ["p", "Pause or resume the schedule"],
    ["d", "Definition"],
  ]],
  ["Output of a run", [
    ["f", "Maximise"], ["/", "Find"], ["n  N", "Next, previous hit"], ["Home  End", "First, last line"],
  ]],
];

/** Open the table of shortcuts. */
export function openShortcuts() {
  const groups = SHORTCUTS.map(([title, rows]) =>
    el("section", {}, el("h3", { class: "label", text: title }),
      el("dl", { class: "keys" }, rows.map(([keys, text]) => el("div", {},
        el("dt", {}, keys.split(/\s+/).map((key) => el("kbd", { text: key }))), el("dd", { text }))))));
  dialog({ title: "Keyboard shortcuts", body: groups, class: "dialog-wide shortcuts" });
}

// -- about ---------------------------------------------------------------------------------------------------------

/** Show which daemon this is. */
export function openAbout() {
  const { daemon } = store;
  if (daemon === null) return;
  const up = ticking((now) => `${absolute(daemon.started_at)}, ${ago(daemon.started_at, now)}`);
  const source = daemon.timezone_source === "config" ? "configured" : "of the machine";
  const zone = `${daemon.resolved_timezone} (${source})`;
  const facts = [
    ["Fingerprint", daemon.fingerprint], ["Version", daemon.version], ["Started", up],
    ["Process", String(daemon.pid)], ["Address", `${daemon.host}:${daemon.port}`],
    ["External URL", daemon.external_url], ["Configuration", daemon.config_path],
    ["Loaded", absolute(daemon.config_loaded_at)], ["Data directory", daemon.data_dir],
    ["Socket", daemon.socket_path],
    ["Schedules’ zone", zone], ["Times here", zoneName()],
  ];
  const rows = facts.filter(([, value]) => value !== null).map(([name, value]) => el("div", {},
    el("dt", { class: "label", text: name }), el("dd", { class: "mono" }, copyable(value))));
  const warnings = daemon.config_warnings.length > 0 && el(
    "section", { class: "about-warnings", dataset: { tone: "warning" } },
    el("h3", { class: "label", text: counted(daemon.config_warnings.length, "warning") }),
    el("ul", {}, daemon.config_warnings.map((text) => el("li", { class: "mono", text }))),
  );
  dialog({ title: "About this daemon", body: [el("dl", { class: "about" }, rows), warnings], class: "dialog-wide" });
}

function copyable(value) {
  if (typeof value !== "string") return value;
  const node = el("button", { class: "copyable", type: "button", title: "Click to copy", text: value });
  on(node, "click", () => copyText(value));
  return node;
}
