/** @moq/net publishes and subscribes, each on a connection and with a version of its
 *  own; every byte is compared. Called from browser_test.py. */

import * as Moq from "@moq/net";

/** Sizes of a group's frames: none, tiny, a packet, many packets. */
const SIZES = [0, 1, 100, 1500, 20_000, 300_000];
const GROUPS = 4;
const TRACK = "data";

/** Bytes that show whether any were lost, repeated or swapped: a generator of its own for each frame. */
function pattern(group, frame) {
  const bytes = new Uint8Array(SIZES[frame]);
  let state = (group + 1) * 0x9e3779b1 + frame * 0x85ebca6b;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Connects with exactly these WebTransport subprotocols on offer; none: SETUP negotiates. */
export function connect(relay, protocols) {
  return Moq.Connection.connect(new URL(relay), { websocket: { enabled: false }, webtransport: { protocols } });
}

/** Resolves once `signal` has a value that is not undefined and not false. */
async function when(signal) {
  for (;;) {
    const value = signal.peek();
    if (value) return value;
    await signal.changed();
  }
}

async function announcement(announced, path, active) {
  for (;;) {
    const event = await announced.next();
    if (!event) throw new Error("the announcements have ended");
    if (String(event.path) === path && event.active === active) return;
  }
}

function write(track, first, end) {
  for (let g = first; g < end; g++) {
    const group = track.appendGroup();
    for (let f = 0; f < SIZES.length; f++) {
      group.writeFrame({ payload: pattern(g, f), timestamp: Moq.Time.Timestamp.fromMillis(1000 * g + f) });
    }
    group.close();
  }
}

/** What is wrong with what arrives; empty if nothing. Calls `begun` at the first group. */
async function read(subscriber, timestamps, begun) {
  const wrong = [];
  const seen = new Set();
  while (seen.size < GROUPS) {
    const group = await subscriber.recvGroup();
    if (!group) return [...wrong, `the track ended after ${seen.size} groups`];
    if (seen.size === 0) begun();
    if (seen.has(group.sequence)) wrong.push(`group ${group.sequence} came twice`);
    seen.add(group.sequence);
    let f = 0;
    for (;;) {
      const frame = await group.readFrame();
      if (!frame) break;
      const expected = f < SIZES.length ? pattern(group.sequence, f) : new Uint8Array();
      const same = frame.payload.length === expected.length && frame.payload.every((byte, i) => byte === expected[i]);
      const at = frame.timestamp.asMillis();
      if (!same) wrong.push(`group ${group.sequence} frame ${f}: ${frame.payload.length} other bytes`);
      if (timestamps && at !== 1000 * group.sequence + f) wrong.push(`group ${group.sequence} frame ${f}: at ${at} ms`);
      f += 1;
    }
    if (f !== SIZES.length) wrong.push(`group ${group.sequence}: ${f} frames`);
  }
  return wrong;
}

/**
 * A broadcast from one connection to the other, from its announcement to its end.
 * @returns which versions were negotiated, and what was wrong
 */
export async function exchange({ relay, path, publish, subscribe, timestamps }) {
  const sender = await connect(relay, publish);
  const receiver = await connect(relay, subscribe);
  try {
    const announced = receiver.announced();
    const broadcast = new Moq.Broadcast.Producer();
    const track = broadcast.createTrack(TRACK);
    sender.publish(Moq.Path.from(path), broadcast);
    await announcement(announced, path, true);

    const remote = receiver.consume(Moq.Path.from(path));
    const subscriber = remote.track(TRACK).subscribe({ latencyMax: 20_000, ordered: true });
    await when(track.used);
    // Where a viewer asks for a track's properties first, a publisher of moq-transport has
    // a subscriber before the viewer subscribes, which then begins with the latest group.
    write(track, 0, 1);
    const wrong = await read(subscriber, timestamps, () => write(track, 1, GROUPS));

    subscriber.close();
    remote.close();
    await track.unused();
    broadcast.close();
    await announcement(announced, path, false);
    return { versions: [sender.version, receiver.version], transport: sender.transport, wrong };
  } finally {
    sender.close();
    receiver.close();
  }
}

globalThis.exchange = exchange;
globalThis.connect = connect;
