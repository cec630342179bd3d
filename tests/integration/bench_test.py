"""`moq-bench` against a real relay: that it counts what comes, and what does not."""

import json
import os
import pathlib
import signal
import unittest

import case
import processes


class Bench(case.Case):
    def bench(self, url: str, *arguments: str) -> tuple[processes.Process, pathlib.Path]:
        output = self.folder / f"bench{len(self.programs)}.jsonl"
        program = processes.Process([
            os.environ["TEST_BENCH"], "--client-connect", url, "--client-tls-disable-verify", "--startup", "200ms",
            "--report", "200ms", "--output", output, *arguments])
        return self.keep(program), output

    @staticmethod
    def lines(output: pathlib.Path) -> list[dict]:
        return [json.loads(line) for line in output.read_text().splitlines()]

    def summary(self, program: processes.Process, output: pathlib.Path, status: int = 0) -> dict:
        self.assertEqual(program.wait(), status, program.text())
        last = self.lines(output)[-1]
        self.assertEqual(last["type"], "summary")
        return last

    def test_fanout(self):
        """Nothing is lost, and all of it is told."""
        for version in (*case.VERSIONS, *case.TRANSPORT):
            with self.subTest(version=version):
                server = self.relay()
                page = self.folder / f"{version}.html"
                bench = self.bench(server.url(), "--client-version", version, "--fanout", "8", "--group-size", "4",
                                   "--fps", "25", "--duration", "4s", "--fail-on-loss", "--plot", str(page),
                                   "--relay-pid", str(server.pid()))
                told = self.summary(*bench)
                self.assertEqual((told["connections"], told["subscriptions"], told["broadcasts"]), (9, 8, 1))
                self.assertGreater(told["groups_expected"], 0)
                self.assertEqual(told["groups_complete"], told["groups_expected"])
                self.assertGreater(told["latency_ms"]["count"], 0)
                self.assertGreater(told["relay"]["cpu_seconds"], 0)
                self.assertGreater(told["relay"]["rss_bytes"], 0)
                reports = [line for line in self.lines(bench[1]) if line["type"] == "report"]
                self.assertGreater(len(reports), 3)
                for key in ("frames_offered", "frames_sent", "frames_recv", "bytes_recv", "groups_recv"):
                    values = [line[key] for line in reports]
                    self.assertEqual(values, sorted(values), key)
                self.assertIn(f'"bytes_recv":{told["bytes_recv"]}', page.read_text())

    def test_swarm(self):
        """Everybody publishes, and subscribes to some of the others."""
        server = self.relay(workers=2)
        bench = self.bench(server.url(), "--connections", "6", "--broadcasts", "1:2", "--subscribe", "3", "--fps",
                           "10:20", "--frame-size", "100:3000", "--group-size", "0:5", "--seed", "7", "--duration",
                           "5s", "--fail-on-loss")
        told = self.summary(*bench)
        self.assertEqual(told["subscriptions"], 18)
        self.assertGreater(told["groups_complete"], 0)

    def test_bulk(self):
        server = self.relay()
        told = self.summary(*self.bench(server.url(), "--bulk", "--duration", "3s", "--fail-on-loss"))
        self.assertGreater(told["groups_complete"], 10)

    def test_idle(self):
        server = self.relay()
        told = self.summary(*self.bench(server.url(), "--connections", "20", "--broadcasts", "0", "--subscribe", "0",
                                        "--duration", "2s", "--relay-pid", str(server.pid())))
        self.assertEqual((told["connections"], told["frames_offered"], told["groups_expected"]), (20, 0, 0))
        self.assertIsNone(told["latency_ms"]["p50"])
        self.assertIsNone(told["relay"]["cpu_s_per_gb"])

    def test_slow(self):
        """Those that stop reading are stuck, and are nobody's loss."""
        server = self.relay()
        # In a second, 2.5 times what a slow one lets come unread.
        bench = self.bench(server.url(), "--fanout", "6", "--slow", "2", "--fps", "50", "--frame-size", "13000",
                           "--group-size", "4", "--duration", "8s", "--fail-on-loss")
        told = self.summary(*bench)
        self.assertEqual(told["slow"]["subscribers"], 2)
        self.assertEqual(told["groups_complete"], told["groups_expected"])
        reports = [line for line in self.lines(bench[1]) if line["phase"] == "measuring"]
        # What they had begun was read; then no more.
        self.assertEqual(reports[-1]["slow"]["bytes_recv"], reports[-2]["slow"]["bytes_recv"])
        self.assertGreater(reports[-1]["frames_recv"], reports[-2]["frames_recv"])
        self.assertLess(told["slow"]["bytes_recv"], told["bytes_recv"] / 4)

    def test_loss_is_seen(self):
        """A relay that stands still loses what is too late when it goes on."""
        server = self.relay()
        program, output = self.bench(server.url(), "--fanout", "3", "--fps", "50", "--group-size", "1", "--max-latency",
                                     "50ms", "--duration", "8s", "--fail-on-loss")
        program.errors.expect(" measuring ")
        server.send(signal.SIGSTOP)
        self.addCleanup(server.send, signal.SIGCONT)
        for _ in range(8):
            program.errors.expect(" measuring ", skip=len(program.errors.all()))
        server.send(signal.SIGCONT)
        told = self.summary(program, output, status=1)
        self.assertGreater(told["groups_lost"] + told["groups_incomplete"], 0)
        self.assertEqual(told["groups_expected"],
                         told["groups_lost"] + told["groups_incomplete"] + told["groups_complete"])
        # What it should have had did not shrink for it.
        self.assertGreaterEqual(told["frames_offered"], 50 * 7)
        self.assertGreater(told["pause_ms"]["max"], 1000)
        self.assertIn("--fail-on-loss: groups_lost", program.text())

    def test_a_relay_that_dies(self):
        """What had not come by then is lost, and the summary is still there."""
        server = self.relay()
        program, output = self.bench(server.url(), "--fanout", "2", "--group-size", "4", "--duration", "6s",
                                     "--client-quic-idle-timeout", "1s", "--relay-pid", str(server.pid()))
        program.errors.expect(" measuring ")
        server.kill()
        told = self.summary(program, output)
        self.assertGreater(told["groups_lost"], 0)
        self.assertEqual(told["connections_lost"], 3)
        self.assertIsNone(told["relay"])

    def test_interrupted(self):
        """Ctrl-C ends the run early, with all that there is to say."""
        server = self.relay()
        program, output = self.bench(server.url(), "--fanout", "2", "--group-size", "4")
        program.errors.expect(" measuring ", count=3)
        program.send(signal.SIGINT)
        told = self.summary(program, output)
        self.assertGreater(told["groups_complete"], 0)
        self.assertEqual(told["groups_lost"], 0)
        self.assertIn("latency", "\n".join(program.output.all()))

    def test_nothing_was_measured(self):
        """A run that ends before all connections are there has no result."""
        server = self.relay()
        program, output = self.bench(server.url(), "--connections", "2", "--broadcasts", "0", "--subscribe", "0",
                                     "--duration", "100ms")
        self.summary(program, output, status=1)
        self.assertIn("before all connections were there", program.text())

    def test_nothing_to_receive(self):
        server = self.relay()
        program, output = self.bench(server.url(), "--connections", "2", "--broadcasts", "0", "--subscribe", "1",
                                     "--duration", "2s")
        self.summary(program, output, status=1)
        self.assertIn("nothing was received", program.text())

    def test_no_relay(self):
        program, _ = self.bench("moqt://localhost:1", "--fanout", "2", "--duration", "20s",
                                "--client-connect-timeout", "1s")
        self.assertEqual(program.wait(), 1)
        self.assertIn("connection 1 of 3: moqt://localhost:1", program.text())
        program, _ = self.bench("moqt://localhost:1", "--relay-pid", str(1 << 23))
        self.assertEqual(program.wait(), 1)
        self.assertIn(f"there is no process {1 << 23}", program.text())


if __name__ == "__main__":
    unittest.main()
