"""Limits as their clients see them, with real processes: who is refused, how, and who is not."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

import case
import processes
import relay

# A long header's first byte, and that of an Initial (RFC 9000 §17.2.2).
LONG, INITIAL_MASK, INITIAL = 0x80, 0xF0, 0xC0
DCID_LENGTH_AT = 5
# Between two rounds of the flood.
PAUSE = 0.05
# Of each family, and of moq-transport both.
VERSIONS = ("moq-lite-02", "moq-lite-05", "moq-transport-14", "moq-transport-18")


def limits(*lines: str) -> str:
    return "\n".join(["[limits]", *lines])


class Limits(case.Case):
    def guests(self, url: str, count: int = 1, version: str = "moq-lite-05", *arguments: str) -> processes.Process:
        return self.keep(processes.Process([os.environ["TEST_GUESTS"], "--url", url, "--version", version,
                                            "--count", str(count), *arguments], stdin=subprocess.PIPE))

    def expect_ready(self, guests: processes.Process, count: int = 1) -> None:
        guests.output.expect("^ready ", count=count)

    def leave(self, guests: processes.Process) -> None:
        guests.stdin.close()
        self.assertEndsWell(guests)

    def assertComesIn(self, url: str) -> None:
        """One that is not refused, once the relay has heard who has left."""
        for _ in range(1000):
            guest = self.guests(url)
            answer = guest.output.expect("^(ready|closed) 0").group(1)
            self.leave(guest)
            if answer == "ready":
                return
        self.fail("there is never a place")

    def test_connections(self):
        server = self.relay(workers=2, tail=limits("connections = 3"))
        here = self.guests(server.url(), count=3)
        self.expect_ready(here, 3)
        for scheme in ("moqt", "https"):
            late = self.guests(server.url("", scheme))
            late.output.expect("^closed 0 .*the server takes no new connections")
            self.leave(late)
        server.errors.expect(r"the limit of connections is reached")
        self.leave(here)
        self.assertComesIn(server.url())

    def test_sessions_per_root(self):
        server = self.relay(workers=2, tail=limits("sessions_per_root = 2"))
        here = self.guests(server.url("room?as=a"), count=2)
        self.expect_ready(here, 2)
        for version in VERSIONS:
            with self.subTest(version=version):
                late = self.guests(server.url("room?as=b"), version=version)
                late.output.expect("^closed 0 .*TOO_MANY_REQUESTS")
                self.leave(late)
                late = self.guests(server.url("room", "https"), version=version)
                late.output.expect("^closed 0 .*503")
                self.leave(late)
        other = self.guests(server.url("other"))
        self.expect_ready(other)
        self.leave(other)
        server.errors.expect(r"conn=\d+ .*the limit of sessions_per_root is reached")
        self.leave(here)
        self.assertComesIn(server.url("room", "https"))

    def test_requests_of_a_session(self):
        operators = relay.free_port()
        server = self.relay(tail=limits("subscriptions = 1") + f"\n[internal]\nlisten = {operators}")
        refused = 'moq_relay_refused_total{limit="requests"}'
        publisher = self.guests(server.url(), 1, "moq-lite-05", "--publish")
        self.expect_ready(publisher)
        # What is announced is the only thing that these ask for.
        for version in VERSIONS:
            modest = self.moq(server.url(), "announced", version=version)
            modest.output.expect(r"^\+ guest/0$")
            modest.send(signal.SIGINT)
            self.assertEndsWell(modest)
        self.assertEqual(self.metrics(operators)[refused], 0)
        # And these for a track, too.
        for version in VERSIONS:
            with self.subTest(version=version):
                before = self.metrics(operators)[refused]
                viewer = self.moq(server.url(), "--no-reconnect", "export", "fmp4", broadcast="guest/0",
                                  version=version)
                self.until_metric(operators, refused, before + 1)
                self.assertNotEqual(viewer.wait(), 0, viewer.text())
        server.errors.expect(r"conn=\d+ .*the limit of requests is reached")
        self.leave(publisher)

    def test_announcements_of_a_session(self):
        operators = relay.free_port()
        server = self.relay(tail=limits("announcements = 1") + f"\n[internal]\nlisten = {operators}")
        refused = 'moq_relay_refused_total{limit="announcements"}'
        for count, version in enumerate(VERSIONS):
            with self.subTest(version=version):
                publisher = self.guests(server.url(f"room{count}"), 1, version, "--publish=2")
                self.expect_ready(publisher)
                self.assertEqual(self.until_metric(operators, refused, count + 1)[refused], count + 1)
                self.assertIn(server.get(f"/announced/room{count}")[1], ("guest/0", "guest/0/1"))
                self.leave(publisher)
        server.errors.expect(r"conn=\d+ .*the limit of announcements is reached")

    def test_streams_of_a_connection(self):
        folder = self.folder / "qlog"
        folder.mkdir()
        server = self.relay(quic=f'max_streams = 7\nqlog = "{folder}"')
        guest = self.guests(server.url())
        self.expect_ready(guest)
        self.leave(guest)
        self.assertEqual(server.terminate(), 0, server.text())
        (trace,) = folder.iterdir()
        events = [json.loads(record) for record in trace.read_text()[1:].split("\x1e")]
        (told,) = [event["data"] for event in events if event.get("name") == "transport:parameters_set"
                   and event["data"]["owner"] == "local"]
        self.assertEqual((told["initial_max_streams_bidi"], told["initial_max_streams_uni"]), (7, 7))

    def initials(self, count: int) -> list[bytes]:
        """First packets of so many clients, who were never answered."""
        found: dict[bytes, bytes] = {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.settimeout(processes.SECONDS)
            clients = self.guests(f"moqt://127.0.0.1:{deaf.getsockname()[1]}/", count)
            while len(found) < count:
                packet = deaf.recv(2048)
                if packet[0] & INITIAL_MASK != INITIAL:
                    continue
                size = packet[DCID_LENGTH_AT]
                found.setdefault(packet[DCID_LENGTH_AT + 1:DCID_LENGTH_AT + 1 + size], packet)
            clients.kill()
        return list(found.values())

    def flood(self, port: int, packets: list[bytes]) -> threading.Event:
        """Sends them to the relay from 127.0.0.1, again and again, until the result is set."""
        stop = threading.Event()
        sockets = []
        for _ in packets:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.addCleanup(one.close)
            sockets.append(one)

        def run() -> None:
            while not stop.wait(PAUSE):
                for one, packet in zip(sockets, packets):
                    one.sendto(packet, ("127.0.0.1", port))

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)
        return stop

    def test_a_flood_from_one_address_does_not_keep_others_out(self):
        server = self.relay(workers=2, tail=limits("handshakes_per_address = 1"))
        stop = self.flood(server.port, self.initials(20))
        # Who is at the same address proves it, in vain.
        for _ in range(1000):
            late = self.guests(f"moqt://127.0.0.1:{server.port}/")
            answer = late.output.expect("^(ready|closed) 0").string
            self.leave(late)
            if "takes no new connections" in answer:
                break
            # It came in before the flood did.
            self.assertIn("ready", answer)
        else:
            self.fail("it is never refused")
        server.errors.expect(r"127\.0\.0\.1:\d+: the limit of handshakes_per_address is reached")
        for _ in range(3):
            other = self.guests(f"moqt://[::1]:{server.port}/")
            self.expect_ready(other)
            self.leave(other)
        told = [line for line in server.errors.all() if re.search("the limit of", line)]
        self.assertTrue(all("handshakes_per_address" in line for line in told), told)
        stop.set()
        self.assertComesIn(f"moqt://127.0.0.1:{server.port}/")


if __name__ == "__main__":
    unittest.main()
