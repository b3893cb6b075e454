"""A clock that jumps by a day or by years, forwards and back, under a running shop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from live_shop import copied

from appliance.errors import RateLimited, Unauthorised
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.runtime import Runtime
from appliance.server.app import create_app
from appliance.settings import Cache as CacheSettings
from appliance.settings import load_settings
from appliance.store.cache import Cache

DAY = 86_400.0
JUMPS = (DAY, -DAY, 5 * 365 * DAY, -5 * 365 * DAY)


class Clock:
    """A wall clock that a test sets."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Shop:
    """A runtime on a set clock with its application."""

    def __init__(self, runtime: Runtime, client: TestClient[Litestar], clock: Clock) -> None:
        self.runtime, self.client, self.clock = runtime, client, clock

    def view(self, event_id: str) -> int:
        """Send a view without a time and return how many were accepted."""
        product = next(iter(self.runtime.catalogue.cards()))
        event = {"event_id": event_id, "type": "view", "session_id": "clock", "product_id": product}
        answer = self.client.post("/v1/events", json={"events": [event]})
        assert answer.status_code == 202, answer.text
        return int(answer.json()["accepted"])


@pytest.fixture
def shop(prepared_shop: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    data = copied(prepared_shop, tmp_path / "shop")
    clock = Clock(time.time())
    flags = {
        "server.rate_limit": "off",
        "recommender.retrain_hours": 0.0,
        "server.allowed_hosts": ("testserver.local",),
    }
    flags |= getattr(request, "param", {})
    runtime = Runtime.open(data, load_settings(data, environ={}, flags=flags), now=clock)
    with TestClient(create_app(runtime)) as client:
        yield Shop(runtime, client, clock)


@pytest.mark.parametrize("jump", JUMPS)
def test_events_are_taken_and_keep_their_order(shop: Shop, jump: float) -> None:
    assert shop.view("before") == 1
    shop.clock.at += jump
    assert shop.view("after") == 1
    shop.clock.at -= jump
    assert shop.view("back") == 1
    assert shop.runtime.merger is not None
    assert shop.runtime.log is not None
    assert shop.runtime.merger.flush(30)
    found = shop.runtime.log.of_session("clock")
    assert [event.event_id for event in found] == ["before", "after", "back"]
    assert [event.event_id for event in _newest_first(shop)] == ["back", "after", "before"]


def _newest_first(shop: Shop) -> list[object]:
    assert shop.runtime.log is not None
    product = next(iter(shop.runtime.catalogue.cards()))
    return [event for event in shop.runtime.log.of_product(product, "view", 1000) if event.session_id == "clock"]


@pytest.mark.parametrize("jump", JUMPS)
def test_every_shelf_answers_after_the_jump(shop: Shop, jump: float) -> None:
    shop.view("before")
    shop.clock.at += jump
    shop.view("after")
    handle = next(iter(shop.runtime.catalogue.cards().values())).handle
    for path in (
        "/v1/search?q=balo",
        "/v1/search?q=&sort=newest",
        f"/v1/products/{handle}/similar",
        "/v1/products/popular",
        "/v1/recommendations?session_id=clock",
    ):
        answer = shop.client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json()["items"], path


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize(
    "shop", [{"server.rate_limit": "on", "server.requests_per_second": 0.001, "server.request_burst": 3}], indirect=True
)
def test_the_rate_limit_knows_nothing_of_the_clock(shop: Shop, jump: float) -> None:
    assert [shop.client.get("/healthz").status_code for _ in range(4)] == [200, 200, 200, 429]
    shop.clock.at += jump
    assert shop.client.get("/healthz").status_code == 429


@pytest.mark.parametrize("jump", JUMPS)
def test_tokens_and_the_claim_outlive_the_jump(shop: Shop, jump: float) -> None:
    access = shop.runtime.access
    code = access.claim_code()
    assert code is not None
    for _ in range(10):
        with pytest.raises(Unauthorised):
            access.claim("0000-0000-0000")
    with pytest.raises(RateLimited):
        access.claim(code)
    shop.clock.at += jump
    token = access.claim(code)
    assert access.verify_admin(token.secret) is not None
    shop.clock.at -= 2 * jump
    assert access.verify_admin(token.secret) is not None


@pytest.mark.parametrize("jump", JUMPS)
def test_what_is_cached_lives_by_elapsed_time(tmp_path: Path, jump: float) -> None:
    wall, elapsed = Clock(1_800_000_000.0), Clock(1000.0)
    cache = Cache(tmp_path / "cache", CacheSettings(), Metrics(), IssueBoard(), now=wall, monotonic=elapsed)
    cache.set("key", {"a": 1}, expire=60.0)
    wall.at += jump
    elapsed.at += 59.0
    assert cache.get("key") == {"a": 1}
    elapsed.at += 2.0
    assert cache.flush()
    assert cache.get("key") is None
    cache.close()


@pytest.mark.parametrize("jump", JUMPS)
def test_a_restart_after_the_jump_trusts_no_entry_of_another_time(tmp_path: Path, jump: float) -> None:
    wall = Clock(1_800_000_000.0)
    cache = Cache(tmp_path / "cache", CacheSettings(), Metrics(), IssueBoard(), now=wall)
    cache.set("key", 1, expire=3600.0)
    cache.close()
    wall.at += jump
    again = Cache(tmp_path / "cache", CacheSettings(), Metrics(), IssueBoard(), now=wall)
    assert again.get("key") is None
    again.set("key", 2, expire=3600.0)
    assert again.get("key") == 2
    again.close()
