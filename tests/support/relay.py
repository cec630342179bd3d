"""Starts what the clients connect to, says when it is ready and what it tells."""

import contextlib
import http.client
import os
import pathlib
import random
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator

import processes

READY_SECONDS = 30
STOP_SECONDS = 30
# Ports of relays are from there on, and below those that the kernel gives.
FIRST_PORT = 10000
PORTS_TRIED = 100
# A test that asks for two means two, though it has opened neither yet.
given: set[int] = set()


def free_port() -> int:
    """A UDP and TCP port that nobody has, nor gets without asking for this one: before a
    relay is there, and while none is, clients take ports."""
    least = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(FIRST_PORT, least), PORTS_TRIED):
        with (socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp,
              socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tcp, contextlib.suppress(OSError)):
            udp.bind(("::", port))
            tcp.bind(("::", port))
            if port not in given:
                given.add(port)
                return port
    raise RuntimeError(f"no port from {FIRST_PORT} to {least - 1} is free")


def configuration(port: int, workers: int = 1, tls: str = 'generate = ["localhost"]', server: str = "",
                  quic: str = "", auth: str = 'public = ""', head: str = "", log: str = "", tail: str = "") -> str:
    """A relay.toml; `tls`, `server`, `quic`, `auth` and `log` are lines of their tables, `head` those before
    all tables, `tail` those behind."""
    return "\n".join([
        *filter(None, [head]),
        "[log]", 'level = "debug"', *filter(None, [log]),
        "[server]", f'bind = "[::]:{port}"', f"workers = {workers}", *filter(None, [server]),
        "[server.tls]", tls,
        *(["[server.quic]", quic] if quic else []),
        "[web.http]", f'listen = "[::]:{port}"',
        "[auth]", auth, *filter(None, [tail]), ""])


class Notifications:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path: pathlib.Path) -> None:
        self.lines = processes.Lines()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while message := self._socket.recv(4096):
                for line in message.decode().splitlines():
                    self.lines.add(line)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Relay(processes.Process):
    """A moq-relay, which may not be ready yet."""

    def __init__(self, binary: str, folder: pathlib.Path, port: int, text: str) -> None:
        self.port = port
        self._made_of = (binary, folder, text)
        self.notifications = Notifications(folder / "notify")
        self.file = folder / "relay.toml"
        self.file.write_text(text)
        super().__init__([binary, self.file], environment={"NOTIFY_SOCKET": str(folder / "notify")})

    def again(self) -> "Relay":
        """Another life of one that has ended, at the same port."""
        binary, folder, text = self._made_of
        folder = folder / "again"
        folder.mkdir()
        return Relay(binary, folder, self.port, text)

    def url(self, path: str = "", scheme: str = "moqt") -> str:
        """A URL; by default for raw QUIC."""
        return f"{scheme}://localhost:{self.port}/{path}"

    def ready(self) -> None:
        """Waits for READY=1, as it says it to systemd."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.notifications.lines.expect("^READY=1$", 1)
                return
            except AssertionError:
                if not self.running() or time.monotonic() > deadline:
                    raise AssertionError(f"it is not ready:\n{self.text()}") from None

    def sessions(self, count: int) -> None:
        """Waits until `count` clients have connected so far; they may think so earlier."""
        self.errors.expect(": connected$", count=count)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an HTTP answer."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=READY_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def terminate(self) -> int:
        """Asks it to stop; its exit status."""
        self.send(signal.SIGTERM)
        return self.wait(STOP_SECONDS)

    def kill(self) -> None:
        super().kill()
        self.notifications.close()

    def text(self) -> str:
        return "\n".join(self.errors.all() + self.output.all())[-20000:]


@contextlib.contextmanager
def started(binary: str, **options) -> Iterator[Relay]:
    """Runs `binary`, perhaps not ready yet; `options` are those of `configuration`."""
    with tempfile.TemporaryDirectory(prefix="moq-relay-") as folder:
        port = free_port()
        running = Relay(binary, pathlib.Path(folder), port, configuration(port, **options))
        try:
            yield running
        except BaseException:
            print(running.text())
            raise
        finally:
            running.kill()


@contextlib.contextmanager
def relay(binary: str, **options) -> Iterator[Relay]:
    """Runs `binary`, which is ready, and in the end either still runs or ended well;
    `options` are those of `configuration`."""
    with started(binary, **options) as running:
        running.ready()
        yield running
        if not running.running() and running.wait() != 0:
            raise RuntimeError(f"the relay ended with {running.wait()}")
