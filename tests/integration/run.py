#!/usr/bin/env python3
"""Runs the cases of NAME_test.py with the programs that were built.

  run.py NAME (--build FOLDER | --moq PROGRAM --relay PROGRAM --crowd PROGRAM --bench PROGRAM
                          --guests PROGRAM --proxy PROGRAM --interop PROGRAM --token PROGRAM) [CASE...]

Exits 77, ctest's "skipped", without ffmpeg.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIP_STATUS = 77


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--build", type=pathlib.Path, help="where all of them are")
    parser.add_argument("--moq", type=pathlib.Path)
    parser.add_argument("--relay", type=pathlib.Path)
    parser.add_argument("--crowd", type=pathlib.Path)
    parser.add_argument("--bench", type=pathlib.Path)
    parser.add_argument("--guests", type=pathlib.Path)
    parser.add_argument("--proxy", type=pathlib.Path)
    parser.add_argument("--interop", type=pathlib.Path)
    parser.add_argument("--token", type=pathlib.Path)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_intermixed_args()
    if args.build is not None:
        args.moq = args.build / "apps/moq/moq"
        args.relay = args.build / "apps/moq-relay/moq-relay"
        args.crowd = args.build / "tests/integration/crowd"
        args.bench = args.build / "apps/moq-bench/moq-bench"
        args.guests = args.build / "tests/integration/guests"
        args.proxy = args.build / "tests/integration/lossy-proxy"
        args.interop = args.build / "apps/moq-interop-client/moq-interop-client"
        args.token = args.build / "apps/moq-token/moq-token"
    environment = dict(os.environ)
    for name in ("moq", "relay", "crowd", "bench", "guests", "proxy", "interop", "token"):
        program = getattr(args, name)
        if program is None or not program.exists():
            parser.error(f"--{name}: there is no {program}")
        environment[f"TEST_{name.upper()}"] = str(program.resolve())
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        print("SKIPPED: ffmpeg is not installed")
        return SKIP_STATUS
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent / "support")])
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run([sys.executable, HERE / f"{args.name}_test.py", "-v", *args.cases],
                          env=environment, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
