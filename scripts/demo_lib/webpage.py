"""The demo's web page: made with npm, served to this machine, looked at by --check."""

import errno
import pathlib
import sys
import tempfile

from common import BROADCAST, MOQ, ROOT, WORK, Problem, here, say

sys.path.insert(0, str(ROOT / "web" / "tools"))
import chromium  # noqa: E402
import probe  # noqa: E402
import website  # noqa: E402

OUT = ROOT / "build" / "web"
SCREENSHOT = WORK / "player.png"
FIRST_PORT = 8080
PORTS_TRIED = 50

# What --check wants to see, and how long it watches for it at most.
PICTURES = 40
PACKETS = 60
WATCH_SECONDS = 45.0
SIZE = (1280, 1010)


def build() -> str | None:
    """Brings the page up to date. Why it cannot, if so."""
    if not (OUT / "main.js").exists():
        say("demo: making the web page; the first time fetches its npm packages")
    try:
        website.build(OUT)
    except website.Unavailable as error:
        return str(error)
    return None


def cannot_check() -> str | None:
    """Why nobody can look at the page, if so."""
    return chromium.missing()


def serve(relay_url: str, port: int | None) -> website.Site:
    """Until closed; on `port`, or the first free one from FIRST_PORT on."""
    config = {"relay": relay_url, "broadcast": BROADCAST, "moq": str(MOQ.relative_to(ROOT))}
    for candidate in [port] if port is not None else range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        try:
            return website.Site(OUT, config, candidate)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    if port is not None:
        raise Problem(f"port {port} is taken, or not ours to take",
                      "give another with --web-port, or leave --web-port out: then a free one is found")
    raise Problem(f"no port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is free", "give one with --web-port")


def check(url: str) -> None:
    """Opens the page in a headless Chromium of its own, and raises a Problem
    unless the player plays: moving pictures, and sound."""
    SCREENSHOT.unlink(missing_ok=True)
    try:
        with (tempfile.TemporaryDirectory(prefix="moq-chromium-", ignore_cleanup_errors=True) as folder,
              chromium.Browser(pathlib.Path(folder), size=SIZE) as browser):
            page = probe.open_page(browser, url)
            page.click("#mute")
            seen = probe.play(page, PICTURES, PACKETS, WATCH_SECONDS)
            page.screenshot(SCREENSHOT)
            wrong = seen.wrong()
            said = page.said().splitlines()
    except (chromium.BrowserError, TimeoutError) as error:
        raise Problem("the web page could not be looked at", *str(error).splitlines()) from None
    say(f"  in Chromium: {seen}")
    say(f"  screenshot: {here(SCREENSHOT)}")
    if wrong:
        raise Problem("the web page's player does not play as it should", *wrong, *said)
