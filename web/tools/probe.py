"""Opens the demo's page, and sees whether its player really plays: see probe.js."""

import dataclasses
import json
import pathlib

from chromium import Browser, Page

PROBE = pathlib.Path(__file__).with_name("probe.js")


@dataclasses.dataclass
class Seen:
    """What was seen and heard until enough was, or the time was up."""
    pictures: int   # that differ, and are not black
    black: int      # looks at a black picture
    frames: int     # received
    packets: int    # of sound
    loudest: float  # sample, of 1
    width: int
    height: int
    done: bool      # there was enough of all that was wanted
    version: str | None = None
    transport: str | None = None

    def __str__(self) -> str:
        return (f"{self.pictures} different pictures of {self.width}x{self.height}, {self.packets} packets of sound "
                f"(loudest sample {self.loudest:.2f}), by {self.version} over {self.transport}")

    def wrong(self) -> list[str]:
        """In words; empty if it plays."""
        if self.done:
            return []
        found = []
        if self.frames == 0:
            found.append("no frame of video has arrived")
        elif self.pictures == 0:
            found.append(f"the picture is black; {self.frames} frames have arrived")
        elif self.pictures < 2:
            found.append(f"the picture does not change; {self.frames} frames have arrived")
        if self.packets == 0:
            found.append("no packet of sound has arrived")
        elif self.loudest <= 0.01:
            found.append(f"there is silence, though {self.packets} packets of sound have arrived")
        return found or [f"too little in the time: {self}"]


def open_page(browser: Browser, url: str) -> Page:
    """The demo's page in a new tab, once it can be clicked."""
    page = browser.open(url)
    page.evaluate("""new Promise(resolve => {
        const root = document.documentElement;
        const look = () => 'ready' in root.dataset && resolve();
        new MutationObserver(look).observe(root, { attributes: true });
        look();
    })""")
    return page


def play(page: Page, pictures: int = 40, packets: int = 60, seconds: float = 30.0) -> Seen:
    """Watches until so many different pictures and packets of sound have come."""
    wanted = {"pictures": pictures, "packets": packets, "milliseconds": seconds * 1000}
    return Seen(**page.evaluate(f"({PROBE.read_text()})({json.dumps(wanted)})", seconds + 30.0))
