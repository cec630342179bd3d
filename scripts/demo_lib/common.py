"""What all of the demo uses: where things are, how it speaks, how it is interrupted."""

import contextlib
import os
import pathlib
import shutil
import signal
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "demo"
BUILD = ROOT / "build" / "release"
RELAY = BUILD / "apps" / "moq-relay" / "moq-relay"
MOQ = BUILD / "apps" / "moq" / "moq"
BROADCAST = "demo"

LOG_TAIL_LINES = 8


class Problem(Exception):
    """Something went wrong: what, and what to do about it."""

    def __init__(self, what: str, *remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM, outside of what may not be interrupted."""


def here(path: pathlib.Path) -> str:
    """A path as it is typed from the current folder."""
    return os.path.relpath(path) if path.is_relative_to(pathlib.Path.cwd()) else str(path)


def say(text: str = "") -> None:
    print(text, flush=True)


def clean_environment() -> dict[str, str]:
    """Ours, without what would change the settings of the programs that we start."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith("MOQ_") and name not in ("RUST_LOG", "NOTIFY_SOCKET")}


def tail(log: pathlib.Path) -> list[str]:
    """The last lines of a log, indented; empty if there is none."""
    with contextlib.suppress(OSError):
        return ["  | " + line for line in log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]]
    return []


class LiveLine:
    """One line that is rewritten in place on a terminal; elsewhere a line now and then."""

    SECONDS_BETWEEN_LINES = 5.0

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._shown = False
        self._last = float("-inf")

    def show(self, now: float, text: str) -> None:
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{text[:width]}", end="", flush=True)
            self._shown = True
        elif now - self._last >= self.SECONDS_BETWEEN_LINES:
            say(text)
            self._last = now

    def end(self) -> None:
        if self._shown:
            say()
        self._shown = False


class Signals:
    """SIGINT, SIGTERM and SIGHUP raise Interrupted, once; later ones are counted,
    for whoever is cleaning up."""

    def __init__(self) -> None:
        self.count = 0
        self._held = 0
        self._raised = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup's wish is kept.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.count += 1
        if not self._held:
            self._raise_once()

    def _raise_once(self) -> None:
        if not self._raised:
            self._raised = True
            raise Interrupted

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What may not be cut short: an interruption comes after it."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self.count and not self._held:
            self._raise_once()

    def hold_for_good(self) -> None:
        """From now on signals only count: the end has begun."""
        self._held += 1
