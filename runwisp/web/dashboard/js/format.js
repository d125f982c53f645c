/**
 * Values as people read them. Everything here is pure but for `clock`; times are RFC 3339 text as the API sends
 * them or milliseconds since the epoch, durations are seconds, and `now` is in milliseconds.
 */

/** The daemon's time, by which all relative times are told: the browser's may be wrong. */
export const clock = {
  skew: 0,

  /** Milliseconds since the epoch. */
  now() {
    return Date.now() + this.skew;
  },

  /** Compare with the `Date` of an answer, which has whole seconds, and leave small differences be. */
  learn(date, sent, received) {
    const told = Date.parse(date ?? "");
    if (Number.isNaN(told)) return;
    const skew = told + 500 - (sent + received) / 2;
    if (received - sent < 2000) this.skew = Math.abs(skew) > 2000 ? Math.round(skew) : 0;
  },
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {string|number} at @returns {number} milliseconds */
export function ms(at) {
  return typeof at === "number" ? at : Date.parse(at);
}

/** `812ms`, `4.2s`, `3m12s`, `2h5m`, `3d4h`; "—" for null. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "—";
  const s = Math.max(0, seconds);
  if (s < 0.9995) return `${Math.round(s * 1000)}ms`;
  if (s < 59.95) return `${s.toFixed(1)}s`;
  const whole = Math.round(s);
  if (whole < 3600) return two(whole, 60, "m", "s");
  if (whole < 172_800) return two(Math.floor(whole / 60), 60, "h", "m");
  return two(Math.floor(whole / 3600), 24, "d", "h");
}

/** The duration of what goes on: whole seconds, for it changes with each. */
export function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return whole < 60 ? `${whole}s` : duration(whole);
}

/** What is left until something happens: `Ns`, `Nm`, `NhMm`, `NdMh`, without a minor unit of zero. */
export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  if (whole < 86_400) return two(Math.floor(whole / 60), 60, "h", "m");
  return two(Math.floor(whole / 3600), 24, "d", "h");
}

function two(count, base, major, minor) {
  const rest = count % base;
  return `${Math.floor(count / base)}${major}${rest ? `${rest}${minor}` : ""}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const pad = (n) => String(n).padStart(2, "0");

/** In tables: `just now`, `12s ago`, `5m ago`, `3h ago`, then `Nov 23 14:05` in the browser's zone. */
export function ago(at, now) {
  const passed = now - ms(at);
  if (passed < SECOND) return "just now";
  if (passed < MINUTE) return `${Math.floor(passed / SECOND)}s ago`;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)}m ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)}h ago`;
  return dayAndTime(at);
}

/** `Nov 23 14:05`. */
export function dayAndTime(at) {
  const date = new Date(ms(at));
  return `${MONTHS[date.getMonth()]} ${date.getDate()} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** `2026-03-02 02:00:00`, in the browser's zone. */
export function absolute(at) {
  const date = new Date(ms(at));
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${timeOfDay(at)}`;
}

/** `02:00:00`, in the browser's zone. */
export function timeOfDay(at) {
  const date = new Date(ms(at));
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** The name of the browser's zone. */
export function zoneName() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone ?? "local time";
}

/** A coming time: `14:05:00 (in 4m)`, with the day if that is not today. */
export function upcoming(at, now) {
  const left = ms(at) - now;
  const when = left < 20 * HOUR ? timeOfDay(at) : dayAndTime(at);
  return `${when} (${left <= 0 ? "now" : `in ${countdown(left / SECOND)}`})`;
}

/** In notifications: `just now`, `45s ago`, `5m ago`, `3h ago`, `yesterday`, `3d ago`, `2mo ago`, `1y ago`. */
export function longAgo(at, now) {
  const passed = now - ms(at);
  if (passed < 30 * SECOND) return "just now";
  if (passed < MINUTE) return `${Math.floor(passed / SECOND)}s ago`;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)}m ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)}h ago`;
  if (passed < 2 * DAY) return "yesterday";
  if (passed < 30 * DAY) return `${Math.floor(passed / DAY)}d ago`;
  if (passed < 365 * DAY) return `${Math.floor(passed / (30 * DAY))}mo ago`;
  return `${Math.floor(passed / (365 * DAY))}y ago`;
}

/**
 * How often and how lately something has happened: `12× in the last hour, latest 5m ago`.
 * @param {{count: number, occurrence_ring: string[], created_at: string, last_occurred_at: string}} notification
 */
export function rhythm({ count, occurrence_ring, created_at, last_occurred_at }, now) {
  const latest = longAgo(last_occurred_at, now);
  if (count <= 1) return latest;
  const allWithin = (span) => occurrence_ring.length > 0 && occurrence_ring.every((at) => now - ms(at) <= span);
  if (allWithin(HOUR)) return `${count}× in the last hour, latest ${latest}`;
  if (allWithin(DAY)) return `${count}× today, latest ${latest}`;
  if (now - ms(created_at) >= 7 * DAY) return `${count}× since ${longAgo(created_at, now)}, latest ${latest}`;
  return `${count}× over ${span(ms(last_occurred_at) - ms(created_at))}, latest ${latest}`;
}

function span(passed) {
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)}m`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)}h`;
  if (passed < 7 * DAY) return `${Math.floor(passed / DAY)}d`;
  if (passed < 30 * DAY) return counted(Math.floor(passed / (7 * DAY)), "week");
  return counted(Math.floor(passed / (30 * DAY)), "month");
}

/** The counts of the last hour in 8 cells, newest last; null if nothing has happened in it. */
export function rhythmCells(ring, now) {
  const cells = new Array(8).fill(0);
  for (const at of ring) {
    const age = Math.max(0, now - ms(at));
    if (age < HOUR) cells[7 - Math.floor(age / (HOUR / 8))] += 1;
  }
  return cells.some(Boolean) ? cells : null;
}

/** `1 run`, `1,204 runs`. */
export function counted(count, noun, plural = `${noun}s`) {
  return `${grouped(count)} ${count === 1 ? noun : plural}`;
}

/** `1,204,003`. */
export function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];

/** `1.2 GB`, `48 MB`, `300 KB`, by 1024; "—" for null. */
export function bytes(count) {
  if (count === null || count === undefined) return "—";
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  const text = unit > 0 && value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : String(Math.round(value));
  return `${text} ${UNITS[unit]}`;
}

/** `#K7QD` */
export function shortId(id) {
  return `#${id.slice(-4)}`;
}

/** `web` or, for a replica other than the first, `web#2`. */
export function replicaName(run) {
  return run.replica_index > 0 ? `${run.task_name}#${run.replica_index}` : run.task_name;
}

/**
 * How each display status looks: the phase of a run, and its end reason after that.
 * @type {Record<string, {label: string, tone: string, icon: string, needsAttention: boolean}>}
 */
export const STATUSES = Object.fromEntries(
  [
    ["pending", "neutral", "clock", false],
    ["running", "running", "spinner", false],
    ["success", "success", "check", false],
    ["failed", "danger", "cross", true],
    ["crashed", "danger", "alert", true],
    ["log_overflow", "danger", "file-alert", true],
    ["timeout", "warning", "timer-off", true],
    ["stopped", "warning", "stop", false],
    ["skipped", "neutral", "skip", false],
    ["daemon_stopped", "warning", "stop", false],
    ["missed", "danger", "calendar-x", true],
    ["start_failed", "danger", "alert", true],
    ["unhealthy", "danger", "heart-off", true],
    ["queue_full", "warning", "stack", false],
    ["dst_skipped", "neutral", "skip", false],
  ].map(([word, tone, icon, needsAttention]) => [word, { label: words(word), tone, icon, needsAttention }]),
);

/** The word that stands for a run: `pending`, `running`, or its end reason. */
export function statusWord(run) {
  return run.status === "ended" ? (run.end_reason ?? "ended") : run.status;
}

/** How a status looks; words that this version does not know are neutral. */
export function statusLook(word) {
  return STATUSES[word] ?? { label: words(word), tone: "neutral", icon: "unknown", needsAttention: false };
}

/** `log_overflow` → `Log overflow`. */
export function words(word) {
  const text = String(word).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const TRIGGERS = { cron: "Cron", api: "API", service: "Service", startup: "Startup" };
const SOURCES = { ui: "UI", cli: "CLI", hook: "Hook" };

/** `Cron`, `API · UI`. */
export function trigger(run) {
  const by = TRIGGERS[run.triggered_by] ?? words(run.triggered_by);
  return run.trigger_source ? `${by} · ${SOURCES[run.trigger_source] ?? run.trigger_source}` : by;
}

/** The exit code where it says something: `exit 3`, `crashed` has none; "" otherwise. */
export function exitText(run) {
  return run.exit_code !== null && run.exit_code > 0 ? `exit ${run.exit_code}` : "";
}

/** Seconds that a run has taken until now; null if it has not started. */
export function runSeconds(run, now) {
  if (run.duration !== null) return run.duration;
  return run.start_at === null ? null : Math.max(0, (now - ms(run.start_at)) / SECOND);
}
