"""Reads a crowd's timeline: while it is written, for the progress line, and after it, for the page."""

import collections
import json
import pathlib
from collections.abc import Iterable

from common import ROOT  # noqa: F401  (finds rolling)

import rolling


class Live:
    """What the timeline says by now."""

    def __init__(self, timeline: pathlib.Path, places: dict[str, str]) -> None:
        self._timeline = timeline
        self._places = places  # by address
        self._offset = 0
        self._where: dict[str, str] = {}
        self._frames = 0
        self._faults = 0

    def _read(self) -> None:
        if not self._timeline.exists():
            return
        with self._timeline.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        # The last line may be there in part.
        whole = data[:data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            event = json.loads(line)
            if event["event"] == "group":
                self._frames += len(event["frames"])
            elif event["event"] == "fault":
                self._faults += 1
            elif event["event"] == "handed over" or (event["event"] == "connected" and
                                                     event["who"] not in self._where):
                self._where[event["who"]] = event["relay"]

    def text(self) -> str:
        self._read()
        count = collections.Counter(self._places.get(relay, "?") for who, relay in self._where.items()
                                    if who != "publisher")
        publisher = self._places.get(self._where.get("publisher", ""), "–")
        return (f"publisher on {publisher}; viewers on A: {count['A']}, on B: {count['B']}; "
                f"{self._frames:,} frames received, {self._faults} faults")


def running_since(happened: Iterable[dict]) -> float:
    return next(each["t"] for each in happened if each["event"] == "running")


def frame_times(happened: list[dict]) -> dict[str, list[float]]:
    """When each viewer had each frame whole, in that order."""
    times: dict[str, list[float]] = collections.defaultdict(list)
    for each in happened:
        if each["event"] == "group" and each["began"] is not None:
            times[each["who"]] += [each["began"] + frame / 1000 for frame in each["frames"]]
    return {who: sorted(all_of_it) for who, all_of_it in times.items()}


def longest_pauses(happened: list[dict]) -> dict[str, float]:
    """Of each viewer, once all watch: their coming is no pause of those who were there."""
    since = running_since(happened)
    end = next((each["t"] for each in happened if each["event"] == "end"), float("inf"))
    pauses = {}
    for who, times in frame_times(happened).items():
        seen = [t for t in times if since <= t <= end]
        pauses[who] = max((b - a for a, b in zip(seen, seen[1:])), default=0.0)
    return pauses


def stations(happened: list[dict]) -> dict[str, list[tuple[float, str]]]:
    """From when on which relay served each client, by its address."""
    spans: dict[str, list[tuple[float, str]]] = collections.defaultdict(list)
    for each in happened:
        who = each["who"]
        if each["event"] == "handed over" or (each["event"] == "connected" and not spans[who]):
            spans[who].append((each["t"], each["relay"]))
    return dict(spans)


def kinds(happened: list[dict]) -> dict[str, str]:
    """The version that each client speaks."""
    return {each["who"]: each["session"].split()[0] for each in happened if each["event"] == "connected"}


def page_data(happened: list[dict], rolled: list[rolling.Rolled], places: dict[str, str]) -> dict:
    """The part of the page's data that is a run; times in milliseconds since all watched."""
    since = running_since(happened)

    def at(t: float) -> int:
        return round((t - since) * 1000)

    def name(relay: str) -> str:
        return places.get(relay, "?")

    frames, where, what = frame_times(happened), stations(happened), kinds(happened)
    clients = []
    for who in sorted(where, key=lambda each: (each != "publisher", len(each), each)):
        times = [at(t) for t in frames.get(who, [])]
        # Differences are short to write down.
        steps = [b - a for a, b in zip([0, *times], times)]
        clients.append({
            "name": who, "kind": what[who], "frames": steps,
            "spans": [[at(t), name(relay)] for t, relay in where[who]],
            "goaways": [at(each["t"]) for each in happened if each["event"] == "goaway" and each["who"] == who],
            "connects": [at(each["t"]) for each in happened if each["event"] == "connected" and each["who"] == who],
        })
    rolls = []
    for each in rolled:
        delays = rolling.delays(each, happened)
        rolls.append({"place": each.place, "signal": at(each.signal), "exit": at(each.exit), "status": each.status,
                      "goaway": delays.goaway, "handed_over": delays.handed_over, "exit_delay": delays.exit})
    end = max((t for times in frames.values() for t in times), default=since)
    return {"clients": clients, "rolls": rolls, "end": at(end), "pauses": sorted(longest_pauses(happened).values())}
