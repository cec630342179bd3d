#!/usr/bin/env python3
"""Runs clang-tidy over our translation units, skipping what it has passed before.

A unit's key is a hash of everything of ours that its result depends on: its
compile command, .clang-tidy, the tool's version, and the contents of its source
and of each header of this repository that it includes (from ninja's dependency
log). Keys that passed are kept in --cache, so that a unit is checked again only
when it could give another answer.

  tidy.py --build build/dev [--jobs N] [--budget SECONDS] [PATH...]

With --budget, units not begun within it are left for another run, and named.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def project_dependencies(build: pathlib.Path) -> dict[str, list[str]]:
    """Object file -> files of this repository that it was built from."""
    text = subprocess.run(
        ["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True, check=True
    ).stdout
    deps: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if line.startswith("    "):
            path = os.path.normpath(os.path.join(build, line.strip()))
            if path.startswith(f"{ROOT}/") and not path.startswith(f"{build}/"):
                current.append(path)
        elif ":" in line:
            current = deps.setdefault(line.split(":")[0], [])
    return deps


def digest(parts: list[bytes]) -> str:
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def units(build: pathlib.Path, only: list[str]) -> list[tuple[str, str]]:
    """(file, key) of each of our units, without duplicates."""
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    config = (ROOT / ".clang-tidy").read_bytes()
    deps = project_dependencies(build)
    contents: dict[str, bytes] = {}

    def read(path: str) -> bytes:
        if path not in contents:
            contents[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).digest()
        return contents[path]

    found: dict[str, str] = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        if file in found or not file.startswith(f"{ROOT}/") or file.startswith(f"{build}/"):
            continue
        name = os.path.relpath(file, ROOT)
        if only and not any(name == o or name.startswith(o.rstrip("/") + "/") for o in only):
            continue
        command = entry["command"].replace(str(ROOT), "")
        used = sorted(set(deps.get(entry.get("output", ""), [])) | {file})
        parts = [version, config, command.encode()]
        for path in used:
            if os.path.exists(path):
                parts += [os.path.relpath(path, ROOT).encode(), read(path)]
        found[file] = digest(parts)
    return sorted(found.items())


def check(build: pathlib.Path, file: str) -> tuple[int, str]:
    done = subprocess.run(
        ["clang-tidy", "--quiet", "-p", str(build), file],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    noise = ("warnings generated.", "warning generated.", "Suppressed ", "Use -header-filter")
    lines = [line for line in done.stdout.splitlines() + done.stderr.splitlines()
             if not line.startswith(noise) and not line.endswith(noise)]
    return done.returncode, "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--budget", type=float, default=float("inf"))
    cache_home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(cache_home, "moq-tidy"))
    parser.add_argument("paths", nargs="*", help="files or folders, from the repository's root")
    args = parser.parse_args()
    build = args.build.resolve()
    args.cache.mkdir(parents=True, exist_ok=True)

    everything = units(build, args.paths)
    todo = [(file, key) for file, key in everything if not (args.cache / key).exists()]
    # Newest first: what is being worked on is what should be looked at.
    todo.sort(key=lambda item: -os.stat(item[0]).st_mtime)
    start = time.monotonic()
    failed: list[str] = []
    left: list[str] = []

    def run(item: tuple[str, str]) -> None:
        file, key = item
        name = os.path.relpath(file, ROOT)
        if time.monotonic() - start > args.budget:
            left.append(name)
            return
        status, text = check(build, file)
        if status == 0:
            (args.cache / key).touch()
            print(f"ok      {name}", flush=True)
        else:
            failed.append(name)
            print(f"FAILED  {name}\n{text}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(run, todo))
    print(
        f"clang-tidy: {len(everything)} files, {len(everything) - len(todo)} unchanged since they "
        f"passed, {len(todo) - len(left) - len(failed)} passed now, {len(failed)} failed, "
        f"{len(left)} left for another run (the time of {args.budget} s is up)"
        if left
        else f"clang-tidy: {len(everything)} files, {len(failed)} failed"
    )
    for name in sorted(left):
        print(f"not checked: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
