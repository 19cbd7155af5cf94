// The list of accounts, of which the server sends a page at a time, and the details of one.

import { get, may, post, request } from "./api.js";
import { $, ask, h, notice, replace, state } from "./dom.js";
import * as form from "./form.js";
import { explain, headline } from "./trouble.js";
import { ago, clock, count } from "./words.js";

const limit = 50;
const view = { sort: "-state", cursors: [""], next: "", state: "", query: "" };

const choices = [["", "All states"], ["bad,warn", "Needs attention"], ["bad", "Red"], ["up", "Up"], ["starting", "Starting"], ["reconnecting", "Reconnecting"], ["deaf", "Deaf"], ["stale", "Stale"], ["down", "Down"], ["failed", "Failed"]];
const levels = { bad: ["stale", "down", "failed"], "bad,warn": ["stale", "down", "failed", "deaf", "reconnecting"] };

replace($("account-state"), choices.map(([value, text]) => h("option", { value }, text)));

export async function refresh(signal) {
  const query = new URLSearchParams({ limit, sort: view.sort, cursor: view.cursors.at(-1), q: view.query, state: view.state });
  for (const [name, value] of [...query]) if (value === "") query.delete(name);
  const page = await get(`/v1/accounts?${query}`, signal);
  view.next = page.next || "";
  const body = $("account-table").tBodies[0];
  if (page.items.length === 0 && view.cursors.length > 1) {
    view.cursors = [""];
    return refresh(signal);
  }
  if (page.items.length > 0) replace(body, page.items.map(row));
  else replace(body, h("tr", {}, h("td", { colspan: 6, class: "empty" }, view.query || view.state ? "No account matches." : "No accounts yet. Add one here, or with [[account]] in the configuration file.")));
  const first = (view.cursors.length - 1) * limit;
  $("account-count").textContent = page.total ? `${count(first + 1)}–${count(first + page.items.length)} of ${count(page.total)}` : "";
  $("account-previous").disabled = view.cursors.length < 2;
  $("account-next").disabled = !view.next;
  $("account-add").hidden = !may("admin");
  for (const option of $("account-state").options) {
    const names = levels[option.value] || (option.value ? [option.value] : Object.keys(page.states));
    option.textContent = `${choices.find(([v]) => v === option.value)[1]} (${count(names.reduce((n, name) => n + (page.states[name] || 0), 0))})`;
  }
  for (const th of $("account-table").querySelectorAll("th[data-sort]")) {
    const field = view.sort.replace(/^-/, "");
    if (th.dataset.sort === field) th.setAttribute("aria-sort", view.sort.startsWith("-") ? "descending" : "ascending");
    else th.removeAttribute("aria-sort");
  }
}

function row(a) {
  return h("tr", { class: a.level === "bad" && "bad-row", "data-account": a.name },
    h("td", {}, state(a.state, a.level)),
    h("td", { class: "name" },
      h("button", { type: "button", class: "link", "data-key": `account ${a.name}`, onclick: () => { location.hash = `#/accounts/${encodeURIComponent(a.name)}`; } }, a.name),
      (a.user || a.host) && h("div", { class: "sub" }, [a.user !== a.name && a.user, a.host].filter(Boolean).join(" · ")),
      a.trouble && h("div", { class: `why ${a.level}` }, (a.trouble.mailbox && a.mailboxes > 1 ? `${a.trouble.mailbox}: ` : "") + headline(a.trouble))),
    h("td", { "data-label": "method" }, a.method || "–"),
    h("td", { class: "number nowrap", "data-label": "mailboxes" }, a.mailboxes_up === a.mailboxes ? count(a.mailboxes) : `${count(a.mailboxes_up)} of ${count(a.mailboxes)}`),
    h("td", { class: "nowrap", "data-label": "verified", title: a.verified_at }, ago(a.verified_at)),
    h("td", { class: "nowrap", "data-label": "last event", title: a.last_event_at }, a.last_event_at ? ago(a.last_event_at) : "–"));
}

function again() {
  view.cursors = [""];
  refresh().catch((err) => notice(err.message, true));
}

let typing;
$("account-search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { view.query = $("account-search").value.trim(); again(); }, 200);
});
$("account-state").addEventListener("change", () => { view.state = $("account-state").value; again(); });
$("account-next").addEventListener("click", () => { view.cursors.push(view.next); refresh(); });
$("account-previous").addEventListener("click", () => { view.cursors.pop(); refresh(); });
$("account-add").addEventListener("click", () => form.open());
for (const th of $("account-table").querySelectorAll("th[data-sort]")) {
  th.querySelector("button").addEventListener("click", () => {
    const field = th.dataset.sort, first = field === "state" || field === "mailboxes" || field === "last_event_at" ? "-" : "";
    view.sort = view.sort === first + field ? (first ? field : "-" + field) : first + field;
    again();
  });
}
document.addEventListener("accountschanged", () => again());

// choose sets the state that is shown, as a link asks for.
export function choose(states) {
  view.state = states;
  view.cursors = [""];
  $("account-state").value = states;
}

let shown = "";

// show opens the details of an account; "" closes them.
export async function show(name, signal) {
  const dialog = $("account");
  shown = name;
  if (!name) {
    if (dialog.open) dialog.close();
    return;
  }
  const a = await get(`/v1/accounts/${encodeURIComponent(name)}`, signal);
  if (shown !== name) return;
  replace($("account-title"), h("span", {}, a.name, " "), state(a.state, a.level));
  const several = a.mailbox_list.length > 1;
  replace($("account-detail"),
    a.trouble && explain(a.trouble, a.level, several && a.trouble.mailbox ? `Mailbox ${a.trouble.mailbox}` : ""),
    h("dl", { class: "facts" },
      fact("User", a.user || "–"), fact("Server", a.host || "–"), fact("Method", a.method || "–"),
      fact("Verified", ago(a.verified_at)), fact("Last event", a.last_event_at ? ago(a.last_event_at) : "–"),
      fact("Comes from", a.origin === "api" ? "the API" : "the configuration file")),
    h("p", { class: "buttons" },
      may("write") && h("button", { type: "button", "data-key": "verify", onclick: (event) => verify(a.name, event.target) }, "Log in once"),
      may("admin") && a.spec && h("button", { type: "button", "data-key": "change", onclick: () => { $("account").close(); form.open(a.spec); } }, "Change"),
      may("admin") && a.origin === "api" && h("button", { type: "button", class: "danger", "data-key": "remove", onclick: () => remove(a.name) }, "Remove")),
    h("div", { id: "verify-result", role: "status" }, $("verify-result") ? [...$("verify-result").childNodes] : []),
    h("h3", {}, "Mailboxes"),
    a.mailbox_list.length === 0 ? h("p", { class: "empty" }, "None is known yet.") : h("div", { class: "scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ["State", "Mailbox", "Method", "Messages", "Verified", "Last event"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", {}, a.mailbox_list.map((m) => h("tr", { class: m.level === "bad" && "bad-row" },
        h("td", {}, state(m.state, m.level)),
        h("td", {}, m.mailbox || "(the connection)", m.trouble && h("div", { class: `why ${m.level}` }, headline(m.trouble))),
        h("td", {}, m.method || "–"), h("td", { class: "number" }, count(m.messages)),
        h("td", { class: "nowrap" }, ago(m.verified_at)), h("td", { class: "nowrap" }, m.last_event_at ? clock(m.last_event_at, true) : "–")))))));
  if (!dialog.open) dialog.showModal();
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

$("account").addEventListener("close", () => {
  $("verify-result")?.replaceChildren();
  if (location.hash.startsWith("#/accounts/")) location.hash = "#/accounts";
});

async function verify(name, button) {
  button.disabled = true;
  replace($("verify-result"), h("p", {}, "Logging in…"));
  try {
    replace($("verify-result"), result(await post(`/v1/accounts/${encodeURIComponent(name)}/verify`)));
  } catch (err) {
    replace($("verify-result"), h("p", { class: "error" }, err.message));
  }
  button.disabled = false;
}

// result says what came of logging in once.
export function result(v) {
  if (!v.ok) return explain(v.trouble || { summary: "It did not work.", advice: "" }, "bad");
  const boxes = v.mailboxes || [];
  return h("p", { class: "fine" }, state("It works.", "good"), `${v.method ? `News by ${v.method}. ` : ""}${boxes.slice(0, 8).join(", ")}${boxes.length > 8 ? ` and ${boxes.length - 8} more` : ""}`);
}

async function remove(name) {
  if (!await ask(`Remove ${name}?`, "It is not watched any more, and its password is forgotten. Its events stay in the journal.", "Remove")) return;
  try {
    await request("DELETE", `/v1/accounts/${encodeURIComponent(name)}`);
    $("account").close();
    notice(`${name} was removed.`);
    again();
  } catch (err) {
    notice(err.message, true);
  }
}
