"""The reference implementation's client publishes and subscribes through a relay.

MOQ_RELAY is the relay's program; "control" puts the package's own server there.
MOQ_SCHEME is how it is reached: moqt (raw QUIC) or https (WebTransport).
MOQ_VERSION is the only version that the relay accepts; unset: the newest of both.
"""

import asyncio
import contextlib
import hashlib
import os
import unittest

import moq
import relay

# Longest wait for anything that must come.
SECONDS = 20
SCHEME = os.environ.get("MOQ_SCHEME", "moqt")
# Each client offers all it has, so the relay's choice is what both of them speak.
VERSION = os.environ.get("MOQ_VERSION", "")
LITE_05 = VERSION in ("", "moq-lite-05")
# Others begin with the latest group of the moment in which the publisher looks.
SAYS_WHERE_TO_START = VERSION not in ("moq-lite-01", "moq-lite-02")


def pattern(size: int, seed: int) -> bytes:
    """`size` bytes that show whether any were lost, repeated or swapped."""
    block = hashlib.sha256(seed.to_bytes(8, "big")).digest()
    return b"".join(hashlib.sha256(block + i.to_bytes(8, "big")).digest()
                    for i in range(size // 32 + 1))[:size]


async def serve(server: moq.Server) -> None:
    """Accepts every session; holding one keeps it alive."""
    sessions = []
    async for request in server:
        sessions.append(await request.accept())


@contextlib.asynccontextmanager
async def endpoint():
    """Something to connect to: base URL and options of the client."""
    program = os.environ["MOQ_RELAY"]
    if program == "control":
        async with moq.Server("[::]:0", tls_generate=["localhost"]) as server:
            port = server.local_addr.rsplit(":", 1)[1]
            serving = asyncio.create_task(serve(server))
            try:
                yield f"{SCHEME}://localhost:{port}/"
            finally:
                serving.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await serving
    else:
        with relay.relay(program, workers=int(os.environ.get("MOQ_RELAY_WORKERS", "1")),
                         server=f'version = "{VERSION}"' if VERSION else "") as running:
            yield running.url(scheme=SCHEME)
            if VERSION:
                running.errors.expect(f"{VERSION}( .*: connected)?$")


class ThroughTheRelay(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.stack = contextlib.AsyncExitStack()
        self.addAsyncCleanup(self.stack.aclose)
        self.url = await self.stack.enter_async_context(endpoint())

    async def client(self) -> moq.Client:
        """A client with origins of its own: what it hears has been through the relay."""
        client = moq.Client(self.url, tls_verify=False, websocket_enabled=False, reconnect=False,
                            publish=moq.OriginProducer(), subscribe=moq.OriginProducer())
        return await asyncio.wait_for(self.stack.enter_async_context(client), SECONDS)

    async def pair(self) -> tuple[moq.Client, moq.Client]:
        return await self.client(), await self.client()

    async def soon(self, awaitable):
        return await asyncio.wait_for(awaitable, SECONDS)

    async def groups(self, track, count: int | None = None,
                     begun: asyncio.Event | None = None) -> dict[int, list[tuple[bytes, int]]]:
        """Groups of a track until it ends, or `count`: sequence -> (payload, microseconds)."""
        received: dict[int, list[tuple[bytes, int]]] = {}
        try:
            while count is None or len(received) < count:
                group = await self.soon(track.recv_group())
                if group is None:
                    break
                if begun is not None:
                    begun.set()
                frames = received[group.sequence] = []
                while (frame := await self.soon(group.read_frame())) is not None:
                    frames.append((frame.payload, frame.timestamp_us))
        except TimeoutError:
            self.fail(f"only these arrived, group: frames: "
                      f"{ {sequence: len(frames) for sequence, frames in received.items()} }")
        return received

    async def test_groups_and_frames_arrive_whole_and_in_order(self):
        publisher, subscriber = await self.pair()
        broadcast = publisher.create_broadcast("room/one")
        track = broadcast.publish_track("data")
        broadcast.announce()
        remote = await self.soon(subscriber.announced_broadcast("room/one"))
        consumer = await self.soon(remote.subscribe_track(
            "data", moq.Subscription(max_age_us=10_000_000, group_start=0)))
        begun = asyncio.Event()
        received = asyncio.create_task(self.groups(consumer, 5, begun))
        await self.soon(track.demand().used())
        sent: dict[int, list[tuple[bytes, int]]] = {}
        for sequence in range(5):
            if sequence == 1 and not SAYS_WHERE_TO_START:
                await self.soon(begun.wait())
            group = track.append_group()
            frames = sent[group.sequence] = []
            for number in range(10):
                at = sequence * 1_000_000 + number * 33_000
                payload = pattern(1 + 997 * number, 100 * sequence + number)
                group.write_frame(payload, at)
                frames.append((payload, at))
            group.finish()
        arrived = await received
        if not LITE_05:  # which have no timestamps
            sent, arrived = ({sequence: [payload for payload, _ in frames] for sequence, frames in all_.items()}
                             for all_ in (sent, arrived))
        self.assertEqual(arrived, sent)

    async def test_large_frame(self):
        publisher, subscriber = await self.pair()
        broadcast = publisher.create_broadcast("large")
        track = broadcast.publish_track("data")
        payload = pattern(4 << 20, 7)
        track.write_frame(payload, 5)
        broadcast.announce()
        remote = await self.soon(subscriber.announced_broadcast("large"))
        consumer = await self.soon(remote.subscribe_track("data"))
        frame = await self.soon(consumer.read_frame())
        self.assertEqual(hashlib.sha256(frame.payload).digest(), hashlib.sha256(payload).digest())

    async def test_late_subscriber_begins_with_the_latest_group(self):
        publisher, first = await self.pair()
        broadcast = publisher.create_broadcast("late")
        track = broadcast.publish_track("data")
        broadcast.announce()
        remote = await self.soon(first.announced_broadcast("late"))
        early = await self.soon(remote.subscribe_track("data"))
        for number in range(3):
            track.write_frame(pattern(100, number), number)
            frame = await self.soon(early.read_frame())
            self.assertEqual(frame.payload, pattern(100, number))
        second = await self.client()
        remote = await self.soon(second.announced_broadcast("late"))
        consumer = await self.soon(remote.subscribe_track("data"))
        frame = await self.soon(consumer.read_frame())
        self.assertEqual(frame.payload, pattern(100, 2))

    async def test_many_subscribers_get_the_same(self):
        publisher = await self.client()
        broadcast = publisher.create_broadcast("many")
        track = broadcast.publish_track("data")
        broadcast.announce()
        consumers = []
        for _ in range(8):
            subscriber = await self.client()
            remote = await self.soon(subscriber.announced_broadcast("many"))
            consumers.append(await self.soon(remote.subscribe_track("data")))
        reads = [asyncio.create_task(consumer.read_frame()) for consumer in consumers]
        await self.soon(track.demand().used())
        track.write_frame(pattern(50_000, 1), 1)
        for frame in await self.soon(asyncio.gather(*reads)):
            self.assertEqual(frame.payload, pattern(50_000, 1))

    async def test_announcements_come_and_go(self):
        publisher, subscriber = await self.pair()
        updates = subscriber.announced("list/")
        broadcast = publisher.create_broadcast("list/a")
        broadcast.publish_track("data")
        broadcast.announce()
        update = await self.soon(anext(updates))
        self.assertEqual((update.prefix, update.active), ("list/a", True))
        broadcast.close()
        update = await self.soon(anext(updates))
        self.assertEqual((update.prefix, update.active), ("list/a", False))

    async def test_a_publisher_that_leaves_is_unannounced(self):
        publisher, subscriber = await self.pair()
        updates = subscriber.announced()
        broadcast = publisher.create_broadcast("gone")
        broadcast.publish_track("data")
        broadcast.announce()
        update = await self.soon(anext(updates))
        self.assertEqual((update.prefix, update.active), ("gone", True))
        publisher.session.shutdown()
        update = await self.soon(anext(updates))
        self.assertEqual((update.prefix, update.active), ("gone", False))

    async def test_the_end_of_a_track_arrives(self):
        publisher, subscriber = await self.pair()
        broadcast = publisher.create_broadcast("end")
        track = broadcast.publish_track("data")
        broadcast.announce()
        remote = await self.soon(subscriber.announced_broadcast("end"))
        consumer = await self.soon(remote.subscribe_track("data"))
        track.write_frame(b"last", 0)
        self.assertEqual((await self.soon(consumer.read_frame())).payload, b"last")
        track.finish()
        self.assertIsNone(await self.soon(consumer.next_group()))

    @unittest.skipUnless(LITE_05, "the version has no FETCH that others serve")
    async def test_fetch_of_a_cached_group(self):
        publisher, subscriber = await self.pair()
        broadcast = publisher.create_broadcast("fetch")
        track = broadcast.publish_track("data", moq.TrackInfo(max_age_us=30_000_000))
        for number in range(4):
            track.write_frame(pattern(1000, number), number)
        broadcast.announce()
        remote = await self.soon(subscriber.announced_broadcast("fetch"))
        group = await self.soon(remote.fetch_group("data", 2))
        frame = await self.soon(group.read_frame())
        self.assertEqual(frame.payload, pattern(1000, 2))
        self.assertIsNone(await self.soon(group.read_frame()))

    async def test_an_unknown_track_is_refused(self):
        publisher, subscriber = await self.pair()
        broadcast = publisher.create_broadcast("some")
        broadcast.publish_track("data")
        broadcast.announce()
        remote = await self.soon(subscriber.announced_broadcast("some"))
        with self.assertRaises(moq.Error):
            consumer = await self.soon(remote.subscribe_track("nothing"))
            if await self.soon(consumer.recv_group()) is None:
                self.fail("the track that is not there ended as if it were")

    async def test_demand_ends_with_the_last_subscriber(self):
        publisher, subscriber = await self.pair()
        broadcast = publisher.create_broadcast("demand")
        track = broadcast.publish_track("data")
        broadcast.announce()
        remote = await self.soon(subscriber.announced_broadcast("demand"))
        consumer = await self.soon(remote.subscribe_track("data"))
        # This client subscribes when it is first asked for something.
        read = asyncio.create_task(consumer.read_frame())
        await self.soon(track.demand().used())
        track.write_frame(b"wanted", 0)
        self.assertEqual((await self.soon(read)).payload, b"wanted")
        consumer.cancel()
        del consumer
        await self.soon(track.demand().unused())


if __name__ == "__main__":
    unittest.main()
