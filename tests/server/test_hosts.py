"""Host names and origins: ours pass, everything else is refused, compared exactly."""

from __future__ import annotations

import socket

import msgspec
import pytest

from appliance.server.hosts import AllowedHosts, Origins
from appliance.settings import Settings


def settings(**server: object) -> Settings:
    return msgspec.convert({"server": server}, Settings)


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"LOCALHOST:8000",
        b"127.0.0.1:8000",
        b"127.8.8.8",
        b"[::1]:8000",
        b"shop.localhost",
        b"192.168.1.20:8000",
        b"box.shop.vn",
        b"Box.Shop.VN:443",
        b"localhost.",
        socket.gethostname().encode(),
    ],
)
def test_own_names_pass(host: bytes) -> None:
    hosts = AllowedHosts(settings(allowed_hosts=["box.shop.vn"]))
    assert hosts.allows(host, "192.168.1.20")
    assert hosts.allows(host, "192.168.1.20")


@pytest.mark.parametrize(
    "host",
    [
        None,
        b"",
        b"evil.example",
        b"localhost.evil.example",
        b"box.shop.vn.evil.example",
        b"192.168.1.21",
        b"127.0.0.1@evil.example",
        b"localhost\n",
        b"localhost:8000\r\n",
        b"local host",
        b"localhost:port",
        b"localhost:123456",
        b"2130706433",
        b"\xff\xfe",
        b"[::1",
    ],
)
def test_other_names_are_refused(host: bytes | None) -> None:
    hosts = AllowedHosts(settings(allowed_hosts=["box.shop.vn"]))
    assert not hosts.allows(host, "192.168.1.20")


def test_an_address_counts_only_for_the_connection_it_came_in_at() -> None:
    hosts = AllowedHosts(Settings())
    assert hosts.allows(b"10.0.0.5", "10.0.0.5")
    assert not hosts.allows(b"10.0.0.5", "10.0.0.6")


def test_what_is_remembered_is_bounded() -> None:
    hosts = AllowedHosts(Settings())
    for port in range(1, 5000):
        assert hosts.allows(f"localhost:{port}".encode(), "127.0.0.1")
    assert len(hosts._accepted) <= 1024


def test_only_the_exact_origin_is_let_in() -> None:
    origins = Origins(settings(origins=["https://shop.vn"]))
    granted = dict(origins.headers(b"https://shop.vn", "/v1/search", preflight=False))
    assert granted[b"access-control-allow-origin"] == b"https://shop.vn"
    assert granted[b"vary"] == b"Origin"
    for evil in (
        b"https://shop.vn.evil.example",
        b"http://shop.vn",
        b"https://shop.vn:8443",
        b"null",
        b"https://SHOP.vn",
    ):
        assert b"access-control-allow-origin" not in dict(origins.headers(evil, "/v1/search", preflight=False))


def test_no_origin_reaches_the_admin_api() -> None:
    origins = Origins(settings(origins=["https://shop.vn"]))
    assert origins.headers(b"https://shop.vn", "/v1/admin/overview", preflight=True) == []
