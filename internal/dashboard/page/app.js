// Which section is shown, and when it is asked for anew.

import * as accounts from "./accounts.js";
import { identify } from "./api.js";
import { $ } from "./dom.js";
import * as events from "./events.js";
import * as overview from "./overview.js";
import * as sinks from "./sinks.js";

const every = 5000;
const sections = ["overview", "accounts", "events", "sinks"];
let section = "", detail = "", round, timer, failed = false;

// route shows what the address names: #/SECTION, #/accounts/NAME, #/accounts?state=….
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  const next = sections.includes(name) ? name : "overview";
  detail = next === "accounts" ? decodeURIComponent(rest.join("/")) : "";
  const states = new URLSearchParams(query || "").get("state");
  if (next === "accounts" && states) accounts.choose(states);
  if (next !== section) {
    if (section) $("main").focus({ preventScroll: true });
    section = next;
    for (const s of sections) $(s).hidden = s !== section;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.dataset.section === section) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (section === "events") events.start();
    else events.stop();
  }
  refresh();
}

async function refresh() {
  clearTimeout(timer);
  round?.abort();
  round = new AbortController();
  const { signal } = round;
  try {
    if (!document.hidden) await ask(signal);
    if (failed) $("connection").textContent = "";
    failed = false;
  } catch (err) {
    if (signal.aborted) return;
    failed = true;
    $("connection").textContent = `○ ${err.message}`;
  }
  timer = setTimeout(refresh, every);
}

function ask(signal) {
  switch (section) {
    case "accounts":
      return Promise.all([overview.summary(signal), accounts.refresh(signal), accounts.show(detail, signal)]);
    case "sinks":
      return Promise.all([overview.summary(signal), sinks.refresh(signal)]);
    case "events":
      return overview.summary(signal);
  }
  return overview.refresh(signal);
}

// The theme is that of the system until somebody says otherwise.
function theme() {
  const chosen = localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.classList.remove("light", "dark");
  if (localStorage.getItem("theme")) document.documentElement.classList.add(chosen);
  $("theme").textContent = chosen === "dark" ? "Light" : "Dark";
  $("theme").setAttribute("aria-label", `Use the ${chosen === "dark" ? "light" : "dark"} theme`);
  return chosen;
}
$("theme").addEventListener("click", () => {
  localStorage.setItem("theme", theme() === "dark" ? "light" : "dark");
  theme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
theme();

window.addEventListener("hashchange", route);
document.addEventListener("visibilitychange", () => { if (!document.hidden && section) refresh(); });
document.addEventListener("signedin", () => { section = ""; route(); });
identify().catch((err) => { if (err.status !== 401) { $("connection").textContent = `○ ${err.message}`; setTimeout(() => location.reload(), every); } });
