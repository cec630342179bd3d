#!/usr/bin/env python3
"""Dependencies go down the layers only: by #include, and by CMake link targets.

  layers.py [--links FILE]

FILE has a line "target|folder|source;source|link;link" for each library; CMake
writes it when it configures the tests.
"""

import argparse
import pathlib
import re

import common

# What a layer's code may use, besides itself and whatever those may use.
# docs/architecture.md explains the layers.
LAYERS: dict[str, tuple[str, ...]] = {
    "src/net/base": (),
    "src/net/coding": ("src/net/base",),
    "src/net/transport": ("src/net/base",),
    "src/net/model": ("src/net/base",),
    "src/net/splice": ("src/net/model",),
    "src/net/protocol": ("src/net/model", "src/net/transport"),
    "src/net/lite": ("src/net/protocol", "src/net/coding"),
    "src/net/ietf": ("src/net/protocol", "src/net/coding"),
    "src/net/session": ("src/net/lite", "src/net/ietf"),
    "src/native/io": ("src/net/base",),
    "src/native/tls": ("src/native/io",),
    "src/native/quic": ("src/native/io", "src/native/tls", "src/net/transport"),
    "src/native/http3": ("src/native/quic", "src/net/coding"),
    "src/native/qmux": ("src/native/io", "src/native/tls", "src/net/transport"),
    "src/native/client": ("src/native/quic", "src/native/http3", "src/native/qmux", "src/net/session", "src/net/splice"),
    "src/native/server": ("src/native/quic", "src/native/http3", "src/native/qmux", "src/net/session"),
    "src/media": ("src/net/model",),
    "src/token": ("src/net/model",),
    "src/relay": ("src/native/client", "src/native/server", "src/token"),
}

# src/net is driven by calls: whatever could wait, ask a clock, throw dice or
# reach the network stays out of it.
NOT_IN_NET = re.compile(
    r"""\#\s*include\s*<(?:
        thread|mutex|shared_mutex|condition_variable|future|semaphore|random|iostream|fstream
        |sys/.*|netinet/.*|arpa/.*|net/.*|unistd\.h|fcntl\.h|poll\.h|signal\.h|time\.h
        |boost/asio.*|boost/beast.*|ngtcp2/.*|nghttp3/.*|gnutls/.*|openssl/.*|spdlog/.*|libav.*
    )>
    | \b(?:steady_clock|system_clock|high_resolution_clock)::now | \brandom_device\b""",
    re.VERBOSE,
)
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def may_use(layer: str) -> set[str]:
    """The layers that `layer` may use, with all that those may use, and itself."""
    seen = {layer}
    todo = [layer]
    while todo:
        for below in LAYERS[todo.pop()]:
            if below not in seen:
                seen.add(below)
                todo.append(below)
    return seen


def layer_of(path: str) -> str | None:
    """The layer that a file (from the root) belongs to; none outside of src."""
    for layer in LAYERS:
        if path.startswith(layer + "/"):
            return layer
    return None


def include_problems(root: pathlib.Path) -> list[str]:
    problems = []
    for file in common.files(root, ["src", "apps"], (".h", ".cc")):
        name = file.relative_to(root)
        layer = layer_of(str(name))
        if layer is None and name.parts[0] == "src":
            problems.append(f"{name}: belongs to no layer; add its folder to tests/checks/layers.py")
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            where = f"{name}:{number}"
            if name.parts[:2] == ("src", "net") and not common.is_test(name) and NOT_IN_NET.search(line):
                problems.append(f"{where}: src/net does no I/O and has no clock: {line.strip()}")
            match = INCLUDE.match(line)
            if not match:
                continue
            used = match.group(1)
            if "/testing/" in used and not common.is_test(name):
                problems.append(f"{where}: code that ships includes a test's helper: {used}")
            target = next((p for p in (f"src/{used}", f"apps/{used}") if (root / p).exists()), None)
            if target is None:
                if not (root / "tests" / used).exists():
                    problems.append(f"{where}: no such header from src/: {used}")
                continue
            if layer is not None and layer_of(target) not in may_use(layer):
                problems.append(f"{where}: {layer} may not use {layer_of(target) or target}")
    return problems


def link_problems(root: pathlib.Path, links: str) -> list[str]:
    libraries = {}
    for line in links.splitlines():
        target, folder, sources, linked = line.split("|")
        files = [str(pathlib.Path(folder, s).relative_to(root)) if not s.startswith("/")
                 else str(pathlib.Path(s).relative_to(root)) for s in sources.split(";") if s]
        layers = {layer_of(f) for f in files}
        libraries[target] = (layers, [t for t in linked.split(";") if t.startswith("moq_")])
    problems = []
    for target, (layers, linked) in libraries.items():
        if len(layers) != 1 or None in layers:
            problems.append(f"{target}: its files are of {len(layers)} layers: {sorted(map(str, layers))}")
            continue
        layer = next(iter(layers))
        for other in linked:
            for used in libraries.get(other, (set(), []))[0]:
                if used not in may_use(layer):
                    problems.append(f"{target}: {layer} may not link {other} of {used}")
    return problems


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--links", type=pathlib.Path)
    args = parser.parse_args()
    problems = include_problems(common.ROOT)
    if args.links:
        problems += link_problems(common.ROOT, args.links.read_text())
    common.exit_with("layers", problems)


if __name__ == "__main__":
    main()
