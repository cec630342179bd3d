"""scripts/roll: rolls two relays back and forth under live video, and shows what came of it."""

import argparse
import json
import os
import pathlib
import platform
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

import page
import watch
from common import ROOT, Interrupted, Problem, Progress, interrupt_once, say

import rolling

CONTROL_SECONDS = 20
# Of a relay's life before it is asked to leave, at least: all have come to it by then.
LEAST_LIFE_SECONDS = 3
# The load of --sessions: five small frames a second each.
SESSIONS_LOAD = ("--fps", "5", "--group", "5", "--small")
MIXED = ("--viewer-version", "moq-lite-05", "--viewer-version", "moq-lite-04")

EPILOG = """\
A roll starts a relay where there is none, and sends SIGTERM to the one that serves. That
one sends its clients to the other by GOAWAY, and has to exit by itself. One process is the
publisher and all viewers; it compares every byte.

Exit status: 0; 1 when a group was lost, duplicated, out of order or not whole, or a relay
did not end well; 2 for a wrong command line; 130 when interrupted.
"""


def duration(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(ms|s)?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is no duration such as 40ms")
    return float(match.group(1)) * (0.001 if match.group(2) == "ms" else 1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/roll", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG,
        description="Rolls two relays back and forth under one publisher and many viewers, and writes one\n"
                    "HTML page with what each viewer received, from which relay, and when.")
    parser.add_argument("--seconds", type=float, default=60, help="how long it plays [60]")
    parser.add_argument("--viewers", type=int, default=100, help="[100]")
    parser.add_argument("--rolls", type=int, default=5, help="evenly over the time [5]")
    parser.add_argument("--loss", type=float, default=0, help="share of the packets that is lost each way, 0.01 [0]")
    parser.add_argument("--rtt", type=duration, default=0.0, help="round trip between clients and relays, 40ms [0]")
    parser.add_argument("--jitter", type=duration, default=0.0, help="at most so much more, each way [0]")
    parser.add_argument("--seed", type=int, default=1, help="of the losses [1]")
    parser.add_argument("--workers", type=int, default=1, help="threads of a relay [1]")
    versions = parser.add_mutually_exclusive_group()
    versions.add_argument("--mixed", action="store_true",
                          help="moq-lite-04 and -05, over raw QUIC and WebTransport, in turns")
    versions.add_argument("--version", metavar="NAME", help="of publisher and viewers, moq-transport-18 [moq-lite-05]")
    parser.add_argument("--sessions", type=int, metavar="N", default=0,
                        help="instead: N viewers of five small frames a second, and one roll a run; how soon all "
                             "have their GOAWAY, and how soon the relay exits (1000)")
    parser.add_argument("--runs", type=int, default=5, help="of --sessions [5]")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/roll/roll.html", help="the page")
    parser.add_argument("--keep", type=pathlib.Path, help="keep timelines and the relays' logs there")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--no-build", action="store_true", help="take what --build has")
    args = parser.parse_args()
    if args.rolls and args.seconds / (args.rolls + 1) < LEAST_LIFE_SECONDS:
        parser.error(f"--rolls: a relay needs {LEAST_LIFE_SECONDS} s before it goes: "
                     f"{args.rolls} rolls take {LEAST_LIFE_SECONDS * (args.rolls + 1)} s")
    return args


def build(folder: pathlib.Path) -> None:
    jobs = os.environ.get("MOQ_JOBS") or str(len(os.sched_getaffinity(0)))
    for command in (["cmake", "--preset", "release", "-B", str(folder)],
                    ["cmake", "--build", str(folder), "-j", jobs, "--target", "moq-relay", "crowd", "lossy-proxy"]):
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL if "--preset" in command else None).returncode != 0:
            raise Problem("the build failed")


class Run:
    """One crowd, over any number of rolls."""

    def __init__(self, args: argparse.Namespace, name: str, keep: pathlib.Path) -> None:
        self.args = args
        self.folder = keep / name
        self.folder.mkdir(parents=True)
        self.rolled: list[rolling.Rolled] = []
        self.summary: dict = {}
        self.happened: list[dict] = []
        self.places: dict[str, str] = {}
        self.said: list[str] = []

    def play(self, seconds: float, rolls: int, viewers: int, extra: tuple[str, ...] = ()) -> None:
        args = self.args
        network = rolling.Network(args.loss, args.rtt, args.jitter, args.seed)
        schemes = ("moqt", "https") if args.mixed else ("moqt",)
        with rolling.Stage(rolling.Programs.built(args.build), self.folder, network, schemes, args.workers) as stage:
            self.places = {place.address: place.name for place in stage.places}
            live = watch.Live(stage.timeline, self.places)
            with Progress(lambda: f"roll: {self.folder.name}: {len(self.rolled)} of {rolls} rolls; {live.text()}"):
                try:
                    stage.play("--viewers", str(viewers), *self.versions(), *extra)
                    began = time.monotonic()
                    for number in range(rolls):
                        self.until(stage, began + seconds * (number + 1) / (rolls + 1))
                        self.rolled.append(stage.roll())
                    self.until(stage, began + seconds)
                    self.summary = stage.finish()
                    self.said = stage.end()
                except AssertionError as error:
                    raise Problem(str(error)) from None
                finally:
                    for number, each in enumerate(stage.relays):
                        (self.folder / f"relay{number}.log").write_text("\n".join(each.errors.all()) + "\n")
        self.happened = rolling.events(stage.timeline)

    def versions(self) -> tuple[str, ...]:
        if self.args.version:
            return "--publisher-version", self.args.version, "--viewer-version", self.args.version
        return MIXED if self.args.mixed else ()

    @staticmethod
    def until(stage: rolling.Stage, when: float) -> None:
        """Watches until then."""
        while (left := when - time.monotonic()) > 0:
            if not stage.crowd.running():
                raise Problem("the crowd has ended:\n" + stage.crowd.text())
            rolling.wait_for_exit_of(stage.crowd, min(left, 1))

    def wrong(self) -> list[str]:
        found = [f"{key}: {self.summary[key]}" for key in (
            "lost", "incomplete", "duplicated", "out_of_order", "wrong_frames", "faults", "sessions_lost")
            if self.summary[key]]
        found += [f"a relay at {each.place} ended with {each.status}" for each in self.rolled if each.status != 0]
        if not self.summary["good"] and not found:
            found.append("not every viewer got to the end")
        return found

    def pause(self) -> float:
        return max(watch.longest_pauses(self.happened).values(), default=0.0)

    def delays(self) -> list[rolling.Delays]:
        return [rolling.delays(each, self.happened) for each in self.rolled]


def milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms"


def spread(values: list[float | None]) -> str:
    known = sorted(value for value in values if value is not None)
    if not known:
        return "–"
    return (f"{milliseconds(statistics.median(known))} "
            f"({known[0] * 1000:.0f} to {known[-1] * 1000:.0f})")


def table(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def machine() -> str:
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True,
                            text=True).stdout.strip() or "?"
    return (f"{cpu}, {len(os.sched_getaffinity(0))} cores, load average {os.getloadavg()[0]:.1f}, "
            f"Linux {platform.release()}, commit {commit}")


def delays_rows(delays: list[rolling.Delays]) -> list[tuple[str, str]]:
    return [("signal to the last client's GOAWAY, median", spread([each.goaway for each in delays])),
            ("signal to the last client's leaving, median", spread([each.handed_over for each in delays])),
            ("last client's leaving to the exit, median", spread([each.exit for each in delays]))]


def measure_sessions(args: argparse.Namespace, keep: pathlib.Path) -> list[str]:
    runs = []
    for number in range(1, args.runs + 1):
        runs.append(Run(args, f"sessions-{number}", keep))
        runs[-1].play(2 * LEAST_LIFE_SECONDS, 1, args.sessions, SESSIONS_LOAD)
        delays = runs[-1].delays()[0]
        say(f"roll: run {number} of {args.runs}: GOAWAY to all in {milliseconds(delays.goaway)}, "
            f"all left in {milliseconds(delays.handed_over)}, exit {milliseconds(delays.exit)} later")
    delays = [each for run in runs for each in run.delays()]
    say(table([("machine", machine()), ("sessions", str(args.sessions)), ("runs", str(args.runs)),
               ("groups received, of expected", f"{sum(run.summary['received'] for run in runs)} of "
                f"{sum(run.summary['expected'] for run in runs)}"),
               ("lost, duplicated", f"{sum(run.summary['lost'] for run in runs)}, "
                f"{sum(run.summary['duplicated'] for run in runs)}"),
               *delays_rows(delays)]))
    return [wrong for run in runs for wrong in run.wrong()]


def show_roll(args: argparse.Namespace, keep: pathlib.Path) -> list[str]:
    control = Run(args, "control", keep)
    control.play(min(CONTROL_SECONDS, args.seconds), 0, args.viewers)
    say(f"roll: without a roll, the longest pause was {milliseconds(control.pause())}")
    run = Run(args, "roll", keep)
    run.play(args.seconds, args.rolls, args.viewers)
    summary = run.summary
    wrong = run.wrong() + [f"without a roll: {each}" for each in control.wrong()]
    rows = [("machine", machine()),
            ("network", "loopback" if not (args.loss or args.rtt or args.jitter) else
             f"{args.loss:.2%} loss each way, {args.rtt * 1000:.0f} ms round trip, {args.jitter * 1000:.0f} ms jitter"),
            ("viewers, rolls", f"{args.viewers}, {args.rolls}"),
            ("groups received, of expected", f"{summary['received']} of {summary['expected']}"),
            ("lost, duplicated", f"{summary['lost']}, {summary['duplicated']}"),
            ("incomplete, out of order", f"{summary['incomplete']}, {summary['out_of_order']}"),
            ("longest pause", milliseconds(run.pause())),
            ("longest pause without a roll", milliseconds(control.pause())),
            *delays_rows(run.delays())]
    say(table(rows))
    for line in run.said:
        say(f"  {line}")
    data = watch.page_data(run.happened, run.rolled, run.places)
    data |= {"title": f"{args.rolls} rolls under {args.viewers} viewers", "machine": machine(),
             "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "summary": summary, "wrong": wrong,
             "command": shlex.join(["scripts/roll", *sys.argv[1:]]), "rows": rows, "said": run.said,
             "pause": run.pause(), "control": {"pause": control.pause(),
                                               "pauses": sorted(watch.longest_pauses(control.happened).values())}}
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(page.make(data))
    say(f"roll: the page is {os.path.relpath(args.output)}")
    return wrong


def main() -> int:
    args = arguments()
    interrupt_once()
    try:
        if not args.no_build:
            build(args.build)
        with tempfile.TemporaryDirectory(prefix="moq-roll-") as scratch:
            keep = args.keep or pathlib.Path(scratch)
            wrong = measure_sessions(args, keep) if args.sessions else show_roll(args, keep)
    except Interrupted:
        say("\nroll: interrupted")
        return 130
    except (Problem, OSError) as error:
        print(f"roll: {error}", file=sys.stderr)
        return 1
    for each in wrong:
        print(f"roll: WRONG: {each}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
