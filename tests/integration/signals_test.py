"""How a relay ends: in order on the first signal, at once on the second."""

import contextlib
import itertools
import os
import pathlib
import queue
import signal
import threading
import unittest

import case
import certificates
import processes
import relay

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Far below the idle timeout and every timer of the relay's: what takes longer was
# waited for in vain.
AT_ONCE = 20


class Signals(case.Case):
    def signal_and_expect_drain(self, server: relay.Relay, number: signal.Signals) -> None:
        """The first signal, while somebody stays."""
        self.assertEqual(server.get("/ready")[0], 200)
        server.send(number)
        server.notifications.lines.expect("^STOPPING=1$")
        self.assertEqual(server.get("/ready")[0], 503)
        self.assertEqual(server.get("/health")[0], 200)

    def holder(self, server: relay.Relay, count: int = 3, before: int = 0,
               version: str = "moq-lite-05") -> processes.Process:
        """Sessions that stay until their standard input ends; `before`: those that are there."""
        held = self.crowd(server.url(), "hold", "--viewers", str(count), "--viewer-version", version)
        held.output.expect("^running$")
        server.sessions(before + count)
        return held


class Idle(Signals):
    def test_ends_at_once(self):
        for number, workers in itertools.product(SIGNALS, (1, 2)):
            with self.subTest(number=number, workers=workers):
                server = self.relay(workers=workers)
                server.send(number)
                self.assertEqual(server.wait(AT_ONCE), 0, server.text())
                server.notifications.lines.expect("^STOPPING=1$")


class WithSessions(Signals):
    def test_groups_in_flight_finish_and_the_relay_leaves_with_the_last_session(self):
        pairs = itertools.product(case.WITH_GOAWAY, repeat=2)
        for (publisher, viewer), (number, workers) in itertools.product(pairs, zip(SIGNALS, (1, 2))):
            with self.subTest(publisher=publisher, viewer=viewer, number=number, workers=workers):
                server = self.relay(workers=workers)
                crowd = self.crowd(server.url(), "drain", "--viewers", "10", "--publisher-version", publisher,
                                   "--viewer-version", viewer)
                crowd.output.expect("^running$")
                held = self.holder(server, before=11, version=viewer)
                self.signal_and_expect_drain(server, number)
                self.assertEqual(crowd.wait(), 0, crowd.output.all())
                held.output.expect("^goaway$")
                self.assertEqual(server.get("/ready")[0], 503, "it waits for the last session")
                held.stdin.close()
                self.assertEndsWell(held)
                self.assertEqual(server.wait(AT_ONCE), 0, server.text())

    def test_new_connections_are_refused_at_once(self):
        for workers in (1, 2):
            with self.subTest(workers=workers):
                server = self.relay(workers=workers)
                held = self.holder(server)
                self.signal_and_expect_drain(server, signal.SIGTERM)
                for version in case.VERSIONS:
                    late = self.moq(server.url(), "export", "fmp4", version=version)
                    self.assertEqual(late.wait(AT_ONCE), 1)
                    self.assertRegex(late.text(), "cannot connect to .*the server takes no new connections")
                held.stdin.close()
                self.assertEqual(server.wait(AT_ONCE), 0, server.text())

    def test_one_that_was_killed_does_not_hold_the_relay(self):
        server = self.relay()
        held = self.holder(server)
        self.signal_and_expect_drain(server, signal.SIGTERM)
        held.kill()
        self.assertEqual(server.wait(AT_ONCE), 0, server.text())


class Twice(Signals):
    def test_the_second_signal_ends_everything_at_once(self):
        for first, second, workers in itertools.product(SIGNALS, SIGNALS, (1, 2)):
            with self.subTest(first=first, second=second, workers=workers):
                server = self.relay(workers=workers)
                held = self.holder(server)
                self.signal_and_expect_drain(server, first)
                held.output.expect("^goaway$")
                server.send(second)
                self.assertEqual(server.wait(AT_ONCE), 128 + second, server.text())
                # The sessions hear of it; nobody has to find out by a timeout.
                self.assertEndsWell(held, AT_ONCE)
                closed = [line for line in held.output.all() if line.startswith("closed")]
                self.assertEqual(len(closed), 3)
                self.assertRegex(closed[0], "GOAWAY_TIMEOUT.*the relay has ended")

    def test_a_viewer_says_why_it_ended(self):
        server = self.relay()
        viewer = self.moq(server.url(), "--log-level", "info", "export", "fmp4")
        viewer.errors.expect("connected:")
        server.sessions(1)
        server.send(signal.SIGTERM)
        viewer.errors.expect("the relay is going away")
        server.send(signal.SIGTERM)
        self.assertEqual(server.wait(AT_ONCE), 143, server.text())
        self.assertEqual(viewer.wait(AT_ONCE), 1)
        self.assertRegex(viewer.text(), "moq: the session has ended: .*the relay has ended")


class StartUp(Signals):
    """A file that the relay reads is a pipe: it stands still until the test writes."""

    @contextlib.contextmanager
    def standing_still(self, server: relay.Relay, pipe: pathlib.Path, replacement: pathlib.Path | None = None):
        """While the relay waits for `pipe`; then the body is to write to what it gets."""
        opened: queue.SimpleQueue[int] = queue.SimpleQueue()
        # Opening takes until the relay opens the other end.
        threading.Thread(target=lambda: opened.put(os.open(pipe, os.O_WRONLY)), daemon=True).start()
        try:
            writer = opened.get(timeout=processes.SECONDS)
        except queue.Empty:
            self.fail(f"the relay has not read {pipe.name}: " + server.text())
        if replacement is not None:
            replacement.rename(pipe)
        with open(writer, "wb") as file:
            yield file

    def pipe(self, name: str) -> pathlib.Path:
        path = self.folder / f"{len(self.programs)}-{name}"
        os.mkfifo(path)
        return path

    def signalled(self, number: signal.Signals, times: int, certificate: bytes) -> relay.Relay:
        """A relay that got `number` while it was waiting for its certificate."""
        pipe, again = self.pipe("cert.pem"), self.pipe("again.pem")
        server = self.relay(ready=False, tls=f'cert = ["{pipe}"]\nkey = ["{self.folder}/key.pem"]')
        # The configuration's check looks whether it can be read.
        with self.standing_still(server, pipe, again) as file:
            file.write(certificate)
        with self.standing_still(server, pipe) as file:
            for _ in range(times):
                server.send(number)
            file.write(certificate)
        return server

    def test_drains_at_once(self):
        certificate = certificates.make(self.folder)
        for number, times in itertools.product(SIGNALS, (1, 2)):
            with self.subTest(number=number, times=times):
                server = self.signalled(number, times, certificate)
                # Two that come before they are looked at may count as one.
                self.assertIn(server.wait(AT_ONCE), (0,) if times == 1 else (0, 128 + number), server.text())

    def test_while_the_configuration_is_read(self):
        for number in SIGNALS:
            with self.subTest(number=number):
                pipe = self.pipe("relay.toml")
                server = self.keep(processes.Process([os.environ["TEST_RELAY"], pipe]))
                with self.standing_still(server, pipe) as file:
                    server.send(number)
                    file.write(relay.configuration(relay.free_port()).encode())
                self.assertEndsWell(server, AT_ONCE)

    def test_a_failure_stays_a_failure(self):
        certificates.make(self.folder)
        server = self.signalled(signal.SIGTERM, 1, b"no certificate\n")
        self.assertEqual(server.wait(AT_ONCE), 1, server.text())
        self.assertIn("cert", server.text())


if __name__ == "__main__":
    unittest.main()
