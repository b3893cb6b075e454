"""A server on a loopback port that behaves badly in whatever way a test asks for."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

Behaviour = Callable[[socket.socket, bytes], None]
"""Given the connection and a request's head, does something with it; the connection is closed afterwards."""


class FaultServer:
    """Answers each request with the next behaviour, and the last one for ever."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._behaviours = list(behaviours)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.heads: list[bytes] = []
        """Heads of the requests that came."""
        self.closing = threading.Event()
        """Set when the test is over: what hangs may stop hanging."""
        self.url = f"{'https' if tls else 'http'}://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Close everything."""
        self.closing.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65536)
                if not part:
                    return
                head += part
            self.heads.append(head)
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            behaviour(connection, head)
            connection.close()


def says(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> Behaviour:
    """Answer with this, claiming ``length`` bytes where given."""
    size = len(body) if length is None else length
    kind = "" if "content-type" in headers.lower() else "Content-Type: application/json\r\n"
    head = f"HTTP/1.1 {status}\r\n{kind}Content-Length: {size}\r\n{headers}Connection: close\r\n\r\n".encode()

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head + body)

    return behave


def drops(connection: socket.socket, _: bytes) -> None:
    """Close without a word."""


def hangs(server: list[FaultServer]) -> Behaviour:
    """Take the request and say nothing until the test is over."""

    def behave(_: socket.socket, __: bytes) -> None:
        server[0].closing.wait(60)

    return behave


def drips(text: bytes, server: list[FaultServer], pause: float) -> Behaviour:
    """Send a text one byte at a time, with ``pause`` seconds between."""

    def behave(connection: socket.socket, _: bytes) -> None:
        for index in range(len(text)):
            connection.sendall(text[index : index + 1])
            if server[0].closing.wait(pause):
                return

    return behave


def floods(connection: socket.socket, _: bytes) -> None:
    """Send 100 MB."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n[")
    for _unused in range(100):
        connection.sendall(b" " * 1_000_000)


@contextlib.contextmanager
def serving(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[FaultServer]:
    """Run a server for the time of a test."""
    server = FaultServer(*behaviours, tls=tls)
    try:
        yield server
    finally:
        server.close()


def make_authority(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Make an authority and a server certificate for ``localhost``; return the CA file and the server's side."""
    ca, key, request, certificate = (folder / f"{name}{end}" for end in (".ca.pem", ".key", ".csr", ".pem"))
    ca_key, extension = folder / f"{name}.ca.key", folder / f"{name}.ext"
    extension.write_text("subjectAltName=DNS:localhost\nauthorityKeyIdentifier=keyid\n")
    fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl("req", "-x509", *fresh, "-keyout", ca_key, "-out", ca, "-days", "3650", "-subj", f"/CN={name}")
    _openssl("req", *fresh, "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    _openssl(
        *("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial"),
        *("-out", certificate, "-days", "3650", "-extfile", extension),
    )
    side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    side.load_cert_chain(certificate, key)
    return ca, side


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
