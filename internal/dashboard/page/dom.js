// Making elements. Text is always text: what senders and servers wrote is never read as HTML.

export const $ = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

function make(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  for (const child of children.flat(9)) {
    if (child !== null && child !== undefined && child !== false && child !== "") element.append(child);
  }
  return element;
}

export const h = (name, attributes, ...children) => make(document.createElement(name), attributes, children);
export const svg = (name, attributes, ...children) => make(document.createElementNS(SVG, name), attributes, children);

// replace changes what an element contains and leaves the focus on the same thing: that with the same data-key.
export function replace(element, ...children) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...children.flat(9).filter((c) => c !== null && c !== undefined && c !== false));
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

// A state is told by shape and word, not by colour alone.
const shapes = {
  good: () => svg("path", { d: "M2 6.5l3 3 5-6", fill: "none", stroke: "currentColor", "stroke-width": "2.2", "stroke-linecap": "round", "stroke-linejoin": "round" }),
  wait: () => svg("circle", { cx: 6, cy: 6, r: 4, fill: "none", stroke: "currentColor", "stroke-width": "2" }),
  warn: () => svg("path", { d: "M6 1l5.2 9.6H.8z", fill: "currentColor" }),
  bad: () => svg("rect", { x: 1, y: 1, width: 10, height: 10, rx: 2, fill: "currentColor" }),
};

export function state(name, level) {
  return h("span", { class: `state ${level}` }, svg("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" }, shapes[level]?.()), name);
}

// notice tells of something that was done, or was not, for a while.
export function notice(text, bad) {
  const element = h("p", { class: bad ? "notice bad" : "notice" }, text);
  $("notices").append(element);
  setTimeout(() => element.remove(), bad ? 12000 : 5000);
}

// ask has somebody confirm something; it resolves to whether he did, and not at all when the dialog is left by Escape. The event "close"
// would come later, when the next question may be asked already, and answer that one.
export function ask(title, text, yes) {
  const dialog = $("confirm");
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = yes;
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.querySelector("form").onsubmit = (event) => resolve(event.submitter.value === "yes");
  });
}

for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
