"""Every way in which a connection to Medusa can fail, over real sockets: each ends in time, with its reason."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from fault_server import Behaviour, FaultServer, drips, drops, floods, hangs, make_authority, says, serving
from talking import EMPTY, settings

from appliance.errors import InvalidSetting
from appliance.medusa.client import MedusaClient
from appliance.medusa.faults import MedusaUnreachable

GOOD = says(b'{"products": [], "count": 0}')
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n"


@pytest.fixture
def later() -> list[FaultServer]:
    """Filled with the server once it runs, for behaviours that end with the test."""
    return []


@pytest.fixture
def call(later: list[FaultServer]) -> Iterator[Callable[..., tuple[FaultServer, MedusaClient]]]:
    """Make a server of behaviours and a client of it."""
    made: list[tuple[FaultServer, MedusaClient]] = []

    def make(*behaviours: Behaviour, tls: object = None, timeout: float = 0.4, **given: object) -> object:
        server = FaultServer(*behaviours, tls=tls)  # type: ignore[arg-type]
        later.append(server)
        client = MedusaClient(settings(url=server.url, timeout_seconds=timeout, **given), sleep=lambda _: None)
        made.append((server, client))
        return server, client

    yield make  # type: ignore[misc]
    for server, client in made:
        client.close()
        server.close()


def _read(client: MedusaClient) -> dict[str, object]:
    return client.get("/admin/products", {"limit": 1}, dict[str, object])


def _reason(client: MedusaClient) -> str:
    with pytest.raises(MedusaUnreachable) as caught:
        _read(client)
    assert client.state.state == "offline"
    assert client.state.reason == caught.value.reason
    assert client.state.last_error == caught.value.message
    return caught.value.reason


@pytest.mark.parametrize(
    ("behaviour", "reason", "requests"),
    [
        (drops, "dropped", 3),
        (says(b'{"products": [', length=28), "dropped", 3),
        (says(b'{"products": [{"id": "prod'), "garbage", 3),
        (says(b"\xff\xfe\x00garbage"), "garbage", 3),
        (says(b""), "garbage", 3),
        (says(b"[" * 100_000), "garbage", 3),
        (says(b"no gzip", headers="Content-Encoding: gzip\r\n"), "garbage", 3),
        (says(b"<!DOCTYPE html><title>Shop</title>"), "html", 1),
        (says(b"Shop", headers="Content-Type: text/html; charset=utf-8\r\n"), "html", 1),
        (says(b"{}", status="500 Oops"), "server_error", 3),
        (says(b"<html>bad gateway", status="502 Bad"), "server_error", 3),
        (says(b"", status="302 Found", headers="Location: /admin/products?limit=1\r\n"), "redirect", 1),
        (says(b"", status="301 Moved", headers="Location: http://169.254.169.254/\r\n"), "redirect", 1),
        (says(b"", status="304 Not Modified"), "redirect", 1),
        (lambda connection, _: connection.sendall(b"HTTP/9 what\r\n\r\n"), "dropped", 3),
        (floods, "too_large", 1),
        # Nothing follows: who read on would say that it broke off.
        (says(b"", length=100_000_000), "too_large", 1),
        (says(gzip.compress(b" " * 80_000_000), headers="Content-Encoding: gzip\r\n"), "too_large", 1),
    ],
)
def test_a_bad_answer_has_a_reason_and_is_never_half_read(
    behaviour: Behaviour, reason: str, requests: int, call: Callable[..., tuple[FaultServer, MedusaClient]]
) -> None:
    server, client = call(behaviour, timeout=10.0)
    assert _reason(client) == reason
    assert len(server.heads) == client.requests == requests


def test_a_closed_port_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = MedusaClient(settings(url=f"http://127.0.0.1:{port}"), sleep=lambda _: None)
    assert _reason(client) == "refused"
    client.close()


def test_an_unknown_host_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def knows_nothing(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", knows_nothing)
    client = MedusaClient(settings(url="http://no-such-host.invalid"), sleep=lambda _: None)
    assert _reason(client) == "dns"
    client.close()


def test_a_silent_medusa_is_given_up(
    call: Callable[..., tuple[FaultServer, MedusaClient]], later: list[FaultServer]
) -> None:
    _, client = call(hangs(later), timeout=0.2)
    began = time.monotonic()
    assert _reason(client) == "timeout"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("text", [HEAD + b'{"products": [], "count": 0}', b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 9000])
def test_an_answer_that_drips_ends_with_the_deadline(
    text: bytes, call: Callable[..., tuple[FaultServer, MedusaClient]], later: list[FaultServer]
) -> None:
    _, client = call(drips(text, later, 0.05), timeout=0.3)
    began = time.monotonic()
    assert _reason(client) == "timeout"
    assert time.monotonic() - began < 3


def test_a_slow_answer_that_ends_in_time_is_read(
    call: Callable[..., tuple[FaultServer, MedusaClient]], later: list[FaultServer]
) -> None:
    _, client = call(drips(HEAD + b'{"products": [], "count": 0}', later, 0.001), timeout=10.0)
    assert _read(client) == EMPTY


def test_work_that_is_stopped_does_not_wait_for_a_silent_medusa(later: list[FaultServer]) -> None:
    stop = threading.Event()

    def stops(_: socket.socket, __: bytes) -> None:
        stop.set()
        later[0].closing.wait(60)

    with serving(stops) as server:
        later.append(server)
        client = MedusaClient(settings(url=server.url, timeout_seconds=60.0), stopping=stop.is_set)
        began = time.monotonic()
        with pytest.raises(MedusaUnreachable) as caught:
            _read(client)
        assert caught.value.reason == "stopping"
        assert time.monotonic() - began < 10
        assert len(server.heads) == 1
        assert client.state.state == "unknown"
        client.close()


@pytest.mark.parametrize("wait", ["1", formatdate(time.time() - 3600 + 1, usegmt=True)], ids=["seconds", "date"])
def test_medusa_comes_back_between_tries(wait: str, call: Callable[..., tuple[FaultServer, MedusaClient]]) -> None:
    date = formatdate(time.time() - 3600, usegmt=True)
    busy = says(b"{}", status="429 Slow down", headers=f"Retry-After: {wait}\r\nDate: {date}\r\n")
    server, client = call(busy, says(b"{}", status="503 Not yet"), GOOD, timeout=10.0)
    assert _read(client) == EMPTY
    assert len(server.heads) == 3
    assert client.state.state == "online"


def test_connections_are_used_again(call: Callable[..., tuple[FaultServer, MedusaClient]]) -> None:
    def answers_twice(connection: socket.socket, _: bytes) -> None:
        reply = HEAD + b'{"products": [], "count": 0}'
        connection.sendall(reply)
        if connection.recv(65536):
            connection.sendall(reply)

    server, client = call(answers_twice, timeout=10.0)
    assert _read(client) == _read(client) == EMPTY
    assert (len(server.heads), client.requests) == (1, 2)


def test_a_proxy_of_the_environment_is_not_used(
    call: Callable[..., tuple[FaultServer, MedusaClient]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server, client = call(GOOD, timeout=10.0)
    assert _read(client) == EMPTY
    assert b"\r\nUser-Agent: shop-appliance/" in server.heads[0]


class TestTls:
    """A private authority is trusted where it is named, and nothing else then."""

    def test_the_named_authority_is_trusted(
        self, tmp_path: Path, call: Callable[..., tuple[FaultServer, MedusaClient]]
    ) -> None:
        ca, side = make_authority(tmp_path, "shop")
        _, client = call(GOOD, tls=side, timeout=10.0, ca_file=str(ca))
        assert _read(client) == EMPTY

    def test_another_authority_is_not(
        self, tmp_path: Path, call: Callable[..., tuple[FaultServer, MedusaClient]]
    ) -> None:
        _, side = make_authority(tmp_path, "shop")
        other, _ = make_authority(tmp_path, "other")
        for given in ({"ca_file": str(other)}, {}):
            server, client = call(GOOD, tls=side, timeout=10.0, **given)
            assert _reason(client) == "tls"
            assert "certificate" in client.state.last_error or "issuer" in client.state.last_error
            assert server.heads == []

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_an_unusable_file_is_a_wrong_setting(self, content: str | None, tmp_path: Path) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_text(content)
        with pytest.raises(InvalidSetting, match="ca_file"):
            MedusaClient(settings(ca_file=str(file)))
