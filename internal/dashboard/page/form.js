// The form to add and to change an account.

import { Problem, post, request } from "./api.js";
import { result } from "./accounts.js";
import { $, h, notice, replace } from "./dom.js";

const dialog = $("form"), fields = dialog.querySelector("form").elements;
let before; // what is changed; undefined for a new one

export function open(spec) {
  before = spec;
  dialog.querySelector("form").reset();
  clear();
  $("form-title").textContent = spec ? `Change ${spec.name}` : "Add account";
  dialog.querySelector('button[type="submit"]').textContent = spec ? "Save" : "Add";
  fields.name.readOnly = Boolean(spec);
  fields.password.placeholder = spec ? "leave empty to keep it" : "";
  if (spec) {
    const [, scheme, user, host] = spec.url.match(/^([^:]+):\/\/([^@]*)@([^/]*)/) || [];
    fields.name.value = spec.name;
    fields.scheme.value = scheme || "imaps";
    fields.user.value = decodeURIComponent(user || "");
    fields.host.value = host || "";
    fields.mailboxes.value = spec.all_mailboxes ? "*" : (spec.mailboxes || []).join(", ");
  }
  dialog.showModal();
  (spec ? fields.password : fields.name).focus();
}

function clear() {
  for (const error of dialog.querySelectorAll(".error")) error.textContent = "";
  for (const field of fields) field.removeAttribute("aria-invalid");
  replace($("form-result"));
}

function read() {
  const spec = { ...(before || {}) };
  delete spec.all_mailboxes;
  delete spec.mailboxes;
  spec.name = fields.name.value.trim();
  spec.url = `${fields.scheme.value}://${encodeURIComponent(fields.user.value.trim())}@${fields.host.value.trim()}`;
  spec.insecure_plaintext = fields.scheme.value === "imap";
  if (fields.password.value) spec.password = fields.password.value;
  const mailboxes = fields.mailboxes.value.split(",").map((m) => m.trim()).filter(Boolean);
  if (mailboxes.length === 1 && mailboxes[0] === "*") spec.all_mailboxes = true;
  else if (mailboxes.length > 0) spec.mailboxes = mailboxes;
  return spec;
}

// complain shows each error at its field.
function complain(err) {
  if (!(err instanceof Problem)) throw err;
  let first, rest = [];
  for (const e of err.errors) {
    let name = (e.location || "").replace(/^body\.?/, "").replace(/[.[].*/, "") || e.message.match(/property (\w+)/)?.[1] || "";
    if (name === "url" && !fields.user.value.trim() && fields.host.value.trim()) name = "user"; // one field of the API, two here
    const place = dialog.querySelector(`.error[data-for="${CSS.escape(name)}"]`);
    if (!place) {
      rest.push(name ? `${name}: ${e.message}` : e.message);
      continue;
    }
    place.textContent = e.message;
    const field = place.parentElement.querySelector("input, select");
    field.setAttribute("aria-invalid", "true");
    place.id ||= `error-${name}`;
    field.setAttribute("aria-describedby", place.id);
    first ||= field;
  }
  $("form-error").textContent = err.errors.length === 0 ? err.message : rest.join("; ");
  first?.focus();
}

async function busy(text, work) {
  clear();
  const buttons = dialog.querySelectorAll("button");
  for (const b of buttons) b.disabled = true;
  replace($("form-result"), h("p", {}, text));
  try {
    await work();
  } catch (err) {
    replace($("form-result"));
    for (const b of buttons) b.disabled = false;
    complain(err);
  } finally {
    for (const b of buttons) b.disabled = false;
  }
}

$("form-try").addEventListener("click", () => busy("Logging in…", async () => {
  const spec = read();
  const v = before && !spec.password ? await post(`/v1/accounts/${encodeURIComponent(spec.name)}/verify`) : await post("/v1/verify", spec);
  replace($("form-result"), result(v));
}));

dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  busy("Saving…", async () => {
    const spec = read();
    if (before) await request("PUT", `/v1/accounts/${encodeURIComponent(spec.name)}`, spec);
    else await post("/v1/accounts", spec);
    dialog.close();
    notice(before ? `${spec.name} was changed.` : `${spec.name} was added. Its state is seen in the list.`);
    document.dispatchEvent(new Event("accountschanged"));
  });
});
