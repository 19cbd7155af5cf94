// Sinks: how they are, pause and resume, replay, dead letters.

import { get, may, post } from "./api.js";
import { $, ask, h, notice, replace, state } from "./dom.js";
import { explain } from "./trouble.js";
import { ago, clock, count, many, now } from "./words.js";

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
        may("write") && h("button", { type: "button", "data-key": `replay ${k.name}`, onclick: () => replay(k.name) }, "Replay…"),
        may("write") && (stopped
          ? h("button", { type: "button", class: "main", "data-key": `switch ${k.name}`, onclick: () => act(() => post(`${path(k.name)}/resume`), `${k.name} goes on.`) }, "Resume")
          : h("button", { type: "button", "data-key": `switch ${k.name}`, onclick: () => act(() => post(`${path(k.name)}/pause`, {}), `${k.name} is paused. Events are kept.`) }, "Pause")))),
    k.trouble && explain(k.trouble, k.level === "good" ? "warn" : k.level),
    h("dl", { class: "facts" },
      fact("Backlog", many(k.backlog, "event", "events")), fact("Mailboxes behind", count(k.behind)), fact("Delivered", count(k.delivered)),
      fact("Failed attempts", count(k.failed)), fact("Last delivery", k.delivered_at ? ago(k.delivered_at) : "–"),
      k.last_error && fact("Last error", `${clock(k.last_error_at)} ${k.last_error}`),
      (k.replays || []).map((r) => fact("Replay", `${count(r.cursor)} of ${count(r.until)}`))));
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
    notice(n < 0 ? "The events are being sent once more." : `${many(n, "event is", "events are")} sent once more.`);
  } catch (err) {
    $("replay-error").textContent = err.message;
  }
});

async function letters(name) {
  try {
    const page = await get(`/v1/deadletters?limit=50&sink=${encodeURIComponent(name)}`);
    $("letters-title").textContent = `Dead letters of ${name}`;
    replace($("letters-list"),
      h("p", {}, "These events were given up after the last attempt. Replaying begins with the first attempt again; dropping forgets them."),
      page.items.length === 0 && h("p", { class: "empty" }, "None are left."),
      may("write") && page.items.length > 0 && h("p", { class: "buttons" },
        h("button", { type: "button", class: "main", "data-key": "replay all", onclick: () => settle(name, "replay", { all: true }) }, "Replay all"),
        h("button", { type: "button", class: "danger", "data-key": "drop all", onclick: async () => {
          if (await ask("Drop all dead letters?", `${name} will never get these events.`, "Drop all")) settle(name, "drop", { all: true });
        } }, "Drop all")),
      page.items.map((d) => h("div", { class: "letter", "data-position": d.position },
        h("p", {}, h("strong", {}, d.event.data?.envelope?.subject || d.event.type), ` · ${d.event.data?.account || ""} ${d.event.data?.mailbox || ""} · given up ${clock(d.buried_at)} after ${many(d.attempts, "attempt", "attempts")}`),
        h("p", {}, h("code", {}, d.error)),
        may("write") && h("p", { class: "buttons" },
          h("button", { type: "button", "data-key": `replay ${d.position}`, onclick: () => settle(name, "replay", { positions: [d.position] }) }, "Replay"),
          h("button", { type: "button", "data-key": `drop ${d.position}`, onclick: () => settle(name, "drop", { positions: [d.position] }) }, "Drop")))),
      page.next && h("p", { class: "hint" }, "There are more; these are the oldest."));
    if (!$("letters").open) $("letters").showModal();
  } catch (err) {
    notice(err.message, true);
  }
}

async function settle(name, what, which) {
  try {
    const { count: n } = await post(`/v1/deadletters/${what}`, { sink: name, ...which });
    notice(`${many(n, "dead letter is", "dead letters are")} ${what === "replay" ? "delivered again" : "dropped"}.`);
  } catch (err) {
    notice(err.message, true);
  }
  await letters(name);
  refresh().catch(() => {});
}
