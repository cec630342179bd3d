#!/usr/bin/env python3
"""Rules about the tree that need no compiler; one a run.

  tree.py format           clang-format would change nothing
  tree.py size             no file is longer than 700 lines
  tree.py sleeps           nothing sleeps to wait for a result
  tree.py readmes          each library's folder says what it is for
  tree.py built BUILD      every source under src and apps is part of a target
  tree.py units            systemd accepts the units in packaging
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import common

# clang-format's layout differs between releases; this is Debian 12's.
FORMAT_RELEASE = "14"
MAX_LINES = 700
SOURCES = (".h", ".cc", ".py", ".sh", ".js", ".ts", ".cmake", "CMakeLists.txt")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|time\.sleep)\s*\(|(?<![\w:.>])sleep\s*\(|^\s*sleep\s+[\d.$]")


def format_problems(root: pathlib.Path) -> list[str]:
    sources = [str(f) for f in common.files(root, common.CODE, (".h", ".cc"))]
    if not sources:
        return ["there is no source to check"]
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", f"--style=file:{root}/.clang-format",
                           *sources], capture_output=True, text=True)
    pattern = re.compile(rf"^{re.escape(str(root))}/(.*?):(\d+):\d+: error")
    first: dict[str, str] = {}
    for line in done.stderr.splitlines():
        if match := pattern.match(line):
            first.setdefault(match.group(1), match.group(2))
    found = [f"{name}:{line}: run clang-format -i {name}" for name, line in first.items()]
    return found or ([done.stderr] if done.returncode else [])


def size_problems(root: pathlib.Path) -> list[str]:
    folders = (*common.CODE, "cmake", "scripts", ".ci")
    everywhere = list(common.files(root, folders, SOURCES))
    everywhere += [f for f in common.files(root, ["scripts", ".ci"], ("",)) if f not in everywhere]
    found = []
    for file in everywhere:
        lines = file.read_bytes().count(b"\n")
        if lines > MAX_LINES:
            found.append(f"{file.relative_to(root)}: {lines} lines, more than {MAX_LINES}: split it")
    return found


def sleep_problems(root: pathlib.Path) -> list[str]:
    found = []
    for file in common.files(root, common.CODE, (".h", ".cc", ".py", ".sh", ".js", ".ts")):
        name = file.relative_to(root)
        if name.parts[:2] == ("tests", "checks"):
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if SLEEP.search(line):
                found.append(f"{name}:{number}: waits by sleeping: {line.strip()}")
    return found


def readme_problems(root: pathlib.Path) -> list[str]:
    return [f"{f.parent.relative_to(root)}: has no README.md that says what it is for"
            for f in common.files(root, ["src"], ("CMakeLists.txt",))
            if "moq_library(" in f.read_text() and not (f.parent / "README.md").exists()]


def built_problems(root: pathlib.Path, build: pathlib.Path) -> list[str]:
    built = set()
    for entry in json.loads((build / "compile_commands.json").read_text()):
        built.add(os.path.normpath(os.path.join(entry["directory"], entry["file"])))
    return [f"{f.relative_to(root)}: in no target: add it to its folder's CMakeLists.txt"
            for f in common.files(root, ["src", "apps"], (".cc",)) if str(f) not in built]


def unit_problems(root: pathlib.Path) -> list[str]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for file in common.files(root, ["packaging"], (".service",)):
            # What it starts is not installed here.
            text = re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", file.read_text(), flags=re.MULTILINE)
            copy = pathlib.Path(folder, file.name)
            copy.write_text(text)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(copy)],
                                  capture_output=True, text=True)
            said = (done.stdout + done.stderr).replace(f"{folder}/", "packaging/").splitlines()
            found += said or ([f"{file.relative_to(root)}: not accepted"] if done.returncode else [])
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rule", choices=["format", "size", "sleeps", "readmes", "built", "units"])
    parser.add_argument("build", nargs="?", type=pathlib.Path)
    args = parser.parse_args()
    root = common.ROOT
    if args.rule == "format":
        tool = shutil.which("clang-format")
        version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else ""
        if f"version {FORMAT_RELEASE}." not in version:
            print(f"SKIPPED: the format is clang-format {FORMAT_RELEASE}'s; here is: {version or 'none'}")
            sys.exit(common.SKIP_STATUS)
        common.exit_with("format", format_problems(root))
    if args.rule == "size":
        common.exit_with("size", size_problems(root))
    if args.rule == "sleeps":
        common.exit_with("sleeps", sleep_problems(root))
    if args.rule == "readmes":
        common.exit_with("readmes", readme_problems(root))
    if args.rule == "units":
        if shutil.which("systemd-analyze") is None:
            print("SKIPPED: units are checked by systemd-analyze; here is none")
            sys.exit(common.SKIP_STATUS)
        common.exit_with("units", unit_problems(root))
    if args.build is None:
        parser.error("built needs the build folder")
    common.exit_with("built", built_problems(root, args.build.resolve()))


if __name__ == "__main__":
    main()
