/**
 * What can be done with units and runs, each with its question first and the daemon's answer afterwards.
 *
 * unitActions(unit) for buttons, palette and shortcuts; runUnit, stopRun, deleteRun where a single one is wanted.
 */

import { ApiProblem, api } from "./api.js";
import { el } from "./dom.js";
import { counted, replicaName, shortId, statusLook, statusWord } from "./format.js";
import { hrefOf, navigate } from "./shell.js";
import { store } from "./store.js";
import { confirmAction, dialog, toast, toastProblem } from "./widgets.js";

const OFFLINE = "The daemon cannot be reached at the moment.";

/**
 * The actions that make sense for a unit as it is, the most likely first.
 * @param {object} unit a Task of the API
 * @returns {Array<import("./shell.js").Action & {isPrimary: boolean, tone: "primary"|"danger"|"plain"}>}
 */
export function unitActions(unit) {
  return unit.kind === "service" ? serviceActions(unit) : taskActions(unit);
}

function taskActions(unit) {
  const isActive = unit.active_runs + unit.queued_runs > 0 || Boolean(unit.last_run?.next_retry_at);
  const actions = [
    action("run", "Run now", "play", "r", startReason(unit), () => runUnit(unit), "primary"),
    isActive && action("stop", "Stop", "stop", "s", offlineReason(), () => stopTask(unit), "danger"),
    unit.cron !== null && unit.paused_at === null &&
      action("pause", "Pause schedule", "pause", "p", offlineReason(), () => pauseTask(unit)),
    unit.cron !== null && unit.paused_at !== null &&
      action("resume", "Resume schedule", "play", "p", offlineReason(), () => resumeTask(unit)),
  ];
  return actions.filter(Boolean);
}

function serviceActions(unit) {
  const isUp = unit.service.state !== "stopped" && unit.service.state !== "fatal";
  const isAlive = isUp || unit.active_runs > 0;
  const actions = [
    !isUp && action("start", "Start", "play", "r", startReason(unit), () => startService(unit), "primary"),
    isUp && action("restart", "Restart", "restart", "r", startReason(unit), () => restartService(unit)),
    isAlive && action("stop", "Stop", "stop", "s", offlineReason(), () => stopService(unit), "danger"),
  ];
  return actions.filter(Boolean);
}

function action(id, label, icon, key, reason, run, tone = "plain") {
  return { id, label, icon, key, reason, run, tone, isPrimary: tone === "primary" };
}

function offlineReason() {
  return store.isOnline ? null : OFFLINE;
}

function startReason(unit) {
  if (!store.isOnline) return OFFLINE;
  return unit.api_trigger ? null : "api_trigger = false: it is started by its schedule alone.";
}

/** Ask, then start one run. @returns {Promise<object|null>} the run, null if it was not to be or did not work */
export async function runUnit(unit) {
  const isSure = await confirmAction({ title: `Run ${unit.name} now?`, body: overlapNote(unit), confirm: "Run now" });
  if (!isSure) return null;
  return attempt(async () => {
    const run = await api.post(pathOf(unit, "trigger"), { query: { via: "ui" } });
    const [merged] = store.addRuns([run]);
    tellOfRun(merged);
    return merged;
  });
}

/** What becomes of one more run while others are active. */
function overlapNote(unit) {
  const most = unit.kind === "service" ? unit.instances : unit.parallelism;
  if (unit.active_runs < most) return unit.active_runs > 0 ? `${counted(unit.active_runs, "run")} active.` : null;
  const limit = `${counted(unit.active_runs, "run")} active, which is the limit.`;
  const fate = {
    queue: "This one will wait for its turn.",
    skip: "This one will be skipped.",
    terminate: "The oldest will be stopped to make room.",
  };
  return `${limit} ${fate[unit.on_overlap]}`;
}

function tellOfRun(run) {
  const open = { label: "Open", run: () => navigate(hrefOf.run(run)) };
  if (run.status === "ended" && run.end_reason !== "success") {
    const word = statusLook(statusWord(run)).label;
    toast(`${replicaName(run)}: ${word.toLowerCase()}. ${run.message ?? ""}`, "warning", open);
  } else toast(`${replicaName(run)} ${run.status === "pending" ? "waits for its turn" : "started"}`, "success", open);
}

async function stopTask(unit) {
  const count = unit.active_runs + unit.queued_runs;
  const runs = `${counted(count, "run")} will be stopped or dropped.`;
  const body = count > 0 ? runs : "Its waiting retry will be dropped.";
  await verb(unit, "stop", { title: `Stop ${unit.name}?`, body, confirm: "Stop", tone: "danger" }, "is being stopped");
}

async function pauseTask(unit) {
  const body = "Until it is resumed, its schedule starts nothing, and nothing is made up for.";
  await verb(unit, "pause", { title: `Pause ${unit.name}?`, body, confirm: "Pause" }, "is paused");
}

async function resumeTask(unit) {
  await verb(unit, "resume", { title: `Resume ${unit.name}?`, confirm: "Resume" }, "is scheduled again");
}

async function startService(unit) {
  const question = { title: `Start ${unit.name}?`, body: replicas(unit), confirm: "Start" };
  await verb(unit, "start", question, "is being started");
}

async function restartService(unit) {
  const question = {
    title: `Restart ${unit.name}?`, body: `${replicas(unit)} will be stopped and started again.`, confirm: "Restart",
  };
  await verb(unit, "restart", question, "is being restarted");
}

async function stopService(unit) {
  const body = `${replicas(unit)} will be stopped and kept down until somebody starts it or the daemon restarts.`;
  await verb(unit, "stop", { title: `Stop ${unit.name}?`, body, confirm: "Stop", tone: "danger" }, "is being stopped");
}

function replicas(unit) {
  return counted(unit.instances, "replica");
}

async function verb(unit, name, question, done) {
  if (!(await confirmAction(question))) return;
  await attempt(async () => {
    const query = name === "start" || name === "restart" ? { via: "ui" } : {};
    store.addUnit(await api.post(pathOf(unit, name), { query }));
    toast(`${unit.name} ${done}`, "success");
  });
}

/** Stop one run. @returns {Promise<object|null>} */
export async function stopRun(run) {
  const title = `Stop run ${shortId(run.id)} of ${replicaName(run)}?`;
  if (!(await confirmAction({ title, confirm: "Stop", tone: "danger" }))) return null;
  return attempt(async () => store.addRuns([await api.post(`/api/runs/${run.id}/stop`)])[0]);
}

/** Delete an ended run and its output, without a question. @returns {Promise<boolean>} whether it is gone */
export async function deleteRun(run) {
  const done = await attempt(async () => {
    await api.del(`/api/runs/${run.id}`);
    return true;
  });
  return done === true;
}

/** Read the configuration again, and tell what came of it. */
export async function reload() {
  try {
    const { added, removed, changed, settings } = await api.post("/api/daemon/reload");
    const parts = [
      added.length && `${added.length} added`, changed.length && `${changed.length} changed`,
      removed.length && `${removed.length} removed`, settings.length && counted(settings.length, "setting"),
    ].filter(Boolean);
    toast(`Configuration reloaded: ${parts.join(", ") || "no changes"}`, "success");
    await store.load();
  } catch (problem) {
    if (!(problem instanceof ApiProblem)) throw problem;
    if (problem.errors.length > 0) tellOfRejection(problem);
    else toastProblem(problem);
  }
}

function tellOfRejection(problem) {
  const rows = problem.errors.map(({ message, location, file, line, column }) => {
    const place = [file, line, column].filter((part) => part !== null).join(":");
    const where = [place, location].filter(Boolean).join("  ");
    return el("li", {}, el("p", { class: "mono muted", text: where }), el("p", { text: message }));
  });
  dialog({
    title: "The configuration was not reloaded", class: "dialog-wide",
    body: [el("p", { text: `${problem.detail} What was loaded before runs on.` }), el("ul", { class: "flaws" }, rows)],
  });
}

async function attempt(work) {
  try {
    return await work();
  } catch (problem) {
    if (!(problem instanceof ApiProblem)) throw problem;
    if (problem.status !== 401) toastProblem(problem);
    return null;
  }
}

function pathOf(unit, name) {
  return `/api/tasks/${encodeURIComponent(unit.name)}/${name}`;
}
