#!/usr/bin/env python3
"""Runs the cases of token_test.py: our moq-token and the one of npm's @moq/token.

  token_run.py --modules FOLDER --prepare            install the package there
  token_run.py --modules FOLDER --token PROGRAM [CASE...]

Exits 77, ctest's "skipped", without Node.js, npm or its registry.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE / "token"
SKIP_STATUS = 77
INSTALL_SECONDS = 600
# What the package's own packages ask for.
OLDEST_NODE = 20


class Unavailable(Exception):
    """What the cases need is not there, and cannot be had."""


def run(command: list[str], folder: pathlib.Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=INSTALL_SECONDS, check=False)
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} did not finish within {INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        raise Unavailable("\n".join([f"{command[0]} failed (no network?):", *done.stdout.splitlines()[-12:]]))
    return done.stdout


def prepare(folder: pathlib.Path) -> pathlib.Path:
    """The package's program, installed as package-lock.json says."""
    folder.mkdir(parents=True, exist_ok=True)
    release = run(["node", "--version"], folder).strip()
    if int(release.lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise Unavailable(f"node is {release}; {OLDEST_NODE} or later is needed")
    wanted = (PACKAGE / "package-lock.json").read_text()
    stamp = folder / "installed.txt"
    program = folder / "node_modules" / "@moq" / "token" / "cli.js"
    if not (stamp.exists() and stamp.read_text() == wanted and program.exists()):
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(PACKAGE / name, folder / name)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=2",
             "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=10000"], folder)
        stamp.write_text(wanted)
    return program


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", required=True, type=pathlib.Path, help="where npm's packages are")
    parser.add_argument("--prepare", action="store_true", help="only install the package")
    parser.add_argument("--token", type=pathlib.Path, help="our program")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    try:
        theirs = prepare(args.modules.resolve())
    except Unavailable as error:
        print(f"SKIPPED: {error}")
        return SKIP_STATUS
    if args.prepare:
        return 0
    if args.token is None or not args.token.exists():
        parser.error(f"--token: there is no {args.token}")
    environment = os.environ | {"TEST_TOKEN": str(args.token.resolve()), "TEST_THEIRS": str(theirs),
                                "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, HERE / "token_test.py", "-v", *args.cases], cwd=HERE,
                          env=environment, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
