"""aiomoqt, an implementation of the IETF's drafts in Python over picoquic, publishes and
subscribes through a relay.

MOQ_RELAY is the relay's program, MOQ_RELAY_WORKERS how many workers it has.
MOQ_DRAFT is the draft of the clients, 14 or 18.
MOQ_SCHEME is how the relay is reached: moqt (raw QUIC) or https (WebTransport).
"""

import asyncio
import contextlib
import os
import unittest
from collections.abc import Iterable

import moq
import relay
from aiomoqt.client import MOQTClient
from aiomoqt.delivery import StreamMapping
from aiomoqt.track import PublishedTrack, SubscribedTrack
from aiomoqt.types import MOQTRequestError, ObjectStatus
from aiomoqt.utils import logger

from moq_rs_test import SECONDS, pattern

SCHEME = os.environ.get("MOQ_SCHEME", "moqt")
DRAFT = int(os.environ.get("MOQ_DRAFT", "18"))
OTHER_DRAFT = {14: 18, 18: 14}[DRAFT]
TRACK_ENDED = 0x2
# Object ids of a group, with a gap, and the sizes of their payloads: none, tiny, a packet, many.
SIZES = {0: 100, 1: 0, 2: 1, 5: 1500, 6: 20_000, 9: 300_000}
# Properties that no draft has a meaning for: a number under an even type, bytes under an odd one.
PROPERTIES = {0x3c: 7, 0x3d: b"of nobody's business"}

# What a session hears of namespaces: whether one comes -> type of the message, its field.
ANNOUNCEMENTS = {14: {True: (0x06, "namespace"), False: (0x09, "namespace")},
                 18: {True: (0x08, "namespace_suffix"), False: (0x0e, "namespace_suffix")}}

# (group, object) -> (payload, properties)
Objects = dict[tuple[int, int], tuple[bytes, dict]]


def objects(groups: Iterable[int], sizes: dict[int, int] = SIZES, properties: dict | None = None) -> Objects:
    return {(group, id_): (pattern(size, 1000 * group + id_), properties or {})
            for group in groups for id_, size in sizes.items()}


class Publisher(PublishedTrack):
    """Sends what it is told to; stop() ends the track."""

    def __init__(self, session, namespace: str, mapping: StreamMapping = StreamMapping.PER_GROUP) -> None:
        super().__init__(session, namespace, "data")
        self.mapping = mapping
        self._queue: asyncio.Queue[Objects | None] = asyncio.Queue()

    def send(self, sent: Objects) -> None:
        self._queue.put_nowait(sent)

    def stop(self) -> None:
        self._queue.put_nowait(None)

    async def produce(self, out) -> None:
        group = None
        while (sent := await self._queue.get()) is not None:
            for (group_id, id_), (payload, properties) in sent.items():
                await out.write(group_id, id_, payload, extensions=properties, group_start=group_id != group)
                group = group_id


class Viewer:
    """What arrived: of a subscription, if subscribe() is called, or of whatever calls take()."""

    def __init__(self) -> None:
        self.objects: Objects = {}
        self.subgroups: dict[tuple[int, int], int | None] = {}
        self.twice: list[tuple[int, int]] = []
        self._changed = asyncio.Event()

    def take(self, object_, _size, _time, group=None, subgroup=None) -> None:
        """Of a subscription; the end of a group is no object of its own."""
        if object_.status == ObjectStatus.NORMAL:
            self._add(group, object_)
            self.subgroups[group, object_.object_id] = subgroup

    def take_fetched(self, object_, *_) -> None:
        if object_.status == ObjectStatus.NORMAL:
            self._add(object_.group_id, object_)

    def _add(self, group: int, object_) -> None:
        location = (group, object_.object_id)
        if location in self.objects:
            self.twice.append(location)
        self.objects[location] = (bytes(object_.payload or b""), dict(object_.extensions or {}))
        self._changed.set()

    async def until(self, count: int) -> None:
        while len(self.objects) < count:
            self._changed.clear()
            await self._changed.wait()


class ThroughTheRelay(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        logger.set_log_level("WARNING")
        self.stack = contextlib.AsyncExitStack()
        self.addAsyncCleanup(self.stack.aclose)
        self.relay = self.stack.enter_context(
            relay.relay(os.environ["MOQ_RELAY"], workers=int(os.environ.get("MOQ_RELAY_WORKERS", "1"))))

    async def soon(self, awaitable):
        return await asyncio.wait_for(awaitable, SECONDS)

    async def client(self, draft: int = DRAFT):
        """A session that has been set up."""
        client = MOQTClient("localhost", self.relay.port, use_quic=SCHEME == "moqt", verify_tls=False,
                            supported_drafts=draft)
        session = await self.soon(self.stack.enter_async_context(client.connect()))
        await self.soon(session.client_session_init())
        self.assertEqual(session.negotiated_draft, draft)
        return session

    async def publisher(self, namespace: str, mapping: StreamMapping = StreamMapping.PER_GROUP,
                        draft: int = DRAFT) -> Publisher:
        """A track of a namespace that it has announced."""
        track = Publisher(await self.client(draft), namespace, mapping)
        await self.soon(track.publish(announce_namespace=True, publish_track=False))
        return track

    async def viewer(self, namespace: str, draft: int = DRAFT) -> tuple[Viewer, SubscribedTrack]:
        """One that is subscribed."""
        viewer = Viewer()
        track = SubscribedTrack(await self.client(draft), namespace, "data", on_object=viewer.take)
        await self.soon(track.subscribe())
        return viewer, track

    async def arrives(self, viewer: Viewer, sent: Objects) -> None:
        try:
            await self.soon(viewer.until(len(sent)))
        except TimeoutError:
            self.fail(f"these did not arrive: {sorted(sent.keys() - viewer.objects.keys())}")
        self.assertSame(viewer.objects, sent)
        self.assertEqual(viewer.twice, [])

    def assertSame(self, arrived: Objects, sent: Objects) -> None:
        self.assertEqual(sorted(arrived), sorted(sent))
        self.assertEqual([location for location in sent if arrived[location] != sent[location]], [])

    async def ends(self, track: SubscribedTrack, status: int = TRACK_ENDED) -> None:
        await self.soon(track.wait_closed())
        self.assertIsNotNone(track.publish_done, "the session ended")
        self.assertEqual(track.publish_done.status_code, status)

    async def exchange(self, mapping: StreamMapping, sent: Objects, viewer_draft: int = DRAFT) -> Viewer:
        """All that is sent arrives, and then the end of the track."""
        publisher = await self.publisher("room/one", mapping)
        viewer, track = await self.viewer("room/one", viewer_draft)
        publisher.send(sent)
        await self.arrives(viewer, sent)
        publisher.stop()
        await self.ends(track)
        return viewer

    async def test_a_stream_for_each_group(self):
        viewer = await self.exchange(StreamMapping.PER_GROUP, objects(range(4)))
        self.assertEqual(set(viewer.subgroups.values()), {0})

    async def test_a_stream_for_each_object(self):
        viewer = await self.exchange(StreamMapping.PER_OBJECT, objects(range(4)))
        self.assertEqual(viewer.subgroups, {(group, id_): id_ for group in range(4) for id_ in SIZES})

    @unittest.skipIf(SCHEME == "https", "over WebTransport it sends no datagrams")
    async def test_datagrams(self):
        viewer = await self.exchange(StreamMapping.DATAGRAM, objects(range(8), {0: 1, 1: 100, 3: 900}))
        self.assertEqual(set(viewer.subgroups.values()), {None})

    async def test_properties_of_objects(self):
        await self.exchange(StreamMapping.PER_GROUP, objects(range(2), properties=PROPERTIES))

    async def test_properties_of_objects_in_the_other_draft(self):
        await self.exchange(StreamMapping.PER_GROUP, objects(range(2), properties=PROPERTIES), OTHER_DRAFT)

    async def test_a_viewer_of_the_other_draft(self):
        viewer = await self.exchange(StreamMapping.PER_OBJECT, objects(range(4)), OTHER_DRAFT)
        self.assertEqual(viewer.subgroups, {(group, id_): id_ for group in range(4) for id_ in SIZES})

    async def test_a_large_object(self):
        await self.exchange(StreamMapping.PER_GROUP, objects([0], {0: 3 << 20}))

    async def test_many_viewers_get_the_same(self):
        publisher = await self.publisher("many")
        viewers = [(await self.viewer("many"))[0] for _ in range(8)]
        sent = objects(range(2))
        publisher.send(sent)
        for viewer in viewers:
            await self.arrives(viewer, sent)

    async def announced(self, prefix: str) -> asyncio.Queue:
        """What comes and goes below a prefix: what follows it in the namespace, and whether it comes."""
        session = await self.client()
        queue: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        for comes, (type_, field) in ANNOUNCEMENTS[DRAFT].items():

            async def heard(session, message, comes=comes, field=field) -> None:
                queue.put_nowait(("/".join(part.decode() for part in getattr(message, field)), comes))
                if comes and DRAFT == 14:
                    session.publish_namepace_ok(message)

            session.register_handler(type_, heard)
        await self.soon(session.subscribe_namespace(prefix, wait_response=True))
        return queue

    async def test_namespaces_come_and_go(self):
        heard = await self.announced("list")
        publisher = await self.publisher("list/a")
        name = "list/a" if DRAFT == 14 else "a"
        self.assertEqual(await self.soon(heard.get()), (name, True))
        publisher.session.publish_namespace_done(namespace="list/a")
        self.assertEqual(await self.soon(heard.get()), (name, False))

    async def test_a_publisher_that_leaves_takes_its_namespace_and_track_along(self):
        heard = await self.announced("list")
        publisher = await self.publisher("list/gone")
        name, comes = await self.soon(heard.get())
        self.assertTrue(comes)
        _, track = await self.viewer("list/gone")
        publisher.session.close()
        self.assertEqual(await self.soon(heard.get()), (name, False))
        await self.soon(track.wait_closed())
        self.assertIsNotNone(track.publish_done, "the session ended")

    async def test_a_track_that_is_published_unasked(self):
        heard = await self.announced("pushed")
        track = Publisher(await self.client(), "pushed/one")
        # A PUBLISH with the request id 0 would never get its PUBLISH_DONE from this client.
        await self.soon(track.session.publish_namespace("spare", wait_response=True))
        await self.soon(track.publish(publish_track=True))
        await self.soon(heard.get())
        viewer, subscribed = await self.viewer("pushed/one")
        sent = objects(range(3))
        track.send(sent)
        await self.arrives(viewer, sent)
        track.stop()
        await self.ends(subscribed)

    async def test_a_track_that_nobody_has_is_refused(self):
        publisher = await self.publisher("some")
        self.assertEqual(publisher.trackname, "data")
        for namespace, name in (("some", "nothing"), ("nowhere", "data")):
            with self.subTest(namespace=namespace), self.assertRaises(MOQTRequestError):
                await self.soon(SubscribedTrack(await self.client(), namespace, name).subscribe())

    async def cached(self, namespace: str, groups: int) -> tuple[Publisher, Objects]:
        """A track whose groups a viewer of it has got, so the relay has them, too."""
        publisher = await self.publisher(namespace)
        viewer, _ = await self.viewer(namespace)
        sent = objects(range(groups))
        publisher.send(sent)
        await self.arrives(viewer, sent)
        return publisher, sent

    async def test_fetch(self):
        _, sent = await self.cached("fetch", 4)
        session, viewer = await self.client(), Viewer()
        ok = await self.soon(session.fetch("fetch", "data", start_group=1, start_object=2, end_group=3, end_object=6,
                                           wait_response=True, on_object=viewer.take_fetched))
        self.assertTrue(await session.await_fetch_done(ok.request_id, SECONDS))
        self.assertSame(viewer.objects, {at: it for at, it in sent.items() if (1, 2) <= at < (3, 6)})
        self.assertEqual(viewer.twice, [])

    async def test_a_joining_fetch_leaves_no_gap(self):
        publisher, sent = await self.cached("join", 4)
        session, live, fetched = await self.client(), Viewer(), Viewer()
        session.on_fetch_object = fetched.take_fetched
        _, ok = await self.soon(session.join("join", "data", joining_start=2, wait_response=True, on_object=live.take))
        self.assertTrue(await session.await_fetch_done(ok.request_id, SECONDS))
        more = objects([4, 5])
        publisher.send(more)
        await self.soon(live.until(len(more)))
        self.assertSame(fetched.objects, {at: it for at, it in sent.items() if at[0] >= 1})
        self.assertSame(live.objects, more)

    async def moq_lite(self) -> moq.Client:
        client = moq.Client(self.relay.url(scheme=SCHEME), tls_verify=False, websocket_enabled=False, reconnect=False,
                            publish=moq.OriginProducer(), subscribe=moq.OriginProducer())
        return await self.soon(self.stack.enter_async_context(client))

    async def test_a_viewer_of_moq_lite(self):
        publisher = await self.publisher("both/ways")
        client = await self.moq_lite()
        remote = await self.soon(client.announced_broadcast("both/ways"))
        consumer = await self.soon(remote.subscribe_track(
            "data", moq.Subscription(max_age_us=10_000_000, group_start=0)))
        sent = objects(range(3))
        publisher.send(sent)
        for sequence in range(3):
            group = await self.soon(consumer.recv_group())
            frames = [(await self.soon(group.read_frame())).payload for _ in SIZES]
            self.assertEqual(frames, [payload for at, (payload, _) in sent.items() if at[0] == group.sequence])
        # It ends its last group with the track.
        publisher.stop()
        self.assertIsNone(await self.soon(group.read_frame()))
        self.assertIsNone(await self.soon(consumer.recv_group()))

    async def test_a_publisher_of_moq_lite(self):
        client = await self.moq_lite()
        broadcast = client.create_broadcast("both/ways")
        track = broadcast.publish_track("data")
        broadcast.announce()
        heard = await self.announced("both")
        await self.soon(heard.get())
        viewer, _ = await self.viewer("both/ways")
        sent: Objects = {}
        for _ in range(3):
            group = track.append_group()
            for id_, size in enumerate(SIZES.values()):
                payload = pattern(size, id_)
                group.write_frame(payload, id_)
                sent[group.sequence, id_] = (payload, {})
            group.finish()
        await self.soon(viewer.until(len(sent)))
        self.assertEqual({at: payload for at, (payload, _) in viewer.objects.items()},
                         {at: payload for at, (payload, _) in sent.items()})


if __name__ == "__main__":
    unittest.main()
