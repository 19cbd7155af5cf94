// Events: the last ones, then those that come.

import { get, stream } from "./api.js";
import { $, h, notice, replace } from "./dom.js";
import { clock, count } from "./words.js";

const keep = 200;
const names = {
  "mail.message.new": "New message", "mail.message.expunge": "Message gone", "mail.message.flags": "Flags changed", "mail.mailbox.open": "Mailbox opened",
  "mail.mailbox.reset": "Mailbox renumbered", "mail.mailbox.name": "Mailbox name", "mail.link": "Connection",
};
let live, rows = [], waiting = [], paused = false, drawing;

// start shows the last events and follows those that come, until stop.
export async function start() {
  stop();
  live = new AbortController();
  const { signal } = live, query = new URLSearchParams();
  if ($("event-account").value.trim()) query.set("account", $("event-account").value.trim());
  if ($("event-type").value) query.set("type", $("event-type").value);
  rows = [];
  waiting = [];
  try {
    const page = await get(`/v1/events?latest=true&limit=100&${query}`, signal);
    for (const r of page.items) rows.unshift(row(r.event));
    draw();
    await stream(`/v1/events/stream?${query}`, String(page.next), arrived, connected, signal);
  } catch (err) {
    if (!signal.aborted) notice(err.message, true);
  }
}

export function stop() {
  live?.abort();
  $("connection").textContent = "";
}

function connected(yes) {
  $("connection").textContent = yes ? "● live" : "○ connecting again…";
}

function arrived({ type, data }) {
  if (type === "gap") return notice("Some events are not in the journal any more.", true);
  waiting.push(JSON.parse(data));
  if (waiting.length > keep) waiting.shift();
  if (!paused) drawing ||= requestAnimationFrame(take);
  else label();
}

function take() {
  drawing = undefined;
  for (const event of waiting) rows.unshift(row(event, true));
  waiting = [];
  draw();
}

function draw() {
  rows.length = Math.min(rows.length, keep);
  replace($("event-table").tBodies[0], rows);
  $("event-empty").hidden = rows.length > 0;
  label();
}

function label() {
  $("event-pause").textContent = paused ? `Go on${waiting.length ? ` (${count(waiting.length)})` : ""}` : "Pause";
}

function row(event, fresh) {
  const d = event.data || {};
  return h("tr", { class: fresh && "fresh", "data-id": event.id },
    h("td", { class: "nowrap", title: event.time }, clock(event.time, true)),
    h("td", { class: "nowrap" }, names[event.type] || event.type),
    h("td", {}, d.account || ""), h("td", {}, d.mailbox || ""), h("td", { class: "detail" }, ...details(event.type, d)));
}

function details(type, d) {
  const sender = d.envelope?.from?.[0];
  const from = sender && (sender.name || sender.address);
  switch (type) {
    case "mail.message.new":
    case "mail.message.expunge":
      return [d.envelope ? d.envelope.subject || "(no subject)" : `UID ${d.uid}`, from && h("div", { class: "sub" }, from)];
    case "mail.message.flags":
      return [`UID ${d.uid} `, [...(d.added || []).map((f) => `+${f}`), ...(d.removed || []).map((f) => `−${f}`)].join(" ")];
    case "mail.link":
      return [d.stale ? "stale" : d.up ? "up again" : "lost", d.reason && h("div", { class: "sub" }, d.reason)];
    case "mail.mailbox.open":
      return [`${count(d.exists || 0)} messages, compared by ${d.method || "?"}, news by ${d.push || "?"}`];
    case "mail.mailbox.name":
      return [d.change || "", d.old_mailbox ? ` from ${d.old_mailbox}` : ""];
  }
  return [];
}

$("event-pause").addEventListener("click", () => {
  paused = !paused;
  $("event-pause").setAttribute("aria-pressed", String(paused));
  if (!paused) take();
  label();
});
let typing;
$("event-account").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(start, 300); });
$("event-type").addEventListener("change", start);
