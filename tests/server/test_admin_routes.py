"""The admin routes as the console and the command line use them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from server_shop import Shop

from appliance.ops.training import TrainReport
from appliance.search.service import SearchService


def test_the_overview_says_how_the_shop_does(shop: Shop) -> None:
    shop.browser.post("/track", {"product_id": "p1", "session_id": "s1"})
    overview = shop.owner.get("/v1/admin/overview").json()
    assert overview["catalogue"]["published"] == 12
    assert overview["catalogue"]["products"] == 13
    assert overview["ingest"]["accepted"] == 1
    assert set(overview["ingest"]) == {"accepted", "logged", "lag"}
    assert overview["ready"] is True


def test_the_product_list_pages_and_filters(shop: Shop) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = shop.owner.get(f"/v1/admin/products?limit=5&sort=title&cursor={cursor}").json()
        seen += [product["id"] for product in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == page["total"] == 13
    drafts = shop.owner.get("/v1/admin/products?status=draft").json()
    assert [product["id"] for product in drafts["items"]] == ["p11"]
    assert shop.owner.get("/v1/admin/products?q=tui").json()["total"] == 4
    assert shop.owner.get("/v1/admin/products?cursor=nonsense").status_code == 404


def test_a_product_is_changed_and_the_shop_knows_at_once(shop: Shop) -> None:
    change: dict[str, Any] = {
        "title": "Ví da cá sấu",
        "description": "Mới",
        "tags": ["mới"],
        "price": 990_000,
        "stock": None,
    }
    answer = shop.owner.request("PATCH", "/v1/admin/products/single", json=change)
    assert answer.status_code == 200
    assert answer.json()["variants"][0] | {"price": 990_000, "stock": None} == answer.json()["variants"][0]
    public = shop.browser.get("/v1/products/single").json()
    assert (public["title"], public["price"], public["tags"]) == ("Ví da cá sấu", 990_000, ["mới"])
    assert "single" in {item["product_id"] for item in shop.browser.get("/v1/search?q=ca sau").json()["items"]}
    shop.owner.request("PATCH", "/v1/admin/products/single", json={"status": "draft"})
    assert shop.browser.get("/v1/products/single").status_code == 404
    assert shop.owner.get("/v1/admin/products/single").json()["status"] == "draft"


def test_changes_of_one_product_at_once_are_all_kept(shop: Shop) -> None:
    def change_p1(change: dict[str, Any]) -> httpx.Response:
        return shop.owner.request("PATCH", "/v1/admin/products/p1", json=change)

    for step in range(1, 9):
        changes: list[dict[str, Any]] = [
            {"title": f"Tên {step}"},
            {"description": f"Mô tả {step}"},
            {"tags": [f"thẻ {step}"]},
            {"variants": [{"id": "p1:38", "price": step * 1000}]},
            {"variants": [{"id": "p1:39", "stock": step}]},
        ]
        with ThreadPoolExecutor(len(changes)) as owners:
            answers = list(owners.map(change_p1, changes))
        assert [answer.status_code for answer in answers] == [200] * 5
        product = shop.owner.get("/v1/admin/products/p1").json()
        assert (product["title"], product["description"]) == (f"Tên {step}", f"Mô tả {step}")
        assert product["tags"] == [f"thẻ {step}"]
        assert (product["variants"][0]["price"], product["variants"][1]["stock"]) == (step * 1000, step)


def test_variants_are_changed_by_name(shop: Shop) -> None:
    change = {"variants": [{"id": "p1:38", "price": 150_000, "stock": 0}]}
    answer = shop.owner.request("PATCH", "/v1/admin/products/p1", json=change).json()
    assert [(variant["price"], variant["stock"]) for variant in answer["variants"]] == [(150_000, 0), (200_000, 3)]
    assert answer["price"] == 150_000


@pytest.mark.parametrize(
    ("product", "change", "status"),
    [
        ("p1", {"price": 5}, 409),
        ("p1", {"variants": [{"id": "p2:38", "price": 5}]}, 404),
        ("single", {"price": 0.5}, 409),
        ("single", {"price": -1}, 400),
        ("single", {"stock": 1.5}, 400),
        ("single", {"title": ""}, 400),
        ("single", {"title": None}, 400),
        ("single", {"more": 1}, 400),
        ("single", {"status": "sold"}, 400),
        ("single", {"tags": "a"}, 400),
        ("none", {"title": "x"}, 404),
        ("%00", {"title": "x"}, 404),
    ],
)
def test_a_change_that_cannot_be_is_refused(shop: Shop, product: str, change: dict[str, Any], status: int) -> None:
    before = shop.runtime.catalogue.revision
    answer = shop.owner.request("PATCH", f"/v1/admin/products/{product}", json=change)
    assert answer.status_code == status
    assert shop.runtime.catalogue.revision == before


def test_settings_show_their_origin_and_are_written_when_all_are_right(shop: Shop) -> None:
    listed = {entry["key"]: entry for entry in shop.owner.get("/v1/admin/settings").json()["settings"]}
    assert listed["server.rate_limit"]["origin"] == "flag"
    assert listed["recommender.diversity"]["origin"] == "default"
    wrong = {"settings": {"recommender.diversity": 0.5, "recommender.magic": 1, "server.port": "x"}}
    refused = shop.owner.request("PATCH", "/v1/admin/settings", json=wrong)
    assert refused.status_code == 400
    assert {fault["field"] for fault in refused.json()["errors"]} == {"recommender.magic", "server.port"}
    assert not (shop.runtime.data_dir / "appliance.toml").exists()
    right = {"settings": {"recommender.diversity": 0.5, "server.rate_limit": "on", "shop.locale": "vi"}}
    written = shop.owner.request("PATCH", "/v1/admin/settings", json=right).json()
    assert written["written"] == list(right["settings"])
    assert written["restart_needed"] == ["recommender.diversity", "server.rate_limit"]
    assert written["overridden"] == ["server.rate_limit"]
    assert "diversity = 0.5" in (shop.runtime.data_dir / "appliance.toml").read_text()


def test_rules_are_kept(shop: Shop) -> None:
    rule = {
        "action": "boost", "target": "category", "value": "ba-lo", "placement": "home", "strength": 3.0,
        "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-02-01T07:00:00+07:00",
    }  # fmt: skip
    created = shop.owner.post("/v1/admin/rules", rule)
    assert created.status_code == 201
    made = created.json()
    assert (made["starts_at"], made["ends_at"]) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    replaced = shop.owner.request("PUT", f"/v1/admin/rules/{made['id']}", json=rule | {"enabled": False})
    assert replaced.json()["enabled"] is False
    assert [entry["id"] for entry in shop.owner.get("/v1/admin/rules").json()["items"]] == [made["id"]]
    assert shop.owner.request("DELETE", f"/v1/admin/rules/{made['id']}").status_code == 204
    assert shop.owner.request("DELETE", f"/v1/admin/rules/{made['id']}").status_code == 404
    assert shop.owner.request("PUT", "/v1/admin/rules/none", json=rule).status_code == 404
    for change in ({"action": "hide"}, {"strength": 0}, {"starts_at": "soon"}, {"starts_at": "2027-01-01T00:00:00"}):
        assert shop.owner.post("/v1/admin/rules", rule | change).status_code == 400
    assert shop.owner.post("/v1/admin/rules", rule | {"ends_at": rule["starts_at"]}).status_code == 409


def test_jobs_are_listed_and_unknown_ones_refused(shop: Shop) -> None:
    assert shop.owner.get("/v1/admin/jobs").json()["items"] == []
    assert shop.owner.get("/v1/admin/jobs/none").status_code == 404
    assert shop.owner.post("/v1/admin/jobs", {"kind": "magic"}).status_code == 404


@pytest.mark.parametrize("args", [{"search_onyl": True}, {"search_only": "yes"}, {"search_only": None}, [], None])
def test_a_job_with_wrong_arguments_is_refused(shop: Shop, args: Any) -> None:
    refused = shop.owner.post("/v1/admin/jobs", {"kind": "train", "args": args})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"].startswith("args")
    assert shop.owner.get("/v1/admin/jobs").json()["items"] == []


def test_a_worn_index_piles_up_no_trainings(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = shop.runtime.jobs
    assert jobs is not None
    inside, release = threading.Event(), threading.Event()

    def hold(**_: Any) -> TrainReport:
        inside.set()
        assert release.wait(20)
        return TrainReport(published={}, info={}, products=0, interactions=0, seconds=0.0)

    monkeypatch.setattr(shop.runtime.trainer, "run", hold)
    monkeypatch.setattr(SearchService, "wants_rebuild", property(lambda _: True))
    shop.runtime._rebuild()
    assert inside.wait(20)
    shop.runtime._rebuild()
    assert [job.args for job in jobs.active("train")] == [{"search_only": True}]
    full = shop.owner.post("/v1/admin/jobs", {"kind": "train"}).json()
    assert full["state"] == "queued"
    shop.runtime._rebuild()
    assert [job.id for job in jobs.active("train")][1:] == [full["id"]]
    release.set()


def test_imports_keep_good_rows_and_name_bad_ones(shop: Shop) -> None:
    rows: list[Any] = [{"id": "n1", "title": "Mới", "price": "120.000"}, {"id": "n2"}, 5]
    reply = shop.owner.post("/v1/admin/import/products?locale=en", {"products": rows}).json()
    assert (reply["inserted"], [row["index"] for row in reply["rejected"]]) == (1, [1, 2])
    assert shop.browser.get("/v1/products/n1").json()["price"] == 120_000
    interactions = [{"user_id": "u1", "product_id": "n1", "interaction_type": "purchase", "occurred_at": 1760000000}]
    reply = shop.owner.post("/v1/admin/import/interactions", {"interactions": interactions}).json()
    assert reply["accepted"] == 1
    for path, field in (("products", "products"), ("interactions", "interactions")):
        assert shop.owner.post(f"/v1/admin/import/{path}", {field: []}).status_code == 400
        assert shop.owner.post(f"/v1/admin/import/{path}", {field: [{}] * 501}).status_code == 400


def test_models_and_explanations(shop: Shop) -> None:
    kinds = {entry["kind"] for entry in shop.owner.get("/v1/admin/models").json()["items"]}
    assert {"recommender", "search"} <= kinds
    shown = shop.owner.get("/v1/admin/recommendations/explain?user_id=anybody&limit=3").json()
    assert len(shown["items"]) <= 3
    assert "catalogue_revision" in shown["trace"]


@pytest.mark.parametrize("text", ["[server\n", "shop = 1\n", "[shop]\n[shop]\n"])
def test_settings_in_a_broken_file_are_refused_by_its_name(shop: Shop, text: str) -> None:
    (shop.runtime.data_dir / "appliance.toml").write_text(text)
    refused = shop.owner.request("PATCH", "/v1/admin/settings", json={"settings": {"recommender.diversity": 0.5}})
    assert refused.status_code == 400
    assert "appliance.toml" in refused.json()["detail"]


def test_a_setting_that_the_next_start_would_refuse_is_refused(shop: Shop) -> None:
    wrong = {"shop.timezone": "Nowhere", "server.origins": ["*"], "server.host": "a b"}
    refused = shop.owner.request("PATCH", "/v1/admin/settings", json={"settings": wrong})
    assert refused.status_code == 400
    assert {fault["field"] for fault in refused.json()["errors"]} == set(wrong)
