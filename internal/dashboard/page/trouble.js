// What is wrong, since when, what to do, and what the other side said.

import { h } from "./dom.js";
import { clock, duration, now, until } from "./words.js";

export function since(trouble) {
  if (!trouble.since) return "";
  const s = (now() - Date.parse(trouble.since)) / 1000;
  return `since ${clock(trouble.since)}` + (s >= 60 ? ` (${duration(s)})` : "");
}

// headline is all of it in a line: "The server refuses the password or token since 09:12: [AUTHENTICATIONFAILED] …".
export function headline(trouble) {
  const when = trouble.since ? ` since ${clock(trouble.since)}` : "";
  return trouble.summary.replace(/\.$/, "") + when + (trouble.reason ? `: ${trouble.reason}` : ".");
}

export function explain(trouble, level, title, action) {
  return h("div", { class: `trouble ${level}` },
    h("div", { class: "top" }, title && h("strong", {}, title), h("span", {}, trouble.summary), h("span", { class: "since" }, since(trouble)), action),
    h("p", {}, trouble.advice),
    (trouble.reason || trouble.retry_at) && h("p", { class: "said" },
      trouble.reason && ["It was said: ", h("code", {}, trouble.reason)],
      trouble.reason && trouble.retry_at && " · ",
      trouble.retry_at && `Next attempt ${until(trouble.retry_at)}`));
}
