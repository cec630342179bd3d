"""What the cases of all integration tests start from."""

import contextlib
import http.client
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import processes
import relay

VERSIONS = ("moq-lite-01", "moq-lite-02", "moq-lite-03", "moq-lite-04", "moq-lite-05")
# Of publisher and viewer: all; and some in which each has each part once.
PAIRS = list(itertools.product(VERSIONS, VERSIONS))
CROSSED = list(zip(VERSIONS, reversed(VERSIONS)))
# Both families: moq-transport with itself, and with moq-lite either way.
TRANSPORT = ("moq-transport-14", "moq-transport-18")
FAMILIES = [*itertools.product(TRANSPORT, TRANSPORT), *itertools.product(("moq-lite-03", "moq-lite-05"), TRANSPORT),
            *itertools.product(TRANSPORT, ("moq-lite-02", "moq-lite-05"))]
# Those in which a relay says that it is going.
WITH_GOAWAY = ("moq-lite-04", "moq-lite-05")


class Figures:
    """What `moq --report` says, as it says it."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        os.mkfifo(path)
        self.lines = processes.Lines()
        # Open for writing, too, so that it has no end until this side is done.
        processes.read_lines(os.open(path, os.O_RDWR), self.lines)

    def until(self, key: str, least: float, seconds: float = processes.SECONDS) -> dict:
        """The first figures with `key` at `least` or above."""
        for number in range(100000):
            figures = json.loads(self.lines.expect(r"^\{.*\}$", seconds, skip=number).group())
            if figures[key] >= least:
                return figures
        raise AssertionError(f"{key} did not get to {least}")

    def last(self) -> dict:
        """Of a program that has ended."""
        return json.loads(self.lines.all()[-1])


class Case(unittest.TestCase):
    """Starts programs, and ends those that are left; shows what they said when a
    case fails."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="moq-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.programs: list[processes.Process] = []
        self.addCleanup(self._end)

    def _end(self) -> None:
        for program in self.programs:
            program.kill()
        result = self._outcome.result
        failed = any(getattr(test, "test_case", test) is self for test, _ in result.failures + result.errors)
        for program in self.programs if failed else []:
            print(f"--- {program.name}\n{program.text()[-12000:]}", flush=True)

    def keep(self, program):
        self.programs.append(program)
        return program

    def relay(self, ready: bool = True, **options) -> relay.Relay:
        """A relay; `options` are those of relay.configuration."""
        folder = self.folder / f"relay{len(self.programs)}"
        folder.mkdir()
        port = relay.free_port()
        running = self.keep(relay.Relay(os.environ["TEST_RELAY"], folder, port,
                                        relay.configuration(port, **options)))
        if ready:
            running.ready()
        return running

    def moq(self, url: str, *arguments: str, broadcast: str = "live", version: str | None = None,
            trust: bool = True, **options) -> processes.Process:
        command = [os.environ["TEST_MOQ"], "--client-connect", url, "--broadcast", broadcast]
        command += ["--client-tls-disable-verify"] if trust else []
        command += ["--client-version", version] if version else []
        return self.keep(processes.Process([*command, *arguments], **options))

    def crowd(self, url: str, *arguments: str) -> processes.Process:
        return self.keep(processes.Process([os.environ["TEST_CROWD"], "--url", url, *arguments],
                                           stdin=subprocess.PIPE))

    def figures(self) -> Figures:
        return Figures(self.folder / f"figures{len(list(self.folder.glob('figures*')))}")

    def metrics(self, port: int) -> dict[str, float]:
        """What an [internal] listener tells Prometheus, which would take all of it."""
        connection = http.client.HTTPConnection("localhost", port, timeout=processes.SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            body = answer.read()
        self.assertEqual((answer.status, answer.headers["Content-Type"]),
                         (200, "text/plain; version=0.0.4; charset=utf-8"))
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))
        lines = [line.rsplit(" ", 1) for line in body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def until_metric(self, port: int, name: str, least: float) -> dict[str, float]:
        """The first metrics with `name` at `least` or above."""
        deadline = time.monotonic() + processes.SECONDS
        while (values := self.metrics(port)).get(name, 0) < least:
            self.assertLess(time.monotonic(), deadline, f"{name} did not get to {least}")
        return values

    def assertEndsWell(self, program: processes.Process, seconds: float = processes.SECONDS) -> None:
        self.assertEqual(program.wait(seconds), 0, f"{program.name}: {program.text()}")
