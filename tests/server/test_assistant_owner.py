"""What the owner's moves change at once: previews, hand-offs, deletions, guesses counted by address."""

from __future__ import annotations

from typing import Any

import pytest
from server_shop import OUTSIDE, OpenShop, Shop

from appliance.agents import vocabulary

WRAP = {
    "questions": {"vi": ["Shop có gói quà không?"]},
    "answers": {"vi": "Dạ gói miễn phí ạ.", "en": "Wrapping is free."},
}
ORDER = {"display_id": "1024", "phone": "0912000111", "status": "shipped"}


def preview(shop: Shop, question: str, **more: Any) -> dict[str, Any]:
    answer = shop.owner.post("/v1/admin/faq/preview", {"question": question, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def issues(shop: Shop) -> list[str]:
    return [issue["code"] for issue in shop.owner.get("/v1/admin/issues").json()["items"]]


def test_a_preview_names_the_entry_that_answers_and_those_near_it(shop: Shop) -> None:
    made = shop.owner.post("/v1/admin/faq", WRAP).json()
    boxes = {"questions": {"vi": ["Shop có hộp quà không?"]}, "answers": {"vi": "Hộp 20.000đ ạ."}}
    other = shop.owner.post("/v1/admin/faq", boxes).json()
    fee = shop.owner.post("/v1/admin/faq", {"intent": "shipping_fee", "answers": {"vi": "Ship 30.000đ."}}).json()
    found = preview(shop, "shop oi co goi qua khong vay")
    assert found["entry"]["id"] == made["id"]
    assert found["entry"]["question"] == "Shop có gói quà không?"
    assert 0.56 <= found["entry"]["score"] <= 1
    assert (found["reply"], found["rule"], found["answered"]) == ("Dạ gói miễn phí ạ.", f"faq:{made['id']}", True)
    assert [near["id"] for near in found["near"]] == [other["id"]]
    assert 0 < found["near"][0]["score"] < 1
    assert preview(shop, "do you wrap gifts?", locale="en")["locale"] == "en"
    by_intent = preview(shop, "phí ship bao nhiêu")
    assert (by_intent["intent"], by_intent["entry"]) == (
        "shipping_fee",
        {"id": fee["id"], "question": "", "score": 0.0},
    )
    unknown = preview(shop, "bảo hành mấy tháng")
    assert (unknown["entry"], unknown["answered"]) == (None, False)


def test_a_preview_leaves_nothing_behind(shop: Shop) -> None:
    shop.owner.post("/v1/admin/import/orders", {"orders": [ORDER]})
    for _ in range(12):
        assert "1024" not in str(preview(shop, "đơn 1024 tới đâu rồi, sđt 0999999999")["near"])
    preview(shop, "cho mình gặp nhân viên")
    preview(shop, "shop có dạy may túi không vậy")
    assert shop.owner.get("/v1/admin/conversations").json()["total"] == 0
    assert shop.owner.get("/v1/admin/unanswered?status=all").json()["total"] == 0
    assert issues(shop) == []
    # Ten wrong answers would have locked the order.
    found = shop.runtime.orders.try_verify("1024", "0912000111", conversation_id="s9", now=shop.runtime.now())
    assert found.order is not None
    right = preview(shop, "đơn 1024 tới đâu rồi, sđt 0912000111")
    assert right["action"] == "ask_verify"


def test_previews_that_cannot_be_are_refused(open_shop: OpenShop) -> None:
    shop = open_shop(assistant__enabled=False)
    # The owner prepares the answers before shoppers are let in.
    assert preview(shop, "xin chào")["intent"] == "greeting"
    for body in ({}, {"question": " "}, {"question": "x" * 2001}, {"question": "x", "session_id": "s1"}):
        assert shop.owner.post("/v1/admin/faq/preview", body).status_code == 400
    assert shop.browser.post("/v1/admin/faq/preview", {"question": "x"}).status_code in (401, 403)


@pytest.mark.parametrize("move", ["take", "hand-back", "messages", "close", "delete"])
def test_the_owners_issue_clears_at_once(shop: Shop, move: str) -> None:
    body = {"session_id": "s1", "message": "cho mình gặp nhân viên"}
    assert shop.browser.post("/v1/chat", body).json()["status"] == "waiting"
    assert issues(shop) == ["chat_waiting"]
    url = f"/v1/admin/conversations/{shop.owner.get('/v1/admin/conversations').json()['items'][0]['id']}"
    if move == "delete":
        assert shop.owner.request("DELETE", url).status_code == 204
    else:
        sent = {"text": "Dạ em nghe ạ"} if move == "messages" else None
        assert shop.owner.post(f"{url}/{move}", sent).is_success
    assert issues(shop) == []


def test_a_closed_conversation_is_followed_by_a_new_one(shop: Shop) -> None:
    body = {"session_id": "s1", "message": "cho mình gặp nhân viên"}
    shop.browser.post("/v1/chat", body)
    first = shop.owner.get("/v1/admin/conversations").json()["items"][0]["id"]
    closed = shop.owner.post(f"/v1/admin/conversations/{first}/close").json()["conversation"]
    assert (closed["status"], closed["handed_off"]) == ("closed", True)
    assert shop.browser.get("/v1/chat/sessions/s1").json()["status"] == "closed"
    again = shop.browser.post("/v1/chat", {**body, "message": "tìm túi xách"}).json()
    assert (again["status"], bool(again["products"])) == ("open", True)
    assert shop.owner.get("/v1/admin/conversations").json()["total"] == 2
    assert shop.owner.post("/v1/admin/conversations/none/close").status_code == 404


def test_a_customers_conversation_is_deleted_by_that_customer_or_the_shop(shop: Shop) -> None:
    body = {"session_id": "s1", "message": "xin chào", "user_id": "cus_1"}
    shop.storefront.post("/v1/chat", body)
    assert shop.browser.request("DELETE", "/v1/chat/sessions/s1").status_code == 204
    assert len(shop.storefront.get("/v1/chat/sessions/s1?user_id=cus_1").json()["turns"]) == 1
    assert shop.storefront.request("DELETE", "/v1/chat/sessions/s1").status_code == 204
    assert shop.storefront.get("/v1/chat/sessions/s1?user_id=cus_1").json()["turns"] == []


def test_a_question_that_was_noted_and_then_marked_counts_once(shop: Shop) -> None:
    body = {"session_id": "s1", "message": "shop có bảo hành không"}
    turn = shop.browser.post("/v1/chat", body).json()["turn_id"]
    assert shop.owner.get("/v1/admin/unanswered").json()["items"][0]["occurrences"] == 1
    for helpful in (False, False):
        shop.browser.post(f"/v1/chat/turns/{turn}/feedback", {"helpful": helpful})
    assert shop.owner.get("/v1/admin/unanswered").json()["items"][0]["occurrences"] == 1


def test_a_group_is_answered_once(shop: Shop) -> None:
    shop.runtime.unanswered.note("có gói quà không", "vi", "t1", shop.runtime.now())
    group = shop.owner.get("/v1/admin/unanswered").json()["items"][0]["id"]
    url, body = f"/v1/admin/unanswered/{group}/answer", {"answers": {"vi": "Có ạ"}}
    made = shop.owner.post(url, body).json()["id"]
    again = shop.owner.post(url, body)
    assert (again.status_code, again.json()["hint"]) == (409, f"Change the FAQ entry {made}.")
    shop.owner.request("DELETE", f"/v1/admin/faq/{made}")
    assert shop.owner.post(url, body).status_code == 201


def test_guesses_at_orders_are_counted_by_address(shop: Shop) -> None:
    orders = [{**ORDER, "display_id": str(number)} for number in range(2000, 2030)]
    shop.owner.post("/v1/admin/import/orders", {"orders": orders})

    def guess(caller: Any, number: int, contact: str) -> str:
        body = {"session_id": f"s{number}", "message": f"kiểm tra đơn {number}, sđt {contact}"}
        return str(caller.post("/v1/chat", body).json()["action"])

    # Twenty conversations, one guess each: no conversation and no order is over its limit, the address is.
    assert {guess(shop.browser, number, "0999999999") for number in range(2000, 2020)} == {"lookup"}
    assert guess(shop.browser, 2020, "0912000111") == "offer_handoff"
    elsewhere = shop.at(("203.0.113.77", OUTSIDE[1]), origin="https://shop.example")
    assert guess(elsewhere, 2021, "0912000111") == "lookup"
    # The shop's own server speaks for many shoppers and is not held up as one.
    assert {guess(shop.storefront, number, "0999999999") for number in range(2000, 2022)} == {"lookup"}
    assert guess(shop.storefront, 2023, "0912000111") == "lookup"


def test_words_of_a_large_shop_count_at_once_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "REBUILT_AT_ONCE", 0)
    assert preview(shop, "tìm zblz da")["intent"]
    shop.owner.request("PUT", "/v1/admin/shop-words/zblz", json={"meaning": "túi xách"})
    assert "Túi xách" in preview(shop, "tìm zblz da")["reply"]
    shop.owner.request("DELETE", "/v1/admin/shop-words/zblz")
    assert "Túi xách" not in preview(shop, "tìm zblz da")["reply"]
