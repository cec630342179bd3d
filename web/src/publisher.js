/** The publisher: `<moq-publish>` with buttons for camera and screen. */

const by = (id) => document.getElementById(id);

export class Publisher {
  #publish = by("publish");
  #onLive;

  /**
   * @param {string} url of the relay
   * @param {(name: string) => void} onLive told when a broadcast of ours begins
   */
  constructor(url, onLive) {
    this.#onLive = onLive;
    this.#publish.connection.delay = { initial: 500, multiplier: 2, max: 3000, timeout: 0 };
    this.#publish.url = url;
    for (const button of document.querySelectorAll("[data-source]")) {
      button.onclick = () => this.#start(button.dataset.source);
    }
    by("stop").onclick = () => this.#stop();
    this.#state();
  }

  #start(source) {
    const name = by("publish-name").value.trim() || "me";
    by("publish-name").value = name;
    this.#publish.name = name;
    this.#publish.source = source;
  }

  #stop() {
    this.#publish.source = undefined;
  }

  #state() {
    const { state, broadcast, connection, signals } = this.#publish;
    let live = false;
    signals.run((effect) => {
      const source = effect.get(state.source);
      const captured = effect.get(broadcast.video.source) || effect.get(broadcast.audio.source);
      const connected = effect.get(connection.status) === "connected";
      const name = String(effect.get(broadcast.name));
      by("stop").hidden = !source;
      by("publish-name").disabled = Boolean(source);
      for (const button of document.querySelectorAll("[data-source]")) {
        button.hidden = Boolean(source);
      }
      by("publish-state").textContent = !source
        ? "Camera and microphone, or a window with its sound."
        : !captured
          ? `Waiting for leave to use the ${source}…`
          : connected
            ? `Live as “${name}”.`
            : "Connecting to the relay…";
      const began = Boolean(source && captured && connected);
      if (began && !live) this.#onLive(name);
      live = began;
    });
  }
}
