#pragma once

#include <string_view>

namespace moq::bench {

/// The page of --plot; "@RUN@" stands where the run goes.
inline constexpr std::string_view kPlotPage = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>moq-bench</title>
<style>
:root {
  --page: #f6f7f9; --card: #fff; --ink: #1b2330; --soft: #68738a; --line: #e3e7ee; --shade: #8894ab1c;
  --a: #2563eb; --b: #0d9488; --c: #d97706; --d: #dc2626; --e: #7c3aed; --good: #15803d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --ink: #e6eaf2; --soft: #93a0b8; --line: #2a3342; --shade: #93a0b814;
    --a: #60a5fa; --b: #2dd4bf; --c: #fbbf24; --d: #f87171; --e: #a78bfa; --good: #4ade80;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 22px; margin: 0 0 4px; letter-spacing: -.01em; }
.when { color: var(--soft); }
code { display: block; margin: 14px 0 22px; padding: 10px 14px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; font: 12.5px/1.5 ui-monospace, Menlo, monospace;
  color: var(--soft); overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin-bottom: 20px; }
.tile, figure { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.tile { padding: 12px 16px; }
.tile b { display: block; font-size: 22px; font-weight: 650; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.tile span { color: var(--soft); font-size: 13px; }
.tile.good b { color: var(--good); } .tile.bad b { color: var(--d); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(500px, 100%), 1fr)); gap: 14px; }
figure { margin: 0; padding: 14px 16px 8px; position: relative; }
figcaption { font-weight: 600; display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: baseline; }
figcaption i { font-style: normal; font-weight: 400; font-size: 12.5px; color: var(--soft); }
figcaption i::before { content: ""; display: inline-block; width: 14px; height: 3px; border-radius: 2px;
  background: var(--hue); margin-right: 6px; vertical-align: middle; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.tip { position: absolute; pointer-events: none; background: var(--ink); color: var(--page); padding: 6px 10px;
  border-radius: 8px; font-size: 12px; line-height: 1.5; white-space: nowrap; opacity: 0; transition: opacity .1s;
  font-variant-numeric: tabular-nums; z-index: 2; }
footer { margin-top: 18px; color: var(--soft); font-size: 12.5px; }
</style>
</head>
<body>
<main>
<h1 id="title"></h1>
<div class="when" id="when"></div>
<code id="command"></code>
<div class="tiles" id="tiles"></div>
<div class="charts" id="charts"></div>
<footer>Shaded: before and after the measuring. Latencies are of frames, from when a frame was due to when
it had been checked; each point is one report. Lost groups may still arrive while the run goes on.</footer>
</main>
<script type="application/json" id="run">@RUN@</script>
<script>
"use strict";
const run = JSON.parse(document.getElementById("run").textContent);
const points = run.lines.filter(line => line.type === "report");
const summary = run.lines.find(line => line.type === "summary");
const at = id => document.getElementById(id);
const digits = (value, places) => value == null ? "–" : value.toLocaleString("en", {maximumFractionDigits: places});
const short = value => value == null ? "–" : digits(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
const get = (line, path) => path.split(".").reduce((from, key) => from == null ? null : from[key], line);

at("title").textContent = run.title;
at("command").textContent = run.command;
const last = summary ?? points.at(-1);
if (last) at("when").textContent = new Date(last.timestamp_ms).toISOString().replace("T", " ").slice(0, 19) + " UTC";

function tile(label, value, kind) {
  const box = document.createElement("div");
  box.className = "tile " + (kind ?? "");
  const number = document.createElement("b");
  number.textContent = value;
  const name = document.createElement("span");
  name.textContent = label;
  box.append(number, name);
  at("tiles").append(box);
}
if (summary) {
  const bad = summary.groups_lost + summary.groups_incomplete;
  tile("received", short(summary.recv_mbps) + " Mbit/s");
  tile("subscriptions", digits(summary.subscriptions));
  if (summary.groups_expected) {
    tile("groups lost or incomplete, of " + digits(summary.groups_expected), digits(bad), bad ? "bad" : "good");
  }
  if (summary.latency_ms.count) {
    tile("latency, p50", short(summary.latency_ms.p50) + " ms");
    tile("latency, p99", short(summary.latency_ms.p99) + " ms");
  }
  if (summary.pause_ms.max != null) tile("longest pause", short(summary.pause_ms.max) + " ms");
  if (summary.relay) {
    tile("relay, of a core", short(summary.relay.cpu_share * 100) + " %");
    if (summary.relay.cpu_s_per_gb != null) tile("relay, CPU per GB", short(summary.relay.cpu_s_per_gb) + " s");
    tile("relay, memory", short(summary.relay.rss_bytes / 1048576) + " MiB");
  }
}

const svg = (name, set, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(set)) node.setAttribute(key, value);
  if (text != null) node.textContent = text;
  return node;
};
function steps(most, count) {
  const rough = (most || 1) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(each => each * power).find(each => each >= rough);
  const marks = [];
  for (let i = 0; i === 0 || marks.at(-1) < most; i++) marks.push(i * step);
  return marks.length > 1 ? marks : [0, step];
}
const W = 560, H = 230, L = 52, R = 8, T = 14, B = 26;
function chart(title, unit, series) {
  const lines = series.map(each => ({...each, values: points.map(each.of)}))
    .filter(each => each.values.some(value => value != null));
  if (!lines.length || points.length < 2) return;
  const figure = document.createElement("figure"), caption = document.createElement("figcaption");
  caption.append(title + (unit ? ", " + unit : ""));
  for (const line of lines) {
    const key = document.createElement("i");
    key.style.setProperty("--hue", line.hue);
    key.textContent = line.name;
    caption.append(key);
  }
  const time = points.map(point => point.elapsed_s);
  const marks = steps(Math.max(...lines.flatMap(line => line.values.map(value => value ?? 0))), 4);
  const first = time[0], span = time.at(-1) - first || 1;
  const x = value => L + (value - first) / span * (W - L - R);
  const y = value => H - B - value / marks.at(-1) * (H - T - B);
  const draw = svg("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": title});
  points.forEach((point, i) => {
    if (point.phase === "measuring" || i === 0) return;
    draw.append(svg("rect", {x: x(time[i - 1]), y: T, width: x(time[i]) - x(time[i - 1]), height: H - T - B,
      fill: "var(--shade)"}));
  });
  for (const mark of marks) {
    draw.append(svg("line", {x1: L, x2: W - R, y1: y(mark), y2: y(mark), stroke: "var(--line)"}));
    draw.append(svg("text", {x: L - 8, y: y(mark) + 4, "text-anchor": "end"}, short(mark)));
  }
  for (const mark of steps(time.at(-1), 6)) {
    if (mark < first || mark > time.at(-1)) continue;
    draw.append(svg("text", {x: x(mark), y: H - 8, "text-anchor": "middle"}, digits(mark, 1) + " s"));
  }
  for (const line of lines) {
    let path = "", pen = "M";
    line.values.forEach((value, i) => {
      if (value == null) { pen = "M"; return; }
      path += `${pen}${x(time[i]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    });
    draw.append(svg("path", {d: path, fill: "none", stroke: line.hue, "stroke-width": 2, "stroke-linejoin": "round",
      "stroke-linecap": "round", "stroke-dasharray": line.dash ?? "none"}));
  }
  const cursor = svg("line", {y1: T, y2: H - B, stroke: "var(--soft)", "stroke-dasharray": "3 3", opacity: 0});
  draw.append(cursor);
  const tip = document.createElement("div");
  tip.className = "tip";
  draw.addEventListener("pointermove", event => {
    const box = draw.getBoundingClientRect(), where = (event.clientX - box.left) / box.width * W;
    let i = 0;
    time.forEach((value, k) => { if (Math.abs(x(value) - where) < Math.abs(x(time[i]) - where)) i = k; });
    cursor.setAttribute("x1", x(time[i]));
    cursor.setAttribute("x2", x(time[i]));
    cursor.setAttribute("opacity", 1);
    tip.replaceChildren(digits(time[i], 1) + " s, " + points[i].phase, ...lines.flatMap(line =>
      [document.createElement("br"), `${line.name}: ${short(line.values[i])} ${unit}`]));
    tip.style.opacity = 1;
    const left = x(time[i]) / W * box.width + 16;
    tip.style.left = (left + tip.offsetWidth + 24 > box.width ? left - tip.offsetWidth - 16 : left + 12) + "px";
    tip.style.top = "52px";
  });
  draw.addEventListener("pointerleave", () => { tip.style.opacity = 0; cursor.setAttribute("opacity", 0); });
  figure.append(caption, draw, tip);
  at("charts").append(figure);
}
const field = (path, factor = 1) => line => { const value = get(line, path); return value == null ? null : value * factor; };
const fanned = points.every(point => point.broadcasts <= 1) && points.some(point => point.subscriptions > 0);
chart("Throughput", "Mbit/s", [
  fanned ? {name: "offered, to all subscribers", hue: "var(--c)", dash: "5 4",
            of: line => line.offered_mbps * (line.subscriptions - line.slow.subscribers)}
         : {name: "offered by publishers", hue: "var(--c)", dash: "5 4", of: field("offered_mbps")},
  {name: "received", hue: "var(--a)", of: field("recv_mbps")}]);
chart("Latency", "ms", [
  {name: "max", hue: "var(--d)", dash: "2 4", of: field("latency_ms.max")},
  {name: "p99", hue: "var(--c)", of: field("latency_ms.p99")},
  {name: "p90", hue: "var(--e)", of: field("latency_ms.p90")},
  {name: "p50", hue: "var(--a)", of: field("latency_ms.p50")}]);
chart("Groups that are missing", "", [
  {name: "lost", hue: "var(--d)", of: field("groups_lost")},
  {name: "incomplete", hue: "var(--c)", of: field("groups_incomplete")},
  {name: "duplicated", hue: "var(--e)", dash: "5 4", of: field("groups_duplicated")}]);
chart("CPU", "% of a core", [
  {name: "relay", hue: "var(--a)", of: field("relay.cpu_share", 100)},
  {name: "this bench", hue: "var(--soft)", dash: "5 4", of: field("bench.cpu_share", 100)}]);
chart("Memory of the relay", "MiB", [{name: "RSS", hue: "var(--b)", of: field("relay.rss_bytes", 1 / 1048576)}]);
chart("Publisher behind its schedule", "ms", [
  {name: "max", hue: "var(--d)", dash: "2 4", of: field("late_ms.max")},
  {name: "p99", hue: "var(--c)", of: field("late_ms.p99")}]);
chart("Connections", "", [
  {name: "open", hue: "var(--a)", of: field("connections")},
  {name: "lost", hue: "var(--d)", of: field("connections_lost")}]);
</script>
</body>
</html>
)page";

}  // namespace moq::bench
