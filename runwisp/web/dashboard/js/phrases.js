/**
 * What is to be said of a unit as it is: a word, a sentence, and what is wrong with it.
 *
 * verdict, sentence, trouble, outcome; clockChanges. All are pure but for the runs that the store has seen.
 */

import {
  ago, clock, countdown, counted, elapsed, exitText, ms, shortId, statusLook, statusWord, upcoming,
} from "./format.js";
import { store } from "./store.js";

/** @typedef {{word: string, tone: string, icon: string}} Verdict */

/**
 * The state of a unit in a word or two, for the strip of its page.
 * @param {object} unit a Task of the API
 * @returns {Verdict}
 */
export function verdict(unit, now = clock.now()) {
  return unit.kind === "service" ? serviceVerdict(unit.service, unit) : taskVerdict(unit, now);
}

function taskVerdict(unit, now) {
  const [oldest] = runningRuns(unit);
  if (oldest)
    return { word: `Running · ${elapsed((now - ms(oldest.start_at)) / 1000)}`, tone: "running", icon: "spinner" };
  if (unit.queued_runs > 0) return { word: "Waiting", tone: "neutral", icon: "clock" };
  if (unit.paused_at !== null) return { word: "Paused", tone: "warning", icon: "pause" };
  if (unit.last_run?.is_failure) return { word: "Last run failed", tone: "danger", icon: "alert" };
  if (unit.cron !== null) return { word: "Scheduled", tone: "neutral", icon: "clock" };
  if (unit.run_on_start !== null) return { word: "Runs at start", tone: "neutral", icon: "play" };
  return { word: unit.api_trigger ? "Manual only" : "Idle", tone: "neutral", icon: "play" };
}

function serviceVerdict(service, unit) {
  const { state, running, replicas } = service;
  if (state === "stopped" && unit.active_runs > 0) return { word: "Stopping", tone: "warning", icon: "stop" };
  if (state === "stopped") return { word: "Stopped", tone: "neutral", icon: "stop" };
  if (state === "fatal") return { word: "Down", tone: "danger", icon: "alert" };
  if (state === "running") return { word: "Up", tone: "running", icon: "repeat" };
  if (running > 0) return { word: `${running} of ${unit.instances} up`, tone: "warning", icon: "alert" };
  if (replicas.some((one) => one.failed_starts > 0)) return { word: "Down", tone: "danger", icon: "alert" };
  return { word: "Starting", tone: "running", icon: "spinner" };
}

/** Runs of a unit that are running, the oldest first. */
function runningRuns(unit) {
  if (unit.active_runs === 0) return [];
  return store
    .activeRuns(unit.name)
    .filter((run) => run.status === "running")
    .reverse();
}

/**
 * One or two sentences on what goes on and what happens next.
 * @param {object} unit
 * @param {number} now
 */
export function sentence(unit, now = clock.now()) {
  return unit.kind === "service" ? serviceSentence(unit, now) : taskSentence(unit, now);
}

function taskSentence(unit, now) {
  const parts = [activity(unit, now) || aftermath(unit, now), future(unit, now)];
  return parts.filter(Boolean).join(" ");
}

const STARTERS = { cron: "by its schedule", startup: "when the daemon started", service: "by the daemon" };
const HANDS = { ui: "by hand", cli: "from the command line", hook: "by a hook" };

function activity(unit, now) {
  const running = runningRuns(unit);
  const waiting =
    unit.queued_runs > 0
      ? `${counted(unit.queued_runs, "run")} ${unit.queued_runs === 1 ? "waits" : "wait"} for a turn.`
      : "";
  if (running.length === 0) return waiting;
  const [oldest] = running;
  const age = elapsed((now - ms(oldest.start_at)) / 1000);
  if (running.length > 1) return `${running.length} runs at once, the oldest for ${age}. ${waiting}`.trim();
  const by = STARTERS[oldest.triggered_by] ?? HANDS[oldest.trigger_source] ?? "over the API";
  return `Run ${shortId(oldest.id)} was started ${by}. ${waiting}`.trim();
}

/** How it went the last time, if that is not as it should be. */
function aftermath(unit, now) {
  const last = unit.last_run;
  if (last === null) return "It has not run yet.";
  if (!last.is_failure) return "";
  const retry =
    last.next_retry_at === null ? "" : ` It is tried again in ${countdown((ms(last.next_retry_at) - now) / 1000)}.`;
  return `It ${outcome(last)} ${ago(last.end_at ?? last.created_at, now)}.${retry}`;
}

function future(unit, now) {
  if (unit.paused_at !== null)
    return `Paused ${ago(unit.paused_at, now)}: the schedule starts nothing until it is resumed.`;
  if (unit.next_run_at !== null) return `Next run at ${upcoming(unit.next_run_at, now)}.`;
  if (unit.cron !== null) return "The schedule has no further run.";
  if (unit.run_on_start !== null)
    return `It runs when the ${unit.run_on_start === "boot" ? "machine" : "daemon"} starts.`;
  if (unit.api_trigger) return "It has no schedule and runs when somebody starts it.";
  return "It has no schedule, and api_trigger = false: nothing starts it.";
}

const OUTCOMES = {
  success: "succeeded",
  timeout: "ran into its timeout",
  stopped: "was stopped",
  crashed: "was cut off when the daemon died",
  log_overflow: "was stopped for writing too much",
  skipped: "was skipped",
  queue_full: "found the queue full",
  daemon_stopped: "was stopped with the daemon",
  start_failed: "could not be started",
  missed: "was missed",
  dst_skipped: "fell into the hour that the clock skipped",
  unhealthy: "was found unhealthy",
};

/** How a run ended, to go on after its name: `failed with exit 3`. */
export function outcome(run) {
  if (run.status !== "ended") return run.status === "running" ? "is running" : "waits for a turn";
  if (run.end_reason !== "failed") return OUTCOMES[run.end_reason] ?? `ended: ${statusWord(run)}`;
  return run.exit_code > 0 ? `failed with exit ${run.exit_code}` : "failed";
}

function serviceSentence(unit, now) {
  const { state, replicas } = unit.service;
  if (state === "stopped") return "It stays down until it is started or the daemon restarts.";
  if (state === "fatal") return `${gaveUp(unit)} Start it to try again.`;
  const restarting = replicas.filter((one) => one.state === "restarting" || one.state === "fatal");
  if (restarting.length > 0) return restartSentence(unit, restarting, now);
  const starts = replicas
    .map((one) => one.start_at)
    .filter(Boolean)
    .sort();
  if (starts.length === 0) return "It is being started.";
  const youngest = elapsed((now - ms(starts.at(-1))) / 1000);
  if (replicas.length === 1) return `It has been up for ${youngest}.`;
  return `All ${replicas.length} replicas are up, the youngest for ${youngest}.`;
}

function gaveUp(unit) {
  const worst = unit.service.replicas.find((one) => one.state === "fatal") ?? unit.service.replicas[0];
  const after = worst.failed_starts > 0 ? ` after ${counted(worst.failed_starts, "failed start")}` : "";
  return `It was given up${after}${lastExit(worst, "; the last one ended with ")}.`;
}

function restartSentence(unit, restarting, now) {
  const next = restarting
    .filter((one) => one.next_start_at !== null)
    .sort((a, b) => (a.next_start_at < b.next_start_at ? -1 : 1))[0];
  const many = restarting.length > 1 ? `${restarting.length} replicas are down. ` : "";
  if (!next) return `${many}${restarting.some((one) => one.state === "fatal") ? gaveUp(unit) : "It is being started."}`;
  const who = unit.instances > 1 ? `Replica ${next.replica_index}` : "It";
  const attempt = next.failed_starts > 0 ? `, attempt ${next.failed_starts + 1}` : "";
  const left = countdown((ms(next.next_start_at) - now) / 1000);
  return `${many}${who} starts again in ${left}${attempt}${lastExit(next, "; it last ended with ")}.`;
}

function lastExit(replica, before) {
  if (replica.last_exit_code === null) return "";
  return before + (replica.last_exit_code < 0 ? "a signal" : `exit ${replica.last_exit_code}`);
}

/**
 * What is wrong with a unit, in a few words for lists that tell elsewhere when it ran; "" if nothing is.
 * @param {object} unit
 * @param {number} now
 */
export function trouble(unit, now = clock.now()) {
  const troubled = unit.service && serviceTrouble(unit, now);
  if (troubled) return troubled;
  const last = unit.last_run;
  if (!last?.is_failure) return "";
  const parts = [statusLook(statusWord(last)).label, exitText(last)];
  if (last.next_retry_at !== null) parts.push(`retry in ${countdown((ms(last.next_retry_at) - now) / 1000)}`);
  return parts.filter(Boolean).join(" · ");
}

function isTroubled(replica) {
  return replica.state === "fatal" || replica.state === "restarting" || replica.failed_starts > 1;
}

function serviceTrouble(unit, now) {
  const { state, running, replicas } = unit.service;
  const [worst] = replicas.filter(isTroubled).sort((a, b) => b.failed_starts - a.failed_starts);
  if (state === "stopped" || !worst) return "";
  const isDown = running < unit.instances;
  const word = !isDown ? "Up again" : unit.instances > 1 ? `${running} of ${unit.instances} up` : "Restarting";
  const parts = [state === "fatal" ? "Gave up" : word];
  if (worst.last_exit_code > 0) parts.push(`exit ${worst.last_exit_code}`);
  if (worst.failed_starts > 0) parts.push(counted(worst.failed_starts, "failed start"));
  if (worst.next_start_at !== null) parts.push(`next in ${countdown((ms(worst.next_start_at) - now) / 1000)}`);
  return parts.join(" · ");
}

/** Minutes that the clocks of a zone are ahead of UTC. */
function offsetOf(at, timeZone) {
  const parts = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" }).formatToParts(ms(at));
  const match = /GMT([+-])(\d\d):(\d\d)/.exec(parts.find(({ type }) => type === "timeZoneName")?.value ?? "");
  return match === null ? 0 : (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
}

/**
 * For each time, what the clocks of a zone do between the one before (or now) and it; "" for nothing.
 * @param {string[]} times
 * @param {string} timeZone
 * @param {number} now
 * @returns {string[]}
 */
export function clockChanges(times, timeZone, now) {
  let before = offsetOf(now, timeZone);
  return times.map((at) => {
    const offset = offsetOf(at, timeZone);
    const change = offset - before;
    before = offset;
    if (change === 0) return "";
    return `before it, clocks in ${timeZone} are set ${change > 0 ? "forward" : "back"} by ${elapsed(Math.abs(change) * 60)}`;
  });
}
