// Sinks: how they are, pause and resume, replay, events that fail, dead letters.

import { get, may, post } from "./api.js";
import { $, ask, h, notice, replace, state } from "./dom.js";
import { explain } from "./trouble.js";
import { ago, clock, count, many, now, until } from "./words.js";

const path = (name) => `/v1/sinks/${encodeURIComponent(name)}`;

export async function refresh(signal) {
  const { items } = await get("/v1/sinks", signal);
  replace($("sink-list"), items.length ? items.map(card) : h("p", { class: "empty" }, "No sinks: events are only kept in the journal. Add one with [[sink]] in the configuration file."));
}

function card(k) {
  const stopped = k.state === "paused" || k.state === "disabled";
  return h("article", { class: "card", "data-sink": k.name },
    h("div", { class: "top" }, state(k.state, k.level), h("h3", {}, k.name), h("span", { class: "kind" }, k.type),
      h("div", { class: "buttons" },
        k.dead_letters > 0 && h("button", { type: "button", "data-key": `letters ${k.name}`, onclick: () => letters(k.name) }, many(k.dead_letters, "dead letter", "dead letters")),
        k.failing > 0 && h("button", { type: "button", "data-key": `failing ${k.name}`, onclick: () => failing(k.name) }, `${count(k.failing)} failing`),
        may("write") && h("button", { type: "button", "data-key": `replay ${k.name}`, onclick: () => replay(k.name) }, "Replay…"),
        may("write") && (stopped
          ? h("button", { type: "button", class: "main", "data-key": `switch ${k.name}`, onclick: () => act(() => post(`${path(k.name)}/resume`), `${k.name} goes on.`) }, "Resume")
          : h("button", { type: "button", "data-key": `switch ${k.name}`, onclick: () => act(() => post(`${path(k.name)}/pause`, {}), `${k.name} is paused. Events are kept.`) }, "Pause")))),
    k.trouble && explain(k.trouble, k.level === "good" ? "warn" : k.level),
    h("dl", { class: "facts" },
      fact("Backlog", many(k.backlog, "event", "events")), fact("Mailboxes behind", count(k.behind)), fact("Delivered", count(k.delivered)),
      fact("Failed attempts", count(k.failed)), fact("Last delivery", k.delivered_at ? ago(k.delivered_at) : "–"),
      k.last_error && fact("Last error", `${clock(k.last_error_at)} ${k.last_error}`),
      k.replaying > 0 && fact("To be sent once more", many(k.replaying, "event", "events"))));
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

async function act(work, done) {
  try {
    await work();
    notice(done);
  } catch (err) {
    notice(err.message, true);
  }
  refresh().catch(() => {});
}

let target = "";
function replay(name) {
  target = name;
  $("replay-title").textContent = `Replay to ${name}`;
  $("replay-error").textContent = "";
  $("replay").showModal();
}
$("replay").querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { since: new Date(now() - 1000 * Number($("replay-since").value)).toISOString() };
  if ($("replay-account").value.trim()) body.account = $("replay-account").value.trim();
  try {
    const { count: n } = await post(`${path(target)}/replay`, body);
    $("replay").close();
    notice(`${many(n, "event is", "events are")} sent once more.`);
  } catch (err) {
    $("replay-error").textContent = err.message;
  }
});

// letter shows an event that was not taken, with what can be done about it.
const letter = (d, what, ...buttons) => h("div", { class: "letter", "data-position": d.position },
  h("p", {}, h("strong", {}, d.event.data?.envelope?.subject || d.event.type), ` · ${d.event.data?.account || ""} ${d.event.data?.mailbox || ""} · ${what}`),
  h("p", {}, h("code", {}, d.error)),
  may("write") && h("p", { class: "buttons" }, buttons));

// show fills the dialog of such events: what they are, what can be done about all, and each.
async function show(address, title, text, all, item) {
  try {
    const page = await get(address);
    $("letters-title").textContent = title;
    replace($("letters-list"),
      h("p", {}, text),
      page.items.length === 0 && h("p", { class: "empty" }, "None are left."),
      may("write") && page.items.length > 0 && h("p", { class: "buttons" }, all),
      page.items.map(item),
      page.next && h("p", { class: "hint" }, "There are more; these are the oldest."));
    if (!$("letters").open) $("letters").showModal();
  } catch (err) {
    notice(err.message, true);
  }
}

const failing = (name) => show(`${path(name)}/failing?limit=50`, `Events that hold up mailboxes of ${name}`,
  "These events failed and are tried again; what comes after them in the same mailbox waits. Skipping makes a dead letter of an event, and the next one goes on.",
  [
    h("button", { type: "button", class: "main", "data-key": "retry all", onclick: () => handle(failing, name, `${path(name)}/resume`, undefined, () => "They are tried again now.") }, "Try again now"),
    h("button", { type: "button", class: "danger", "data-key": "skip all", onclick: async () => {
      if (await ask("Skip all of these events?", `${name} does not get them unless their dead letters are replayed.`, "Skip all")) skip(name, { all: true });
    } }, "Skip all"),
  ],
  (f) => letter(f, `${many(f.attempts, "attempt", "attempts")} · next ${f.next_at ? until(f.next_at) : "now"}`,
    h("button", { type: "button", "data-key": `skip ${f.position}`, onclick: () => skip(name, { ids: [f.event.id] }) }, "Skip")));

const skip = (name, which) => handle(failing, name, `${path(name)}/skip`, which,
  ({ count: n }) => `${many(n, "event is a dead letter", "events are dead letters")} now.`);

const letters = (name) => show(`/v1/deadletters?limit=50&sink=${encodeURIComponent(name)}`, `Dead letters of ${name}`,
  "These events were given up after the last attempt. Replaying begins with the first attempt again; dropping forgets them.",
  [
    h("button", { type: "button", class: "main", "data-key": "replay all", onclick: () => settle(name, "replay", { all: true }) }, "Replay all"),
    h("button", { type: "button", class: "danger", "data-key": "drop all", onclick: async () => {
      if (await ask("Drop all dead letters?", `${name} will never get these events.`, "Drop all")) settle(name, "drop", { all: true });
    } }, "Drop all"),
  ],
  (d) => letter(d, `given up ${clock(d.buried_at)} after ${many(d.attempts, "attempt", "attempts")}`,
    h("button", { type: "button", "data-key": `replay ${d.position}`, onclick: () => settle(name, "replay", { positions: [d.position] }) }, "Replay"),
    h("button", { type: "button", "data-key": `drop ${d.position}`, onclick: () => settle(name, "drop", { positions: [d.position] }) }, "Drop")));

const settle = (name, what, which) => handle(letters, name, `/v1/deadletters/${what}`, { sink: name, ...which },
  ({ count: n }) => `${many(n, "dead letter is", "dead letters are")} ${what === "replay" ? "delivered again" : "dropped"}.`);

// handle has something done about such events, and lists those that are left.
async function handle(list, name, address, body, done) {
  try {
    notice(done(await post(address, body)));
  } catch (err) {
    notice(err.message, true);
  }
  await list(name);
  refresh().catch(() => {});
}
