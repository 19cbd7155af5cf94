// Charts as inline SVG.

import { h, replace, svg } from "./dom.js";
import { clock, duration } from "./words.js";

const height = 190, left = 46, right = 8, top = 8, bottom = 22;

function nice(max) {
  const step = 10 ** Math.floor(Math.log10(max));
  return [1, 2, 5, 10].map((f) => f * step).find((v) => v >= max);
}

// lines draws one line for each of series: {name, color, values, area}. Values that are null leave a hole. A scale has max, ticks, a
// function y from a value to 0…1, and label.
function lines(chart, title, points, series, scale) {
  const width = Math.max(240, chart.clientWidth);
  const x = (i, n) => left + (width - left - right) * i / Math.max(1, n - 1);
  const y = (v) => top + (height - top - bottom) * (1 - scale.y(v));
  const grid = scale.ticks.map((v) => [
    svg("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }),
    svg("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, scale.label(v)),
  ]);
  const every = Math.ceil(points.length / 4);
  const times = points.map((p, i) => i % every === 0 && svg("text", { x: x(i, points.length), y: height - 5, "text-anchor": i === 0 ? "start" : "middle" }, clock(p.at)));
  const drawn = series.map(({ color, values, area }) => {
    const runs = [];
    values.forEach((v, i) => {
      if (v === null) return;
      if (i === 0 || values[i - 1] === null) runs.push([]);
      runs.at(-1).push([x(i, values.length), y(v)]);
    });
    return svg("g", { class: color }, runs.map((run) => {
      const path = run.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
      return [
        area && run.length > 1 && svg("path", { class: "area", d: `${path}L${run.at(-1)[0].toFixed(1)} ${y(0)}L${run[0][0].toFixed(1)} ${y(0)}Z` }),
        run.length > 1 ? svg("path", { class: "line", d: path }) : svg("circle", { cx: run[0][0], cy: run[0][1], r: 2.5, fill: "currentColor" }),
      ];
    }));
  });
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title }, grid, times, drawn);
}

const keys = (element, entries) => replace(element, entries.map(([color, text]) => h("span", { class: color }, h("span", { class: "key" }), text)));

export function throughput(chart, legend, points, perPoint) {
  const rate = (field) => points.map((p) => p[field] / perPoint);
  const events = rate("events"), delivered = rate("delivered"), failed = rate("failed");
  const max = nice(Math.max(1, ...events, ...delivered, ...failed));
  const sum = (field) => points.reduce((n, p) => n + p[field], 0);
  const text = `In the last hour ${sum("events")} events, ${sum("delivered")} deliveries and ${sum("failed")} failed attempts.`;
  replace(chart, lines(chart, text, points, [
    { color: "one", values: events, area: true }, { color: "two", values: delivered }, ...(sum("failed") ? [{ color: "three", values: failed }] : []),
  ], { ticks: [0, max / 2, max], y: (v) => v / max, label: (v) => String(+v.toFixed(2)) }));
  keys(legend, [["one", `${sum("events")} events`], ["two", `${sum("delivered")} delivered`], ...(sum("failed") ? [["three", `${sum("failed")} failed`]] : [])]);
}

// latency has a logarithmic scale: what matters goes from milliseconds to hours.
export function latency(chart, legend, points) {
  const values = (field) => points.map((p) => (p.delivered && p[field] > 0 ? p[field] : null));
  const p50 = values("p50"), p95 = values("p95"), all = [...p50, ...p95].filter((v) => v !== null);
  if (all.length === 0) {
    replace(chart, h("p", { class: "empty" }, "No deliveries in the last hour."));
    replace(legend);
    return;
  }
  const low = Math.floor(Math.log10(Math.min(...all))), high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(...all))));
  const ticks = [];
  for (let e = low; e <= high; e++) ticks.push(10 ** e);
  const last = points.findLast((p) => p.delivered);
  const text = `Half of the deliveries took at most ${duration(last.p50)}, 95 of 100 at most ${duration(last.p95)}.`;
  replace(chart, lines(chart, text, points, [{ color: "three", values: p95 }, { color: "two", values: p50 }],
    { ticks, y: (v) => (Math.log10(Math.max(v, 10 ** low)) - low) / (high - low), label: duration }));
  keys(legend, [["two", `half within ${duration(last.p50)}`], ["three", `95 % within ${duration(last.p95)}`]]);
}
