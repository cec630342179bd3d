"""`moq` as somebody uses it: Ctrl-C, a terminal, waiting, and what happens when the
other end is gone."""

import pathlib
import signal
import tempfile
import unittest

import case
import media
import processes

# Longer than any of these cases takes: they end it.
LONG = 40


# Of 1024 samples each, at 48 kHz.
AUDIO_FRAMES_A_SECOND = 46


class Client(case.Case):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="moq-media-")
        cls.addClassCleanup(folder.cleanup)
        cls.media = pathlib.Path(folder.name)

    def source(self, seconds: float = LONG) -> pathlib.Path:
        file = self.media / f"{seconds}.mp4"
        return file if file.exists() else media.make(file, seconds)

    def viewer(self, url: str, file: pathlib.Path, *arguments: str, **options) -> tuple[processes.Process, case.Figures]:
        figures = self.figures()
        return self.moq(url, *arguments, "--report", str(figures.path), "export", "fmp4", stdout=file,
                        **options), figures

    def test_interrupted_viewer(self):
        """Its file is playable; others, and the publisher, go on."""
        source, server = self.source(), self.relay()
        for version in case.VERSIONS:
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(version=version, number=number):
                    file = self.folder / f"{version}-{number}.mp4"
                    viewer, figures = self.viewer(server.url(), file, version=version, broadcast=version)
                    publisher = self.moq(server.url(), "import", "--realtime", str(source), version=version,
                                         broadcast=version)
                    figures.until("pts", 1.5)
                    viewer.send(number)
                    self.assertEndsWell(viewer)
                    part = media.compare(source, file, cut=True)
                    self.assertGreaterEqual(part.video[1], media.FRAME_RATE)
                    self.assertTrue(publisher.running())
                    publisher.send(number)
                    self.assertEndsWell(publisher)

    def test_interrupted_publisher(self):
        """The viewer's file ends where the publisher did, and well."""
        source, server = self.source(), self.relay()
        for version in case.VERSIONS:
            with self.subTest(version=version):
                file = self.folder / f"{version}.mp4"
                viewer, figures = self.viewer(server.url(), file, version=version)
                sent = self.figures()
                publisher = self.moq(server.url(), "--report", str(sent.path), "import", "--realtime", str(source),
                                     version=version)
                figures.until("pts", 1.5)
                publisher.send(signal.SIGINT)
                self.assertEndsWell(publisher)
                self.assertEndsWell(viewer)
                part = media.compare(source, file, cut=True)
                self.assertEqual(part.video[0], 0)
                self.assertEqual(sum(part.video + part.audio), sent.last()["frames"],
                                 f"ends with the last that was sent: {part}, {sent.last()}, {figures.last()}")

    def test_waits_for_a_broadcast(self):
        source, server = self.source(2), self.relay()
        file = self.folder / "out.mp4"
        waiting = self.moq(server.url(), "export", "fmp4", stdout=file, terminal=True)
        waiting.errors.expect('waiting for "live"')
        self.assertTrue(waiting.running())
        publisher = self.moq(server.url(), "import", "--realtime", str(source), terminal=True)
        waiting.errors.expect(r"received [1-9]\d* frames in \d+ groups \(0 lost\), [\d.]+ Mbit/s")
        publisher.errors.expect(r"published [1-9]\d* frames in \d+ groups, [\d.]+ Mbit/s")
        self.assertEndsWell(publisher)
        self.assertEndsWell(waiting)
        media.compare(source, file)

    def test_waiting_can_be_interrupted(self):
        server = self.relay()
        waiting = self.moq(server.url(), "export", "fmp4", stdout=self.folder / "out.mp4", terminal=True)
        waiting.errors.expect('waiting for "live"')
        waiting.send(signal.SIGINT)
        self.assertEndsWell(waiting)
        self.assertEqual((self.folder / "out.mp4").stat().st_size, 0)

    def test_says_nothing_where_there_is_no_terminal(self):
        source, server = self.source(2), self.relay()
        viewer, _ = self.viewer(server.url(), self.folder / "out.mp4")
        publisher = self.moq(server.url(), "import", "--realtime", str(source))
        self.assertEndsWell(publisher)
        self.assertEndsWell(viewer)
        self.assertEqual(publisher.text() + viewer.text(), "")

    def test_lists_what_comes_and_goes(self):
        source, server = self.source(), self.relay(workers=2)
        listing = self.moq(server.url(), "announced")
        below = self.moq(server.url(), "announced", "rooms")
        server.sessions(2)
        for name in ("rooms/one", "other"):
            publisher = self.moq(server.url(), "import", "--realtime", str(source), broadcast=name)
            for program in [listing] if name == "other" else [listing, below]:
                program.output.expect(rf"^\+ {name}$")
            publisher.send(signal.SIGINT)
            self.assertEndsWell(publisher)
            listing.output.expect(rf"^- {name}$")
        for program in (listing, below):
            program.send(signal.SIGINT)
            self.assertEndsWell(program)
        self.assertEqual(below.output.all(), ["+ rooms/one", "- rooms/one"])

    def test_a_relay_that_dies(self):
        source, server = self.source(), self.relay()
        file = self.folder / "out.mp4"
        viewer, figures = self.viewer(server.url(), file, "--client-quic-idle-timeout", "1500ms")
        publisher = self.moq(server.url(), "--client-quic-idle-timeout", "1500ms", "import", "--realtime", str(source))
        figures.until("pts", 1.5)
        server.kill()
        for program in (viewer, publisher):
            self.assertEqual(program.wait(), 1)
            self.assertRegex(program.text(), "moq: the session has ended: .*the idle timeout has passed")
        self.assertEqual(media.compare(source, file, cut=True).video[0], 0)

    def test_a_publisher_that_dies(self):
        source, server = self.source(), self.relay(quic='idle_timeout = "1500ms"')
        file = self.folder / "out.mp4"
        viewer, figures = self.viewer(server.url(), file)
        publisher = self.moq(server.url(), "import", "--realtime", str(source))
        figures.until("pts", 1.5)
        publisher.kill()
        self.assertEqual(viewer.wait(), 1, viewer.text())
        self.assertRegex(viewer.text(), 'cannot export "live": ')
        self.assertEqual(media.compare(source, file, cut=True).video[0], 0)

    def test_containers(self):
        """Each format in, and another out; pictures stay what they are."""
        source, server = self.source(3), self.relay()
        formats = ["fmp4", "ts", "flv", "mkv"]
        running = []
        for number, (given, wanted) in enumerate(zip(formats, formats[1:] + formats[:1])):
            name = f"{given}-{wanted}"
            remuxed = media.remux(source, self.folder / f"{name}-in", given)
            file = self.folder / f"{name}-out"
            viewer = self.moq(server.url(), "export", wanted, broadcast=name, stdout=file)
            # It is there before the first group is.
            server.sessions(2 * number + 1)
            with open(remuxed, "rb") as stdin:
                publisher = self.moq(server.url(), "import", "--realtime", given, broadcast=name, stdin=stdin)
            server.sessions(2 * number + 2)
            running.append((name, remuxed, file, viewer, publisher))
        for name, remuxed, file, viewer, publisher in running:
            with self.subTest(name=name):
                self.assertEndsWell(publisher)
                self.assertEndsWell(viewer)
                sent, received = (media.track(f, "v", packets=False) for f in (remuxed, file))
                self.assertEqual(received.checksums, sent.checksums)
                sent, received = (media.track(f, "a", packets=True) for f in (remuxed, file))
                # A live viewer begins with the latest group, and each frame of sound is one: some may
                # have gone by before it had subscribed. From then on there is no gap, up to the end.
                missed = len(sent.times) - len(received.times)
                self.assertIn(missed, range(AUDIO_FRAMES_A_SECOND))
                # (A tick of the coarsest container's clock is a millisecond.)
                for before, after in zip(sent.times[missed:], received.times):
                    self.assertAlmostEqual(before - sent.times[missed], after - received.times[0], delta=0.005)


if __name__ == "__main__":
    unittest.main()
