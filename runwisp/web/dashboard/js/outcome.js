/** What has come of a run, in words. All of it is pure. */

import { bytes, duration, statusWord } from "./format.js";

/** Reasons for which a run has never had a process, and so no output. */
const NEVER_RAN_BECAUSE = {
  skipped: "another run was still going on",
  queue_full: "as many runs were waiting as may wait",
  missed: "the daemon was not running at that time",
  dst_skipped: "the clock was set forward over this time",
};

const SHELL_CODES = { 126: "the command could not be executed", 127: "the command was not found" };
const SIGNALS = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
};

/** Whether a run ended without ever having had a process. */
export function neverRan(run) {
  return run.status === "ended" && run.end_reason in NEVER_RAN_BECAUSE;
}

/**
 * What has come of a run, in a sentence or two.
 * @param {object} run
 * @param {object|null} unit null if it is not configured any more
 * @returns {string}
 */
export function explain(run, unit) {
  const parts = [sentenceOf(run, unit), run.message && upperFirst(run.message)];
  const isLast = run.is_failure && run.next_retry_at === null && run.retry_attempt > 0;
  if (isLast && run.retry_attempt >= unit?.retry_attempts)
    parts.push(`It was the last of ${run.retry_attempt + 1} attempts`);
  return parts.filter(Boolean).map(ended).join(" ");
}

function sentenceOf(run, unit) {
  if (run.status === "pending") return "It waits for its turn";
  if (run.status === "running") return run.stopping ? "It has been asked to stop and has not ended yet" : "";
  const never = NEVER_RAN_BECAUSE[run.end_reason];
  if (never !== undefined) return run.message ? "It never ran" : `It never ran: ${never}`;
  switch (run.end_reason) {
    case "success":
      return "";
    case "failed":
      return run.start_at === null ? "It could not be started" : failedSentence(run.exit_code);
    case "timeout":
      return `Ended because it took longer than its timeout${unit?.timeout ? ` of ${duration(unit.timeout)}` : ""}`;
    case "stopped":
      if (run.start_at === null) return "Dropped before it started";
      return `Stopped on request${unit?.on_overlap === "terminate" ? ", or to make room for the next run" : ""}`;
    case "crashed":
      return "The daemon died while this was running, so its end was not seen";
    case "log_overflow":
      return `Ended because its output reached ${unit?.log_max_size ? bytes(unit.log_max_size) : "log_max_size"}`;
    case "daemon_stopped":
      return "Stopped together with the daemon";
    case "start_failed":
      return run.message ? "" : "It failed to start so often that it was given up";
    case "unhealthy":
      return "Ended because its health check failed";
    default:
      return `Ended: ${statusWord(run).replaceAll("_", " ")}`;
  }
}

function failedSentence(code) {
  if (code === -1) return "Ended by a signal; the last line of its output says which";
  const signal = SIGNALS[code - 128];
  const hint =
    SHELL_CODES[code] ??
    (signal && (code === 137 ? "as after SIGKILL, by which the kernel frees memory too" : `as after ${signal}`));
  return `Exited with code ${code}${hint ? `: ${hint}` : ""}`;
}

function upperFirst(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function ended(text) {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
