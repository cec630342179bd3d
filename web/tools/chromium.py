"""Headless Chromium, driven over a pipe with its DevTools protocol; standard library only.

    with Browser(folder) as browser:
        page = browser.open("http://localhost:8080/")
        title = page.evaluate("document.title")
"""

import base64
import contextlib
import ctypes
import fcntl
import itertools
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import threading
from typing import Any

PROGRAM = "chromium"
# Longest wait for Chromium to start, or to answer what it can answer at once.
ANSWER_SECONDS = 60.0
CLOSE_SECONDS = 20.0
# Lines of a page's console and of Chromium's log that are kept for a failure's message.
KEPT_LINES = 200

FLAGS = (
    "--headless", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-gpu", "--disable-extensions",
    "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars", "--password-store=basic",
    # A page that nobody looks at is not slowed down.
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    # Fetches nothing by itself, and never asks a proxy for what is on this machine.
    "--no-proxy-server",
)
# Chromium's pictures of a coloured test pattern and its beep, instead of devices.
FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class BrowserError(Exception):
    """Chromium, or the page, did not do what it was asked to."""


def missing() -> str | None:
    """What has to be installed before a Browser can be started; None if nothing."""
    return None if shutil.which(PROGRAM) else f"{PROGRAM} is not installed"


def _prepare_child() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Page:
    """One tab."""

    def __init__(self, browser: "Browser", target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session
        self.console: list[str] = []

    def command(self, method: str, seconds: float = ANSWER_SECONDS, **parameters: object) -> dict[str, Any]:
        return self._browser.command(method, seconds, self._session, **parameters)

    def evaluate(self, expression: str, seconds: float = ANSWER_SECONDS) -> Any:
        """What JavaScript makes of it, as JSON can carry it; a promise is awaited."""
        try:
            answer = self.command("Runtime.evaluate", seconds, expression=expression, awaitPromise=True,
                                  returnByValue=True, userGesture=True)
        except TimeoutError:
            raise BrowserError(f"after {seconds} s there is no answer to: {expression.strip()[:200]}\n"
                               f"{self.said()}") from None
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details.get("exception", {}).get("value")
            raise BrowserError(f"{text or details.get('text')}\n{self.said()}")
        return answer["result"].get("value")

    def screenshot(self, file: pathlib.Path, kind: str = "png", **parameters: object) -> pathlib.Path:
        """What the tab shows, as a PNG, or a JPEG (kind="jpeg", quality=80)."""
        answer = self.command("Page.captureScreenshot", format=kind, **parameters)
        file.write_bytes(base64.b64decode(answer["data"]))
        return file

    def click(self, selector: str) -> None:
        """A real click in the middle of an element, which counts as the user's."""
        x, y = self.evaluate(f"""(() => {{
            const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def close(self) -> None:
        """The tab goes, as when a user closes it."""
        self._browser.command("Target.closeTarget", targetId=self._target)

    def said(self) -> str:
        """The page's console, for a failure's message."""
        return "\n".join(["the page's console:", *(self.console[-KEPT_LINES:] or ["(nothing)"])])

    def _on_event(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Runtime.consoleAPICalled":
            values = [str(a.get("value", a.get("description", a.get("type")))) for a in parameters["args"]]
            self.console.append(f"{parameters['type']}: {' '.join(values)}")
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.console.append("uncaught: " + str(details.get("exception", {}).get("description",
                                                                                  details.get("text"))))
        elif method == "Log.entryAdded":
            self.console.append(f"{parameters['entry']['level']}: {parameters['entry']['text']}")
        elif method == "Inspector.targetCrashed":
            self.console.append("the page has crashed")
        del self.console[:-KEPT_LINES]


class Browser:
    """A Chromium of its own, with a profile of its own below `folder`, which has to exist.
    Use it in a `with`: what it started is ended there, whatever happens."""

    def __init__(self, folder: pathlib.Path, *flags: str, size: tuple[int, int] = (1280, 900)) -> None:
        self._size = size
        self._log = folder / "chromium.log"
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue] = {}
        self._pages: dict[str, Page] = {}
        self._lock = threading.Lock()
        self._ended = False
        command = [PROGRAM, *FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else []), "--remote-debugging-pipe",
                   f"--user-data-dir={folder / 'profile'}", f"--window-size={size[0]},{size[1]}", *flags,
                   "about:blank"]
        # Chromium reads commands from descriptor 3 and writes answers to 4; these two
        # must not be those numbers themselves.
        read_commands, self._commands = os.pipe()
        self._events, write_events = os.pipe()
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (read_commands, write_events)]
        os.close(read_commands)
        os.close(write_events)
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    ["bash", "-c", f'exec "$@" 3<&{high[0]} 4>&{high[1]} {high[0]}<&- {high[1]}>&-', "bash", *command],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=high, start_new_session=True,
                    preexec_fn=_prepare_child)
        finally:
            for fd in high:
                os.close(fd)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process_id(self) -> int:
        return self._process.pid

    def command(self, method: str, seconds: float = ANSWER_SECONDS, session: str | None = None,
                **parameters: object) -> dict[str, Any]:
        """One command of the DevTools protocol; TimeoutError without an answer in time."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        answers: queue.SimpleQueue = queue.SimpleQueue()
        with self._lock:
            if self._ended:
                raise BrowserError(f"chromium has ended\n{self.log()}")
            self._answers[number] = answers
        data = json.dumps(message).encode() + b"\0"
        try:
            while data:
                data = data[os.write(self._commands, data):]
            answer = answers.get(timeout=seconds)
        except BrokenPipeError:
            answer = None
        except queue.Empty:
            raise TimeoutError(f"chromium does not answer {method}") from None
        finally:
            with self._lock:
                self._answers.pop(number, None)
        if answer is None:
            raise BrowserError(f"chromium ended before it answered {method}\n{self.log()}")
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def open(self, url: str, seconds: float = ANSWER_SECONDS) -> Page:
        """A new tab, once it has loaded."""
        target = self.command("Target.createTarget", seconds, url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", seconds, targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, target, session)
        for domain in ("Runtime", "Log", "Page", "Inspector"):
            page.command(f"{domain}.enable", seconds)
        page.command("Emulation.setDeviceMetricsOverride", seconds, width=self._size[0], height=self._size[1],
                     deviceScaleFactor=1, mobile=False)
        answer = page.command("Page.navigate", seconds, url=url)
        if "errorText" in answer:
            raise BrowserError(f"{url}: {answer['errorText']}")
        page.evaluate("""new Promise(resolve => document.readyState === 'complete'
            ? resolve() : addEventListener('load', () => resolve(), {once: true}))""", seconds)
        return page

    def log(self) -> str:
        """The end of what Chromium said itself."""
        with contextlib.suppress(OSError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-KEPT_LINES:])
        return ""

    def close(self) -> None:
        """Asks it to end, and its whole process group with it."""
        with contextlib.suppress(BrowserError, TimeoutError):
            self.command("Browser.close", 5.0)
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        # Its helpers may outlive it a moment; the group is ours alone.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(CLOSE_SECONDS)
        with contextlib.suppress(OSError):
            os.close(self._commands)

    def _read(self) -> None:
        rest = bytearray()
        with contextlib.suppress(OSError):
            while data := os.read(self._events, 1 << 16):
                rest += data
                *whole, last = rest.split(b"\0") if b"\0" in data else (rest,)
                rest = bytearray(last)
                for message in whole:
                    self._take(json.loads(message))
        with self._lock:
            self._ended = True
            for answers in self._answers.values():
                answers.put(None)
        os.close(self._events)

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            with self._lock:
                answers = self._answers.get(message["id"])
            if answers is not None:
                answers.put(message)
            return
        page = self._pages.get(message.get("sessionId", ""))
        if page is not None:
            page._on_event(message["method"], message["params"])
