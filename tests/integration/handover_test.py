"""Publishers and viewers that go on at the next relay when theirs goes away."""

import signal
import unittest

import case
import media
import relay

SECONDS = 9
# Far below the idle timeout, and above the handover: what takes longer was waited for in vain.
SOON = 20
# Publisher and viewer, each a version; and how both connect.
CASES = [("moq-lite-05", "moq-lite-05", "moqt"), ("moq-lite-04", "moq-lite-05", "https"),
         ("moq-lite-05", "moq-lite-04", "moqt"), ("moq-lite-04", "moq-lite-04", "https")]


class Handover(case.Case):
    def next_to(self, server: relay.Relay | None, scheme: str, **options) -> relay.Relay:
        """A relay that sends its clients to `server` when it goes away."""
        head = f'drain_uri = "{server.url(scheme=scheme).rstrip("/")}"' if server else ""
        return self.relay(head=head, **options)

    def test_no_frame_is_lost_over_two_rolls(self):
        source = media.make(self.folder / "source.mp4", SECONDS)
        packets = len(media.track(source, "a", packets=True).checksums)
        for number, (publishing, viewing, scheme) in enumerate(CASES):
            with self.subTest(publisher=publishing, viewer=viewing, scheme=scheme):
                third = self.next_to(None, scheme)
                second = self.next_to(third, scheme, workers=2)
                first = self.next_to(second, scheme)
                figures = self.figures()
                received = self.folder / f"received{number}.mp4"
                viewer = self.moq(first.url(scheme=scheme), "export", "fmp4", version=viewing, stdout=received)
                first.sessions(1)
                publisher = self.moq(first.url(scheme=scheme), "--report", str(figures.path), "import", "--realtime",
                                     str(source), version=publishing)
                for server, at in ((first, 2), (second, 5)):
                    figures.until("pts", at)
                    server.send(signal.SIGTERM)
                    self.assertEqual(server.wait(SOON), 0, server.text())
                    self.assertIn("the relay is going away; going on at", viewer.text())
                self.assertEndsWell(publisher)
                self.assertEndsWell(viewer)
                part = media.compare(source, received)
                self.assertEqual(part.video, (0, SECONDS * media.FRAME_RATE))
                self.assertEqual(sum(part.audio), packets, "ends with the last sound")
                self.assertEqual(third.terminate(), 0, third.text())

    def test_a_killed_relay_is_no_end(self):
        """Without a word from the relay, the client finds it again under its name."""
        source = media.make(self.folder / "source.mp4", 12)
        figures, seen = self.figures(), self.figures()
        first = self.relay()
        received = self.folder / "received.mp4"
        quick = ("--client-quic-idle-timeout", "1s")
        viewer = self.moq(first.url(), *quick, "--report", str(seen.path), "export", "fmp4", stdout=received)
        first.sessions(1)
        publisher = self.moq(first.url(), *quick, "--report", str(figures.path), "import", "--realtime", str(source))
        seen.until("pts", 2)
        first.kill()
        again = self.keep(first.again())
        again.ready()
        self.assertEndsWell(publisher)
        self.assertEndsWell(viewer)
        part = media.compare(source, received)
        self.assertEqual(part.video, (0, 12 * media.FRAME_RATE))
        self.assertIn("connected again: ", viewer.text())
        self.assertEqual(again.terminate(), 0, again.text())

    def test_without_reconnecting_it_ends_in_order(self):
        source = media.make(self.folder / "source.mp4", 30)
        for version in case.WITH_GOAWAY:
            with self.subTest(version=version):
                server = self.relay()
                figures = self.figures()
                received = self.folder / f"{version}.mp4"
                viewer = self.moq(server.url(), "--no-reconnect", "--report", str(figures.path), "export", "fmp4",
                                  version=version, stdout=received)
                publisher = self.moq(server.url(), "--no-reconnect", "import", "--realtime", str(source),
                                     version=version)
                figures.until("pts", 2)
                server.send(signal.SIGTERM)
                self.assertEndsWell(publisher)
                self.assertEndsWell(viewer)
                self.assertEqual(server.wait(SOON), 0, server.text())
                part = media.compare(source, received, cut=True)
                self.assertEqual(part.video[0], 0)
                self.assertGreaterEqual(part.video[1], 2 * media.FRAME_RATE)


if __name__ == "__main__":
    unittest.main()
