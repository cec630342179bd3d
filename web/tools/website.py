#!/usr/bin/env python3
"""Makes the web page of this folder, and serves it to this machine.

  website.py build OUT                  npm packages, then the page into the folder OUT
  website.py serve OUT --relay URL      serves it until Ctrl-C, on --port [default: 8080]

Without the npm packages (no network, no npm) `build` exits 77 and says why.
"""

import argparse
import contextlib
import functools
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence

WEB = pathlib.Path(__file__).resolve().parents[1]
SOURCE = WEB / "src"
MODULES = WEB / "node_modules"
SKIP_STATUS = 77
# For the package registry.
INSTALL_SECONDS = 600
BUNDLE_SECONDS = 120
OLDEST_NODE = 18
TARGET = "chrome120"

# What the page does not change while it runs; everything else is made by bundle().
STATIC = ("index.html",)
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".json": "application/json", ".map": "application/json",
         ".svg": "image/svg+xml", ".mp4": "video/mp4"}


class Unavailable(Exception):
    """What the page is made with is not there, and cannot be had."""


def _run(command: Sequence[object], seconds: float, **options: object) -> str:
    """Its output; Unavailable with the end of it when it fails."""
    try:
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False, **options)
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} did not finish within {seconds:.0f} s") from None
    if done.returncode != 0:
        raise Unavailable("\n".join([f"{command[0]} failed:", *done.stdout.splitlines()[-12:]]))
    return done.stdout


def packages() -> None:
    """Installs what package-lock.json names, unless it is there."""
    release = _run(["node", "--version"], 60).strip()
    if int(release.lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise Unavailable(f"node is {release}; {OLDEST_NODE} or later is needed")
    wanted = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / "installed-by-website.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    # No package needs its install script: esbuild's program is a package of its own.
    try:
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=2",
              "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=10000"], INSTALL_SECONDS, cwd=WEB)
    except Unavailable as error:
        raise Unavailable(f"the npm packages of web/ could not be fetched: is there a network?\n{error}") from None
    stamp.write_text(wanted)


def bundle(entries: Sequence[pathlib.Path], out: pathlib.Path) -> None:
    """Each entry (.js, .css) with all that it imports, as one file of its name in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    _run([MODULES / ".bin" / "esbuild", *entries, "--bundle", "--format=esm", "--minify", "--sourcemap",
          f"--target={TARGET}", f"--outdir={out}", "--log-level=warning"], BUNDLE_SECONDS, cwd=WEB,
         env=os.environ | {"NODE_PATH": str(MODULES)})


def build(out: pathlib.Path) -> None:
    """The page, in the folder `out`."""
    packages()
    bundle([SOURCE / "main.js", SOURCE / "style.css"], out)
    for name in STATIC:
        shutil.copyfile(SOURCE / name, out / name)


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Static files and config.json, the same answers each time."""

    protocol_version = "HTTP/1.1"
    extensions_map = TYPES | {"": "application/octet-stream"}

    def __init__(self, *arguments: object, config: dict[str, object], **options: object) -> None:
        self._config = json.dumps(config).encode()
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        if self.path.split("?")[0] != "/config.json":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", TYPES[".json"])
        self.send_header("Content-Length", str(len(self._config)))
        self.end_headers()
        self.wfile.write(self._config)

    def end_headers(self) -> None:
        # With these two the player may share memory with the audio thread.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, _path: str) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


class Site(contextlib.AbstractContextManager):
    """Serves a folder on 127.0.0.1, with `config` as /config.json, until closed.
    Port 0 is any free one."""

    def __init__(self, folder: pathlib.Path, config: dict[str, object], port: int = 0) -> None:
        handler = functools.partial(_Handler, directory=str(folder), config=config)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://localhost:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __exit__(self, *_: object) -> None:
        self.close()


def main() -> int:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("verb", choices=["build", "serve"])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--relay", default="http://127.0.0.1:4443/", help="what the page connects to")
    parser.add_argument("--broadcast", default="demo", help="what it plays at first")
    parser.add_argument("--port", type=int, default=8080)
    args = parser.parse_args()
    if args.verb == "build":
        try:
            build(args.out.resolve())
        except Unavailable as error:
            print(f"SKIPPED: {error}")
            return SKIP_STATUS
        return 0
    with Site(args.out.resolve(), {"relay": args.relay, "broadcast": args.broadcast}, args.port) as site:
        print(f"{site.url} until Ctrl-C", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
