#!/usr/bin/env python3
"""Runs the cases of aiomoqt_test.py in a virtual environment of their own.

  aiomoqt_run.py --venv FOLDER --relay PROGRAM [--workers N] [--scheme moqt|https] [--draft 14|18] [CASE...]
  aiomoqt_run.py --venv FOLDER --prepare

Exits 77, ctest's "skipped", when the packages cannot be had: no network.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Sequence

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements-aiomoqt.txt"
TRANSPORT = "aiopquic"
# There are wheels of the transport for these and later ones.
OLDEST_WITH_WHEELS = (3, 12)
SKIP_STATUS = 77


class Unavailable(Exception):
    """What the environment is made with cannot be had."""


def run(command: Sequence[object], folder: pathlib.Path) -> None:
    try:
        done = subprocess.run([str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900,
                              env=os.environ | {"CFLAGS": "-O1"})
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from None
    if done.returncode != 0:
        raise Unavailable("\n".join([f"{command[0]} failed:", *done.stdout.splitlines()[-20:]]))


def static_libraries(source: pathlib.Path) -> None:
    """Those that the transport's setup.py links, where it looks for them."""
    quic, tls = source / "third_party" / "picoquic", source / "third_party" / "picotls"
    build = quic / "build"
    for patch in sorted((source / "patches").glob("picoquic-*.patch")):
        run(["git", "apply", patch], quic)
    common = ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O1", "-DCMAKE_POSITION_INDEPENDENT_CODE=ON"]
    made = build / "picotls-build"
    kinds = {kind.upper(): made / f"libpicotls-{kind}.a" for kind in ("core", "openssl", "minicrypto")}
    run(["cmake", "-S", tls, "-B", made, *common, "-DWITH_FUSION=OFF"], source)
    run(["cmake", "--build", made, "--parallel", "2", "--target", *(path.stem.removeprefix("lib")
                                                                   for path in kinds.values())], source)
    run(["cmake", "-S", quic, "-B", build, *common, "-Dpicoquic_BUILD_TESTS=OFF", "-DBUILD_DEMO=OFF",
         "-DBUILD_LOGREADER=OFF", "-DPTLS_WITH_FUSION=OFF", f"-DPTLS_INCLUDE_DIR={tls / 'include'}",
         *(f"-DPTLS_{kind}_LIBRARY={path}" for kind, path in kinds.items())], source)
    run(["cmake", "--build", build, "--parallel", "2", "--target", "picoquic-core", "picohttp-core", "picoquic-log"],
        source)


def build_transport(pip: Sequence[object]) -> None:
    """From its source package, for a Python that it has no wheel for."""
    pin = next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith(TRANSPORT))
    with tempfile.TemporaryDirectory(prefix="aiopquic-") as folder:
        folder = pathlib.Path(folder)
        run([*pip, "download", "--no-deps", "--no-binary", TRANSPORT, "--ignore-requires-python", "-d", ".", pin],
            folder)
        package = next(folder.glob("*.tar.gz"))
        with tarfile.open(package) as archive:
            archive.extractall(folder, filter="data")
        source = folder / package.name.removesuffix(".tar.gz")
        static_libraries(source)
        run([*pip, "install", "--no-deps", "--ignore-requires-python", source], folder)


def prepare(folder: pathlib.Path) -> pathlib.Path:
    """The environment's Python, with what the requirements ask for."""
    python = folder / "bin" / "python"
    wanted = "".join(file.read_text() for file in (REQUIREMENTS, HERE / "requirements.txt"))
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "--retries", "3"]
    if sys.version_info < OLDEST_WITH_WHEELS:
        build_transport(pip)
    # All of them are named, and what they say of Python is known.
    run([*pip, "install", "--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "-r", REQUIREMENTS], HERE)
    stamp.write_text(wanted)
    return python


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", required=True, type=pathlib.Path)
    parser.add_argument("--prepare", action="store_true", help="only install the packages")
    parser.add_argument("--relay", type=pathlib.Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--scheme", choices=["moqt", "https"], default="moqt",
                        help="raw QUIC (the default) or WebTransport")
    parser.add_argument("--draft", type=int, choices=[14, 18], default=18, help="what the clients speak")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    try:
        python = prepare(args.venv.resolve())
    except Unavailable as error:
        print(f"{error}\nSKIPPED: aiomoqt could not be installed (no network?)")
        return SKIP_STATUS
    if args.prepare:
        return 0
    if args.relay is None:
        parser.error("--relay is needed")
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "support"), "PYTHONDONTWRITEBYTECODE": "1",
                                "MOQ_RELAY": str(args.relay.resolve()), "MOQ_RELAY_WORKERS": str(args.workers),
                                "MOQ_SCHEME": args.scheme, "MOQ_DRAFT": str(args.draft)}
    return subprocess.run([python, HERE / "aiomoqt_test.py", "-v", *args.cases], cwd=HERE, env=environment,
                          stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
