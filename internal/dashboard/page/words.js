// Times and numbers as people read them.

let skew = 0; // the clock of the server minus ours

export function setClock(now) { skew = Date.parse(now) - Date.now(); }

export const now = () => Date.now() + skew;

const pad = (n) => String(n).padStart(2, "0");

// clock is the time of day, with the date if that is not today.
export function clock(time, seconds) {
  if (!time) return "";
  const d = new Date(Date.parse(time) - skew), today = new Date();
  const text = `${pad(d.getHours())}:${pad(d.getMinutes())}${seconds ? ":" + pad(d.getSeconds()) : ""}`;
  if (d.toDateString() === today.toDateString()) return text;
  return d.toLocaleDateString(undefined, { day: "numeric", month: "short", year: d.getFullYear() === today.getFullYear() ? undefined : "numeric" }) + " " + text;
}

export function duration(seconds) {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export function ago(time) {
  if (!time) return "never";
  const s = (now() - Date.parse(time)) / 1000;
  return s < 1 ? "just now" : duration(Math.round(s)) + " ago";
}

export function until(time) {
  const s = (Date.parse(time) - now()) / 1000;
  return s < 1 ? "now" : "in " + duration(Math.round(s));
}

export const count = (n) => Number(n).toLocaleString("en").replaceAll(",", "\u202f");

export const many = (n, one, more) => `${count(n)} ${n === 1 ? one : more}`;

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${n < 10 && i > 0 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
