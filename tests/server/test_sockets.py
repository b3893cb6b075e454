"""What only a real socket can do: slow, oversized, ambiguous and broken requests, and a stop amid them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from server_shop import products

from appliance.runtime import Runtime
from appliance.server.serve import make_server
from appliance.settings import load_settings

pytestmark = pytest.mark.server

Address = tuple[str, int]
_SHORT = {
    "server.rate_limit": "off",
    "server.header_timeout": 0.5,
    "server.body_timeout": 0.5,
    "server.max_connections": 40,
    "server.port": 0,
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A server with short deadlines, in a thread."""
    folder = tmp_path_factory.mktemp("sockets")
    runtime = Runtime.open(folder, load_settings(folder, environ={}, flags=_SHORT))
    runtime.catalogue.upsert(products())
    ready, found = threading.Event(), []

    def listening(host: str, port: int) -> None:
        found.append((host, port))
        ready.set()

    server = make_server(runtime, on_ready=listening)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(30)
    yield found[0]
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def connect(address: Address, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(address, timeout=20)
    client.sendall(sent)
    return client


def answer(client: socket.socket) -> bytes:
    """Read until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            received += part
    client.close()
    return received


def ask(address: Address, sent: bytes) -> bytes:
    return answer(connect(address, sent))


def status(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1]) if reply else 0


def problem(reply: bytes) -> dict[str, object]:
    return msgspec.json.decode(reply.split(b"\r\n\r\n", 1)[1], type=dict[str, object])


def still_serves(address: Address) -> bool:
    return httpx.get(f"http://{address[0]}:{address[1]}/healthz").status_code == 200


def test_a_slow_header_is_closed_with_408(address: Address) -> None:
    reply = ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A:")
    assert status(reply) == 408
    assert problem(reply)["code"] == "request_timeout"


def test_a_header_that_dribbles_is_closed_all_the_same(address: Address) -> None:
    client = connect(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
    client.settimeout(0.1)
    received, end = b"", time.monotonic() + 20
    while time.monotonic() < end:
        try:
            client.sendall(b"X-A: b\r\n")
            part = client.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            break
        received += part
        if not part:
            break
    assert received == b"" or status(received) in (408, 431)
    assert time.monotonic() < end


def test_a_silent_connection_is_closed(address: Address) -> None:
    assert answer(connect(address)) == b""


@pytest.mark.parametrize("second", [b"Host: localhost", b"hOsT: evil.example"])
def test_two_hosts_are_refused(address: Address, second: bytes) -> None:
    reply = ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + second + b"\r\n\r\n")
    assert status(reply) == 400
    assert problem(reply)["code"] == "invalid_input"
    assert still_serves(address)


def test_empty_lines_do_not_keep_a_connection(address: Address) -> None:
    assert status(ask(address, b"\r\n\r\n\r\n")) in (0, 408)


@pytest.mark.parametrize(
    "path", ["/v1/events", "/track", "/v1/recommendations/batch", "/v1/admin/claim", "/v1/privacy/opt-out"]
)
def test_a_slow_body_is_a_408(address: Address, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n".encode() + b"{"
    reply = ask(address, head)
    assert status(reply) == 408
    assert problem(reply)["code"] == "request_timeout"
    assert b"x-request-id" in reply.lower()


def test_a_slow_body_after_an_early_answer_is_closed(address: Address) -> None:
    head = b"POST /v1/admin/rules HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
    assert status(ask(address, head)) == 401


def test_an_idle_kept_connection_is_closed(address: Address) -> None:
    assert status(ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 200


def test_a_header_of_200_kb_is_a_431(address: Address) -> None:
    reply = ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"a" * 200_000 + b"\r\n\r\n")
    assert status(reply) in (0, 431)
    small_steps = connect(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Big: ")
    with contextlib.suppress(ConnectionError):
        for _ in range(50):
            small_steps.sendall(b"a" * 4000)
    assert status(answer(small_steps)) in (0, 431)
    reply = ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"a" * 33_000 + b"\r\n\r\n")
    assert status(reply) == 431
    assert problem(reply)["code"] == "headers_too_large"


def test_too_many_headers_are_a_431(address: Address) -> None:
    many = b"".join(b"X-%d: a\r\n" % number for number in range(101))
    assert status(ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n")) == 431


def test_a_long_address_is_a_431(address: Address) -> None:
    assert status(ask(address, b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 431


def test_ambiguous_length_gets_one_answer(address: Address) -> None:
    smuggled = b"GET /v1/admin/overview HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for head in (
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: +5\r\n",
    ):
        reply = ask(address, b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n0\r\n\r\n" + smuggled)
        assert reply.count(b"HTTP/1.1 ") == 1, head
        assert status(reply) == 400, head


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX\x00: a\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_gets_400_or_is_closed(address: Address, sent: bytes) -> None:
    assert status(ask(address, sent)) in (0, 400, 404, 408)
    assert still_serves(address)


def test_http_1_0_without_a_host_is_refused(address: Address) -> None:
    assert status(ask(address, b"GET /healthz HTTP/1.0\r\n\r\n")) == 400


def test_pipelined_requests_are_answered_in_order(address: Address) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: n%d\r\n\r\n"
    reply = ask(address, b"".join(one % number for number in range(3)))
    assert [reply.find(b"n%d" % number) > 0 for number in range(3)] == [True] * 3
    assert reply.find(b"n0") < reply.find(b"n1") < reply.find(b"n2")


@pytest.mark.parametrize(
    "body", [b"[" * 1500, b'{"events":[' + b"[" * 1500, b'{"events":["\xff"]}', b"\xff\xfe", b'{"a":' * 1500]
)
def test_nested_and_mis_encoded_bodies_are_400(address: Address, body: bytes) -> None:
    for path in ("/v1/events", "/v1/recommendations/batch", "/v1/privacy/requests", "/v1/sessions/s/identify"):
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        assert status(ask(address, head.encode() + body)) == 400, path


def test_an_oversized_body_is_413_whether_announced_or_not(address: Address) -> None:
    announced = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n{"
    assert status(ask(address, announced)) == 413
    chunk = b"20000\r\n" + b" " * 0x20000 + b"\r\n"
    client = connect(address, b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        for _ in range(12):
            client.sendall(chunk)
    assert status(answer(client)) in (0, 413)
    assert still_serves(address)


def test_a_crowd_is_told_to_come_back(address: Address) -> None:
    crowd = [connect(address) for _ in range(45)]
    try:
        reply = ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status(reply) == 503
        assert b"retry-after: 1" in reply
        assert problem(reply)["code"] == "busy"
    finally:
        for client in crowd:
            client.close()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if still_serves(address):
                return
    pytest.fail("the crowd left and nobody is served")


_SERVE = """
import appliance.__main__, sys
from pathlib import Path
from appliance.runtime import Runtime
from appliance.server.serve import run
from appliance.settings import load_settings
folder = Path(sys.argv[1])
runtime = Runtime.open(folder, load_settings(folder, environ={}))
run(runtime, "127.0.0.1", 0, lambda host, port: print(port, flush=True))
print("stopped", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_signal_ends_the_process_in_time_with_slow_clients_around(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environ
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    slow = [
        connect(("127.0.0.1", port), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A:"),
        connect(("127.0.0.1", port), b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"),
        connect(("127.0.0.1", port)),
        connect(("127.0.0.1", port), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ]
    assert slow[3].recv(10) == b"HTTP/1.1 2"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)
    assert "stopped" in output
    assert process.returncode == 0
    for client in slow:
        client.close()


@pytest.mark.parametrize("fault", ["port", "address", "name"])
def test_a_start_that_cannot_listen_says_why_and_nothing_else(tmp_path: Path, fault: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        host = {"port": "127.0.0.1", "address": "203.0.113.5", "name": "shop.invalid"}[fault]
        command = [sys.executable, "-m", "appliance", "--data", str(tmp_path), "serve", "--host", host]
        command += ["--port", str(holder.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    told = {"port": "another program uses the port", "address": "no such address", "name": "the name is unknown"}
    assert told[fault] in done.stderr
    assert "leaked" not in done.stderr
    assert not (tmp_path / "process.json").exists()
    assert not (tmp_path / "catalogue.db-wal").exists()
