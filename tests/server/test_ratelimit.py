"""Token buckets: the sum that passes is bounded, time gives tokens back, memory does not grow."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.server.ratelimit import RateLimiter, TokenBuckets, client_key, is_loopback
from appliance.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def settings(**server: object) -> Settings:
    return msgspec.convert({"server": server}, Settings)


def test_a_burst_passes_then_the_rate_holds() -> None:
    clock = Clock()
    buckets = TokenBuckets(10, 5, clock=clock)
    assert [buckets.take("a") == 0 for _ in range(7)] == [True] * 5 + [False] * 2
    waiting = buckets.take("a")
    assert 0 < waiting <= 0.1
    clock.now += waiting + 1e-9
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200), st.integers(1, 20), st.integers(1, 50))
def test_never_more_than_burst_and_rate_allow(gaps: list[float], rate: int, burst: int) -> None:
    clock = Clock()
    buckets = TokenBuckets(rate, burst, clock=clock)
    began, passed = clock.now, 0
    for gap in gaps:
        clock.now += gap
        passed += buckets.take("a") == 0
    assert passed <= burst + (clock.now - began) * rate + 1e-3


def test_memory_is_bounded_and_full_buckets_are_forgotten() -> None:
    clock = Clock()
    buckets = TokenBuckets(1, 10, capacity=1000, clock=clock)
    for number in range(20_000):
        buckets.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        assert len(buckets) <= 1000
    clock.now += 100
    buckets.take("late")
    assert len(buckets) == 1


def test_a_secret_key_gets_ten_times_as_much_and_has_its_own_bucket() -> None:
    limiter = RateLimiter(settings(requests_per_second=1, request_burst=3), Clock())
    assert sum(limiter.wait("10.0.0.1", "", strict=False) == 0 for _ in range(100)) == 3
    assert sum(limiter.wait("10.0.0.1", "tok_1", strict=False) == 0 for _ in range(100)) == 30


def test_claims_are_limited_more_strictly() -> None:
    limiter = RateLimiter(settings(requests_per_second=1000, request_burst=1000), Clock())
    assert sum(limiter.wait("10.0.0.1", "", strict=True) == 0 for _ in range(100)) == 10
    assert limiter.wait("10.0.0.1", "", strict=False) == 0


def test_off_means_off() -> None:
    limiter = RateLimiter(settings(rate_limit="off", request_burst=1), Clock())
    assert all(limiter.wait("10.0.0.1", "", strict=True) == 0 for _ in range(100))
    assert len(limiter) == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("not:an:address", "not:an:address"),
        ("", ""),
    ],
)
def test_an_ipv6_household_is_one_client(address: str, key: str) -> None:
    assert client_key(address) == key


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("testclient", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_the_rest(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
