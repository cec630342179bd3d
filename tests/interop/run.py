#!/usr/bin/env python3
"""Runs the cases of moq_rs_test.py in a virtual environment of their own.

  run.py --venv FOLDER --relay PROGRAM|control [--workers N] [--scheme moqt|https]
         [--version VERSION] [CASE...]

Exits 77, ctest's "skipped", when the packages cannot be had: no network.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
SKIP_STATUS = 77


def prepare(folder: pathlib.Path) -> pathlib.Path:
    """The environment's Python, with what requirements.txt asks for."""
    python = folder / "bin" / "python"
    wanted = (HERE / "requirements.txt").read_text()
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "3",
         "--only-binary", ":all:", "-r", HERE / "requirements.txt"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        print(done.stderr)
        print("SKIPPED: the reference's Python package could not be installed (no network?)")
        sys.exit(SKIP_STATUS)
    stamp.write_text(wanted)
    return python


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--venv", required=True, type=pathlib.Path)
    parser.add_argument("--relay", help='the program moq-relay, or "control"')
    parser.add_argument("--moq", type=pathlib.Path, help="our client, for the package's own server")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--scheme", choices=["moqt", "https"], default="moqt",
                        help="raw QUIC (the default) or WebTransport")
    parser.add_argument("--version", default="", help="the only one that the relay accepts")
    parser.add_argument("--prepare", action="store_true", help="only install the packages")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    python = prepare(args.venv.resolve())
    if args.prepare:
        return 0
    if (args.relay is None) == (args.moq is None):
        parser.error("either --relay or --moq is needed")
    paths = {"PYTHONPATH": str(HERE.parent / "support"), "PYTHONDONTWRITEBYTECODE": "1"}
    if args.moq is not None:
        return subprocess.run([python, HERE / "moq_rs_server_test.py", "-v", *args.cases], cwd=HERE,
                              env=os.environ | paths | {"MOQ_PROGRAM": str(args.moq.resolve())},
                              stdin=subprocess.DEVNULL).returncode
    target = args.relay if args.relay == "control" else str(pathlib.Path(args.relay).resolve())
    environment = os.environ | paths | {"MOQ_RELAY": target, "MOQ_RELAY_WORKERS": str(args.workers),
                                "MOQ_SCHEME": args.scheme, "MOQ_VERSION": args.version}
    return subprocess.run([python, HERE / "moq_rs_test.py", "-v", *args.cases], cwd=HERE,
                          env=environment, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
