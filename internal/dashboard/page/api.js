// Asking the HTTP API. The token is kept for as long as the tab is open, and sent in a header only.

import { $ } from "./dom.js";

let token = sessionStorage.getItem("token") || "";
let me = { scopes: [] };

export const may = (scope) => me.scopes.includes(scope);

// Problem is an answer of the API that something did not work (RFC 9457).
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.errors = body.errors || [];
  }
}

function headers(more) {
  return token ? { ...more, Authorization: `Bearer ${token}` } : { ...more };
}

export async function request(method, path, body, signal) {
  let response;
  try {
    response = await fetch(path, {
      method, signal, cache: "no-store", credentials: "omit", redirect: "error",
      headers: headers(body === undefined ? {} : { "Content-Type": "application/json" }),
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new Problem(0, { detail: "pushmail cannot be reached." });
  }
  if (response.ok) return response.status === 204 ? undefined : response.json();
  const problem = new Problem(response.status, await response.json().catch(() => ({})));
  if (response.status === 401) signIn(token ? "This token is not valid any more." : "");
  throw problem;
}

export const get = (path, signal) => request("GET", path, undefined, signal);
export const post = (path, body) => request("POST", path, body);

// identify finds out what the token allows, and has somebody sign in if there is none.
export async function identify() {
  me = await get("/v1/me");
  $("signout").hidden = !token;
  document.dispatchEvent(new Event("signedin"));
}

let needed = false; // nothing can be seen without a token

export function signIn(why) {
  const dialog = $("signin");
  needed = true;
  $("signin-error").textContent = why;
  if (!dialog.open) {
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    dialog.showModal();
  }
}

// Escape closes it, whether that is prevented or not.
$("signin").addEventListener("close", () => { if (needed) $("signin").showModal(); });
$("signin").querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const before = token;
  token = $("signin-token").value.trim();
  try {
    const response = await fetch("/v1/me", { headers: headers(), cache: "no-store", credentials: "omit" });
    if (response.status === 401) throw new Error("This token is not known. Is it one of [api] tokens?");
    if (response.status === 403) throw new Error("This token does not allow to look: it needs the scope read.");
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  } catch (err) {
    token = before;
    $("signin-error").textContent = err instanceof TypeError ? "pushmail cannot be reached, or this is not a token." : err.message;
    $("signin-token").select();
    return;
  }
  sessionStorage.setItem("token", token);
  $("signin-token").value = "";
  needed = false;
  $("signin").close();
  identify();
});

$("signout").addEventListener("click", () => {
  sessionStorage.removeItem("token");
  location.reload();
});

// stream reads server-sent events until signal is aborted. It is made with fetch, since EventSource cannot send a token. onEvent gets
// {id, type, data}, onState whether it is connected. After a loss it goes on after the last id.
export async function stream(path, lastID, onEvent, onState, signal) {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const response = await fetch(path, { headers: headers(lastID ? { "Last-Event-ID": lastID } : {}), signal, cache: "no-store", credentials: "omit" });
      if (response.status === 401) return signIn("");
      if (!response.ok) throw new Problem(response.status, {});
      onState(true);
      failures = 0;
      const parse = parser((event) => {
        lastID = event.id;
        onEvent(event);
      }, (id) => { lastID = id; });
      for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) break;
        parse(value);
      }
    } catch (err) {
      if (signal.aborted) return;
    }
    onState(false);
    const pause = Math.min(30000, 1000 * 2 ** failures) * (0.5 + Math.random() / 2);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }
}

// parser reads text/event-stream by the rules of the HTML standard; pieces may end anywhere.
export function parser(onEvent, onID) {
  let rest = "", id = "", type = "", data = [];
  return (piece) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop();
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (data.length > 0) onEvent({ id, type: type || "message", data: data.join("\n") });
        else if (id) onID(id);
        type = "";
        data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "id") id = value;
      else if (name === "event") type = value;
      else if (name === "data") data.push(value);
    }
  };
}
