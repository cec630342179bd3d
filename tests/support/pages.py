"""A web server of a test's own, on loopback, that says what it is told to."""

import contextlib
import http.server
import pathlib
import ssl
import threading
import urllib.parse
from collections.abc import Callable

import certificates

Request = http.server.BaseHTTPRequestHandler


class Pages:
    """Answers GET with `answers[path]`: a text, or what gets the request and answers it. Else 404."""

    def __init__(self, folder: pathlib.Path, secure: bool = True) -> None:
        self.answers: dict[str, str | Callable[[Request], None]] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []  # paths with their queries, as they were sent
        self._lock = threading.Lock()
        self._ended = threading.Event()
        pages = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with pages._lock:
                    pages.asked.append(self.path)
                with contextlib.suppress(OSError):
                    pages._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Clients may leave when they like."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.root: pathlib.Path | None = None
        scheme = "http"
        if secure:
            folder.mkdir()
            certificates.make(folder)
            self.root = folder / "cert.pem"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.root, folder / "key.pem")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
            scheme = "https"
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://localhost:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        with self._lock:
            return sum(urllib.parse.urlsplit(each).path == path for each in self.asked)

    def queries(self, path: str) -> list[dict[str, str]]:
        with self._lock:
            parts = [urllib.parse.urlsplit(each) for each in self.asked]
        return [dict(urllib.parse.parse_qsl(part.query, keep_blank_values=True))
                for part in parts if part.path == path]

    def hang(self, request: Request) -> None:
        """Says nothing until the server ends."""
        self._ended.wait()

    @staticmethod
    def send(request: Request, body: bytes, status: int = 200, **headers: str) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: Request) -> None:
        answer = self.answers.get(urllib.parse.urlsplit(request.path).path)
        if answer is None:
            self.send(request, b"", 404)
        elif isinstance(answer, str):
            self.send(request, answer.encode(), **self.headers)
        else:
            answer(request)
