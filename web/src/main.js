/** The demo's page. Its settings come from config.json, or from the query:
 *  ?relay=http://127.0.0.1:4443/&broadcast=demo */

import "@moq/publish/element";
import "@moq/watch/element";
import { Player } from "./player.js";
import { Publisher } from "./publisher.js";
import { showBroadcasts, showConnection } from "./relay.js";

const by = (id) => document.getElementById(id);

async function settings() {
  const query = new URLSearchParams(location.search);
  const answer = await fetch("config.json").catch(() => undefined);
  const file = answer?.ok ? await answer.json() : {};
  return {
    moq: "moq",
    relay: "http://127.0.0.1:4443/",
    broadcast: "demo",
    ...file,
    ...Object.fromEntries(["relay", "broadcast"].filter((key) => query.has(key)).map((key) => [key, query.get(key)])),
  };
}

/** What this browser lacks, in words; empty if nothing. */
function lacking() {
  const needed = { WebTransport: "WebTransport", VideoDecoder: "WebCodecs", AudioWorklet: "audio worklets" };
  return Object.entries(needed)
    .filter(([name]) => !(name in globalThis))
    .map(([, words]) => words);
}

function showCommands({ moq, relay }, name) {
  by("publish-command").textContent =
    `ffmpeg -re -i FILE -c copy -f mp4 -movflags empty_moov+frag_every_frame - |\n` +
    `  ${moq} --connect ${relay} --broadcast mine import --realtime fmp4`;
  by("watch-command").textContent =
    `${moq} --connect ${relay} --broadcast ${name} export fmp4 | ffplay -`;
}

const config = await settings();
const missing = lacking();
if (missing.length > 0) {
  by("notice").hidden = false;
  by("notice").textContent = `This browser has no ${missing.join(", no ")}. A recent Chromium, Chrome or Edge has.`;
}

const player = new Player(config.relay);
const signals = by("watch").signals;
showConnection(player.connection, signals);

/** The name in the address wins, so that a link can be passed on. */
const choose = (name) => {
  location.hash = encodeURIComponent(name);
};
const mark = showBroadcasts(player.connection, signals, choose);
const follow = () => {
  const name = decodeURIComponent(location.hash.slice(1)) || config.broadcast;
  player.play(name);
  mark(name);
  showCommands(config, name);
};
addEventListener("hashchange", follow);
follow();

new Publisher(config.relay, choose);

for (const button of document.querySelectorAll(".copy")) {
  button.onclick = async () => {
    await navigator.clipboard.writeText(button.nextElementSibling.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
}

/** For whoever drives the page: what is clicked from now on has an effect. */
document.documentElement.dataset.ready = "";
