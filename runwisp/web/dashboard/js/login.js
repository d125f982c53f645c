/** The login: a dialog that cannot be closed, over whatever was shown. */

import { ApiProblem, login, logout } from "./api.js";
import { el, icon, on, setAttr, setText } from "./dom.js";
import { countdown } from "./format.js";
import { dialog } from "./widgets.js";

/**
 * Ask for the password until it is right.
 * @param {string|null} note why it is asked for, if that is not plain
 * @returns {Promise<void>} resolves when there is a session
 */
export async function askPassword(note) {
  const field = el("input", {
    class: "input", id: "password", type: "password", autocomplete: "current-password", required: true,
    "aria-describedby": "login-error", autofocus: true,
  });
  const error = el("p", { class: "field-error", id: "login-error", role: "alert" });
  const submit = el("button", {
    class: "btn login-submit", type: "submit", dataset: { tone: "primary" }, disabled: true, text: "Log in",
  });
  const form = el(
    "form", { class: "login-form", novalidate: true },
    el("p", { class: "login-host mono", text: location.host }),
    note && el("p", { class: "login-note", role: "status", dataset: { tone: "warning" }, text: note }),
    el("input", { type: "text", hidden: true, autocomplete: "username", value: "runwisp" }),
    el("label", { class: "label", for: "password", text: "Password" }), field, error, submit,
    el("p", { class: "login-hint" }, "On the machine itself ", el("code", { text: "runwisp password" }), " tells it."),
  );
  const layer = dialog({ title: "RunWisp", body: form, class: "dialog-login", strict: true });
  layer.node.prepend(icon("mark", "login-mark"));
  on(field, "input", () => (submit.disabled = field.value === ""));
  on(form, "submit", (event) => {
    event.preventDefault();
    if (!submit.disabled) attempt(field, submit, error, layer);
  });
  field.focus();
  await layer.closed;
}

async function attempt(field, submit, error, layer) {
  submit.disabled = true;
  setText(submit, "Logging in…");
  try {
    await login(field.value);
    layer.close();
  } catch (problem) {
    if (!(problem instanceof ApiProblem)) throw problem;
    setText(error, sentence(problem));
    setAttr(field, "aria-invalid", "true");
    field.focus();
    field.select();
  } finally {
    submit.disabled = field.value === "";
    setText(submit, "Log in");
  }
}

function sentence(problem) {
  if (problem.isUnreachable) return "The daemon cannot be reached. The password has not been checked.";
  if (problem.status === 429) {
    const wait = problem.retryAfter === null ? "" : ` Try again in ${countdown(problem.retryAfter)}.`;
    return `Too many attempts: logins are blocked for the moment.${wait}`;
  }
  return problem.status === 401 ? "Wrong password." : problem.detail;
}

/** End the session, and begin anew with the login. */
export async function logOut() {
  await logout().catch(() => {});
  location.assign("/");
}
