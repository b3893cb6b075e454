"""The owner's routes about the assistant: FAQ, conversations, unanswered questions, words, requests, imports."""

from __future__ import annotations

from typing import Any

import pytest
from server_shop import Shop

from appliance.store.conversations import TurnRecord, new_turn_id

FEE = {"intent": "shipping_fee", "answers": {"vi": "30.000đ"}}


def say(shop: Shop, session: str, text: str, *, handoff: str = "", **values: Any) -> str:
    """Keep a turn as the assistant does, and return the conversation's id."""
    runtime = shop.runtime
    now = runtime.now()
    found = runtime.conversations.open(session, "", "vi", now)
    turn = TurnRecord(id=new_turn_id(), message=text, reply="dạ", created_at=now, trace=b'{"a":1}', **values)
    return runtime.conversations.append(found, turn, b"{}", handoff=handoff).id


def problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_faq_entries_are_made_replaced_and_deleted(shop: Shop) -> None:
    made = shop.owner.post("/v1/admin/faq", FEE)
    assert made.status_code == 201
    entry = made.json()
    assert (entry["intent"], entry["enabled"], entry["questions"]) == ("shipping_fee", True, {})
    problem(shop.owner.post("/v1/admin/faq", FEE), 409, "conflict")
    problem(shop.owner.post("/v1/admin/faq", {"answers": {"vi": "x"}}), 409, "conflict")
    url = f"/v1/admin/faq/{entry['id']}"
    changed = shop.owner.request("PUT", url, json={**FEE, "questions": {"vi": ["ship bao nhiêu"]}, "enabled": False})
    assert changed.json()["questions"] == {"vi": ["ship bao nhiêu"]}
    assert shop.owner.get("/v1/admin/faq").json()["items"] == [changed.json()]
    assert shop.runtime.faq.get(entry["id"]) is not None
    assert shop.owner.request("DELETE", url).status_code == 204
    problem(shop.owner.request("DELETE", url), 404, "not_found")
    problem(shop.owner.request("PUT", url, json=FEE), 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"answers": {}},
        {"answers": {"fr": "x"}},
        {"answers": {"vi": " "}},
        {"answers": {"vi": "x" * 4001}, "intent": "warranty"},
        {"answers": {"vi": "x"}, "intent": "no_such_intent"},
        {"answers": {"vi": "x"}, "questions": {"vi": [""]}},
        {"answers": {"vi": "x"}, "questions": {"vi": ["q"] * 51}},
        {"answers": {"vi": "x"}, "intent": "warranty", "id": "f1"},
    ],
)
def test_what_is_no_faq_entry_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    problem(shop.owner.post("/v1/admin/faq", body), 400, "invalid_input")
    assert shop.runtime.faq.entries() == ()


def test_the_owner_reads_along_takes_over_and_hands_back(shop: Shop) -> None:
    quiet = say(shop, "s1", "phí ship", intent="shipping_fee", slots={"city": "Huế"}, confidence=0.9)
    waiting = say(shop, "s2", "gặp người thật", handoff="asked", answered=False)
    page = shop.owner.get("/v1/admin/conversations").json()
    assert (page["total"], page["unread"], page["waiting"], page["human"]) == (2, 1, 1, 0)
    assert {item["id"] for item in page["items"]} == {quiet, waiting}
    for query, found in (
        ("status=waiting", [waiting]), ("handed_off=false", [quiet]), ("intent=shipping_fee", [quiet]),
        ("unanswered=true", [waiting]), ("q=thật", [waiting]), ("session_id=s1", [quiet]), ("offset=2", []),
    ):  # fmt: skip
        listed = shop.owner.get(f"/v1/admin/conversations?{query}").json()["items"]
        assert [item["id"] for item in listed] == found, query
    url = f"/v1/admin/conversations/{waiting}"
    detail = shop.owner.get(url).json()
    assert (detail["conversation"]["status"], detail["conversation"]["reason"]) == ("waiting", "asked")
    assert detail["turns"][0]["trace"] == {"a": 1}
    assert shop.owner.get("/v1/admin/conversations").json()["unread"] == 0
    assert shop.owner.post(f"{url}/take").json()["conversation"]["status"] == "human"
    said = shop.owner.post(f"{url}/messages", {"text": "Dạ em đây ạ"})
    assert (said.status_code, said.json()["author"], said.json()["reply"]) == (201, "staff", "Dạ em đây ạ")
    history = shop.runtime.conversations.history("s2")[1]
    assert [turn.author for turn in history] == ["shopper", "staff"]
    back = shop.owner.post(f"{url}/hand-back").json()["conversation"]
    assert (back["status"], back["handed_off"], back["last_message"]) == ("open", True, "Dạ em đây ạ")
    assert shop.owner.request("DELETE", url).status_code == 204
    problem(shop.owner.get(url), 404, "not_found")
    problem(shop.owner.request("DELETE", url), 404, "not_found")
    for action in ("take", "hand-back"):
        problem(shop.owner.post(f"{url}/{action}"), 404, "not_found")
    problem(shop.owner.post(f"{url}/messages", {"text": "x"}), 404, "not_found")
    problem(shop.owner.post(f"/v1/admin/conversations/{quiet}/messages", {"text": " "}), 400, "invalid_input")


def test_an_unanswered_question_becomes_an_answer(shop: Shop) -> None:
    now = shop.runtime.now()
    for text in ("có gói quà không", "shop có gói quà ko ạ"):
        shop.runtime.unanswered.note(text, "vi", "t1", now)
    other = shop.runtime.unanswered.note("có bán vé số không", "vi", "t2", now)
    assert other is not None
    page = shop.owner.get("/v1/admin/unanswered").json()
    assert [(item["occurrences"], item["question"]) for item in page["items"]] == [
        (2, "có gói quà không"),
        (1, "có bán vé số không"),
    ]
    url = f"/v1/admin/unanswered/{page['items'][0]['id']}"
    made = shop.owner.post(f"{url}/answer", {"answers": {"vi": "Có ạ", "en": "Yes"}})
    assert made.status_code == 201
    assert made.json()["questions"] == {"vi": ["có gói quà không", "shop có gói quà ko ạ"]}
    assert shop.owner.post(f"/v1/admin/unanswered/{other.id}/dismiss").json()["status"] == "dismissed"
    assert shop.owner.get("/v1/admin/unanswered").json()["total"] == 0
    assert shop.owner.get("/v1/admin/unanswered?status=all").json()["total"] == 2
    answered = shop.owner.get("/v1/admin/unanswered?status=answered").json()["items"]
    assert [item["faq_entry_id"] for item in answered] == [made.json()["id"]]
    for action in ("answer", "dismiss"):
        problem(shop.owner.post(f"/v1/admin/unanswered/none/{action}", {"answers": {"vi": "x"}}), 404, "not_found")


def test_the_owner_teaches_words_and_examples(shop: Shop) -> None:
    made = shop.owner.post("/v1/admin/intent-examples", {"intent": "warranty", "text": "máy hư thì sao"})
    assert made.status_code == 201
    assert shop.owner.get("/v1/admin/intent-examples").json()["items"] == [made.json()]
    problem(shop.owner.post("/v1/admin/intent-examples", {"intent": "x", "text": "y"}), 400, "invalid_input")
    url = f"/v1/admin/intent-examples/{made.json()['id']}"
    assert shop.owner.request("DELETE", url).status_code == 204
    problem(shop.owner.request("DELETE", url), 404, "not_found")
    word = shop.owner.request("PUT", "/v1/admin/shop-words/ÁK", json={"meaning": "áo khoác"})
    assert word.json() == {"word": "ák", "meaning": "áo khoác"}
    assert shop.owner.get("/v1/admin/shop-words").json()["items"] == [word.json()]
    assert dict(shop.runtime.shop_words.entries()) == {"ák": "áo khoác"}
    problem(shop.owner.request("PUT", "/v1/admin/shop-words/a%20b", json={"meaning": "x"}), 400, "invalid_input")
    assert shop.owner.request("DELETE", "/v1/admin/shop-words/ák").status_code == 204
    problem(shop.owner.request("DELETE", "/v1/admin/shop-words/ák"), 404, "not_found")


def test_a_request_about_an_order_is_closed_once(shop: Shop) -> None:
    made, _ = shop.runtime.order_requests.create("1024", "address", {"address": "1 Lê Lợi"}, "conv_1")
    listed = shop.owner.get("/v1/admin/order-requests").json()
    assert (listed["total"], listed["items"][0]["details"]) == (1, {"address": "1 Lê Lợi"})
    url = f"/v1/admin/order-requests/{made.id}/resolve"
    assert shop.owner.post(url, {"status": "done", "note": "đã đổi"}).json()["status"] == "done"
    problem(shop.owner.post(url, {"status": "rejected"}), 409, "conflict")
    problem(shop.owner.post("/v1/admin/order-requests/none/resolve", {"status": "done"}), 404, "not_found")
    problem(shop.owner.post(url, {"status": "open"}), 400, "invalid_input")
    assert shop.owner.get("/v1/admin/order-requests").json()["items"] == []
    assert shop.owner.get("/v1/admin/order-requests?status=all").json()["total"] == 1


def test_orders_and_faq_are_imported_over_http(shop: Shop) -> None:
    rows = [{"display_id": "1024", "phone": "0912000111"}, {"display_id": ""}, 7]
    reply = shop.owner.post("/v1/admin/import/orders", {"orders": rows}).json()
    assert (reply["inserted"], [row["index"] for row in reply["rejected"]]) == (1, [1, 2])
    assert shop.runtime.orders.verify("1024", "0912000111") is not None
    reply = shop.owner.post("/v1/admin/import/faq", {"faq": [{"intent": "warranty", "vi": "12 tháng"}]}).json()
    assert reply["inserted"] == 1
    assert [entry.intent for entry in shop.runtime.faq.entries()] == ["warranty"]
    problem(shop.owner.post("/v1/admin/import/orders", {"orders": []}), 400, "invalid_input")
    problem(shop.owner.post("/v1/admin/import/faq", {"faq": [{}] * 501}), 400, "invalid_input")
