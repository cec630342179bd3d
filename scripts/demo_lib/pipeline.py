"""The processes of the demo: a relay, a publisher, a viewer; started in order, ended in order."""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from common import BROADCAST, MOQ, RELAY, Problem, Signals, clean_environment, here, tail

HOST = "127.0.0.1"
FIRST_PORT = 4443
PORTS_TRIED = 50

START_SECONDS = 20.0
# For what ends by itself once its input has ended, and for what was asked to.
STOP_SECONDS = 12.0
POLL_SECONDS = 0.05

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def end_with_parent() -> None:
    """In a child: even if we are killed, it does not stay behind."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A process in a session of its own, so that the terminal's Ctrl-C is ours to pass on."""

    def __init__(self, name: str, command: list[str], log: pathlib.Path, stdin: object = subprocess.DEVNULL,
                 stdout: object = subprocess.DEVNULL) -> None:
        self.name = name
        self.log = log
        self.expected = False
        with log.open("ab") as errors:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=errors,
                                            env=clean_environment(), start_new_session=True,
                                            preexec_fn=end_with_parent)

    def status(self) -> int | None:
        return self.process.poll()

    def how_it_ended(self) -> str:
        status = self.process.returncode
        if status is not None and status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended with status {status}"

    def problem(self, what: str) -> Problem:
        return Problem(f"{self.name} {what}", f"all it said is in {here(self.log)}; its end:",
                       *(tail(self.log) or ["  | (nothing)"]))


def is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                # A connection of the last run that lingers is in nobody's way.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


def choose_port(wanted: int | None) -> int:
    if wanted is not None:
        if is_free(wanted):
            return wanted
        raise Problem(f"port {wanted} of {HOST} is taken, or not ours to take",
                      "give another with --port, or leave --port out: then a free one is found")
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if is_free(port):
            return port
    raise Problem(f"no port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is free on {HOST}",
                  "give one with --port")


class Pipeline:
    """Everything that runs. `close` ends it all; call it whatever happens."""

    def __init__(self, signals: Signals, folder: pathlib.Path, port: int) -> None:
        self.signals = signals
        self.folder = folder
        self.port = port
        self.url = f"moqt://{HOST}:{port}"
        # Whom to trust is fetched from there; then WebTransport is on the UDP port of that number.
        self.web_url = f"http://{HOST}:{port}/"
        self.fingerprint = ""
        self.children: list[Child] = []

    # --- Starting

    def start(self, name: str, command: list[str], **pipes: object) -> Child:
        with self.signals.held():
            child = Child(name, command, self.folder / f"{name.replace(' ', '-')}.log", **pipes)
            self.children.append(child)
        return child

    def start_relay(self) -> Child:
        where = f"{HOST}:{self.port}"
        relay = self.start("relay", [str(RELAY), "--server-bind", where, "--web-http-listen", where,
                                     "--tls-generate", f"localhost,{HOST}", "--auth-public", "",
                                     "--log-level", "info"])
        self.wait_until(lambda: self.fetch_fingerprint() or relay.status() is not None, START_SECONDS,
                        lambda: relay.problem(f"does not answer http://{where}/certificate.sha256"))
        return relay

    def fetch_fingerprint(self) -> bool:
        """What clients are told to trust instead of a certificate authority."""
        # Never through a proxy that the environment names.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"http://{HOST}:{self.port}/certificate.sha256", timeout=2) as answer:
                self.fingerprint = answer.read(1024).decode("ascii", "replace").strip()
        except (OSError, urllib.error.URLError, ValueError):
            return False
        return bool(self.fingerprint)

    def moq(self, report: str, *verb: str) -> list[str]:
        return [str(MOQ), "--client-connect", self.url, "--client-tls-fingerprint", self.fingerprint,
                "--broadcast", BROADCAST, "--log-level", "info", "--report", str(self.folder / report), *verb]

    def start_viewer(self, output: object = subprocess.DEVNULL) -> Child:
        """Receives; returns once it is connected, so that it misses nothing."""
        viewer = self.start("viewer", self.moq("viewer.jsonl", "export", "fmp4"), stdout=output)
        report = self.folder / "viewer.jsonl"
        self.wait_until(lambda: report.exists() and report.stat().st_size > 0, START_SECONDS,
                        lambda: viewer.problem("could not connect to the relay"))
        return viewer

    def start_publisher(self, video: pathlib.Path) -> Child:
        """Publishes a file once, at its pace, with groups of sound as long as those
        of the video: a viewer that waits for them gets them from the first packet."""
        return self.start("publisher", self.moq("publisher.jsonl", "import", "--realtime", "--audio-group", "2",
                                                str(video)))

    def start_endless_publisher(self, video: pathlib.Path) -> Child:
        """Publishes a file over and over, the way that a live encoder would."""
        read_end, write_end = os.pipe()
        try:
            self.start("source", ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning",
                                  "-stream_loop", "-1", "-re", "-i", str(video), "-c", "copy", "-f", "mp4",
                                  "-movflags", "empty_moov+frag_every_frame+default_base_moof",
                                  "-flush_packets", "1", "-"], stdout=write_end)
            return self.start("publisher", self.moq("publisher.jsonl", "import", "--realtime", "fmp4"),
                              stdin=read_end)
        finally:
            os.close(read_end)
            os.close(write_end)

    # --- Watching

    def check_alive(self) -> None:
        """Raises the problem of the first that has ended without being expected to."""
        for child in self.children:
            status = child.status()
            if status is not None and not (child.expected and status == 0):
                raise child.problem(f"{child.how_it_ended()}, while it should run")

    def wait_until(self, condition: Callable[[], bool], seconds: float,
                   problem: Callable[[], Problem]) -> None:
        limit = time.monotonic() + seconds
        while not condition():
            self.check_alive()
            if time.monotonic() > limit:
                raise problem()
            time.sleep(POLL_SECONDS)
        self.check_alive()

    # --- Ending

    def close(self) -> list[str]:
        """Ends all in order: the source, whose end the publisher and the viewer see,
        then the relay, which drains. A second signal kills. What did not end well."""
        self.signals.hold_for_good()
        signals_before = self.signals.count
        wrong: list[str] = []
        started = {child.name for child in self.children}
        order = {"source": 0, "publisher": 1, "viewer": 2, "relay": 3}
        for child in sorted(self.children, key=lambda each: order[each.name]):
            if child.status() is None:
                # The publisher ends with its source, and the viewer with the broadcast.
                leader = {"publisher": "source", "viewer": "publisher"}.get(child.name)
                follows = leader in started
                if not (follows and self.ended_within(child, 2.0, signals_before)):
                    self.ask(child)
                    if not self.ended_within(child, STOP_SECONDS, signals_before):
                        child.process.kill()
                        child.process.wait()
                        why = "at the second signal" if self.signals.count > signals_before else "it did not end"
                        wrong.append(f"{child.name} was killed, {why}: see {here(child.log)}")
                        continue
            if child.name in ("publisher", "viewer", "relay") and child.process.returncode != 0:
                wrong.append(f"{child.name} {child.how_it_ended()}: see {here(child.log)}")
        return wrong

    @staticmethod
    def ask(child: Child) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.process.send_signal(signal.SIGTERM if child.name in ("relay", "source") else signal.SIGINT)

    def ended_within(self, child: Child, seconds: float, signals_before: int) -> bool:
        limit = time.monotonic() + seconds
        while child.status() is None:
            if time.monotonic() > limit or self.signals.count > signals_before:
                return False
            time.sleep(POLL_SECONDS)
        return True
