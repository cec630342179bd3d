"""What the checks share: the files of the tree, and how findings are reported."""

import os
import pathlib
import sys
from collections.abc import Iterable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Folders with code of ours, from the root.
CODE = ("src", "apps", "tests", "fuzz", "examples", "bench", "web")
SKIP_STATUS = 77  # ctest's SKIP_RETURN_CODE for these checks


def files(root: pathlib.Path, folders: Iterable[str], suffixes: tuple[str, ...]) -> Iterator[pathlib.Path]:
    """Files below `folders` that end in one of `suffixes`, in a fixed order."""
    for folder in folders:
        for where, names, entries in os.walk(root / folder):
            names[:] = sorted(n for n in names if n not in ("build", "node_modules", "__pycache__"))
            for entry in sorted(entries):
                if entry.endswith(suffixes):
                    yield pathlib.Path(where, entry)


def is_test(path: pathlib.Path) -> bool:
    """Whether a file is only ever part of a test."""
    return path.stem.endswith("_test") or "testing" in path.parts or path.parts[:1] == ("tests",)


def report(name: str, problems: list[str]) -> int:
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problem(s)")
    return 1 if problems else 0


def exit_with(name: str, problems: list[str]) -> None:
    sys.exit(report(name, problems))
