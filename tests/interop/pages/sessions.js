/** Opens and closes many WebTransport sessions, in all the ways that pages do.
 *  Called from browser_test.py. */

import * as Moq from "@moq/net";
import { connect } from "./net.js";

const PROTOCOLS = ["moq-lite-05"];
/** At once: a browser queues more. */
const TOGETHER = 8;

async function raw(relay) {
  const url = new URL(relay);
  const answer = await fetch(new URL("/certificate.sha256", url));
  const hash = Uint8Array.from((await answer.text()).match(/../g), (pair) => Number.parseInt(pair, 16));
  url.protocol = "https:";
  const session = new WebTransport(url, {
    protocols: PROTOCOLS,
    serverCertificateHashes: [{ algorithm: "sha-256", value: hash }],
  });
  session.closed.catch(() => {});
  await session.ready;
  return session;
}

/** Streams of every kind, with bytes on them and without an end. */
async function streams(session) {
  for (let i = 0; i < 4; i++) {
    const both = await session.createBidirectionalStream();
    const one = await session.createUnidirectionalStream();
    await both.writable.getWriter().write(new Uint8Array([0x3f]));
    await one.getWriter().write(new Uint8Array([0x3f]));
  }
}

/** Of whichever group it comes first: one that is the latest no more is given up. */
async function firstFrame(track) {
  for (;;) {
    const group = await track.recvGroup();
    if (!group) throw new Error("the track has ended");
    const frame = await group.readFrame().catch(() => undefined);
    if (frame) return frame;
  }
}

const ways = [
  /** A client that looks at the announcements and leaves. */
  async (relay, path) => {
    const session = await connect(relay, PROTOCOLS);
    const announced = session.announced();
    await announced.next();
    announced.close();
    session.close();
    await session.closed;
  },
  /** A viewer that leaves in the middle of a group. */
  async (relay, path) => {
    const session = await connect(relay, PROTOCOLS);
    const track = session.consume(Moq.Path.from(path)).track("0.avc1").subscribe();
    await firstFrame(track);
    session.close();
    await session.closed;
  },
  async (relay) => {
    const session = await raw(relay);
    session.close();
    await session.closed;
  },
  async (relay) => {
    const session = await raw(relay);
    await streams(session);
    session.close({ closeCode: 1234, reason: "enough" });
    await session.closed;
  },
  /** Left open: it goes with the page. */
  async (relay) => {
    const session = await raw(relay);
    await streams(session);
    (globalThis.kept ??= []).push(session);
  },
];

/** Opens `count` sessions; one in five stays open until the page goes. */
export async function visit({ relay, path, count }) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const number = next++;
      await ways[number % ways.length](relay, path);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, worker));
  return count;
}

/**
 * One session with `count` streams of each kind, one after the other. A relay that
 * does not let go of streams stops giving credit for new ones: then this never ends.
 */
export async function churn({ relay, count }) {
  const session = await raw(relay);
  for (let i = 0; i < count; i++) {
    const both = await session.createBidirectionalStream();
    const writer = both.writable.getWriter();
    await writer.write(new Uint8Array([0x3f]));
    // The relay knows no such stream and resets it, maybe before our end.
    if (i % 2) writer.close().catch(() => {});
    else writer.abort().catch(() => {});
    await both.readable.getReader().closed.catch(() => {});
    const one = (await session.createUnidirectionalStream()).getWriter();
    await one.write(new Uint8Array([0x3f])).catch(() => {});
    await one.close().catch(() => {});
  }
  session.close();
  await session.closed;
  return count;
}

globalThis.visit = visit;
globalThis.churn = churn;
