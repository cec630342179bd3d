"""Brings the programs up to date: packages, configuration, build."""

import os
import pathlib
import subprocess

from common import BUILD, MOQ, RELAY, ROOT, WORK, Problem, here, say, tail


def run_logged(command: list[str], log: pathlib.Path) -> bool:
    with log.open("wb") as output:
        return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT, check=False).returncode == 0


def install_packages() -> None:
    """Runs scripts/setup; says nothing when nothing is missing."""
    setup = str(ROOT / "scripts" / "setup")
    log = WORK / "setup.log"
    if run_logged([setup, "--check"], log):
        return
    say("demo: some packages are missing; scripts/setup installs them")
    if subprocess.run([setup], stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise Problem("scripts/setup could not install what is missing",
                      "see above for why; once the packages are there by other means, "
                      "run again with --no-setup")


def build() -> None:
    log = WORK / "configure.log"
    # CMake looks again by itself when its files have changed.
    if not (BUILD / "build.ninja").exists():
        say("demo: configuring an optimised build in build/release")
        if not run_logged(["cmake", "--preset", "release"], log):
            raise Problem("cmake could not configure the build", f"all it said is in {here(log)}; its end:",
                          *tail(log))
    jobs = os.environ.get("MOQ_JOBS") or str(len(os.sched_getaffinity(0)))
    command = ["cmake", "--build", "--preset", "release", "--target", "moq", "moq-relay", "-j", jobs]
    if not (MOQ.exists() and RELAY.exists()):
        say("demo: building moq and moq-relay; the first time takes some minutes")
    # The progress is the build tool's own; a build with nothing to do stays silent.
    quiet = subprocess.run([*command, "--", "-n"], cwd=ROOT, capture_output=True, text=True, check=False)
    if quiet.returncode == 0 and "no work to do" in quiet.stdout:
        return
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise Problem("the build failed", "the compiler's first error above says why; if it was killed for "
                      "want of memory, try: MOQ_JOBS=1 scripts/demo", f"and again by hand: {' '.join(command)}")


def up_to_date(setup: bool) -> None:
    try:
        if setup:
            install_packages()
        build()
    except FileNotFoundError as error:
        raise Problem(f"{error.filename} is not installed", "run scripts/setup") from None
