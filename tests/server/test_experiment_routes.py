"""Attribution and experiments over HTTP: from the shelf that is shown to the owner's table and verdict."""

from __future__ import annotations

from typing import Any

import pytest
from server_shop import Shop

from appliance.domain import Impression
from appliance.recsys.base import Recommendation, RecommendRequest

EXPERIMENT = {"name": "Trang chủ", "placement": "home", "arm_a": "blend", "arm_b": "popular"}


def settle(shop: Shop) -> None:
    assert shop.runtime.merger is not None
    assert shop.runtime.merger.flush(20)


def shelf(shop: Shop, session: str, placement: str = "home") -> dict[str, Any]:
    answer: dict[str, Any] = shop.browser.get(f"/v1/recommendations?session_id={session}&placement={placement}").json()
    return answer


def follow(shop: Shop, session: str, shown: dict[str, Any], *kinds: str, **fields: Any) -> None:
    events = [
        {
            "type": kind,
            "session_id": session,
            "product_id": shown["items"][0]["product_id"],
            "recommendation_id": shown["recommendation_id"],
            **fields,
        }
        for kind in kinds
    ]
    assert shop.browser.post("/v1/events", {"events": events}).json()["accepted"] == len(kinds)


def outcomes(shop: Shop, query: str = "") -> list[dict[str, Any]]:
    answer = shop.owner.get(f"/v1/admin/analytics/recommendations?{query}")
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_what_a_shelf_led_to_is_in_the_owner_s_table(shop: Shop) -> None:
    follow(shop, "s1", shelf(shop, "s1"), "click", "add_to_cart")
    follow(shop, "s2", shelf(shop, "s2"), "click", "purchase", price=150_000, quantity=2, currency="VND")
    shelf(shop, "s3")
    shelf(shop, "s3", "cart")
    settle(shop)
    cart, home = outcomes(shop, "by=placement&locale=en")
    assert (cart["name"], cart["impressions"], cart["clicks"]) == ("cart", 1, 0)
    counts = {"impressions": 3, "visitors": 3, "clicks": 2, "add_to_carts": 1, "purchases": 1, "revenue": 300_000}
    assert home | counts | {"click_through": 0.666667, "conversion": 0.333333, "label": "home page"} == home
    [today] = outcomes(shop, "by=day")
    assert (today["impressions"], today["label"]) == (4, today["day"])
    assert {row["day"] for row in outcomes(shop, "by=strategy&daily=true")} == {today["day"]}
    assert outcomes(shop, "by=arm") == []
    assert outcomes(shop, "from=2001-01-01&to=2001-01-31") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2026-02-01&to=2026-01-01", 409),
        ("from=soon", 400),
        ("by=luck", 400),
        ("from=0001-01-01&to=9999-12-31", 200),
        ("to=0001-01-01", 200),
        ("to=null", 400),
        ("from=9999-12-31", 409),
    ],
)
def test_periods_at_the_edge(shop: Shop, query: str, status: int) -> None:
    assert shop.owner.get(f"/v1/admin/analytics/recommendations?{query}").status_code == status


def test_an_experiment_from_start_to_end(shop: Shop) -> None:
    made = shop.owner.post("/v1/admin/experiments", EXPERIMENT)
    assert made.status_code == 201
    experiment = made.json()
    assert (experiment["share"], experiment["metric"], experiment["state"]) == (0.5, "click", "running")
    assert shop.owner.post("/v1/admin/experiments", EXPERIMENT | {"placement": None}).status_code == 409
    for wrong in ({"arm_b": "magic"}, {"share": 0}, {"metric": "luck"}, {"name": " "}, {"x": 1}):
        assert shop.owner.post("/v1/admin/experiments", EXPERIMENT | wrong).status_code == 400
    assert shop.owner.post("/v1/admin/experiments", EXPERIMENT | {"arm_b": "blend"}).status_code == 409
    path = f"/v1/admin/experiments/{experiment['id']}"
    report = shop.owner.get(path + "?locale=en").json()
    assert (report["verdict"]["outcome"], report["verdict"]["text"]) == ("none", "Nobody has seen both arms yet.")
    assert shop.owner.post(path + "/stop").json()["state"] == "ended"
    assert shop.owner.post(path + "/stop").status_code == 409
    assert [found["id"] for found in shop.owner.get("/v1/admin/experiments").json()["items"]] == [experiment["id"]]
    for method, unknown in (("GET", "exp_none"), ("POST", "exp_none/stop")):
        assert shop.owner.request(method, f"/v1/admin/experiments/{unknown}").status_code == 404


def test_visitors_keep_their_arm_and_its_strategy_is_asked_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[Impression] = []
    asked: list[RecommendRequest] = []
    recommend = shop.runtime.recommender.recommend

    def recommending(request: RecommendRequest) -> Recommendation:
        asked.append(request)
        return recommend(request)

    assert shop.runtime.journal is not None
    monkeypatch.setattr(shop.runtime.journal, "note", noted.append)
    monkeypatch.setattr(shop.runtime.recommender, "recommend", recommending)
    experiment = shop.owner.post("/v1/admin/experiments", EXPERIMENT).json()
    for _ in range(2):
        for number in range(40):
            shelf(shop, f"s{number}")
    arms = [impression.arm for impression in noted]
    assert arms[:40] == arms[40:]
    assert {impression.experiment_id for impression in noted} == {experiment["id"]}
    assert 8 <= arms[:40].count("b") <= 32
    # Whose arm differs shares no cached answer, though of none of them anything is known.
    assert {request.strategy for request in asked} == {"blend", "popular"}
    noted.clear()
    shelf(shop, "s1", "cart")
    shop.browser.get("/v1/recommendations")
    shop.browser.post("/v1/privacy/opt-out", {"session_id": "s1"})
    shelf(shop, "s1")
    assert [(impression.experiment_id, impression.arm) for impression in noted] == [("", "")] * 3
    assert asked[-1].strategy == "blend"
    shop.owner.post(f"/v1/admin/experiments/{experiment['id']}/stop")
    noted.clear()
    shelf(shop, "s2")
    assert (noted[0].experiment_id, noted[0].arm) == ("", "")


def show(shop: Shop, experiment_id: str, visitors: dict[str, int], clickers: dict[str, int]) -> None:
    """Note shelves of both arms and the clicks of some of their visitors."""
    assert shop.runtime.journal is not None
    now = shop.runtime.now()
    for arm, count in visitors.items():
        events = []
        for number in range(count):
            session, shown = f"{arm}{number}", f"rec_{arm}{number}"
            shop.runtime.journal.note(
                Impression(shown, "", session, "home", "trending", ("p1",), now, experiment_id, arm)  # type: ignore[arg-type]
            )
            if number < clickers[arm]:
                events.append({"type": "click", "session_id": session, "product_id": "p1", "recommendation_id": shown})
        assert shop.browser.post("/v1/events", {"events": events}).json()["accepted"] == clickers[arm]
    settle(shop)


def test_a_verdict_is_said_in_words(shop: Shop) -> None:
    experiment = shop.owner.post("/v1/admin/experiments", EXPERIMENT).json()
    show(shop, experiment["id"], {"a": 1000, "b": 1000}, {"a": 50, "b": 150})
    report = shop.owner.get(f"/v1/admin/experiments/{experiment['id']}?locale=vi").json()
    assert [
        (arm["arm"], arm["strategy"], arm["visitors"], arm["successes"], arm["rate"]) for arm in report["arms"]
    ] == [
        ("a", "blend", 1000, 50, 0.05),
        ("b", "popular", 1000, 150, 0.15),
    ]
    verdict = report["verdict"]
    assert (verdict["outcome"], verdict["difference"], verdict["mismatch"], verdict["warning"]) == ("b", 0.1, False, "")
    assert 0 < verdict["low"] < 0.1 < verdict["high"] < 0.2
    assert verdict["text"].startswith("B (bán chạy) tốt hơn A: số khách bấm vào gợi ý chênh +10,00 điểm phần trăm")
    [a, b] = outcomes(shop, "by=arm&locale=en")
    assert (a["label"], a["clicks"], b["label"], b["clicks"]) == (
        "Trang chủ A: blend", 50, "Trang chủ B: best sellers", 150,
    )  # fmt: skip


def test_a_wrong_division_is_warned_of(shop: Shop) -> None:
    experiment = shop.owner.post("/v1/admin/experiments", EXPERIMENT).json()
    show(shop, experiment["id"], {"a": 400, "b": 200}, {"a": 20, "b": 10})
    verdict = shop.owner.get(f"/v1/admin/experiments/{experiment['id']}?locale=en").json()["verdict"]
    assert (verdict["outcome"], verdict["mismatch"]) == ("none", True)
    assert "33% of 600" in verdict["warning"]
    assert verdict["text"].startswith("No difference yet")


def test_an_arm_a_win_is_told_from_a_s_side(shop: Shop) -> None:
    experiment = shop.owner.post("/v1/admin/experiments", EXPERIMENT).json()
    show(shop, experiment["id"], {"a": 900, "b": 900}, {"a": 200, "b": 60})
    verdict = shop.owner.get(f"/v1/admin/experiments/{experiment['id']}?locale=en").json()["verdict"]
    assert (verdict["outcome"], verdict["difference"] < 0) == ("a", True)
    assert verdict["text"].startswith("A (blend) is better than B: visitors who click differ by +15.56")


def test_without_the_log_the_answer_is_to_come_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.runtime, "log", None)
    experiment = shop.owner.post("/v1/admin/experiments", EXPERIMENT).json()
    for path in ("analytics/recommendations", f"experiments/{experiment['id']}"):
        assert shop.owner.get(f"/v1/admin/{path}").status_code == 503
