"""The page that a relay shows to its operator, in a real Chromium: during live video, and in a drain."""

import contextlib
import http.client
import os
import pathlib
import subprocess
import unittest

import case
import chromium
import media
import processes
import relay

SECONDS = 90
SIZES = ((1280, 900), (390, 844))
# A page that took this for more than a name would ask for a picture, or stop for good.
HOSTILE = "<img src=x onerror=alert(1)>"
VIEWERS = (("moq-lite-05", "https"), ("moq-lite-04", "moqt"), ("moq-transport-18", "moqt"))
# Seconds of traffic in the pictures.
DRAWN = 15


class LivePage(case.Case):
    def ask(self, method: str, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=processes.SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path)
            return connection.getresponse()

    def guests(self, server: relay.Relay, count: int) -> processes.Process:
        """Sessions that stay, whatever they are told, until their standard input ends."""
        program = self.keep(processes.Process([os.environ["TEST_GUESTS"], "--url", server.url(), "--count", str(count)],
                                              stdin=subprocess.PIPE))
        program.output.expect("^ready", count=count)
        return program

    def until(self, page: chromium.Page, condition: str) -> None:
        """Waits for what the page itself shows; it writes something each second."""
        page.evaluate(f"""new Promise(resolve => {{
            const watcher = new MutationObserver(() => look());
            const look = () => {{ if ({condition}) {{ watcher.disconnect(); resolve(); }} }};
            watcher.observe(document, {{subtree: true, childList: true, characterData: true, attributes: true}});
            look();
        }})""", SECONDS)

    def pictures(self, page: chromium.Page, name: str) -> None:
        """One for each size, in which nothing is wider than the screen."""
        folder = pathlib.Path(os.environ["TEST_PAGES"])
        folder.mkdir(parents=True, exist_ok=True)
        for width, height in SIZES:
            page.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                         mobile=False)
            page.evaluate("new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
            page.screenshot(folder / f"live-{name}-{width}.png")
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width, name)

    @staticmethod
    def text(page: chromium.Page, selector: str) -> str:
        return page.evaluate(f"document.querySelector('{selector}').textContent")

    @staticmethod
    def cells(page: chromium.Page, table: str, column: str) -> list[str]:
        return page.evaluate(f"[...document.querySelectorAll('#{table} td.{column}')].map(cell => cell.textContent)")

    def test_shows_live_video_and_a_drain(self):
        source = media.make(self.folder / "source.mp4", 2 * SECONDS)
        self.operator = relay.free_port()
        server = self.relay(head=f"internal.listen = {self.operator}")
        for name in ("live", HOSTILE):
            self.moq(server.url(), "import", "--realtime", str(source), broadcast=name)
        for version, scheme in VIEWERS:
            self.moq(server.url(scheme=scheme), "export", "fmp4", version=version, stdout=pathlib.Path(os.devnull))
        staying, leaving = self.guests(server, 3), self.guests(server, 2)
        present = 2 + len(VIEWERS) + 3 + 2

        answer = self.ask("GET", "/")
        self.assertEqual(answer.status, 200)
        self.assertIn("default-src 'none'", answer.getheader("Content-Security-Policy", ""))
        profile = self.folder / "chromium"
        profile.mkdir()
        browser = chromium.Browser(profile, size=SIZES[0])
        self.addCleanup(browser.close)
        page = browser.open(f"http://127.0.0.1:{self.operator}/")

        self.live_video(page, present)
        self.drain(page, leaving)
        wrong = [line for line in page.console if line.startswith(("error", "warning", "uncaught", "the page"))]
        self.assertEqual(wrong, [], "the page's console")

        server.kill()
        self.until(page, "!document.querySelector('#away').hidden")
        self.assertIn("cannot be reached", self.text(page, "#away"))
        self.assertNotEqual(self.cells(page, "sessions", "peer"), [], "the last values stay")
        staying.stdin.close()

    def live_video(self, page: chromium.Page, present: int) -> None:
        self.until(page, f"document.querySelectorAll('#sessions tbody tr').length === {present}")
        for tile, number in (("sessions", present), ("viewers", len(VIEWERS)), ("publishers", 2)):
            self.until(page, f"document.querySelector('#tile-{tile}').textContent === '{number}'")
        for tile in ("in", "out", "frames"):
            self.until(page, f"parseFloat(document.querySelector('#tile-{tile}').textContent) > 0")
        self.until(page, "[...document.querySelectorAll('#sessions td.out')]"
                         f".filter(cell => /[kM]bit/.test(cell.textContent)).length >= {len(VIEWERS)}")
        self.until(page, "document.querySelectorAll('#broadcasts tbody tr').length === 2")
        self.assertEqual(self.text(page, "#phase"), "Running")
        self.assertIn(HOSTILE, self.cells(page, "broadcasts", "path"))
        self.assertEqual(page.evaluate("document.images.length"), 0)
        self.assertLessEqual({version for version, _ in VIEWERS}, set(self.cells(page, "sessions", "version")))
        self.until(page, "document.querySelector('#tile-out ~ svg path').getAttribute('d')"
                         f".split('L').length > {DRAWN}")
        self.pictures(page, "running")

    def drain(self, page: chromium.Page, leaving: processes.Process) -> None:
        """Some have left by themselves, some have been told and stay."""
        self.assertEqual(self.ask("POST", "/drain?spread=60s&timeout=180s").status, 202)
        self.until(page, "document.querySelector('#phase').textContent === 'Draining'")
        leaving.stdin.close()
        self.until(page, "Number(document.querySelector('#progress').getAttribute('aria-valuenow')) >= 2")
        self.until(page, "document.querySelectorAll('#sessions td.told:not(.none)').length >= 1")
        self.assertRegex(self.text(page, "#here"), r"^\d+ of \d+ sessions still here$")
        self.assertRegex(self.text(page, "#time"), r"\d.* left$")
        self.pictures(page, "draining")


if __name__ == "__main__":
    unittest.main()
