"""What a relay tells of its media over HTTP and HTTPS, and clients of HTTP that mean no good."""

import contextlib
import http.client
import os
import pathlib
import resource
import select
import socket
import ssl
import subprocess
import threading
import unittest

import case
import media
import processes
import relay

IDLE = 10000
# Connections of one listener, and what else a relay has open for a while.
CONNECTIONS = 256
OTHERS = 16
# Between two bytes of a client that has time.
PAUSE = 0.05
# What the relay may grow by, in KiB, under all that these clients do: sanitizers keep what was freed for a while.
GROWTH = 512 * 1024


class Http(case.Case):
    def guarded(self) -> tuple[relay.Relay, int, str]:
        """A relay that takes tokens, its port of HTTPS, and a token to watch with."""
        key = self.folder / "key.jwk"
        run = lambda *arguments: subprocess.run([os.environ["TEST_TOKEN"], *map(str, arguments)], check=True,
                                                capture_output=True, text=True).stdout.strip()
        run("generate", "--out", key)
        secure = relay.free_port()
        server = self.relay(auth=f'key = "{key}"\npublic = "open"\n[web.https]\nlisten = "[::]:{secure}"')
        return server, secure, run("sign", "--key", key, "--root", "room", "--publish", "", "--subscribe", "")

    def ask(self, port: int, path: str, secure: bool = False) -> tuple[int, http.client.HTTPResponse, bytes]:
        if secure:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection("localhost", port, timeout=60, context=context)
        else:
            connection = http.client.HTTPConnection("localhost", port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer, answer.read()

    def test_media_is_fetched_by_who_may_watch_it(self):
        server, secure, token = self.guarded()
        source = media.make(self.folder / "source.mp4", 6)
        publisher = self.moq(server.url(f"room?jwt={token}"), "import", "--realtime", str(source))
        viewer = self.moq(server.url(f"room?jwt={token}"), "export", "fmp4", stdout=self.folder / "viewed.mp4")
        server.sessions(2)
        for port, tls in ((server.port, False), (secure, True)):
            with self.subTest(tls=tls):
                status, _, body = self.ask(port, f"/fetch/room/live/catalog.json?jwt={token}", tls)
                self.assertEqual(status, 200, body)
                self.assertIn(b'"video"', body)
                self.assertEqual(self.ask(port, f"/announced/room?jwt={token}", tls)[2], b"live")
                self.assertEqual(self.ask(port, f"/announced/?jwt={token}", tls)[2], b"room/live")
                track = body.split(b'"video":{"renditions":{"')[1].split(b'"')[0].decode()
                groups = []
                for query in ("&group=0", "&group=0"):
                    status, answer, body = self.ask(port, f"/fetch/room/live/{track}?jwt={token}{query}", tls)
                    self.assertEqual((status, answer.headers["Moq-Group"]), (200, "0"))
                    groups.append(body)
                self.assertGreater(len(groups[0]), 1000)
                self.assertEqual(groups[0], groups[1])
                status, answer, body = self.ask(port, f"/fetch/room/live/{track}?jwt={token}", tls)
                self.assertEqual(status, 200)
                self.assertGreater(len(body), 1000)
                for path in ("/announced/room", "/announced/room?jwt=x.y.z", f"/announced/hall?jwt={token}",
                             "/fetch/room/live/catalog.json", f"/fetch/room/../open/live/x?jwt={token}",
                             f"/fetch/room/%2e%2e/open/live/x?jwt={token}"):
                    self.assertEqual(self.ask(port, path, tls)[0], 401, path)
                self.assertEqual(self.ask(port, "/announced/open", tls)[::2], (200, b""))
        self.assertEndsWell(publisher)
        self.assertEndsWell(viewer)
        said = "\n".join(server.errors.all())
        for part in token.split("."):
            self.assertNotIn(part, said)

    def video_track(self, server: relay.Relay) -> str:
        """Of the broadcast "live", as its catalog names it."""
        status, body = server.get("/fetch/live/catalog.json")
        self.assertEqual(status, 200, body)
        return body.split('"video":{"renditions":{"')[1].split('"')[0]

    def test_what_the_cache_has_no_more_is_fetched_from_upstream(self):
        seconds = 4
        whole = media.remux(media.make(self.folder / "source.mp4", seconds), self.folder / "whole.mp4",
                            "fmp4").read_bytes()
        received = '{tier="",role="subscriber"}'
        kept = b""
        # The first has it all the time; nobody asks the others before it is gone.
        for duration, version in (("30s", "moq-lite-05"), ("1s", "moq-lite-05"), ("1s", "moq-transport-14"),
                                  ("1s", "moq-transport-18")):
            with self.subTest(duration=duration, version=version):
                operators = relay.free_port()
                server = self.relay(tail=f'[cache]\nduration = "{duration}"\n[internal]\nlisten = {operators}')
                viewer = self.moq(server.url(), "export", "fmp4", stdout=self.folder / f"{version}.mp4")
                server.sessions(1)
                publisher = self.moq(server.url(), "import", "--realtime", "--no-audio", "fmp4", version=version,
                                     stdin=subprocess.PIPE)
                publisher.stdin.write(whole)
                publisher.stdin.flush()
                path = f"/fetch/live/{self.video_track(server)}?group=0"
                # All has come, but for what the importer keeps until it knows how long it is; and with each group,
                # what is older than the duration has gone.
                before = self.until_metric(operators, f"moq_relay_frames_total{received}", seconds * media.FRAME_RATE)
                status, answer, body = self.ask(server.port, path)
                self.assertEqual((status, answer.headers["Moq-Group"]), (200, "0"), body[:100])
                after = self.metrics(operators)
                came = after[f"moq_relay_bytes_total{received}"] - before[f"moq_relay_bytes_total{received}"]
                kept = kept or body
                self.assertGreater(len(kept), 10000)
                self.assertEqual(body, kept)
                self.assertEqual(came >= len(body), duration == "1s", came)
                publisher.stdin.close()
                self.assertEndsWell(publisher)
                self.assertEndsWell(viewer)

    def test_metrics_count_what_is_carried(self):
        operators = relay.free_port()
        server = self.relay(auth=f'public = ""\n[internal]\nlisten = {operators}', workers=2)
        seconds = 4
        whole = media.remux(media.make(self.folder / "source.mp4", seconds), self.folder / "whole.mp4",
                            "fmp4").read_bytes()
        figures = self.figures()
        viewer = self.moq(server.url(), "--report", str(figures.path), "export", "fmp4",
                          stdout=self.folder / "viewed.mp4")
        server.sessions(1)
        publisher = self.moq(server.url(), "import", "--realtime", "fmp4", stdin=subprocess.PIPE)
        publisher.stdin.write(whole[:len(whole) * 3 // 4])
        publisher.stdin.flush()
        figures.until("pts", 1)
        # The rest is still to come: it watches.
        watched = self.metrics(operators)
        labels = '{tier="",role="publisher"}'
        self.assertEqual(watched[f"moq_relay_viewers{labels}"], 1)
        self.assertGreater(watched[f"moq_relay_subscriptions{labels}"], 0)
        self.assertGreater(watched["moq_relay_cache_used_bytes"], 0)
        for place in ("min", "median", "max"):
            self.assertGreater(watched[f'moq_relay_quic_rtt_seconds{{of="{place}"}}'], 0)
            self.assertGreater(watched[f'moq_relay_quic_bitrate{{of="{place}"}}'], 0)
        publisher.stdin.write(whole[len(whole) * 3 // 4:])
        publisher.stdin.close()
        self.assertEndsWell(publisher)
        self.assertEndsWell(viewer)
        server.errors.expect(": left: ", count=2)
        values = self.metrics(operators)
        counts = {what: [values[f'moq_relay_{what}_total{{tier="",role="{role}"}}'] for role in ("publisher", "subscriber")]
                  for what in ("bytes", "frames", "groups")}
        # One viewer, who was there first: what goes in comes out.
        for what, (sent, received) in counts.items():
            self.assertEqual(sent, received, what)
        self.assertGreater(counts["frames"][0], seconds * media.FRAME_RATE)
        self.assertGreater(counts["bytes"][0], 10000)
        self.assertGreater(values["moq_relay_quic_sent_bytes_total"], counts["bytes"][0])
        self.assertGreaterEqual(values[f"moq_relay_subscriptions_opened_total{labels}"],
                                watched[f"moq_relay_subscriptions{labels}"])
        self.assertEqual(values['moq_relay_sessions_opened_total{tier=""}'], 2)
        self.assertEqual(values['moq_relay_sessions_closed_total{tier=""}'], 2)
        self.assertEqual(values[f"moq_relay_viewers{labels}"], 0)
        self.assertEqual(values[f"moq_relay_subscriptions{labels}"], 0)

    def test_hostile_clients_cost_no_viewer_a_frame(self):
        # This process's ends of all connections.
        least = IDLE + 500
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < least:
            self.skipTest(f"no process may open more than {hard} descriptors")
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.relay()
        source = media.make(self.folder / "source.mp4", 8)
        viewed = self.folder / "viewed.mp4"
        viewer = self.moq(server.url(), "export", "fmp4", stdout=viewed)
        server.sessions(1)
        publisher = self.moq(server.url(), "import", "--realtime", str(source))
        server.sessions(2)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, least), hard))
        track = self.video_track(server)
        before = self.memory(server)
        # Whatever comes and goes of its own is open by now.
        most = len(self.descriptors(server)) + CONNECTIONS + OTHERS
        slow = self.drip(server.port)
        deaf = self.never_reads(server.port, f"/fetch/live/{track}?group=0")
        with contextlib.ExitStack() as stack:
            for number in range(IDLE):
                idle = stack.enter_context(socket.socket(socket.AF_INET6))
                idle.setblocking(False)
                idle.connect_ex(("::1", server.port))
                if number % 4 == 1:
                    with contextlib.suppress(OSError):
                        idle.send(b"GET /fetch/" + b"a" * (number % 8000))
                if number % 1000 == 0:
                    # Who asks properly is answered, from here and from another address.
                    self.assertEqual(server.get("/health")[0], 200)
                    self.assertLessEqual(len(self.descriptors(server)), most)
            for hostile, status in (
                    (b"GET / HTTP/1.1\r\nX: " + b"x" * 100000, 431), (b"\x16\x03\x01" + b"\0" * 1000, 400),
                    (self.asking(b"/../etc/passwd"), 404), (self.asking(b"/fetch/../../etc/passwd"), 401),
                    (self.asking(b"/fetch/%2e%2e/%2e%2e/etc/passwd"), 401), (self.asking(b"/fetch/..%2fetc/passwd"), 401),
                    (self.asking(b"/fetch/%00/%ff/%2e%2e/x"), 401), (self.asking(b"/announced/.."), 401),
                    (self.asking(b"/fetch/live%2"), 400), (self.asking(b"/announced/%zz"), 400),
                    (self.asking(b"/announced/" + b"%41" * 2500), 401),
                    (self.asking(b"/fetch/a/b?group=99999999999999999999"), 400),
                    (self.asking(b"/fetch/a/b?group=-1"), 400), (self.asking(b"/fetch/a/"), 400)):
                self.assertAnswers(server.port, hostile, status)
            self.assertLessEqual(len(self.descriptors(server)), most)
            self.assertLess(self.memory(server) - before, GROWTH)
            self.assertEndsWell(publisher)
            self.assertEndsWell(viewer)
            self.assertEqual(server.get("/health")[0], 200)
        for dropped in (slow, deaf):
            self.assertTrue(dropped.wait(processes.SECONDS))
        self.assertEqual(media.compare(source, viewed).video, (0, 8 * media.FRAME_RATE))

    @staticmethod
    def asking(target: bytes) -> bytes:
        return b"GET " + target + b" HTTP/1.1\r\nConnection: close\r\n\r\n"

    def assertAnswers(self, port: int, request: bytes, status: int) -> None:
        with socket.create_connection(("localhost", port), timeout=processes.SECONDS) as client:
            # An answer may come, and the connection go, before all of it was sent.
            with contextlib.suppress(OSError):
                client.sendall(request)
            answer = b""
            with contextlib.suppress(OSError):
                while piece := client.recv(65536):
                    answer += piece
        self.assertEqual(answer.split(b" ")[1:2], [str(status).encode()], (request[:60], answer[:200]))

    def drip(self, port: int) -> threading.Event:
        """A client whose headers come byte by byte and have no end; set when the relay drops it."""
        client = socket.create_connection(("localhost", port), timeout=processes.SECONDS)
        self.addCleanup(client.close)
        dropped = threading.Event()

        def run() -> None:
            with contextlib.suppress(OSError):
                client.sendall(b"GET /health HTTP/1.1\r\nX: ")
                client.settimeout(PAUSE)
                answered = None
                while answered is None:
                    client.sendall(b"x")
                    with contextlib.suppress(TimeoutError):
                        answered = client.recv(1000)
            dropped.set()

        threading.Thread(target=run, daemon=True).start()
        return dropped

    def never_reads(self, port: int, path: str) -> threading.Event:
        """A client that asks for more than any buffer holds, and takes nothing of it; set when the relay drops it."""
        client = socket.socket(socket.AF_INET6)
        self.addCleanup(client.close)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("::1", port))
        client.setblocking(False)
        # More requests than can be answered remain unread, so that the connection ends with a reset.
        with contextlib.suppress(BlockingIOError):
            while True:
                client.send(f"GET {path} HTTP/1.1\r\n\r\n".encode() * 100)
        dropped = threading.Event()

        def run() -> None:
            poll = select.poll()
            poll.register(client, 0)  # of a reset, it tells anyway
            if poll.poll(processes.SECONDS * 1000):
                dropped.set()

        threading.Thread(target=run, daemon=True).start()
        return dropped

    @staticmethod
    def descriptors(program: processes.Process) -> list[str]:
        return os.listdir(f"/proc/{program.pid()}/fd")

    @staticmethod
    def memory(program: processes.Process) -> int:
        """Resident memory in KiB."""
        status = pathlib.Path(f"/proc/{program.pid()}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


if __name__ == "__main__":
    unittest.main()
