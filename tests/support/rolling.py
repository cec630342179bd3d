"""Two relays that are rolled back and forth under live video, and what came of it."""

import dataclasses
import json
import os
import pathlib
import select
import signal
import statistics
import time
from collections.abc import Iterable, Iterator

import processes
import relay

HOST = "127.0.0.1"
# For a relay to exit once it was asked to: far above the longest handover.
EXIT_SECONDS = 60
# For the viewers to get one more group.
GROUP_SECONDS = 30


@dataclasses.dataclass
class Programs:
    relay: str
    crowd: str
    proxy: str

    @staticmethod
    def built(folder: pathlib.Path) -> "Programs":
        return Programs(*(str(folder / name) for name in (
            "apps/moq-relay/moq-relay", "tests/integration/crowd", "tests/integration/lossy-proxy")))


@dataclasses.dataclass
class Network:
    """What is between clients and relays; each way has half of the round trip."""
    loss: float = 0.0
    rtt: float = 0.0  # seconds
    jitter: float = 0.0  # seconds
    seed: int = 1

    @property
    def clean(self) -> bool:
        return self.loss == 0 and self.rtt == 0 and self.jitter == 0


@dataclasses.dataclass
class Rolled:
    """One relay that was asked to leave; times are of the monotonic clock."""
    place: str
    relay: str  # as clients call it
    signal: float
    exit: float
    status: int


def wait_for_exit_of(program: processes.Process, seconds: float) -> bool:
    """Whether it has ended; at once when it does, where a wait with a deadline looks only
    now and then."""
    try:
        handle = os.pidfd_open(program.process_id)
    except ProcessLookupError:
        return True
    try:
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))
    finally:
        os.close(handle)


def wait_for_exit(program: processes.Process, seconds: float) -> tuple[int, float]:
    """Status and time."""
    wait_for_exit_of(program, seconds)
    at = time.monotonic()
    return program.wait(5), at


class Place:
    """Where a relay is: it may end there, and another begin."""

    def __init__(self, name: str, programs: Programs, folder: pathlib.Path, network: Network) -> None:
        self.name = name
        self.programs = programs
        self.folder = folder
        self.port = relay.free_port()
        self.front = self.port
        self.proxy: processes.Process | None = None
        self.running: relay.Relay | None = None
        self._lives = 0
        if not network.clean:
            self.proxy = processes.Process([
                programs.proxy, "--listen", f"{HOST}:0", "--to", f"{HOST}:{self.port}", "--seed", str(network.seed),
                "--loss", str(network.loss), "--delay", f"{network.rtt / 2}s", "--jitter", f"{network.jitter}s"])
            self.front = int(self.proxy.output.expect(r"^listening on .*:(\d+)$").group(1))

    @property
    def address(self) -> str:
        """As clients call it."""
        return f"{HOST}:{self.front}"

    def urls(self, schemes: Iterable[str]) -> list[str]:
        return [f"{scheme}://{self.address}" for scheme in schemes]

    def start(self, uris: list[str], workers: int) -> relay.Relay:
        """A relay that will send its clients to `uris`; the last one has ended."""
        self._lives += 1
        folder = self.folder / f"{self.name}{self._lives}"
        folder.mkdir()
        text = relay.configuration(self.port, workers=workers, head=f"drain_uri = {json.dumps(uris)}")
        self.running = relay.Relay(self.programs.relay, folder, self.port, text)
        try:
            self.running.ready()
        except AssertionError as error:
            raise AssertionError(f"the relay at {self.name}: {error}\n{self.running.text()}") from None
        return self.running


class Stage:
    """Two places for relays, and the crowd. Use it in a `with`."""

    def __init__(self, programs: Programs, folder: pathlib.Path, network: Network | None = None,
                 schemes: Iterable[str] = ("moqt",), workers: int = 1) -> None:
        network = network or Network()
        self.programs = programs
        self.folder = folder
        self.schemes = list(schemes)
        self.workers = workers
        self.places: list[Place] = []
        self.relays: list[relay.Relay] = []
        self.crowd: processes.Process | None = None
        self.timeline = folder / "timeline.jsonl"
        for number, name in enumerate("AB"):
            self.places.append(Place(name, programs, folder, dataclasses.replace(network, seed=network.seed + number)))
        self._start()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        for program in self.programs_running():
            program.kill()

    def programs_running(self) -> Iterator[processes.Process]:
        if self.crowd is not None:
            yield self.crowd
        yield from self.relays
        yield from (place.proxy for place in self.places if place.proxy is not None)

    def _start(self) -> None:
        """A relay at the first place."""
        here, there = self.places
        self.relays.append(here.start(there.urls(self.schemes), self.workers))

    def play(self, *arguments: str) -> None:
        """Begins: returns once every viewer has had a group."""
        urls = [part for url in self.places[0].urls(self.schemes) for part in ("--url", url)]
        self.crowd = processes.Process([self.programs.crowd, "roll", *urls, "--timeline", str(self.timeline),
                                        *arguments])
        self.crowd.output.expect("^running$")

    def groups(self, count: int) -> None:
        """Waits until every viewer has had so many more groups."""
        newest = max((int(line.split()[1]) for line in self.crowd.output.all() if line.startswith("whole ")),
                     default=-1)
        for group in range(newest + 1, newest + 1 + count):
            self.crowd.output.expect(rf"^whole ({group}|{group + 1}|{group + 2})$", GROUP_SECONDS)

    def roll(self) -> Rolled:
        """Starts the other relay, and asks the one that serves to leave; returns when it has."""
        old, new = self.places
        self.relays.append(new.start(old.urls(self.schemes), self.workers))
        leaving = old.running
        at = time.monotonic()
        leaving.send(signal.SIGTERM)
        status, end = wait_for_exit(leaving, EXIT_SECONDS)
        self.places = [new, old]
        return Rolled(old.name, old.address, at, end, status)

    def finish(self) -> dict:
        """Ends the track; what it came to."""
        self.crowd.send(signal.SIGTERM)
        self.crowd.wait()
        return json.loads(self.crowd.output.expect(r"^\{.*\}$").group())

    def end(self) -> list[str]:
        """Ends the relay that is left, and the proxies; what these say."""
        self.places[0].running.terminate()
        said = []
        for place in self.places:
            if place.proxy is not None:
                place.proxy.send(signal.SIGINT)
                place.proxy.wait()
                said.append(f"proxy of {place.name}: {place.proxy.output.all()[-1]}")
        return said


def events(timeline: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in timeline.read_text().splitlines()]


@dataclasses.dataclass
class Delays:
    """Of one roll, in seconds."""
    goaway: float | None  # from the signal to when the last client heard of it
    handed_over: float | None  # from the signal to when the last client had left
    exit: float | None  # from when the last client had left to the exit


def delays(rolled: Rolled, happened: list[dict]) -> Delays:
    """Clients say when they closed their session: the relay hears of it later."""
    def last(event: str, key: str) -> float | None:
        return max((each["t"] for each in happened if each["event"] == event and each[key] == rolled.relay and
                    rolled.signal <= each["t"] <= rolled.exit + 1), default=None)

    told, left = last("goaway", "relay"), last("handed over", "from")
    return Delays(told and told - rolled.signal, left and left - rolled.signal, left and rolled.exit - left)


def median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
