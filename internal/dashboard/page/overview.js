// The overview: what needs attention, numbers, charts.

import { get } from "./api.js";
import * as charts from "./charts.js";
import { $, h, replace, state, svg } from "./dom.js";
import { explain } from "./trouble.js";
import { ago, bytes, count, duration, many, now, setClock } from "./words.js";

const bad = ["stale", "down", "disabled", "failed"], warn = ["deaf", "reconnecting", "retrying"];
const sum = (counts, names) => (names || Object.keys(counts)).reduce((n, name) => n + (counts[name] || 0), 0);

// summary is asked for on every page: it has the clock and the numbers in the navigation.
export async function summary(signal) {
  const s = await get("/v1/status", signal);
  setClock(s.now);
  badge("accounts", sum(s.accounts, bad), "accounts need attention");
  badge("sinks", sum(s.sinks, bad), "sinks need attention");
  document.title = sum(s.accounts, bad) + sum(s.sinks, bad) > 0 || !s.ready ? "● pushmail" : "pushmail";
  return s;
}

function badge(section, n, what) {
  const link = document.querySelector(`nav a[data-section="${section}"]`);
  link.querySelector(".badge")?.remove();
  if (n > 0) link.append(h("span", { class: "badge" }, count(n), h("span", { class: "hidden" }, ` ${what}`)));
}

export async function refresh(signal) {
  const [s, accounts, sinks, series] = await Promise.all([
    summary(signal), get("/v1/accounts?state=bad,warn&sort=-state&limit=5", signal), get("/v1/sinks", signal), get("/v1/series?points=60", signal),
  ]);
  attention(s, accounts, sinks.items);
  tiles(s, sinks.items);
  charts.throughput($("throughput"), $("throughput-now"), series.points, 1);
  charts.latency($("latency"), $("latency-now"), series.points);
}

function attention(s, accounts, sinks) {
  const list = [];
  if (s.journal.trouble) list.push(explain(s.journal.trouble, "bad", "Journal"));
  for (const k of sinks.filter((k) => k.trouble && k.level !== "wait")) {
    list.push(explain(k.trouble, k.level === "good" ? "warn" : k.level, `Sink ${k.name}`, h("a", { href: "#/sinks", "data-key": `sink ${k.name}` }, "Show")));
  }
  for (const a of accounts.items.filter((a) => a.trouble)) {
    const title = `Account ${a.name}` + (a.trouble.mailbox && a.mailboxes > 1 ? `, mailbox ${a.trouble.mailbox}` : "");
    list.push(explain(a.trouble, a.level, title, h("a", { href: `#/accounts/${encodeURIComponent(a.name)}`, "data-key": `account ${a.name}` }, "Show")));
  }
  if (list.length > 0) {
    const more = accounts.total - accounts.items.length;
    replace($("attention"), h("ul", { class: "attention", "aria-label": "What needs attention" }, list.map((t) => h("li", {}, t)),
      more > 0 && h("li", { class: "more" }, h("a", { href: "#/accounts?state=bad,warn", "data-key": "more" }, `${many(more, "more account needs", "more accounts need")} attention`))));
    return;
  }
  const starting = sum(s.accounts, ["starting"]);
  let text = "All accounts are connected and complete.";
  if (sum(s.accounts) === 0) text = "No accounts yet. Add one here, or with [[account]] in the configuration file.";
  else if (starting) text = `${many(starting, "account is", "accounts are")} being opened.`;
  replace($("attention"), h("p", { class: "fine" }, state("", sum(s.accounts) === 0 || starting ? "wait" : "good"), text,
    sum(s.accounts) === 0 && h("a", { href: "#/accounts" }, "Accounts")));
}

function tiles(s, sinks) {
  const up = sum(s.accounts, ["up", "deaf"]), total = sum(s.accounts);
  const boxes = sum(s.mailboxes, ["up", "deaf"]), allBoxes = sum(s.mailboxes);
  const backlog = sinks.reduce((n, k) => Math.max(n, k.backlog), 0);
  const oldest = s.oldest_verified_at ? duration(Math.max(0, (now() - Date.parse(s.oldest_verified_at)) / 1000)) : "–";
  const level = (names) => (sum(s.accounts, bad) ? "bad" : sum(s.accounts, warn) ? "warn" : "");
  replace($("tiles"),
    tile("Accounts up", count(up), `of ${count(total)}`, up < total ? level() : ""),
    tile("Mailboxes up", count(boxes), `of ${count(allBoxes)}`),
    tile("Longest unverified", oldest, "", ""),
    tile("Events per second", s.events_per_second < 10 ? String(+s.events_per_second.toFixed(1)) : count(Math.round(s.events_per_second)), "in the last minute"),
    tile("Longest backlog", count(backlog), sinks.length ? many(backlog, "event", "events").replace(/^\S+ /, "") : "no sinks"),
    tile("Journal", bytes(s.journal.bytes), many(Math.max(0, s.journal.last - s.journal.first + (s.journal.last ? 1 : 0)), "event", "events"), s.journal.trouble ? "bad" : ""),
    tile("Running", ago(s.started_at).replace(" ago", ""), s.version ? `version ${s.version}` : ""));
}

const tile = (name, value, small, level) => h("div", {}, h("dt", {}, name), h("dd", { class: level }, value, small && [" ", h("small", {}, small)]));
