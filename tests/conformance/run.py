#!/usr/bin/env python3
"""Runs the conformance cases of a draft against the real relay.

  run.py --draft 14|18 (--build FOLDER | --relay PROGRAM --tester PROGRAM) [--write] [CASE...]

Without CASE, compares what comes out with docs/conformance.md, and fails when that says
something else; --write writes it there instead.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TABLE = ROOT / "docs" / "conformance.md"
sys.path.insert(0, str(HERE.parent / "support"))

import relay  # noqa: E402

# The longest that a run may take, which is bounded by the deadlines of its cases.
SECONDS = 900
# How long a draining relay lets its sessions stay, for the cases that drain one.
DRAIN_SECONDS = 5
# For each thing that is waited for: what has to come, and what is known not to.
PATIENCE, IMPATIENCE = 30, 3

# What the relay does not do yet: the cases, the drafts in which they fail, and what it does
# instead. One that passes makes the run fail.
KNOWN_FAILURES: dict[str, tuple[tuple[int, ...], str]] = {}

# Of the list, what this tester cannot play: a client on raw QUIC.
NOT_RUN = ("3", "PATH on WebTransport, or from a server", "session closed with 0x8", "PATH",
           "not run: needs WebTransport, or a server whose client is tested")


def known_failure(draft: int, case: str) -> str | None:
    drafts, reason = KNOWN_FAILURES.get(case, ((), None))
    return reason if draft in drafts else None


def run(args: argparse.Namespace, cases: list[str], drain: bool = False, seconds: int = PATIENCE) -> list[dict]:
    """What the tester says of `cases`, at a relay of their own."""
    options = {"server": 'version = ["moq-transport-14", "moq-transport-18"]'}
    if drain:
        options["head"] = f'drain_timeout = "{DRAIN_SECONDS}s"'
    if not cases:
        return []
    with relay.relay(str(args.relay), **options) as running:
        command = [str(args.tester), "--url", running.url(), "--draft", str(args.draft), "--json",
                   "--deadline", str(seconds)]
        command += [word for case in cases for word in ("--case", case)]
        command += ["--drain", str(running.pid())] if drain else []
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        if len(reports) != len(cases) or not running.running() and not drain:
            raise RuntimeError(f"the tester ended with {done.returncode}\n{done.stdout}{done.stderr}\n{running.text()}")
        return reports


def names(args: argparse.Namespace) -> list[str]:
    listed = subprocess.run([str(args.tester), "--draft", str(args.draft), "--list"], check=True,
                            capture_output=True, text=True)
    return [line.split()[0] for line in listed.stdout.splitlines()]


def judge(draft: int, report: dict) -> tuple[str, str | None]:
    """What the table says of a case; and why it makes the run fail, if so."""
    known = known_failure(draft, report["case"])
    if report["result"] == "fail":
        return f"fails: {known or report['detail']}", None if known else report["detail"]
    if known:
        return "passes", "passes, and is listed in KNOWN_FAILURES"
    return "open: " + report["detail"] if report["result"] == "open" else "passes", None


def section(draft: int, rows: list[tuple[str, ...]]) -> str:
    lines = [f"## Draft {draft}", "", "| # | What the tester does | What is to be seen | Section | Result |",
             "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def order(row: tuple[str, ...]) -> tuple[int, str]:
    return int(re.match(r"\d+", row[0]).group()), row[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draft", type=int, choices=(14, 18), required=True)
    parser.add_argument("--build", type=pathlib.Path, help="where both programs are")
    parser.add_argument("--relay", type=pathlib.Path)
    parser.add_argument("--tester", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_intermixed_args()
    if args.build is not None:
        args.relay = args.build / "apps/moq-relay/moq-relay"
        args.tester = args.build / "tests/conformance/conformance"
    for name in ("relay", "tester"):
        program = getattr(args, name)
        if program is None or not program.exists():
            parser.error(f"--{name}: there is no {program}")

    every = names(args)
    wanted = [case for case in every if not args.cases or case in args.cases or re.match(r"\d+", case).group() in args.cases]
    draining = [case for case in wanted if case.startswith("27")]
    failing = [case for case in wanted if case not in draining and known_failure(args.draft, case)]
    reports = run(args, [case for case in wanted if case not in draining + failing])
    reports += run(args, failing, seconds=IMPATIENCE)
    # Each of these ends its relay.
    for case in draining:
        reports += run(args, [case], drain=True)

    rows, failures = [], []
    for report in sorted(reports, key=lambda report: order((report["case"],))):
        result, failure = judge(args.draft, report)
        print(f"{report['case']:4} {result}", flush=True)
        rows.append((report["case"], report["title"], report["demand"], report["section"], result))
        if failure:
            failures.append(f"{report['case']}: {report['title']}: {failure}")
    rows.append(NOT_RUN)
    said = {report["case"] for report in reports}
    if not args.cases:
        failures += [f"{case}: listed in KNOWN_FAILURES, and there is no such case"
                     for case, (drafts, _) in KNOWN_FAILURES.items() if args.draft in drafts and case not in said]
        failures += compare(args, section(args.draft, sorted(rows, key=order)))
    for failure in failures:
        print(f"FAILED  {failure}")
    return 1 if failures else 0


def compare(args: argparse.Namespace, text: str) -> list[str]:
    """Has the table say it, or finds where it says something else."""
    before = TABLE.read_text() if TABLE.exists() else ""
    pattern = re.compile(rf"^## Draft {args.draft}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    found = pattern.search(before)
    if args.write:
        if found:
            after = before[:found.start()] + text + ("\n" if found.end() < len(before) else "") + before[found.end():]
        else:
            after = before.rstrip("\n") + "\n\n" + text
        TABLE.write_text(after)
        return []
    if found and found.group().strip() == text.strip():
        return []
    committed = set(found.group().splitlines()) if found else set()
    return [f"{TABLE.relative_to(ROOT)} does not say: {line}" for line in text.splitlines() if line not in committed] or [
        f"{TABLE.relative_to(ROOT)} says more than the run"]


if __name__ == "__main__":
    sys.exit(main())
