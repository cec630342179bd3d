/** The player: `<moq-watch>` with our own controls, and what it says of itself. */

import { codec, rate } from "./format.js";
import { icon } from "./icons.js";

const FIGURES_MILLISECONDS = 1000;

const by = (id) => document.getElementById(id);

export class Player {
  #watch = by("watch");
  /** Counts at the last look, and when that was. */
  #last = { at: performance.now(), frames: 0, video: 0, audio: 0 };

  /** @param {string} url of the relay */
  constructor(url) {
    // A relay that restarts is waited for.
    this.#watch.connection.delay = { initial: 500, multiplier: 2, max: 3000, timeout: 0 };
    this.#watch.url = url;
    this.#controls();
    this.#state();
    setInterval(() => this.#figures(), FIGURES_MILLISECONDS);
  }

  /** The connection to the relay, which the page shares. */
  get connection() {
    return this.#watch.connection;
  }

  get name() {
    return String(this.#watch.name);
  }

  /** Plays the broadcast of that name, now or once it is announced. */
  play(name) {
    this.#watch.name = name;
    by("name").textContent = name;
    this.#last = { at: performance.now(), frames: 0, video: 0, audio: 0 };
  }

  #controls() {
    const { controls, signals } = this.#watch;
    signals.run((effect) => {
      const paused = effect.get(controls.paused);
      icon(by("pause"), paused ? "play" : "pause");
      by("pause").setAttribute("aria-pressed", String(paused));
    });
    signals.run((effect) => {
      const muted = effect.get(controls.muted);
      icon(by("mute"), muted ? "silence" : "sound");
      by("mute").setAttribute("aria-pressed", String(muted));
      by("volume").value = String(effect.get(controls.volume));
    });
    icon(by("full"), "full");
    by("pause").onclick = () => controls.paused.set(!controls.paused.peek());
    by("mute").onclick = () => controls.muted.set(!controls.muted.peek());
    by("volume").oninput = (event) => controls.volume.set(Number(event.target.value));
    by("full").onclick = () => (document.fullscreenElement ? document.exitFullscreen() : by("stage").requestFullscreen());
  }

  /** What is over the picture until there is one. */
  #state() {
    const { broadcast, video, renderer, connection, signals } = this.#watch;
    signals.run((effect) => {
      const connected = effect.get(connection.status) === "connected";
      const status = connected ? effect.get(broadcast.out.status) : "offline";
      const unsupported = effect.get(video.source.out.error);
      const shown = effect.get(renderer.out.frame) !== undefined;
      const state = status !== "live" ? status : shown ? "live" : "loading";
      by("stage").dataset.state = state;
      by("live").textContent = state;
      by("veil").textContent = !connected
        ? "Connecting to the relay"
        : unsupported
          ? "This browser cannot decode the broadcast's video"
          : status === "offline"
            ? `Waiting for somebody to publish “${this.name}”`
            : "Waiting for the first picture";
    });
  }

  #figures() {
    const { video, audio, sync } = this.#watch;
    const now = {
      at: performance.now(),
      frames: video.out.stats.peek()?.frameCount ?? 0,
      video: video.out.stats.peek()?.bytesReceived ?? 0,
      audio: audio.out.stats.peek()?.bytesReceived ?? 0,
    };
    const seconds = (now.at - this.#last.at) / 1000;
    const each = (count) => Math.max(0, now[count] - this.#last[count]) / seconds;
    const frames = each("frames");
    const display = video.out.display.peek();
    const codecs = [video.source.out.config.peek(), audio.source.out.config.peek()]
      .filter(Boolean)
      .map((config) => codec(config.codec));
    by("picture").textContent = display ? `${display.width} × ${display.height}` : "–";
    by("frames").textContent = frames ? `${Math.round(frames)} fps` : "–";
    by("video-rate").textContent = frames ? rate(8 * each("video")) : "–";
    by("audio-rate").textContent = each("audio") ? rate(8 * each("audio")) : codecs.length > 1 ? "off" : "–";
    by("codecs").textContent = codecs.join(" + ") || "–";
    by("buffer").textContent = frames ? `${Math.round(sync.out.buffer.peek())} ms` : "–";
    this.#last = now;
  }
}
