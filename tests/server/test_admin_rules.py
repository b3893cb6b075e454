"""The owner's rules over HTTP: kept as they are meant, refused with what to change."""

from __future__ import annotations

from typing import Any

import pytest
from server_shop import Shop


def _made(shop: Shop, **rule: Any) -> Any:
    answer = shop.owner.post("/v1/admin/rules", rule)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_values_are_kept_as_they_are_meant(shop: Shop) -> None:
    card = shop.runtime.catalogue.cards()["p1"]
    by_handle = _made(shop, action="pin", target="product", value=card.handle)
    assert (by_handle["value"], by_handle["products"]) == ("p1", 1)
    price = _made(shop, action="boost", target="price", value="100000..")
    assert price["value"] == "100000.. VND"
    assert _made(shop, action="boost", target="price", value="5..9 USD")["products"] == 0
    unknown = _made(shop, action="exclude", target="product", value="not-here-yet")
    assert (unknown["value"], unknown["products"]) == ("not-here-yet", 0)
    listed = shop.owner.get("/v1/admin/rules").json()["items"]
    assert [rule["value"] for rule in listed] == ["p1", "100000.. VND", "5..9 USD", "not-here-yet"]
    assert {rule["products"] for rule in listed} == {None}
    again = {key: price[key] for key in ("action", "target", "value")}
    replaced = shop.owner.request("PUT", f"/v1/admin/rules/{price['id']}", json=again).json()
    assert (replaced["value"], replaced["products"]) == ("100000.. VND", price["products"])


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"target": "price", "value": "200.000..500.000"}, 409, "thousands separators"),
        ({"target": "price", "value": "9..5"}, 409, "smaller bound first"),
        ({"target": "margin", "value": "high"}, 409, ">=30%"),
        ({"target": "brand"}, 400, "target"),
        ({"strength": 0.5}, 400, "strength"),
    ],
)
def test_a_wrong_rule_says_what_to_change(shop: Shop, change: dict[str, Any], status: int, told: str) -> None:
    answer = shop.owner.post("/v1/admin/rules", {"action": "bury", "target": "tag", "value": "x"} | change)
    assert answer.status_code == status
    assert told in answer.text
    assert shop.owner.get("/v1/admin/rules").json()["items"] == []


def test_a_rule_by_price_holds_on_the_shelf(shop: Shop) -> None:
    before = {item["product_id"]: item["price"] for item in _home(shop)}
    limit = sorted(before.values())[len(before) // 2]
    _made(shop, action="exclude", target="price", value=f"..{limit}")
    after = [item["price"] for item in _home(shop)]
    assert all(price > limit for price in after)
    assert len(after) == sum(price > limit for price in before.values())


def test_a_rule_is_tried_before_it_is_kept(shop: Shop) -> None:
    last = _home(shop)[-1]["product_id"]
    rule: dict[str, Any] = {"action": "pin", "target": "product", "value": last}
    seen = shop.owner.post("/v1/admin/rules/preview", {"rule": rule, "limit": 50}).json()
    assert [item["product_id"] for item in seen["before"]] == [item["product_id"] for item in _home(shop)]
    assert seen["after"][0]["product_id"] == last
    assert (seen["products"], seen["holds"]) == (1, True)
    assert shop.owner.get("/v1/admin/rules").json()["items"] == []
    elsewhere = {"rule": rule | {"placement": "cart"}, "limit": 50}
    unmoved = shop.owner.post("/v1/admin/rules/preview", elsewhere).json()
    assert unmoved["holds"] is False
    assert [item["product_id"] for item in unmoved["after"]] == [item["product_id"] for item in unmoved["before"]]


def test_a_preview_of_a_change_leaves_the_old_rule_out(shop: Shop) -> None:
    kept = _made(shop, action="exclude", target="tag", value="da")
    assert [item["product_id"] for item in _home(shop)] == ["single"]
    changed = {"rule": {"action": "exclude", "target": "product", "value": "single"}, "replaces": kept["id"]}
    after = shop.owner.post("/v1/admin/rules/preview", changed).json()["after"]
    assert "single" not in {item["product_id"] for item in after}
    assert len(after) == 10
    wrong = {"rule": {"action": "exclude", "target": "price", "value": "cheap"}}
    assert shop.owner.post("/v1/admin/rules/preview", wrong).status_code == 409


def _home(shop: Shop) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = shop.browser.get("/v1/recommendations?limit=50").json()["items"]
    return items
