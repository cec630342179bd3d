#pragma once

#include <string_view>

namespace moq::relay {

/// What the listener for operators shows to people: one page, which needs nothing but
/// /status beside it, asks for that once a second and keeps what it shows over time itself.
inline constexpr std::string_view kLivePage = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>moq-relay</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E
%3Crect width='16' height='16' rx='4' fill='%232563eb'/%3E
%3Cpath d='M3 11V5l5 4 5-4v6' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E">
<style>
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b2330; --soft: #5f6a80; --line: #e3e7ee; --shade: #8894ab1c;
  --a: #2563eb; --b: #0d9488; --c: #b45309; --d: #dc2626; --e: #7c3aed; --good: #15803d; --gray: #8894ab;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --ink: #e6eaf2; --soft: #93a0b8; --line: #2a3342; --shade: #93a0b814;
    --a: #60a5fa; --b: #2dd4bf; --c: #fbbf24; --d: #f87171; --e: #a78bfa; --good: #4ade80; --gray: #5d6a82;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 1360px; margin: 0 auto; padding: 22px 20px 40px; }
:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
header { display: flex; flex-wrap: wrap; gap: 4px 24px; align-items: baseline; margin-bottom: 16px; }
h1 { font-size: 26px; line-height: 1.2; font-weight: 650; letter-spacing: -.02em; margin: 0; }
h1::before { content: ""; display: inline-block; width: 12px; height: 12px; border-radius: 50%;
  background: var(--hue); box-shadow: 0 0 0 4px color-mix(in srgb, var(--hue) 20%, transparent);
  margin: 0 13px 0 4px; vertical-align: 2px; }
header p { margin: 0; color: var(--soft); }
#about { margin-left: auto; font-size: 13px; }
#away { flex-basis: 100%; margin: 8px 0 0; padding: 9px 14px; border-radius: 10px; color: var(--d); font-weight: 550;
  background: color-mix(in srgb, var(--d) 9%, var(--card));
  border: 1px solid color-mix(in srgb, var(--d) 35%, var(--line)); }
#values { transition: opacity .2s; }
.away #values { opacity: .45; filter: grayscale(1); }
.away h1 { --hue: var(--gray) !important; color: var(--soft); }
.card, .tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; min-width: 0; }
.card { margin: 0 0 14px; padding: 13px 16px; }
h2 { font-size: 14px; font-weight: 600; margin: 0; }
.head { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; min-height: 29px; margin-bottom: 6px; }
.head span { color: var(--soft); font-size: 13px; font-weight: 400; }
h2 span { margin-left: 6px; }
.head input { margin-left: auto; }
input { font: inherit; font-size: 13px; color: inherit; background: var(--page); border: 1px solid var(--line);
  border-radius: 8px; padding: 4px 10px; width: 270px; max-width: 100%; }
input::placeholder { color: var(--soft); opacity: .85; }
.tiles { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 14px; margin-bottom: 14px; }
.tile { padding: 11px 14px 0; overflow: hidden; display: flex; flex-direction: column; }
.tile h2, .tile p { color: var(--soft); font-size: 12.5px; font-weight: 400; margin: 0; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.tile b { font-size: 23px; line-height: 1.3; font-weight: 650; letter-spacing: -.02em; white-space: nowrap; }
.tile b small { font-size: 13px; font-weight: 500; color: var(--soft); letter-spacing: 0; margin-left: 1px; }
.tile svg { display: block; width: calc(100% + 28px); height: 38px; margin: 4px -14px 0; }
.tile path { vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.drain .head { align-items: baseline; }
.drain .head b { font-size: 18px; font-weight: 650; letter-spacing: -.01em; }
.drain .head span:last-child { margin-left: auto; }
.bar { display: flex; height: 12px; border-radius: 6px; overflow: hidden; background: var(--shade); }
.bar i { background: var(--hue); transition: width .4s; flex: none; }
.key { display: flex; flex-wrap: wrap; gap: 3px 18px; margin: 9px 0 0; padding: 0; list-style: none;
  color: var(--soft); font-size: 13px; }
.key b { color: var(--ink); font-weight: 600; }
.key i { display: inline-block; width: 9px; height: 9px; border-radius: 3px; margin-right: 6px;
  background: var(--hue); }
.warn { color: var(--c); display: flex; flex-wrap: wrap; gap: 2px 18px; padding: 9px 16px; font-size: 13px; }
.warn h2 { font-size: 13px; }
.pair { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 0 14px; }
.scroll { max-height: 208px; overflow: auto; margin: 0 -16px -13px; padding: 0 16px 6px; scrollbar-width: thin; }
table { border-collapse: collapse; width: 100%; font-size: 13px; table-layout: fixed; }
th, td { text-align: left; padding: 3px 14px 3px 0; line-height: 20px; vertical-align: bottom; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
th { font-weight: 500; color: var(--soft); font-size: 12.5px; position: sticky; top: 0; z-index: 1;
  background: var(--card); box-shadow: inset 0 -1px var(--line); }
td { border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
tbody tr:hover td { background: var(--shade); }
th.n, td.n { text-align: right; }
th:last-child, td:last-child { padding-right: 0; }
th button { all: unset; cursor: pointer; color: inherit; border-radius: 4px; }
th button:hover, th[aria-sort] button { color: var(--ink); }
th button:focus-visible { outline: 2px solid var(--a); outline-offset: -1px; }
th[aria-sort] button::after { content: " ↑"; }
th[aria-sort=descending] button::after { content: " ↓"; }
td.none { color: var(--soft); opacity: .6; }
td.told:not(.none) { color: var(--e); font-weight: 600; }
.empty { color: var(--soft); margin: 6px 0 4px; font-size: 13px; }
footer { color: var(--soft); font-size: 12.5px; }
footer a { color: inherit; }
@media (max-width: 1020px) {
  .pair { grid-template-columns: minmax(0, 1fr); }
  .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  /* Sessions as short paragraphs: what a column's head said stands before its value. */
  #sessions, #sessions tbody { display: block; }
  #sessions thead { display: block; overflow-x: auto; scrollbar-width: none; margin: 0 -16px; padding: 3px 16px 9px;
    border-bottom: 1px solid var(--line); }
  #sessions thead tr { display: flex; gap: 6px; width: max-content; }
  #sessions th { width: auto !important; padding: 0; position: static; box-shadow: none; overflow: visible; }
  #sessions th button { padding: 2px 10px; border: 1px solid var(--line); border-radius: 20px; }
  #sessions th[aria-sort] button { border-color: var(--soft); }
  #sessions tbody tr { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 1px 10px; padding: 8px 0;
    border-bottom: 1px solid var(--line); }
  #sessions tbody tr:last-child { border-bottom: 0; padding-bottom: 0; }
  #sessions td { padding: 0; border: 0; text-align: left; }
  #sessions td[data-label]::before { content: attr(data-label) " "; color: var(--soft); }
  #sessions td.none:not(.keep) { display: none; }
  #sessions td.peer { grid-column: 1 / -2; order: -2; font-weight: 600; white-space: normal; overflow-wrap: anywhere; }
  #sessions td.id { order: -1; color: var(--soft); text-align: right; }
  #sessions td.tier { order: 1; }
  tbody tr:hover td { background: none; }
}
@media (max-width: 700px) {
  main { padding: 16px 12px 28px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; margin-bottom: 10px; }
  .card { margin-bottom: 10px; }
  #about { margin-left: 0; flex-basis: 100%; }
  .head input { margin-left: 0; width: 100%; font-size: 16px; }
  table { font-size: 12.5px; }
  #kinds th, #kinds td { padding-right: 6px; }
  #kinds th.transport { width: 91px !important; }
  #kinds th.sessions { width: 78px !important; }
  #sessions tbody tr { grid-template-columns: 1.1fr .95fr .95fr; }
  #sessions td { min-width: 0; }
  .drain .head b { flex-basis: 100%; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
</style>
</head>
<body>
<main>
<header>
<h1 id="phase" role="status">Asking the relay</h1>
<p id="meaning"></p>
<p id="about"></p>
<p id="away" role="alert" hidden></p>
</header>
<div id="values" hidden>
<section class="card drain" id="drain" aria-label="Drain" hidden>
<div class="head"><b id="here"></b><span id="told"></span><span id="time"></span></div>
<div class="bar" id="progress" role="progressbar" aria-label="Sessions that have ended" aria-valuemin="0"></div>
<ul class="key" id="outcomes"></ul>
</section>
<section class="card warn" id="refused" aria-label="Refused" hidden></section>
<div class="tiles" id="tiles"></div>
<div class="pair">
<section class="card">
<div class="head"><h2>Broadcasts <span id="broadcasts-count"></span></h2>
<input type="search" id="broadcasts-filter" aria-label="Filter broadcasts" autocomplete="off"
  placeholder="Filter: path"></div>
<div class="scroll" tabindex="0" role="region" aria-label="Broadcasts"><table id="broadcasts"></table></div>
</section>
<section class="card">
<div class="head"><h2>Versions and transports</h2></div>
<div class="scroll" tabindex="0" role="region" aria-label="Versions and transports"><table id="kinds"></table></div>
</section>
</div>
<section class="card">
<div class="head"><h2>Sessions <span id="sessions-count"></span></h2>
<input type="search" id="sessions-filter" aria-label="Filter sessions" autocomplete="off"
  placeholder="Filter: peer, version, viewer, told…"></div>
<table id="sessions" role="table"></table>
</section>
<footer>Rates are of the last second, lines of two minutes at most: in is what the relay receives, out what it sends.
For programs: <a href="status">status</a>, <a href="metrics">metrics</a>, <a href="drain">drain</a>.</footer>
</div>
</main>
<script>
"use strict";
const ROWS = 500, PERIOD = 1000, PERIOD_UNSEEN = 5000, PATIENCE = 5000, SPAN = 120, SHORTEST_SPAN = 30;
const at = id => document.getElementById(id);
function make(name, set = {}, ...inside) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(set)) node.setAttribute(key, value);
  node.append(...inside);
  return node;
}
function say(node, text) { if (node.textContent !== text) node.textContent = text; }

const count = value => value.toLocaleString("en");
const many = (value, one, more = one + "s") => `${count(value)} ${value === 1 ? one : more}`;
const three = value => value.toFixed(value >= 99.95 || value === 0 ? 0 : value >= 9.995 ? 1 : 2);
function bits(rate) {
  const unit = rate < 999.5 ? 0 : rate < 999500 ? 1 : rate < 999.5e6 ? 2 : 3;
  return [unit ? three(rate / 1000 ** unit) : rate.toFixed(0), [" bit/s", " kbit/s", " Mbit/s", " Gbit/s"][unit]];
}
function duration(seconds) {
  if (seconds < 9.95) return seconds.toFixed(1) + " s";
  const whole = Math.round(seconds);
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = Math.max(0, parts.findIndex(([size]) => whole >= size));
  return parts.slice(first, first + 2).map(([size, name], i) =>
    `${Math.floor((i ? whole % parts[first][0] : whole) / size)} ${name}`).join(" ");
}
const milliseconds = seconds => (seconds < 0.00995 ? (seconds * 1000).toFixed(1) : (seconds * 1000).toFixed(0)) + " ms";

// The relay's totals become rates by its own clock; `points` are what the lines are drawn of.
let points = [], before = null, now = null;
const span = () => Math.min(SPAN, Math.max(SHORTEST_SPAN, points.at(-1).time - points[0].time));
const rate = (is, was, seconds) => was == null || !(seconds > 0) ? null : Math.max(0, is - was) / seconds;
function take(status) {
  before = now && status.uptime >= now.uptime ? now : null;
  if (!before) points = [];
  now = status;
  const seconds = before ? now.uptime - before.uptime : 0;
  const was = new Map(before?.sessions.map(each => [each.id, each]));
  for (const each of now.sessions) {
    const old = was.get(each.id);
    each.in = rate(each.received.bytes * 8, old && old.received.bytes * 8, seconds);
    each.out = rate(each.sent.bytes * 8, old && old.sent.bytes * 8, seconds);
  }
  const {sent, received} = now.traffic, old = before?.traffic;
  points.push({
    time: now.uptime, sessions: now.sessions.length,
    viewers: now.sessions.filter(each => each.subscriptions > 0).length,
    publishers: now.sessions.filter(each => each.announced > 0).length,
    in: rate(received.bytes * 8, old && old.received.bytes * 8, seconds),
    out: rate(sent.bytes * 8, old && old.sent.bytes * 8, seconds),
    frames: rate(sent.frames, old?.sent.frames, seconds),
    framesIn: rate(received.frames, old?.received.frames, seconds),
    refused: now.refused});
  points = points.filter(point => point.time > now.uptime - SPAN - 5);
}

const plain = value => [count(Math.round(value)), ""];
const TILES = [
  {key: "sessions", name: "Sessions", hue: "e", of: plain,
   note: () => many(now.drain.handshakes, "handshake") + " under way", when: () => now.drain.handshakes},
  {key: "viewers", name: "Viewers", hue: "a", of: plain, title: "Sessions with subscriptions"},
  {key: "publishers", name: "Publishers", hue: "b", of: plain, title: "Sessions that have announced something"},
  {key: "in", name: "Traffic in", hue: "b", of: bits},
  {key: "out", name: "Traffic out", hue: "a", of: bits},
  {key: "frames", name: "Frames out", hue: "a", of: value => [count(Math.round(value)), "/s"],
   note: point => `${count(Math.round(point.framesIn))}/s in`, when: point => point.framesIn != null}];
const svg = (name, set) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(set)) node.setAttribute(key, value);
  return node;
};
for (const tile of TILES) {
  const draw = svg("svg", {viewBox: "0 0 120 38", preserveAspectRatio: "none", "aria-hidden": "true"});
  tile.area = svg("path", {fill: `var(--${tile.hue})`, opacity: .13});
  tile.line = svg("path", {fill: "none", stroke: `var(--${tile.hue})`, "stroke-width": 1.5});
  draw.append(tile.area, tile.line);
  tile.value = make("b", {id: "tile-" + tile.key});
  tile.below = make("p");
  at("tiles").append(make("section", {class: "tile", ...(tile.title && {title: tile.title})},
                          make("h2", {}, tile.name), tile.value, tile.below, draw));
  draw.addEventListener("pointermove", event => {
    const box = draw.getBoundingClientRect();
    tile.back = span() * (1 - (event.clientX - box.left) / box.width);
    showTile(tile);
  });
  draw.addEventListener("pointerleave", () => { tile.back = null; showTile(tile); });
}
function showTile(tile) {
  const known = points.filter(point => point[tile.key] != null), last = points.at(-1);
  const [text, unit] = last[tile.key] == null ? ["–", ""] : tile.of(last[tile.key]);
  if (tile.value.textContent !== text + unit) tile.value.replaceChildren(text, make("small", {}, unit));
  const most = Math.max(0, ...known.map(point => point[tile.key]));
  const words = value => tile.of(value).join("");
  let note = known.length ? "peak " + words(most) : "\u00a0";
  if (tile.note && tile.when(last)) note = tile.note(last);
  if (tile.back != null && known.length) {
    const off = point => Math.abs(last.time - point.time - tile.back);
    const then = known.reduce((best, point) => off(point) < off(best) ? point : best);
    note = `${duration(last.time - then.time)} ago: ${words(then[tile.key])}`;
  }
  say(tile.below, note);
  const x = point => (120 - (last.time - point.time) / span() * 120).toFixed(1);
  const y = point => (36 - point[tile.key] / (most || 1) * 32).toFixed(1);
  const path = known.map((point, i) => `${i ? "L" : "M"}${x(point)} ${y(point)}`).join("");
  tile.line.setAttribute("d", path);
  tile.area.setAttribute("d", path && `${path}V38H${x(known[0])}Z`);
}

const PHASES = {
  running: ["Running", "good", drain => drain.last_drain == null ? "accepts new sessions"
    : `accepts new sessions; the last drain took ${duration(drain.last_drain)}`],
  draining: ["Draining", "c", drain => "accepts no new sessions; " + (drain.ending ? "ends with the last one"
                                                                             : "can be called off")],
  closing: ["Closing", "d", () => "time is up: sessions that are still here are closed"],
  empty: ["Empty", "a", () => "all sessions have left; accepts no new ones"],
  over: ["Ending", "gray", () => "the process ends"]};
const OUTCOMES = [["left", "left", "good"], ["deadline", "closed at the deadline", "c"], ["lost", "lost", "d"],
                  ["closed", "closed for another reason", "a"]];
function showPhase() {
  const {drain} = now, [name, hue, meaning] = PHASES[drain.phase] ?? [drain.phase, "gray", () => ""];
  say(at("phase"), name);
  at("phase").style.setProperty("--hue", `var(--${hue})`);
  say(at("meaning"), meaning(drain));
  say(at("about"), `moq-relay ${now.version} at ${location.host}, up ${duration(now.uptime)}`);
  document.title = (drain.phase === "running" ? "" : `${name}, ${count(drain.sessions)} here: `) + "moq-relay";
  at("drain").hidden = drain.phase === "running";
  if (drain.phase === "running") return;
  const gone = OUTCOMES.reduce((sum, [key]) => sum + drain.ended[key], 0), all = gone + drain.sessions;
  say(at("here"), all ? `${count(drain.sessions)} of ${many(all, "session")} still here` : "There was no session");
  say(at("told"), drain.age == null ? "" : `for ${duration(drain.age)}`);
  say(at("time"), drain.phase !== "draining" ? ""
    : drain.time_left == null ? "no time limit" : `${duration(drain.time_left)} left`);
  const bar = at("progress"), keys = at("outcomes");
  const parts = [...OUTCOMES.map(([key, text, hue]) => [drain.ended[key], text, hue]),
                 [drain.told, "told to leave, still here", "e"], [drain.untold, "not told yet", "gray"]];
  parts.forEach(([value, text, hue], i) => {
    if (!bar.children[i]) {
      bar.append(make("i"));
      keys.append(make("li", {}, make("i"), make("b"), " ", text));
      for (const node of [bar.lastChild, keys.lastChild]) node.style.setProperty("--hue", `var(--${hue})`);
    }
    bar.children[i].style.width = (all ? value / all * 100 : 0) + "%";
    say(keys.children[i].querySelector("b"), count(value));
  });
  bar.setAttribute("aria-valuemax", all);
  bar.setAttribute("aria-valuenow", gone);
  bar.setAttribute("aria-valuetext", `${gone} of ${all} have ended`);
}
function showRefused() {
  const first = points[0].refused, list = Object.entries(now.refused).filter(([, value]) => value > 0);
  at("refused").hidden = !list.length;
  at("refused").replaceChildren(make("h2", {}, "Refused"), ...list.map(([name, value]) => {
    const more = value - (first[name] ?? 0), text = `${name.replaceAll("_", " ")}: ${count(value)}`;
    return make("span", {}, text + (more ? `, ${count(more)} of them in the last two minutes` : ""));
  }));
}

// Rows and cells stay what they are, so that a selection or a tooltip lasts; only what has changed is written.
const none = text => text === "" || text == null ? "–" : text;
function table(id, columns, sort, keyOf, wordsOf) {
  const self = {columns, sort, rows: new Map(), body: make("tbody", {role: "rowgroup"}), shown: []};
  const head = make("tr", {role: "row"});
  for (const column of columns) {
    const button = make("button", {type: "button", ...(column.title && {title: column.title})}, column.name);
    column.head = make("th", {role: "columnheader", scope: "col", class: column.key + (column.n ? " n" : "")}, button);
    if (column.width) column.head.style.width = column.width;
    button.addEventListener("click", () => {
      const again = self.sort.column === column;
      self.sort = {column, down: again ? !self.sort.down : !!column.down};
      self.show();
    });
    head.append(column.head);
  }
  at(id).append(make("thead", {role: "rowgroup"}, head), self.body);
  self.empty = make("p", {class: "empty"});
  at(id).after(self.empty);
  const filter = at(id + "-filter");
  filter?.addEventListener("input", () => self.show());
  self.show = (items = self.items) => {
    self.items = items;
    if (!items) return;
    const words = (filter?.value ?? "").toLowerCase().split(/\s+/).filter(word => word);
    const found = items.filter(item => {
      const text = words.length ? wordsOf(item).join(" ").toLowerCase() : "";
      return words.every(word => text.includes(word));
    });
    const {column, down} = self.sort, by = column.by ?? (item => item[column.key]);
    const order = (a, b) => typeof a === "string" ? a.localeCompare(b, "en", {numeric: true}) : a - b;
    const unknown = item => Number(by(item) == null || by(item) === "");
    found.sort((a, b) => unknown(a) - unknown(b) || (!unknown(a) && (down ? -1 : 1) * order(by(a), by(b))) ||
                         order(keyOf(a), keyOf(b)));
    for (const each of columns) {
      if (each === column) each.head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else each.head.removeAttribute("aria-sort");
    }
    const kept = new Map();
    found.slice(0, ROWS).forEach((item, i) => {
      const key = keyOf(item), row = self.rows.get(key) ?? make("tr", {role: "row"}, ...columns.map(each =>
        make("td", {role: "cell", ...(each.label && {"data-label": each.label})})));
      kept.set(key, row);
      columns.forEach((each, k) => {
        const text = String(none(each.text ? each.text(item) : item[each.key])), cell = row.children[k];
        const style = [each.key, each.n ? "n" : "", each.keep ? "keep" : "", text === "–" ? "none" : ""]
          .filter(name => name).join(" ");
        say(cell, text);
        if (cell.className !== style) cell.className = style;
        if (each.long && cell.title !== text) cell.title = text;
      });
      if (self.body.children[i] !== row) self.body.insertBefore(row, self.body.children[i] ?? null);
    });
    for (const [key, row] of self.rows) if (!kept.has(key)) row.remove();
    self.rows = kept;
    at(id).hidden = !items.length;
    say(self.empty, !items.length ? "There are none." : !found.length ? "None has all these words." : "");
    self.empty.hidden = !self.empty.textContent;
    if (filter) {
      say(at(id + "-count"), count(items.length) + (words.length ? `, ${count(found.length)} found` : "") +
        (found.length > ROWS ? `, the first ${ROWS} shown` : ""));
    }
  };
  return self;
}
const speed = value => value == null ? null : bits(value).join("");
const SESSION = [
  {key: "id", name: "ID", width: "60px", text: item => String(item.id)},
  {key: "peer", name: "Peer", width: "16%", long: true},
  {key: "version", name: "Version", width: "136px"},
  {key: "transport", name: "Transport", width: "106px"},
  {key: "root", name: "Root", label: "root", keep: true, long: true},
  {key: "tier", name: "Tier", label: "tier", width: "6%", long: true},
  {key: "age", name: "Age", label: "age", n: true, down: true, width: "92px", text: item => duration(item.age)},
  {key: "in", name: "In", label: "in", n: true, down: true, keep: true, width: "98px", text: item => speed(item.in)},
  {key: "out", name: "Out", label: "out", n: true, down: true, keep: true, width: "98px",
   text: item => speed(item.out)},
  {key: "subscriptions", name: "Subs", label: "subs", title: "Subscriptions", n: true, down: true, width: "56px",
   text: item => item.subscriptions ? count(item.subscriptions) : null},
  {key: "announced", name: "Ann.", label: "announced", title: "Broadcasts that it has announced", n: true,
   down: true, width: "56px", text: item => item.announced ? count(item.announced) : null},
  {key: "rtt", name: "RTT", label: "RTT", title: "Round-trip time", n: true, down: true, width: "74px",
   text: item => item.rtt == null ? null : milliseconds(item.rtt)},
  {key: "told", name: "Told", title: "Asked to leave", n: true, down: true, width: "48px",
   by: item => Number(item.told), text: item => item.told ? "told" : null}];
const sessions = table("sessions", SESSION, {column: SESSION[0], down: false}, item => item.id, item =>
  [item.id, item.peer, item.version, item.transport, item.root, item.tier, item.told ? "told" : "untold",
   item.subscriptions ? "viewer" : "", item.announced ? "publisher" : ""]);
const BROADCAST = [
  {key: "path", name: "Path", long: true},
  {key: "hops", name: "Hops", title: "Relays between the publisher and this one", n: true, width: "70px"}];
const broadcasts = table("broadcasts", BROADCAST, {column: BROADCAST[0], down: false}, item => item.path,
  item => [item.path]);
const KIND = [
  {key: "version", name: "Version"}, {key: "transport", name: "Transport", width: "108px"},
  {key: "sessions", name: "Sessions", n: true, down: true, width: "96px", text: item => count(item.sessions)},
  {key: "told", name: "Told", title: "Asked to leave", n: true, down: true, width: "46px",
   text: item => item.told ? count(item.told) : null}];
const kinds = table("kinds", KIND, {column: KIND[2], down: true}, item => item.version + " " + item.transport);

function show() {
  at("values").hidden = false;
  showPhase();
  showRefused();
  TILES.forEach(showTile);
  broadcasts.show(now.broadcasts);
  kinds.show(now.drain.left);
  sessions.show(now.sessions);
}

let lastSeen = null, timer = 0, asking = false;
function showAway(why) {
  document.body.classList.add("away");
  if (!now) say(at("phase"), "No answer");
  const what = now?.drain.ending ? "The relay has ended, as it was asked to, or cannot be reached"
                                 : "The relay cannot be reached";
  const since = now ? `: these are the values of ${lastSeen.toLocaleTimeString("en-GB")}` : "";
  say(at("away"), `${what}${why}${since}. Trying again every second.`);
  at("away").hidden = false;
}
async function ask() {
  clearTimeout(timer);
  if (asking) return;
  asking = true;
  const begin = performance.now();
  let status = null, why = "";
  try {
    const answer = await fetch("status", {cache: "no-store", signal: AbortSignal.timeout(PATIENCE)});
    if (answer.ok) status = await answer.json();
    else why = ` (it answers ${answer.status})`;
  } catch { /* That there is no status says it. */ }
  asking = false;
  const period = document.hidden ? PERIOD_UNSEEN : PERIOD;
  timer = setTimeout(ask, Math.max(100, period - (performance.now() - begin)));
  if (!status) return showAway(why);
  take(status);
  lastSeen = new Date();
  show();
  document.body.classList.remove("away");
  at("away").hidden = true;
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
ask();
</script>
</body>
</html>
)page";

}  // namespace moq::relay
