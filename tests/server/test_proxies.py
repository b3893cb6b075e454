"""Behind a reverse proxy: only named proxies are believed, and nobody behind one is taken for this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from server_shop import LOOPBACK, OUTSIDE, OpenShop, Shop

from appliance.errors import InvalidSetting
from appliance.server.forwarded import TrustedProxies
from appliance.settings import load_settings

PROXY = ("10.0.0.7", 40000)
NAMING = "/v1/recommendations?user_id=cus_1"


@pytest.mark.parametrize(
    ("peer", "hops", "client"),
    [
        ("10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.7", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("10.0.0.7", "1.1.1.1, unknown, 10.2.2.2", "10.2.2.2"),
        ("10.0.0.7", "198.51.100.1:5555", "198.51.100.1"),
        ("10.0.0.7", "[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:10.0.0.7", "::ffff:198.51.100.1", "198.51.100.1"),
        ("fd00::5", "198.51.100.1", "198.51.100.1"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("testclient", "198.51.100.1", "testclient"),
        ("10.0.0.7", "x" * 5000, "10.0.0.7"),
    ],
)
def test_the_client_is_the_right_most_hop_that_is_no_proxy(peer: str, hops: str, client: str) -> None:
    proxies = TrustedProxies(("10.0.0.0/8", "fd00::5"))
    assert proxies.client(peer, [(b"host", b"x"), (b"x-forwarded-for", hops.encode())]) == client


def test_a_header_in_two_lines_is_one_list() -> None:
    lines = [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"198.51.100.1, 10.0.0.8")]
    assert TrustedProxies(("10.0.0.0/8",)).client("10.0.0.7", lines) == "198.51.100.1"


def limited(open_shop: OpenShop, *proxies: str) -> Shop:
    return open_shop(
        server__rate_limit="on",
        server__request_burst=5,
        server__requests_per_second=0.001,
        server__trusted_proxies=proxies,
    )


def codes(shop: Shop, hops: list[str]) -> list[int]:
    return [shop.at(PROXY, x_forwarded_for=hop).get("/v1/products/p1").status_code for hop in hops]


def test_each_shopper_behind_a_trusted_proxy_has_its_own_limit(open_shop: OpenShop) -> None:
    shop = limited(open_shop, "10.0.0.0/24")
    assert codes(shop, [f"198.51.100.{number}" for number in range(20)]) == [200] * 20
    assert codes(shop, ["198.51.100.99"] * 7) == [200] * 5 + [429] * 2
    spoofed = [f"1.1.1.{number}, 198.51.100.99" for number in range(3)]
    assert codes(shop, spoofed) == [429] * 3


def test_another_peer_s_header_is_worth_nothing(open_shop: OpenShop) -> None:
    shop = limited(open_shop, "192.0.2.1")
    assert codes(shop, [f"198.51.100.{number}" for number in range(7)]) == [200] * 5 + [429] * 2


def test_nothing_that_comes_through_a_proxy_is_this_machine_s(open_shop: OpenShop) -> None:
    shop = open_shop(server__trusted_proxies=("127.0.0.1", "10.0.0.7"))
    for peer, headers in (
        (LOOPBACK, {}),
        (LOOPBACK, {"x_forwarded_for": "127.0.0.1"}),
        (LOOPBACK, {"x_forwarded_for": "198.51.100.1"}),
        (PROXY, {"x_forwarded_for": "127.0.0.1"}),
    ):
        assert shop.at(peer, **headers).get(NAMING).status_code == 401
    assert shop.at(("::1", 1)).get(NAMING).status_code == 200


def test_the_admin_api_through_a_proxy_is_open_over_tls_only(open_shop: OpenShop) -> None:
    shop = open_shop(server__trusted_proxies=("127.0.0.1", "10.0.0.7"))
    bearer, hop = f"Bearer {shop.runtime.local_token}", "198.51.100.1"
    path = "/v1/admin/overview"
    assert shop.at(LOOPBACK, authorization=bearer).get(path).status_code == 200
    assert shop.at(LOOPBACK, authorization=bearer, x_forwarded_for=hop).get(path).status_code == 403
    secure = {"authorization": bearer, "x_forwarded_for": hop, "x_forwarded_proto": "https"}
    assert shop.at(LOOPBACK, **secure).get(path).status_code == 200
    # Between another machine and this one it is plain all the same.
    assert shop.at(PROXY, **secure).get(path).status_code == 403
    assert shop.at(OUTSIDE, **secure).get(path).status_code == 403


def test_the_log_names_the_client_and_not_the_proxy(open_shop: OpenShop) -> None:
    shop = open_shop(server__trusted_proxies=("10.0.0.7",))
    with structlog.testing.capture_logs() as logs:
        shop.at(PROXY, x_forwarded_for="198.51.100.1").get("/nothing")
    assert [entry["client"] for entry in logs if entry["event"] == "request"] == ["198.51.100.1"]


@pytest.mark.parametrize(
    "header",
    [
        "x_forwarded_proto", "x_forwarded_host", "x_forwarded_port", "x_forwarded_server", "forwarded", "via",
        "x_real_ip", "cf_connecting_ip", "fastly_connecting_ip", "true_client_ip",
    ],
)  # fmt: skip
def test_any_mark_of_a_proxy_makes_a_loopback_request_a_browser_s(shop: Shop, header: str) -> None:
    assert shop.storefront.get(NAMING).status_code == 200
    assert shop.at(LOOPBACK, **{header: "anything"}).get(NAMING).status_code == 401


@pytest.mark.parametrize("entry", ["proxy.local", "10.0.0.0/33", "", "10.0.0.1:80"])
def test_a_proxy_is_an_address_or_a_network(tmp_path: Path, entry: str) -> None:
    with pytest.raises(InvalidSetting, match="IP address or network"):
        load_settings(tmp_path, environ={}, flags={"server.trusted_proxies": ("10.0.0.1", entry)})
    environ = {"APPLIANCE_SERVER_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}
    loaded = load_settings(tmp_path, environ=environ)
    assert loaded.settings.server.trusted_proxies == ("127.0.0.1", "10.0.0.0/8")


def test_the_owner_cannot_write_a_wrong_proxy(shop: Shop) -> None:
    patch = {"settings": {"server.trusted_proxies": ["nginx"]}}
    answer = shop.owner.request("PATCH", "/v1/admin/settings", json=patch)
    assert answer.status_code == 400
    assert "IP address or network" in answer.text
