#!/usr/bin/env python3
"""Each header compiles alone: it includes what it uses.

  headers.py [--jobs N] [--cache DIR]

A header is checked again only when it, a header of ours that it includes, or the
compiler has changed.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess

import common

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra",
         # As in the build: designated initialisers leave members to their defaults.
         "-Wno-missing-field-initializers", "-Werror", "-x", "c++"]


def closure(root: pathlib.Path, name: str, seen: dict[str, bytes]) -> dict[str, bytes]:
    """The contents of src/`name` and of all of ours that it includes."""
    path = root / "src" / name
    if name not in seen and path.exists():
        seen[name] = path.read_bytes()
        for used in INCLUDE.findall(seen[name].decode()):
            closure(root, used, seen)
    return seen


def check(root: pathlib.Path, compiler: str, name: str, cache: pathlib.Path | None, salt: bytes) -> str:
    """The compiler's complaint about header `name` alone; empty if there is none."""
    stamp = None
    if cache is not None:
        state = hashlib.sha256(salt)
        for used, content in sorted(closure(root, name, {}).items()):
            state.update(used.encode() + b"\0" + hashlib.sha256(content).digest())
        stamp = cache / f"{name.replace('/', '_')}.{state.hexdigest()}"
        if stamp.exists():
            return ""
    done = subprocess.run(
        [compiler, *FLAGS, f"-I{root / 'src'}", "-"],
        input=f'#include "{name}"\n',
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        if stamp is not None:
            stamp.touch()
        return ""
    return f"src/{name}: does not compile alone:\n{done.stderr.rstrip()}"


def problems(root: pathlib.Path, compiler: str = "g++", jobs: int = 1,
             cache: pathlib.Path | None = None) -> list[str]:
    salt = subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout
    salt += " ".join(FLAGS).encode()
    names = [str(f.relative_to(root / "src")) for f in common.files(root, ["src"], (".h",))]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        found = pool.map(lambda name: check(root, compiler, name, cache, salt), names)
        return [text for text in found if text]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--compiler", default="g++")
    cache_home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(cache_home, "moq-headers"))
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    common.exit_with("headers", problems(common.ROOT, args.compiler, args.jobs, args.cache))


if __name__ == "__main__":
    main()
