"""What flows, from the reports that publisher and viewer write once a second."""

import collections
import contextlib
import json
import pathlib

# Reports over which the delay is taken. Each is written somewhere between two
# frames; the least delay of some of them is that of a report just after one.
DELAY_REPORTS = 5
# Without news for so long, something hangs.
SILENCE_SECONDS = 4.0


class Report:
    """Reads a file of JSON lines while it grows."""

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file
        self._read = 0
        self.last: dict[str, float] = {}
        self.before: dict[str, float] = {}
        self.progress_at = 0.0
        self._delays: collections.deque[float] = collections.deque(maxlen=DELAY_REPORTS)

    def poll(self) -> bool:
        """Whether there was something new."""
        with contextlib.suppress(FileNotFoundError), self._file.open("rb") as file:
            file.seek(self._read)
            lines = file.read().splitlines(keepends=True)
            whole = [line for line in lines if line.endswith(b"\n")]
            self._read += sum(map(len, whole))
            for line in whole:
                self._take(json.loads(line))
            return bool(whole)
        return False

    def _take(self, line: dict[str, float]) -> None:
        moved = line["frames"] > self.last.get("frames", 0)
        self.before, self.last = self.last, line
        if moved:
            self.progress_at = line["time"]
            self._delays.append(line["time"] - line["pts"])

    def value(self, name: str) -> int:
        return int(self.last.get(name, 0))

    def rate(self, name: str) -> float:
        """Of the last second, each second."""
        if not self.before:
            # The first is written a second after connecting.
            return float(self.value(name))
        if self.last["time"] <= self.before["time"]:
            return 0.0
        return (self.last[name] - self.before[name]) / (self.last["time"] - self.before["time"])

    @property
    def flows(self) -> bool:
        return bool(self._delays)

    @property
    def offset(self) -> float:
        """Wall clock less presentation time, in seconds."""
        return min(self._delays)


class Figures:
    """Both sides together."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.publisher = Report(folder / "publisher.jsonl")
        self.viewer = Report(folder / "viewer.jsonl")
        self.latencies: list[float] = []

    def poll(self) -> bool:
        """Whether the viewer had news."""
        self.publisher.poll()
        if not self.viewer.poll():
            return False
        if self.publisher.flows and self.viewer.flows:
            self.latencies.append(self.viewer.offset - self.publisher.offset)
        return True

    def line(self, seconds: float) -> str:
        sent, got = self.publisher, self.viewer
        clock = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
        if not sent.flows:
            return f"{clock}  waiting for the publisher"
        if not got.flows:
            return f"{clock}  published {sent.value('frames')} frames; waiting for the viewer"
        # It fits in 80 columns for the first hours.
        text = (f"{clock}  sent {sent.rate('bytes') * 8e-6:.1f}, got {got.rate('bytes') * 8e-6:.1f} Mbit/s  "
                f"{got.value('frames')} frames  {got.value('groups')} groups  {got.value('lost_groups')} lost")
        silence = got.last["time"] - got.progress_at
        if silence > SILENCE_SECONDS:
            return f"{text}  nothing new for {silence:.0f} s"
        return f"{text}  latency {self.latencies[-1] * 1000:.0f} ms"

    def summary(self, seconds: float) -> list[str]:
        sent, got = self.publisher, self.viewer
        lines = [f"ran for {seconds:.0f} s",
                 f"published {sent.value('frames')} frames in {sent.value('groups')} groups, "
                 f"{sent.value('bytes') / 1e6:.1f} MB",
                 f"received  {got.value('frames')} frames in {got.value('groups')} groups, "
                 f"{got.value('bytes') / 1e6:.1f} MB; {got.value('lost_groups')} groups lost"]
        if self.latencies:
            ordered = sorted(self.latencies)
            lines.append(f"latency   {ordered[len(ordered) // 2] * 1000:.0f} ms in the middle, "
                         f"{ordered[-1] * 1000:.0f} ms at most")
        return lines
