"""What all of scripts/roll uses: where things are, and how it speaks."""

import pathlib
import shutil
import signal
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

REDRAW_SECONDS = 0.25
SECONDS_BETWEEN_LINES = 5.0


class Problem(Exception):
    """Something went wrong that is no loss: nothing was measured."""


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM."""


def interrupt_once() -> None:
    """The first signal raises Interrupted; what follows is ending already."""
    def raise_once(_number: int, _frame: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, raise_once)


def say(text: str = "") -> None:
    print(text, flush=True)


class Progress:
    """A line that is rewritten in place on a terminal; elsewhere one now and then."""

    def __init__(self, text) -> None:
        self._text = text
        self._over = threading.Event()
        self._terminal = sys.stdout.isatty()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Progress":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._terminal:
            print("\r\x1b[K", end="", flush=True)

    def _run(self) -> None:
        last = float("-inf")
        while not self._over.wait(REDRAW_SECONDS):
            text = self._text()
            if self._terminal:
                print(f"\r\x1b[K{text[:shutil.get_terminal_size().columns - 1]}", end="", flush=True)
            elif time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                say(text)
                last = time.monotonic()
