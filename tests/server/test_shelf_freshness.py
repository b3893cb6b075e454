"""A remembered shelf is never older than what its visitor did, or than the rules that hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from server_shop import Shop, products

from appliance.domain import Rule
from appliance.recsys.base import RecommendRequest
from appliance.runtime import Runtime
from appliance.server import shelves as shelves_module
from appliance.server.shelves import Shelves
from appliance.settings import load_settings


def view(session: str) -> dict[str, Any]:
    return {"events": [{"type": "view", "product_id": "p1", "session_id": session}]}


def test_after_a_click_every_answer_of_the_session_knows_it(shop: Shop) -> None:
    paths = [
        "/v1/recommendations?session_id=s9",
        "/v1/recommendations?user_id=cus_1&session_id=s9",
        "/v1/recommendations?user_id=cus_2&session_id=s9",
    ]
    for path in paths:
        assert shop.storefront.get(path).json()["fallback"]
    shop.browser.post("/v1/events", view("s9"))
    for path in paths:
        # Without a model the click makes a trend.
        assert shop.storefront.get(path).json()["items"][0]["product_id"] == "p1"
        assert shop.storefront.get(path).json()["cache"] == "hit"
    fingerprints = [shop.runtime.recommender.fingerprint(user, "s9") for user in ("", "cus_1", "cus_2")]
    assert all(fingerprints)


def test_strangers_share_an_answer_and_a_click_leaves_it_to_the_others(shop: Shop) -> None:
    first, second = ("/v1/recommendations?session_id=one", "/v1/recommendations?session_id=two")
    assert shop.browser.get(first).json()["cache"] == "miss"
    assert shop.browser.get(second).json()["cache"] == "hit"
    shop.browser.post("/v1/events", view("one"))
    assert shop.browser.get(first).json()["cache"] == "miss"
    assert shop.browser.get(second).json()["cache"] == "hit"


def test_an_answer_with_what_was_sold_out_since_is_made_anew(shop: Shop) -> None:
    path = "/v1/recommendations"
    shown = [item["product_id"] for item in shop.browser.get(path).json()["items"]]
    sold_out = next(product for product in products() if product.id == shown[0])
    variants = tuple(msgspec.structs.replace(variant, stock=0) for variant in sold_out.variants)
    shop.runtime.catalogue.upsert([msgspec.structs.replace(sold_out, variants=variants)])
    answer = shop.browser.get(path).json()
    assert answer["cache"] == "miss"
    assert sold_out.id not in [item["product_id"] for item in answer["items"]]
    assert shop.browser.get(path).json()["cache"] == "hit"
    shop.runtime.catalogue.upsert([sold_out])
    assert sold_out.id in [item["product_id"] for item in shop.browser.get(path).json()["items"]]


def test_what_is_crowded_out_of_the_notes_is_dropped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves_module, "_VISITORS_KEPT", 3)
    for number in range(5):
        events = [view(f"v{number}")["events"][0] | {"product_id": f"p{number + 1}"}]
        shop.browser.post("/v1/events", {"events": events})
    paths = [f"/v1/recommendations?session_id=v{number}" for number in range(5)]
    for path in paths:
        shop.browser.get(path)
    assert [shop.browser.get(path).json()["cache"] for path in paths[2:]] == ["hit"] * 3
    assert shop.browser.get(paths[0]).json()["cache"] == "miss"


def test_a_scheduled_rule_holds_from_its_start_to_its_end(tmp_path: Path) -> None:
    clock = [1_800_000_000.0]
    runtime = Runtime.open(tmp_path, load_settings(tmp_path, environ={}), now=lambda: clock[0])
    try:
        runtime.catalogue.upsert(products())
        shelves = Shelves(runtime)
        begins, ends = clock[0] + 10, clock[0] + 20
        rule = Rule(id="", action="exclude", target="product", value="p1", starts_at=begins, ends_at=ends)
        runtime.rules.save(rule)

        def shows_p1() -> bool:
            answer = shelves.recommend(RecommendRequest(limit=20), "vi")
            return "p1" in {item.product_id for item in answer.items}

        for now, expected in ((begins - 1, True), (begins, False), (ends - 1, False), (ends, True)):
            clock[0] = now
            assert shows_p1() is expected
    finally:
        runtime.stop()


def test_asking_for_the_head_alone_shows_nothing_to_anybody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[Any] = []
    assert shop.runtime.journal is not None
    monkeypatch.setattr(shop.runtime.journal, "note", noted.append)
    paths = (
        "/v1/recommendations",
        "/v1/products/popular",
        "/v1/products/p1/similar",
        "/v1/products/p1/bought-together",
    )
    for path in paths:
        assert shop.browser.request("HEAD", path).status_code == 200
    assert noted == []
    for path in paths:
        shop.browser.get(path)
    assert len(noted) == len(paths)
