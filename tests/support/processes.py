"""Runs programs, and waits for what they say or do."""

import contextlib
import os
import pathlib
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

# The longest wait for what must come; sanitized programs on a busy machine are slow.
SECONDS = 60


class Lines:
    """Lines that arrive from elsewhere, kept; readers wait for one that matches."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()

    def add(self, line: str) -> None:
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def all(self) -> list[str]:
        with self._changed:
            return list(self._lines)

    def expect(self, pattern: str, seconds: float = SECONDS, skip: int = 0, count: int = 1) -> re.Match[str]:
        """The match of `pattern` in the `count`th line, from line `skip` on, that has one."""
        found = None

        def look() -> bool:
            nonlocal found, skip, count
            while found is None and skip < len(self._lines):
                match = re.search(pattern, self._lines[skip])
                skip += 1
                count -= match is not None
                found = match if count == 0 else None
            return found is not None or self._ended

        with self._changed:
            in_time = self._changed.wait_for(look, seconds)
            if found is not None:
                return found
            why = "ended" if in_time else f"waited {seconds} s"
            raise AssertionError(f"{why} without {pattern!r}; there was:\n" + "\n".join(self._lines[-40:]))


def read_lines(fd: int, lines: Lines, log: Callable[[bytes], object] = lambda _: None) -> threading.Thread:
    """Reads `fd`, which becomes the thread's, to its end."""

    def run() -> None:
        rest = b""
        with contextlib.suppress(OSError):  # what a terminal's end reads as
            while data := os.read(fd, 65536):
                log(data)
                *whole, rest = re.split(rb"[\r\n]+", rest + data)
                for line in whole:
                    lines.add(line.decode(errors="replace"))
        if rest:
            lines.add(rest.decode(errors="replace"))
        lines.end()
        os.close(fd)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


class Process:
    """A running program. What it writes to standard error is in `errors`; to
    standard output in `output`, unless that was sent to a file."""

    def __init__(self, arguments: Sequence[str | os.PathLike], *, stdin: int = subprocess.DEVNULL,
                 stdout: pathlib.Path | None = None, environment: Mapping[str, str] | None = None,
                 terminal: bool = False) -> None:
        self.name = pathlib.Path(arguments[0]).name
        self.output, self.errors = Lines(), Lines()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MOQ_", "RUST_LOG", "NOTIFY_"))}
        errors_in, errors_out = pty.openpty() if terminal else os.pipe()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, errors_out)
            out = stack.enter_context(open(stdout, "wb")) if stdout else subprocess.PIPE
            self._process = subprocess.Popen(arguments, stdin=stdin, stdout=out, stderr=errors_out,
                                             env=inherited | dict(environment or {}))
        self._readers = [read_lines(errors_in, self.errors)]
        if self._process.stdout is not None:
            with self._process.stdout as pipe:
                self._readers.append(read_lines(os.dup(pipe.fileno()), self.output))

    @property
    def stdin(self):
        return self._process.stdin

    @property
    def process_id(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float = SECONDS) -> int:
        """Its exit status; all that it wrote has been read then."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {seconds} s:\n{self.text()}") from None
        for reader in self._readers:
            reader.join(seconds)
        return status

    def text(self) -> str:
        """The end of what it wrote, except to a file."""
        return "\n".join(self.errors.all()[-60:] + self.output.all()[-60:])

    def kill(self) -> None:
        if self.running():
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
