"""A gate between clients and a server: what clients send passes, answers only once it is open."""

import selectors
import socket
import threading

HOST = "127.0.0.1"
PACKET = 65536


class Gate:
    """Listens at `port` of its own. Closed to the server's packets until open() is called: they
    are held, in order. answered is set with the first of them, which says that the server has
    met the client. For one client."""

    def __init__(self, server_port: int):
        self.answered = threading.Event()
        self._server = (HOST, server_port)
        self._client: tuple[str, int] | None = None
        self._open = False
        self._held: list[bytes] = []
        self._inside, self._outside = (self._socket(), self._socket())
        self.port = self._outside.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def open(self) -> None:
        self._wake.send(b"o")

    def close(self) -> None:
        self._wake.close()
        self._thread.join()
        for each in (self._inside, self._outside, self._woken):
            each.close()

    @staticmethod
    def _socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((HOST, 0))
        return made

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (self._inside, self._outside, self._woken):
                selector.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._woken:
                        if not self._woken.recv(1):
                            return
                        self._open = True
                    elif key.fileobj is self._outside:
                        packet, self._client = self._outside.recvfrom(PACKET)
                        self._inside.sendto(packet, self._server)
                    else:
                        self._held.append(self._inside.recv(PACKET))
                        self.answered.set()
                if self._open and self._client is not None:
                    for packet in self._held:
                        self._outside.sendto(packet, self._client)
                    self._held.clear()
