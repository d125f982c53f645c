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

/** A table in which only its own words are found, whatever is looked up. */
function lookup(table) {
  return Object.assign(Object.create(null), table);
}

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
  return `${count}× over ${span(now - ms(created_at))}, latest ${latest}`;
}

function span(passed) {
  if (passed < HOUR) return `${Math.max(1, Math.floor(passed / MINUTE))}m`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)}h`;
  if (passed < 7 * DAY) return `${Math.floor(passed / DAY)}d`;
  if (passed < 30 * DAY) return counted(Math.floor(passed / (7 * DAY)), "week");
  return counted(Math.floor(passed / (30 * DAY)), "month");
}

const BLOCKS = "▁▂▃▄▅▆▇█";

/** The last hour as eight blocks, the newest at the right; null if nothing has happened in it. */
export function rhythmBlocks(ring, now) {
  const cells = new Array(8).fill(0);
  for (const at of ring) {
    const age = Math.max(0, now - ms(at));
    if (age < HOUR) cells[7 - Math.floor(age / (HOUR / 8))] += 1;
  }
  const most = Math.max(...cells);
  return most === 0 ? null : cells.map((count) => BLOCKS[Math.round((count / most) * 7)]).join("");
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
export const STATUSES = lookup(Object.fromEntries(
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
));

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

const TRIGGERS = lookup({ cron: "Cron", api: "API", service: "Service", startup: "Startup" });
const SOURCES = lookup({ ui: "UI", cli: "CLI", hook: "Hook" });

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

// -- schedules in words (spec: config, cron grammar) ----------------------------------------------------------------

const ALIASES = lookup({
  "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
});
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const WEEKDAY_NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Lowest and highest number of each field, and the words that stand for numbers. */
const FIELDS = [
  [0, 59, []], [0, 59, []], [0, 23, []], [1, 31, []], [1, 12, ["", ...MONTHS.map((name) => name.toLowerCase())]],
  [0, 7, WEEKDAYS.map((name) => name.toLowerCase())],
];

/**
 * A schedule in words, without its zone: `daily at 04:30`, `every 5 minutes, Mon–Fri`.
 * @param {string} text as in the configuration
 * @returns {string|null} null if there are no short words for it
 */
export function cronWords(text) {
  const parts = text.trim().split(/\s+/);
  if (/^(CRON_)?TZ=/.test(parts[0])) parts.shift();
  if (parts[0] === "@every") return `every ${parts.slice(1).join(" ")}`;
  const fields = (ALIASES[parts[0]]?.split(" ") ?? parts).slice();
  if (fields.length === 5) fields.unshift("0");
  if (fields.length !== 6) return null;
  const sets = fields.map((field, i) => numbersOf(field, ...FIELDS[i]));
  if (sets.includes(null)) return null;
  const [seconds, minutes, hours, days, months, weekdays] = sets;
  const time = timeWords(seconds, minutes, hours);
  if (time === null) return null;
  const isAnyStarred = /^[*?]/.test(fields[3]) || /^[*?]/.test(fields[5]);
  return joined(time, days, months, weekdays.map((day) => day % 7), isAnyStarred);
}

/** The numbers that a field matches, ascending; null if it is not understood. */
function numbersOf(field, low, high, names) {
  const found = new Set();
  for (const term of field.split(",")) {
    const match = /^(?:([*?])|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(term);
    if (match === null) return null;
    const [, any, from, to, step] = match;
    const value = (word) => (names.includes(word.toLowerCase()) ? names.indexOf(word.toLowerCase()) : Number(word));
    const first = any ? low : value(from);
    let last = any || (step && !to) ? high : value(to ?? from);
    if (high === 7 && to && last < first && first === 7) return null;
    if (Number.isNaN(first) || Number.isNaN(last) || last < first || Number(step) === 0) return null;
    if (high === 7 && any) last = 6;
    for (let n = first; n <= last; n += Number(step ?? 1)) found.add(high === 7 ? n % 7 : n);
  }
  return [...found].sort((a, b) => a - b);
}

const isFull = (set, low, high) => set.length === high - low + 1;

/** How far apart the numbers are, if that is always the same and they fill the field; 0 if not. */
function stepOf(set, low, high) {
  if (set.length < 2 || set[0] !== low) return 0;
  const step = set[1] - set[0];
  const isEven = set.every((n, i) => n === low + i * step);
  return isEven && set.at(-1) + step > high ? step : 0;
}

const isRange = (set) => set.length > 2 && set.at(-1) - set[0] === set.length - 1;

/** `at 04:30`, `every 5 minutes`, `every hour at :15`; null for what would take too many words. */
function timeWords(seconds, minutes, hours) {
  if (seconds.length !== 1) return secondsWords(seconds, minutes, hours);
  const second = seconds[0] === 0 ? "" : `:${pad(seconds[0])}`;
  if (minutes.length * hours.length <= 4) {
    return `at ${hours.flatMap((h) => minutes.map((m) => `${pad(h)}:${pad(m)}${second}`)).join(", ")}`;
  }
  const minuteStep = stepOf(minutes, 0, 59);
  const within = hoursWords(hours, minutes.at(-1));
  if (within === null) return null;
  if (minuteStep === 1 && second) return `every minute at ${second.slice(1)} s${within}`;
  if (second) return null;
  if (minuteStep) return `every ${minuteStep === 1 ? "minute" : `${minuteStep} minutes`}${within}`;
  if (minutes.length > 4) return null;
  const marks = minutes.length === 1 && minutes[0] === 0 ? "" : ` at ${minutes.map((m) => `:${pad(m)}`).join(", ")}`;
  const hourStep = stepOf(hours, 0, 23);
  if (hourStep > 1) return `every ${hourStep} hours${marks}`;
  return `every hour${marks}${within}`;
}

function secondsWords(seconds, minutes, hours) {
  const step = stepOf(seconds, 0, 59);
  if (!step || !isFull(minutes, 0, 59)) return null;
  const within = hoursWords(hours, 59);
  return within === null ? null : `every ${step === 1 ? "second" : `${step} seconds`}${within}`;
}

/** "" for all hours, ` from 09:00 to 17:59` for a range. */
function hoursWords(hours, lastMinute) {
  if (isFull(hours, 0, 23)) return "";
  const last = `${pad(hours.at(-1))}:${pad(lastMinute)}`;
  if (isRange(hours) || hours.length === 1) return ` from ${pad(hours[0])}:00 to ${last}`;
  return stepOf(hours, 0, 23) ? "" : null;
}

function joined(time, days, months, weekdays, isAnd) {
  const isFixed = time.startsWith("at ");
  const hasDays = !isFull(days, 1, 31);
  const hasWeekdays = !isFull(weekdays, 0, 6);
  const inMonths = isFull(months, 1, 12) ? "" : ` in ${months.map((month) => MONTHS[month - 1]).join(", ")}`;
  if (!hasDays && !hasWeekdays) return isFixed ? `daily${inMonths} ${time}` : `${time}${inMonths}`;
  if (!hasDays) {
    const names = weekdayWords(weekdays);
    return isFixed ? `${names}${inMonths} ${time}` : `${time}, ${names}${inMonths}`;
  }
  if (days.length > 4) return null;
  const dates = dateWords(days, months);
  if (hasWeekdays) {
    const names = weekdays.map((day) => WEEKDAYS[day]).join(", ");
    return `${time} on ${dates}${isAnd ? ` if it is ${names}` : ` and each ${names}`}`;
  }
  const each = days.length === 1 && months.length === 1 ? "yearly" : isFull(months, 1, 12) ? "monthly" : "";
  return isFixed ? `${each} on ${dates} ${time}`.trim() : `${time} on ${dates}`;
}

function dateWords(days, months) {
  if (months.length === 1) return days.map((day) => `${MONTHS[months[0] - 1]} ${day}`).join(", ");
  const dates = `the ${days.map(ordinal).join(" and ")}`;
  return isFull(months, 1, 12) ? dates : `${dates} of ${months.map((month) => MONTHS[month - 1]).join(", ")}`;
}

function weekdayWords(weekdays) {
  if (weekdays.length === 1) return `every ${WEEKDAY_NAMES[weekdays[0]]}`;
  // The week is read from Monday on.
  const ordered = weekdays.map((day) => (day === 0 ? 7 : day)).sort((a, b) => a - b);
  const name = (day) => WEEKDAYS[day % 7];
  return isRange(ordered) ? `${name(ordered[0])}–${name(ordered.at(-1))}` : ordered.map(name).join(", ");
}

function ordinal(n) {
  const ending = n % 10 > 3 || Math.floor(n / 10) === 1 ? "th" : (["th", "st", "nd", "rd"][n % 10]);
  return `${n}${ending}`;
}

/**
 * When a unit is started, in words: its schedule, or that it has none.
 * @param {object} unit a Task of the API
 */
export function scheduleWords(unit) {
  if (unit.kind === "service") return unit.instances > 1 ? `service ×${unit.instances}` : "service";
  if (unit.cron === null) return "manual";
  return cronWords(unit.cron) ?? unit.cron;
}
