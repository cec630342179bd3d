"""What changes while a relay serves: certificates in their files, and relay.toml at SIGHUP."""

import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import unittest
import urllib.request
from collections.abc import Iterator

import case
import certificates
import processes
import relay

# Sessions that are there all the time, and that come meanwhile in one go.
STAY = 200
COME = 20
IN_USE = "new certificates are in use"


class Stream:
    """Goes: how many rounds there were, and when the next are over."""

    def __init__(self) -> None:
        self.rounds = 0
        self.failed = ""
        self._changed = threading.Condition()

    def count(self, failed: str = "") -> None:
        with self._changed:
            self.rounds += not failed
            self.failed = failed
            self._changed.notify_all()

    def more(self) -> None:
        """Waits for a round that begins from now on."""
        with self._changed:
            least = self.rounds + 2
            if not self._changed.wait_for(lambda: self.failed or self.rounds >= least, 2 * processes.SECONDS):
                raise AssertionError("no sessions come any more")


class Reload(case.Case):
    def guests(self, url: str, count: int = 1, *arguments: str) -> processes.Process:
        return self.keep(processes.Process(
            [os.environ["TEST_GUESTS"], "--url", url, "--count", str(count), *arguments], stdin=subprocess.PIPE))

    def assertAllThere(self, guests: processes.Process, count: int) -> None:
        guests.output.expect("^ready ", count=count)
        self.assertFalse([line for line in guests.output.all() if line.startswith("closed")])

    def leave(self, guests: processes.Process) -> None:
        guests.stdin.close()
        self.assertEndsWell(guests)

    @contextlib.contextmanager
    def sessions_that_stay_and_come(self, server: relay.Relay, path: str = "",
                                    stays_at: str | None = None) -> Iterator[Stream]:
        """STAY sessions that are there all the time, at `stays_at` if given, and others that come to `path`, COME at
        once, on either carrier, and leave: none is refused or lost."""
        stay = self.guests(server.url(path if stays_at is None else stays_at), STAY)
        self.assertAllThere(stay, STAY)
        stream = Stream()
        stop = threading.Event()

        def come() -> None:
            for scheme in itertools.cycle(("moqt", "https")):
                if stop.is_set():
                    return
                guests = self.guests(server.url(path, scheme), COME)
                try:
                    self.assertAllThere(guests, COME)
                    self.leave(guests)
                except AssertionError as error:
                    return stream.count(str(error) or "a session did not come")
                stream.count()

        thread = threading.Thread(target=come)
        thread.start()
        try:
            stream.more()
            yield stream
        finally:
            stop.set()
            thread.join()
        self.assertEqual(stream.failed, "")
        self.assertAllThere(stay, STAY)
        self.leave(stay)

    def make(self, folder: str) -> tuple[pathlib.Path, str]:
        """A certificate and its key, and its fingerprint."""
        made = self.folder / folder
        made.mkdir()
        pem = certificates.make(made).decode()
        return made, hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def with_certificates(self, **options) -> tuple[relay.Relay, pathlib.Path, str, int]:
        """A relay whose certificate lies in a folder; with HTTPS at a port of its own."""
        served, first = self.make("served")
        secure = relay.free_port()
        server = self.relay(tls=f'cert = "{served}/cert.pem"\nkey = "{served}/key.pem"',
                            auth=f'public = ""\n[web.https]\nlisten = "[::]:{secure}"', **options)
        return server, served, first, secure

    @staticmethod
    def replace(made: pathlib.Path, served: pathlib.Path) -> None:
        for name in ("key.pem", "cert.pem"):
            os.replace(made / name, served / name)

    def assertShows(self, server: relay.Relay, secure: int, fingerprint: str, other: str) -> None:
        """All handshakes have one certificate, and none the other: QUIC, HTTPS, and what is told of them."""
        self.assertEqual(server.get("/certificate.sha256"), (200, fingerprint))
        pem = ssl.get_server_certificate(("localhost", secure))
        self.assertEqual(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest(), fingerprint)
        for scheme in ("moqt", "https"):
            for pinned, trusted in ((fingerprint, True), (other, False)):
                viewer = self.moq(server.url(scheme=scheme), "--client-tls-fingerprint", pinned, "announced",
                                  trust=False)
                if trusted:
                    viewer.output.expect(r"^\+ guest/0$")
                    viewer.send(signal.SIGINT)
                    viewer.wait()
                else:
                    self.assertNotEqual(viewer.wait(), 0)

    def test_a_certificate_is_swapped_under_sessions_that_stay_and_come(self):
        server, served, first, secure = self.with_certificates(workers=2)
        self.assertAllThere(self.guests(server.url(), 1, "--publish"), 1)
        with self.sessions_that_stay_and_come(server) as stream:
            new, second = self.make("new")
            self.replace(new, served)
            server.errors.expect(IN_USE)
            self.assertShows(server, secure, second, first)
            # What is no certificate changes nothing, until it is one.
            (served / "cert.pem").write_text("nothing")
            server.errors.expect("the certificates that are in use stay.*cert.pem")
            self.assertShows(server, secure, second, first)
            newer, third = self.make("newer")
            self.replace(newer, served)
            server.errors.expect(IN_USE, count=2)
            self.assertShows(server, secure, third, second)
            stream.more()

    def test_a_handshake_that_a_swap_overtakes(self):
        server, served, _, secure = self.with_certificates()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("localhost", secure), timeout=processes.SECONDS) as begun:
            new, _ = self.make("new")
            self.replace(new, served)
            server.errors.expect(IN_USE)
            # It names a host, so that the relay looks for the certificate of that.
            with context.wrap_socket(begun, server_hostname="localhost") as client:
                client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                self.assertIn(b" 200 ", client.recv(1000))
        self.assertTrue(server.running())

    def hang_up(self, server: relay.Relay, text: str) -> None:
        server.file.write_text(text)
        server.send(signal.SIGHUP)

    def test_sighup_changes_what_is_public(self):
        server = self.relay(auth='public = ["old", "always"]', workers=2)
        text = server.file.read_text()
        with self.sessions_that_stay_and_come(server, "always", stays_at="old") as stream:
            self.hang_up(server, text.replace('"old"', '"new"').replace('"debug"', '"info"'))
            server.errors.expect("the configuration was reloaded: log.level, auth.public changed")
            server.errors.expect("the configuration holds for all new sessions")
            for scheme in ("moqt", "https"):
                new = self.guests(server.url("new", scheme), COME)
                self.assertAllThere(new, COME)
                self.leave(new)
                refused = self.guests(server.url("old", scheme))
                refused.output.expect("^closed")
            stream.more()
        server.notifications.lines.expect("^RELOADING=1$")
        server.notifications.lines.expect("^READY=1$", count=2)

    def test_sighup_changes_each_of_these(self):
        operators = relay.free_port()
        old, new = self.authority("old"), self.authority("new")
        ca = self.folder / "ca.pem"
        ca.write_bytes((old / "cert.pem").read_bytes())
        keys = {name: self.key(name) for name in ("old", "new")}
        server = self.relay(head='drain_timeout = "1000s"', tls=f'generate = ["localhost"]\nroot = "{ca}"',
                            auth=f'key = "{keys["old"][1]}"', workers=2,
                            tail=f'[cache]\ncapacity = "64MiB"\n[internal]\nlisten = {operators}')
        by_token = {name: server.url(f"room?jwt={self.token('sign', '--key', private, '--subscribe', '')}")
                    for name, (private, _) in keys.items()}
        by_certificate = {name: self.shown(authority) for name, authority in (("old", old), ("new", new))}
        self.assertOnly(server, "old", "new", by_token, by_certificate)
        self.assertEqual(self.metrics(operators)["moq_relay_cache_capacity_bytes"], 64 << 20)
        stay = self.guests(by_token["old"], 2)
        self.assertAllThere(stay, 2)
        # Each that has gone has been told of.
        server.errors.expect("quic: .* ended: ", count=4)

        (new / "cert.pem").rename(ca)
        text = server.file.read_text()
        for before, after in (('"debug"', '"info"'), ('"64MiB"', '"32MiB"'), ('"1000s"', '"5000s"'),
                              (str(keys["old"][1]), str(keys["new"][1]))):
            self.assertEqual(text.count(before), 1)
            text = text.replace(before, after)
        self.hang_up(server, text)
        server.errors.expect("the configuration was reloaded: log.level, auth.key, cache.capacity, drain_timeout changed")
        server.errors.expect("the configuration holds for all new sessions")
        reloaded = len(server.errors.all())
        self.assertOnly(server, "new", "old", by_token, by_certificate)
        self.assertEqual(self.metrics(operators)["moq_relay_cache_capacity_bytes"], 32 << 20)
        self.assertAllThere(stay, 2)
        url = f"http://localhost:{operators}/drain"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=processes.SECONDS):
            pass
        with urllib.request.urlopen(url, timeout=processes.SECONDS) as answer:
            status = json.load(answer)
        self.assertEqual(status["sessions"], 2)
        self.assertGreater(status["time_left"], 4000)
        self.assertLessEqual(status["time_left"], 5000)
        self.leave(stay)
        self.assertEqual(server.terminate(), 0, server.text())
        since = server.errors.all()[reloaded:]
        self.assertTrue([line for line in since if ": left: " in line])
        self.assertFalse([line for line in since if " ended: " in line])

    def authority(self, name: str) -> pathlib.Path:
        folder = self.folder / name
        folder.mkdir()
        # One name for all: clients show only what the server's authorities may have issued.
        certificates.make(folder, "authority")
        return folder

    def shown(self, authority: pathlib.Path) -> tuple[str, ...]:
        folder = authority / "client"
        folder.mkdir()
        certificates.issue(authority, folder)
        return "--client-tls-cert", str(folder / "cert.pem"), "--client-tls-key", str(folder / "key.pem")

    def token(self, *arguments: str | os.PathLike) -> str:
        return subprocess.run([os.environ["TEST_TOKEN"], *map(str, arguments)], capture_output=True, text=True,
                              timeout=processes.SECONDS, check=True).stdout.strip()

    def key(self, name: str) -> tuple[pathlib.Path, pathlib.Path]:
        """A key, and the half that only verifies."""
        private, public = self.folder / f"{name}.private", self.folder / f"{name}.jwk"
        self.token("generate", "--algorithm", "ES256", "--out", private, "--public", public)
        return private, public

    def assertOnly(self, server: relay.Relay, good: str, bad: str, by_token: dict[str, str],
                   by_certificate: dict[str, tuple[str, ...]]) -> None:
        """Who has the token or the certificate `good` comes in over QUIC, and who has `bad` does not."""
        here = self.guests(by_token[good])
        self.assertAllThere(here, 1)
        self.leave(here)
        refused = self.guests(by_token[bad])
        refused.output.expect("^closed 0 .*UNAUTHORIZED")
        self.leave(refused)
        viewer = self.moq(server.url("room"), *by_certificate[good], "--log-level", "info", "announced")
        viewer.errors.expect("connected: ")
        viewer.send(signal.SIGINT)
        self.assertEndsWell(viewer)
        self.assertNotEqual(self.moq(server.url("room"), *by_certificate[bad], "--no-reconnect", "announced").wait(), 0)

    def test_sighup_names_what_has_to_wait(self):
        server = self.relay(workers=1)
        text = server.file.read_text()
        for count in (1, 2):  # one after the other: signals that wait are one
            self.hang_up(server, text.replace("workers = 1", "workers = 2"))
            server.errors.expect("server.workers has changed, which takes effect after a restart only", count=count)
        self.hang_up(server, text)
        server.errors.expect("the configuration was reloaded: nothing that is in use has changed", count=3)

    def test_sighup_with_a_broken_file_changes_nothing(self):
        server = self.relay(auth='public = "old"', workers=2)
        text = server.file.read_text()
        with self.sessions_that_stay_and_come(server, "old") as stream:
            for broken, said in (("[[", "relay.toml:1"), (text.replace("public", "pbulic"), "did you mean"),
                                 (text.replace('public = "old"', 'key = "/nowhere"'), "cannot read /nowhere")):
                with self.subTest(said=said):
                    self.hang_up(server, broken)
                    server.errors.expect(said)
                    server.errors.expect("the configuration was not reloaded")
                    stream.more()
            server.file.unlink()
            server.send(signal.SIGHUP)
            server.errors.expect("cannot read the configuration")
            stream.more()


if __name__ == "__main__":
    unittest.main()
