"""What a publisher's file holds is what a viewer's file holds, to the last frame."""

import unittest

import case
import media

SECONDS = 20
# Publisher and viewer: each a version, and raw QUIC or WebTransport.
PAIRS = [(("moq-lite-04", "moqt"), ("moq-lite-04", "moqt")), (("moq-lite-05", "moqt"), ("moq-lite-05", "https")),
         (("moq-lite-04", "https"), ("moq-lite-05", "moqt")), (("moq-lite-05", "https"), ("moq-lite-04", "https"))]


class Media(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.source = media.make(self.folder / "source.mp4", SECONDS)
        self.frames = SECONDS * media.FRAME_RATE
        self.packets = len(media.track(self.source, "a", packets=True).checksums)

    def live(self, workers: int) -> None:
        """For each pair one viewer who waits for the broadcast, and one who comes late."""
        server = self.relay(workers=workers)
        publishers, viewers = [], []
        for number, ((publisher, up), (viewer, down)) in enumerate(PAIRS):
            name = f"live/{number}"
            figures = self.figures()
            early = self.folder / f"early{number}.mp4"
            viewers.append((early, 0, self.moq(server.url(scheme=down), "export", "fmp4", broadcast=name,
                                               version=viewer, stdout=early)))
            publishers.append((figures, self.moq(server.url(scheme=up), "--report", str(figures.path), "import",
                                                 "--realtime", str(self.source), broadcast=name, version=publisher)))
        for number, (_, (viewer, down)) in enumerate(PAIRS):
            publishers[number][0].until("pts", 4.5)
            late = self.folder / f"late{number}.mp4"
            viewers.append((late, 4 * media.FRAME_RATE, self.moq(
                server.url(scheme=down), "export", "fmp4", broadcast=f"live/{number}", version=viewer, stdout=late)))
        for _, publisher in publishers:
            self.assertEndsWell(publisher)
        for file, earliest, viewer in viewers:
            with self.subTest(file=file.name):
                self.assertEndsWell(viewer)
                part = media.compare(self.source, file)
                self.assertGreaterEqual(part.video[0], earliest, "begins with the newest group")
                self.assertEqual(sum(part.video), self.frames, "ends with the last picture")
                self.assertEqual(sum(part.audio), self.packets, "ends with the last sound")
                if earliest == 0:
                    # Each packet of sound is a group: the first ones may be over when it subscribes.
                    self.assertEqual(part.video[0], 0, "begins with the first picture")
        self.assertEqual(server.terminate(), 0, server.text())

    def through(self, pairs: list) -> None:
        """Publishers and viewers, each (version, scheme), through one relay; each viewer gets every frame."""
        short = media.make(self.folder / "short.mp4", 4)
        frames, packets = 4 * media.FRAME_RATE, len(media.track(short, "a", packets=True).checksums)
        server = self.relay()
        viewers = []
        for number, ((publisher, up), (viewer, down)) in enumerate(pairs):
            file = self.folder / f"{publisher}-{up}_{viewer}-{down}_{number}.mp4"
            viewers.append((file, self.moq(server.url(scheme=down), "export", "fmp4", broadcast=f"{publisher}/{up}",
                                           version=viewer, stdout=file)))
        server.sessions(len(viewers))
        publishers = [self.moq(server.url(scheme=scheme), "import", "--realtime", str(short),
                               broadcast=f"{version}/{scheme}", version=version)
                      for version, scheme in sorted({publisher for publisher, _ in pairs})]
        for publisher in publishers:
            self.assertEndsWell(publisher)
        for file, viewer in viewers:
            with self.subTest(pair=file.stem):
                self.assertEndsWell(viewer)
                part = media.compare(short, file)
                self.assertEqual(part.video, (0, frames))
                self.assertEqual(sum(part.audio), packets, "ends with the last sound")
        for version in {version for pair in pairs for version, _ in pair}:
            self.assertIn(f"{version} ", server.text(), "was spoken")
        self.assertEqual(server.terminate(), 0, server.text())

    def test_every_pair_of_versions_on_raw_quic(self):
        self.through([((publisher, "moqt"), (viewer, "moqt")) for publisher, viewer in case.PAIRS])

    def test_every_pair_of_versions_on_webtransport(self):
        self.through([((publisher, "https"), (viewer, "https")) for publisher, viewer in case.PAIRS])

    def test_both_families_on_raw_quic(self):
        self.through([((publisher, "moqt"), (viewer, "moqt")) for publisher, viewer in case.FAMILIES])

    def test_both_families_on_webtransport(self):
        self.through([((publisher, "https"), (viewer, "https")) for publisher, viewer in case.FAMILIES])

    def test_raw_quic_and_webtransport_meet(self):
        self.through([((publisher, up), (viewer, down)) for publisher, viewer in case.CROSSED
                      for up, down in (("moqt", "https"), ("https", "moqt"))])

    def test_one_worker(self):
        self.live(workers=1)

    def test_publisher_and_viewers_on_different_workers(self):
        self.live(workers=2)


if __name__ == "__main__":
    unittest.main()
