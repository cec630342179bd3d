#!/usr/bin/env python3
"""Runs the cases of browser_test.py: the reference's JavaScript packages in Chromium; or,
with --test live_page, those of live_page_test.py, which need no packages.

  browser_run.py --pages FOLDER --prepare                     make the pages there
  browser_run.py --pages FOLDER --moq PROGRAM --relay PROGRAM [CASE...]
  browser_run.py --pages FOLDER --moq PROGRAM --relay PROGRAM --guests PROGRAM --test live_page

Exits 77, ctest's "skipped", without Chromium, Node.js or the npm packages; of live_page,
without Chromium or ffmpeg.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PATHS = [HERE, HERE.parent / "support", HERE.parent / "integration", HERE.parents[1] / "web" / "tools"]
sys.path[:0] = map(str, PATHS)
import chromium  # noqa: E402
import website  # noqa: E402

PAGES = HERE / "pages"
SKIP_STATUS = 77
# Each with the programs that it takes.
TESTS = {"browser": ("moq", "relay"), "live_page": ("moq", "relay", "guests")}


def prepare(out: pathlib.Path) -> None:
    """The demo's page, and the tests' own beside it."""
    website.build(out)
    website.bundle(sorted(PAGES.glob("*.js")), out / "tests")
    for page in PAGES.glob("*.html"):
        shutil.copyfile(page, out / "tests" / page.name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", required=True, type=pathlib.Path, help="where the pages are")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--moq", type=pathlib.Path)
    parser.add_argument("--relay", type=pathlib.Path)
    parser.add_argument("--guests", type=pathlib.Path)
    parser.add_argument("--test", choices=TESTS, default="browser")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    if why := chromium.missing():
        print(f"SKIPPED: {why}")
        return SKIP_STATUS
    if args.prepare:
        try:
            prepare(args.pages.resolve())
        except website.Unavailable as error:
            print(f"SKIPPED: {error}")
            return SKIP_STATUS
        return 0
    if args.test == "live_page" and shutil.which("ffmpeg") is None:
        print("SKIPPED: ffmpeg is not installed")
        return SKIP_STATUS
    environment = os.environ | {"TEST_PAGES": str(args.pages.resolve()), "PYTHONDONTWRITEBYTECODE": "1",
                                "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    for name in TESTS[args.test]:
        program = getattr(args, name)
        if program is None or not program.exists():
            parser.error(f"--{name}: there is no {program}")
        environment[f"TEST_{name.upper()}"] = str(program.resolve())
    return subprocess.run([sys.executable, HERE / f"{args.test}_test.py", "-v", *args.cases], cwd=HERE,
                          env=environment, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
