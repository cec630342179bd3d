"""What changes while a relay serves: certificates in their files, and relay.toml at SIGHUP."""

import contextlib
import hashlib
import itertools
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import unittest
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
