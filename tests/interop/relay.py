"""Starts what the clients connect to, and says when it is ready."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator

READY_SECONDS = 20
STOP_SECONDS = 20


def free_port() -> int:
    """A UDP and TCP port that nobody has at the moment."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.bind(("::", 0))
        port = udp.getsockname()[1]
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tcp:
            with contextlib.suppress(OSError):
                tcp.bind(("::", port))
                return port
    return free_port()


def configuration(port: int, workers: int) -> str:
    return "\n".join([
        "[log]", 'level = "debug"',
        "[server]", f'bind = "[::]:{port}"', f"workers = {workers}",
        "[server.tls]", 'generate = ["localhost"]',
        "[web.http]", f'listen = "[::]:{port}"',
        "[auth]", 'public = ""', ""])


class Relay:
    """A running moq-relay."""

    def __init__(self, process: subprocess.Popen, port: int, log: pathlib.Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def url(self, path: str = "") -> str:
        """A URL for raw QUIC."""
        return f"moqt://localhost:{self.port}/{path}"

    def terminate(self) -> int:
        """Asks it to stop; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


@contextlib.contextmanager
def relay(binary: str, workers: int = 1) -> Iterator[Relay]:
    """Runs `binary` and waits until it says READY=1, as it says it to systemd."""
    with tempfile.TemporaryDirectory(prefix="moq-relay-") as folder:
        where = pathlib.Path(folder)
        port = free_port()
        (where / "relay.toml").write_text(configuration(port, workers))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(where / "log", "wb") as log:
            notify.bind(str(where / "notify"))
            notify.settimeout(READY_SECONDS)
            environment = {k: v for k, v in os.environ.items() if not k.startswith("MOQ_")}
            environment["NOTIFY_SOCKET"] = str(where / "notify")
            process = subprocess.Popen([binary, str(where / "relay.toml")], env=environment,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            try:
                while b"READY=1" not in notify.recv(4096):
                    pass
                yield Relay(process, port, where / "log")
                if process.poll() not in (None, 0):
                    raise RuntimeError(f"the relay ended with {process.returncode}")
            except BaseException:
                print((where / "log").read_text(errors="replace")[-20000:])
                raise
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
