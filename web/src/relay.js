/** What the page shows of the relay: whether it is there, and what is announced on it. */

const by = (id) => document.getElementById(id);

/** The light at the top: state, protocol and address. */
export function showConnection(connection, signals) {
  signals.run((effect) => {
    const status = effect.get(connection.status);
    const session = effect.get(connection.established);
    by("relay").dataset.state = status;
    by("relay-state").textContent =
      status === "connected" && session
        ? `${session.version} over ${session.transport === "websocket" ? "WebSocket" : "WebTransport"}`
        : status;
    by("relay-url").textContent = effect.get(connection.url)?.host ?? "";
  });
}

/**
 * The list of broadcasts.
 * @param {(name: string) => void} choose told which one was clicked
 * @returns {(name: string) => void} marks the one that plays
 */
export function showBroadcasts(connection, signals, choose) {
  const buttons = new Map();
  let current = "";
  const mark = (name) => {
    current = name;
    for (const [path, button] of buttons) button.setAttribute("aria-current", String(path === name));
  };
  const add = (path) => {
    if (buttons.has(path)) return;
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.append(document.createElement("i"), path);
    button.onclick = () => choose(path);
    item.append(button);
    by("broadcasts").append(item);
    buttons.set(path, button);
    mark(current);
  };
  const remove = (path) => {
    buttons.get(path)?.parentElement.remove();
    buttons.delete(path);
  };
  const announced = connection.announced();
  signals.cleanup(() => announced.close());
  signals.spawn(async () => {
    for (;;) {
      const event = await announced.next();
      if (!event) break;
      if (event.active) add(String(event.path));
      else remove(String(event.path));
      by("nothing").hidden = buttons.size > 0;
    }
  });
  return mark;
}
