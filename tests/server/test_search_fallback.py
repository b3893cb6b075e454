"""Search while its index is off: the filters hold, the total is exact, and the answer says what it is."""

from __future__ import annotations

from typing import Any

import pytest
from server_shop import Shop


@pytest.fixture
def off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    def broken(*_: Any) -> None:
        raise RuntimeError("index is damaged")

    monkeypatch.setattr(shop.runtime.search, "search", broken)
    return shop


def found(shop: Shop, query: str) -> dict[str, Any]:
    answer = shop.browser.get(f"/v1/search?{query}")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def ids(shop: Shop, query: str) -> list[str]:
    return [item["product_id"] for item in found(shop, query)["items"]]


def test_the_answer_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(shop, "q=da")["fallback"] is False
    monkeypatch.setattr(type(shop.runtime.search), "ready", False)
    assert found(shop, "q=da")["fallback"] is True


def test_every_filter_of_the_cards_holds(off: Shop) -> None:
    assert set(ids(off, "category=Ba lo")) == {"p0", "p3", "p6", "p9"}
    assert ids(off, "category=nowhere") == []
    assert set(ids(off, "q=da&price_min=300000&price_max=500000")) == {"p2", "p3", "p4"}
    assert ids(off, "in_stock=false") == ["p5"]
    assert "p5" not in ids(off, "in_stock=true&limit=100")
    assert ids(off, "price_min=9&price_max=1") == []


def test_words_are_matched_without_marks_in_both_languages(off: Shop) -> None:
    assert set(ids(off, "q=TUI xach")) == {"p1", "p4", "p7", "p10"}
    assert ids(off, "q=leather 7") == ["p7"]
    assert ids(off, "q=tui nowhere") == []
    assert found(off, "q=%25")["total"] == 12


def test_the_total_is_exact_on_every_page_and_the_order_as_asked(off: Shop) -> None:
    whole = found(off, "q=da&sort=price_asc&limit=100")
    prices = [item["price"] for item in whole["items"]]
    assert prices == sorted(prices)
    assert len(prices) == whole["total"] == 11
    page = found(off, "q=da&sort=price_asc&limit=4&offset=8")
    assert (page["total"], page["items"]) == (11, whole["items"][8:])
    assert found(off, "q=da&offset=500") | {"took_ms": 0} == found(off, "q=da&offset=600") | {"took_ms": 0}
    assert ids(off, "q=da&sort=price_desc&limit=2") == ["p10", "p9"]
    assert ids(off, "q=da&sort=newest&limit=2") == ["p10", "p9"]
    assert ids(off, "q=da&limit=100")[-1] == "p5"
