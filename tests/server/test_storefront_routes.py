"""The public routes as a storefront uses them."""

from __future__ import annotations

from typing import Any

import pytest
from server_shop import OUTSIDE, OpenShop, Shop


def event(**changes: Any) -> dict[str, Any]:
    return {"type": "view", "product_id": "p1", "session_id": "s1"} | changes


def test_each_event_is_judged_alone(shop: Shop) -> None:
    events: list[Any] = [event(), event(type="fly"), 5, None, event(product_id="a b"), event(type="view_item"), {}]
    answer = shop.browser.post("/v1/events", {"events": events})
    assert answer.status_code == 202
    body = answer.json()
    assert body["accepted"] == 2
    assert [rejection["index"] for rejection in body["rejected"]] == [1, 2, 3, 4, 6]
    assert all(rejection["code"] and rejection["message"] for rejection in body["rejected"])


def test_track_takes_one_event_and_a_missing_type_is_a_view(shop: Shop) -> None:
    answer = shop.browser.post("/track", {"product_handle": "san-pham-1", "session_id": "s1"})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert shop.browser.post("/track", {"type": "fly", "session_id": "s1"}).json()["accepted"] == 0
    assert (
        shop.browser.post("/v1/events", {"events": [{"product_id": "p1", "session_id": "s1"}]}).json()["accepted"] == 0
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b'{"events": []}',
        b'{"events": {}}',
        b'{"events": [{}], "more": 1}',
        b'{"events": [' + b",".join([b"{}"] * 501) + b"]}",
        b"[" * 1500,
        b'{"events": [' + b"[" * 1500,
        b'{"events": ["\xff\xfe"]}',
        b'{"events": [{"type": "\xed\xa0\x80"}]}',
        b'{"events": [NaN]}',
        b"\x00",
    ],
)
def test_a_body_that_is_no_batch_is_bad_input(shop: Shop, body: bytes) -> None:
    answer = shop.browser.post("/v1/events", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_input"


@pytest.mark.parametrize("body", [b"[" * 1500, b'{"product_id": ' + b"[" * 1500, b'"\xff"', b"", b"\x00", b"{"])
def test_track_survives_any_body(shop: Shop, body: bytes) -> None:
    assert shop.browser.post("/track", content=body).status_code in (202, 400)


def test_deep_nesting_inside_one_event_costs_no_other(shop: Shop) -> None:
    deep = b'{"type":"view","product_id":"p1","session_id":"s1","metadata":' + b'{"a":' * 900 + b"1" + b"}" * 901
    good = b'{"type":"view","product_id":"p1","session_id":"s1"}'
    answer = shop.browser.post("/v1/events", content=b'{"events":[' + deep + b"," + good + b"]}")
    assert answer.status_code in (202, 400)


def test_a_body_beyond_the_limit_is_refused(open_shop: OpenShop) -> None:
    shop = open_shop(server__max_body_bytes=10_000)
    answer = shop.browser.post("/v1/events", content=b" " * 10_001)
    assert answer.status_code == 413
    assert answer.json()["code"] == "payload_too_large"


def test_identify_links_a_session(shop: Shop) -> None:
    answer = shop.storefront.post("/v1/sessions/s1/identify", {"user_id": "cus_1"})
    assert answer.json() == {"session_id": "s1", "user_id": "cus_1"}
    assert shop.storefront.post("/v1/sessions/s%201/identify", {"user_id": "cus_1"}).status_code == 400
    assert shop.storefront.post("/v1/sessions/s1/identify", {"user_id": ""}).status_code == 400


def test_a_shelf_has_what_a_storefront_shows(shop: Shop) -> None:
    shelf = shop.browser.get("/v1/recommendations?limit=3&locale=en").json()
    assert shelf["recommendation_id"].startswith("rec_")
    assert 1 <= len(shelf["items"]) <= 3
    item = shelf["items"][0]
    assert set(item) >= {
        "product_id", "handle", "title", "thumbnail", "price", "currency", "in_stock", "score", "components", "reason",
    }  # fmt: skip
    assert isinstance(item["price"], int)
    assert item["currency"] == "VND"
    assert item["reason"]["text"]
    assert shelf["took_ms"] >= 0


def test_an_answer_is_remembered_until_the_visitor_acts(shop: Shop) -> None:
    path = "/v1/recommendations?session_id=s9"
    first, second = shop.browser.get(path).json(), shop.browser.get(path).json()
    assert (first["cache"], second["cache"]) == ("miss", "hit")
    assert first["recommendation_id"] != second["recommendation_id"]
    assert first["items"] == second["items"]
    shop.browser.post("/v1/events", {"events": [event(session_id="s9")]})
    assert shop.browser.get(path).json()["cache"] == "miss"
    assert shop.browser.get(path).json()["cache"] == "hit"
    shop.browser.post("/v1/events", {"events": [event(session_id="another")]})
    assert shop.browser.get(path).json()["cache"] == "hit"


def test_a_session_event_drops_the_customer_s_entry_too(shop: Shop) -> None:
    path = "/v1/recommendations?user_id=cus_9&session_id=s9"
    assert [shop.storefront.get(path).json()["cache"] for _ in range(2)] == ["miss", "hit"]
    shop.browser.post("/v1/events", {"events": [event(session_id="s9")]})
    assert shop.storefront.get(path).json()["cache"] == "miss"


def test_a_change_of_catalogue_rules_or_language_asks_anew(shop: Shop) -> None:
    path = "/v1/recommendations?limit=50&locale=vi"
    assert [shop.browser.get(path).json()["cache"] for _ in range(2)] == ["miss", "hit"]
    assert shop.browser.get("/v1/recommendations?limit=50&locale=en").json()["cache"] == "miss"
    english = shop.browser.get("/v1/recommendations?limit=50", headers={"Accept-Language": "en-GB"})
    assert english.json()["cache"] == "hit"
    shop.owner.request("PATCH", "/v1/admin/products/single", json={"title": "Ví da bò"})
    assert shop.browser.get(path).json()["cache"] == "miss"
    shop.owner.request("PATCH", "/v1/admin/products/single", json={"price": 260_000})
    priced = shop.browser.get(path).json()
    # A price changes no order, and is written into an answer as it is sent.
    assert priced["cache"] == "hit"
    assert [item["price"] for item in priced["items"] if item["product_id"] == "single"] == [260_000]
    rule = {"action": "exclude", "target": "product", "value": "p1"}
    assert shop.owner.post("/v1/admin/rules", rule).status_code == 201
    answer = shop.browser.get(path).json()
    assert answer["cache"] == "miss"
    assert "p1" not in {item["product_id"] for item in answer["items"]}


def test_one_who_opted_out_gets_what_everybody_gets(shop: Shop) -> None:
    shop.browser.get("/v1/recommendations?session_id=s1")
    assert shop.browser.post("/v1/privacy/opt-out", {"session_id": "s1"}).status_code == 204
    everybody = shop.browser.get("/v1/recommendations").json()
    answer = shop.browser.get("/v1/recommendations?session_id=s1").json()
    assert [item["product_id"] for item in answer["items"]] == [item["product_id"] for item in everybody["items"]]
    assert answer["cache"] == "hit"


def test_a_page_s_shelves_in_one_call(shop: Shop) -> None:
    requests: list[dict[str, Any]] = [
        {"placement": "home", "limit": 2},
        {"placement": "product", "product_id": "san-pham-3", "limit": 2},
        {"placement": "category", "category": "Ba lo", "limit": 2},
    ]
    shelves = shop.browser.post("/v1/recommendations/batch", {"requests": requests}).json()
    assert len(shelves) == 3
    assert len({shelf["recommendation_id"] for shelf in shelves}) == 3
    for bad in ([], requests * 4, [{"placement": "moon"}], [{"limit": 0}], [{"user_id": "a b"}], [{"more": 1}]):
        assert shop.browser.post("/v1/recommendations/batch", {"requests": bad}).status_code == 400


def test_a_product_by_id_or_handle(shop: Shop) -> None:
    product = shop.browser.get("/v1/products/san-pham-1").json()
    assert product == shop.browser.get("/v1/products/p1").json()
    assert product["price"] == 200_000
    assert product["attributes"] == {"material": "da"}
    assert "stock" not in product["variants"][0]
    assert product["created_at"].endswith("Z")


@pytest.mark.parametrize("product", ["none", "p11", "san-pham-11", "%00", "%1b%5b2J", "..", "%2e%2e", "đường", "p1%0a"])
def test_what_is_not_for_sale_is_not_found(shop: Shop, product: str) -> None:
    for suffix in ("", "/similar", "/bought-together"):
        answer = shop.browser.get(f"/v1/products/{product}{suffix}")
        assert answer.status_code in (400, 404), suffix
        assert answer.json()["code"] in ("not_found", "invalid_input")


def test_a_product_has_a_validator(shop: Shop) -> None:
    first = shop.browser.get("/v1/products/single")
    tag = first.headers["etag"]
    for header in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = shop.browser.get("/v1/products/single", headers={"If-None-Match": header})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert shop.browser.get("/v1/products/single", headers={"If-None-Match": '"x"'}).status_code == 200
    shop.owner.request("PATCH", "/v1/admin/products/single", json={"stock": 1})
    changed = shop.browser.get("/v1/products/single", headers={"If-None-Match": tag})
    assert changed.status_code == 200


def test_similar_bought_together_and_popular(shop: Shop) -> None:
    for path in ("/v1/products/p1/similar", "/v1/products/p1/bought-together", "/v1/products/popular?window=30d"):
        shelf = shop.browser.get(f"{path}{'&' if '?' in path else '?'}limit=4")
        assert shelf.status_code == 200, path
        ids = [item["product_id"] for item in shelf.json()["items"]]
        assert len(ids) <= 4
        assert not {"p11"} & set(ids)
        assert "p1" not in ids or "popular" in path
    assert shop.browser.get("/v1/products/popular?category=ba-lo").status_code == 200
    assert shop.browser.get("/v1/products/popular?category=none").status_code == 404
    for bad in ("0d", "366d", "7", "7d%0a", "-1d", "d", "7D", "٧d"):
        assert shop.browser.get(f"/v1/products/popular?window={bad}").status_code == 400, bad


def test_search_finds_filters_and_counts(shop: Shop) -> None:
    found = shop.browser.get("/v1/search?q=ba lo da").json()
    assert found["total"] >= 3
    assert all("Ba lô" in item["title"] for item in found["items"][:3])
    cheap = shop.browser.get("/v1/search?q=da&price_max=300000&sort=price_asc").json()
    assert [item["price"] for item in cheap["items"]] == sorted(item["price"] for item in cheap["items"])
    assert all(item["price"] <= 300_000 for item in cheap["items"])
    stocked = shop.browser.get("/v1/search?q=da&in_stock=true&limit=100").json()
    assert "p5" not in {item["product_id"] for item in stocked["items"]}
    assert found["facets"]["price"]["min"] <= found["facets"]["price"]["max"]
    nothing = shop.browser.get("/v1/search?price_min=9&price_max=1").json()
    assert nothing["total"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=%1b%5b2J%07",
        "q=%ff%fe",
        "q=" + "a" * 200,
        'q=" OR * NEAR(',
        "q='; drop table products; --",
        "q=%",
        "q=%E2%80%AE",
        "q=🎒",
        "q=da&category=%00",
        "q=da&color=%00&size=%00",
        "q=da&sort=newest&offset=10000",
        "price_min=1e12",
        "price_min=0.1&price_max=0.2",
        "q=a&q=b",
        "",
    ],
)
def test_search_survives_any_words(shop: Shop, query: str) -> None:
    assert shop.browser.get(f"/v1/search?{query}").status_code in (200, 400)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=x", "limit=1.5", "limit=99999999999999999999", "offset=-1", "offset=10001",
        "price_min=-1", "price_min=nan", "price_min=inf", "price_max=1e13", "sort=magic", "in_stock=maybe",
        "q=" + "a" * 201, "category=" + "a" * 201, "color=" + "a" * 101,
    ],
)  # fmt: skip
def test_search_names_what_is_out_of_bounds(shop: Shop, query: str) -> None:
    answer = shop.browser.get(f"/v1/search?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.split("=")[0]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "placement=moon",
        "session_id=a%20b",
        "session_id=a%0a",
        "session_id=" + "a" * 129,
        "user_id=%00",
    ],
)
def test_recommendations_name_what_is_out_of_bounds(shop: Shop, query: str) -> None:
    assert shop.storefront.get(f"/v1/recommendations?{query}").status_code == 400


def test_privacy_requests_are_recorded_with_a_due_date(shop: Shop) -> None:
    answer = shop.browser.post("/v1/privacy/requests", {"kind": "erase", "session_id": "s1"})
    assert answer.status_code == 202
    [kept] = shop.runtime.privacy.requests()
    assert (kept.id, kept.session_id) == (answer.json()["id"], "s1")
    assert abs(kept.due_at - kept.created_at - 72 * 3600) < 1
    assert shop.browser.post("/v1/privacy/requests", {"kind": "erase"}).status_code == 401
    assert shop.browser.post("/v1/privacy/opt-out", {}).status_code == 401
    assert shop.browser.post("/v1/privacy/requests", {"kind": "sell", "session_id": "s1"}).status_code == 400


def test_health_and_readiness(shop: Shop) -> None:
    assert shop.at(OUTSIDE).get("/healthz").json()["status"] == "ok"
    ready = shop.at(OUTSIDE).get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert all("detail" not in issue for issue in ready.json()["issues"])


def test_what_is_not_ready_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.runtime import Readiness

    monkeypatch.setattr(shop.runtime, "readiness", lambda: Readiness(False, {"search": "starting"}))
    answer = shop.browser.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]) == (503, {"search": "starting"})
    assert int(answer.headers["retry-after"]) >= 1


def test_a_failing_recommender_costs_no_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("index is damaged")

    with monkeypatch.context() as patch:
        for name in ("recommend", "similar", "bought_together", "popular"):
            patch.setattr(shop.runtime.recommender, name, broken)
        for path in ("/v1/recommendations", "/v1/products/p1/similar", "/v1/products/popular"):
            shelf = shop.browser.get(f"{path}?limit=5").json()
            assert (shelf["strategy"], shelf["fallback"], len(shelf["items"])) == ("newest", True, 5)
        codes = {issue["code"] for issue in shop.owner.get("/v1/admin/issues").json()["items"]}
        assert "recommender_failed" in codes
    assert shop.browser.get("/v1/recommendations?limit=5").json()["cache"] == "miss"
    codes = {issue["code"] for issue in shop.owner.get("/v1/admin/issues").json()["items"]}
    assert "recommender_failed" not in codes


def test_a_failing_index_costs_no_search(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("index is damaged")

    with monkeypatch.context() as patch:
        patch.setattr(shop.runtime.search, "search", broken)
        found = shop.browser.get("/v1/search?q=ba lo&limit=2&offset=1")
        assert found.status_code == 200
        assert found.json()["total"] >= 3
        assert len(found.json()["items"]) == 2
    assert shop.browser.get("/v1/search?q=ba lo").status_code == 200
    assert not [issue for issue in shop.runtime.issues.open() if issue.code == "search_failed"]


def test_events_are_refused_with_a_date_when_the_journal_is_off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.runtime, "ingest", None)
    answer = shop.browser.post("/v1/events", {"events": [event()]})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(("code", "status"), [("busy", 503), ("disk_full", 507)])
def test_back_pressure_and_a_full_disk(shop: Shop, monkeypatch: pytest.MonkeyPatch, code: str, status: int) -> None:
    from appliance.errors import Busy, DiskFull

    async def refuse(*_: Any, **__: Any) -> None:
        raise Busy("too much waits", retry_after=3) if code == "busy" else DiskFull("/var/lib/secret is full")

    assert shop.runtime.ingest is not None
    monkeypatch.setattr(shop.runtime.ingest, "submit", refuse)
    answer = shop.browser.post("/v1/events", {"events": [event()]})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text
    assert answer.headers["retry-after"]
