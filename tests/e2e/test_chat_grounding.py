"""The assistant of a real process on an imported shop: grounded answers, the hand-off, and what the owner teaches."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_shop import QUIET, LiveShop

from appliance.agents.response.grounding import amounts_in
from appliance.ops.evaluation.chat_cases import ChatCase, read_cases

AGENTS = Path(__file__).resolve().parents[1] / "agents"
FIXTURE = AGENTS / "fixture"
CASES = read_cases(AGENTS / "cases" / "dev_grounding.jsonl")
BROWSER = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveShop]:
    """A process on the fixture shop, which the command line has imported before."""
    data = tmp_path_factory.mktemp("grounded") / "shop"
    data.mkdir()
    for kind in ("products", "faq", "orders"):
        command = [sys.executable, "-m", "appliance", "--data", str(data), "import", kind, "--json"]
        command.append(str(FIXTURE / f"{kind}.jsonl"))
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | QUIET, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rejected"] == 0
    with LiveShop(data) as live:
        yield live


def say(shop: LiveShop, session: str, message: str) -> dict[str, Any]:
    """Send a message as a shopper's browser does."""
    answer = shop.client.post("/v1/chat", json={"session_id": session, "message": message}, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stated_amounts() -> set[int]:
    """Return every amount that the fixture states: prices, totals of orders, what the answers of the FAQ say."""
    found: set[int] = set()
    for row in _rows("products"):
        found |= {row["price"], *(variant["price"] for variant in row["variants"])}
    for row in _rows("orders"):
        totals = [item["total"] for item in row["items"]]
        found |= {*totals, sum(totals)}
    for row in _rows("faq"):
        found |= {amount for text in (row["vi"], row["en"]) for amount in amounts_in(text, "VND")}
    return found


def _rows(kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FIXTURE / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_fact_is_the_shops(shop: LiveShop, case: ChatCase) -> None:
    allowed = stated_amounts()
    for turn in case.turns:
        allowed |= set(amounts_in(turn.text, "VND"))
        answer = say(shop, case.id, turn.text)
        assert set(amounts_in(answer["reply"], "VND")) <= allowed, answer["reply"]
        assert {product["price"] for product in answer["products"]} <= allowed
    reply = answer["reply"]
    assert answer["locale"] == case.lang
    for ways in case.must_contain:
        assert any(way in reply for way in ways), (ways, reply)
    for pattern in case.must_not_match:
        assert not re.search(pattern, reply), reply


def test_all_cases_are_there() -> None:
    assert len(CASES) == 10


def waiting(shop: LiveShop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.admin("GET", "/v1/admin/conversations?status=waiting").json()["items"]
    return found


def owner_issues(shop: LiveShop) -> set[str]:
    return {issue["code"] for issue in shop.admin("GET", "/v1/admin/issues").json()["items"]}


def staff_words(shop: LiveShop, session: str) -> list[str]:
    history = shop.client.get(f"/v1/chat/sessions/{session}", headers=BROWSER).json()
    return [turn["reply"] for turn in history["turns"] if turn["author"] == "staff"]


def test_a_person_is_called_writes_and_hands_back(shop: LiveShop) -> None:
    called = say(shop, "person", "cho mình gặp nhân viên")
    assert (called["action"], called["handled_by"], called["status"]) == ("handoff", "handoff", "waiting")
    assert "chat_waiting" in owner_issues(shop)
    [conversation] = waiting(shop)
    assert (conversation["session_id"], conversation["unread"]) == ("person", 1)
    # The assistant goes on while nobody has come.
    assert "20.000" in say(shop, "person", "phí ship nội thành HCM bao nhiêu")["reply"]
    url = f"/v1/admin/conversations/{conversation['id']}"
    assert shop.admin("POST", f"{url}/take").json()["conversation"]["status"] == "human"
    assert "chat_waiting" not in owner_issues(shop)
    assert waiting(shop) == []
    assert shop.admin("POST", f"{url}/messages", json={"text": "Dạ em Lan nghe ạ."}).status_code == 201
    silent = say(shop, "person", "tìm balo dưới 500k")
    assert (silent["reply"], silent["products"], silent["status"]) == ("", [], "human")
    assert staff_words(shop, "person") == ["Dạ em Lan nghe ạ."]
    detail = shop.admin("GET", url).json()
    assert [turn["author"] for turn in detail["turns"]] == ["shopper", "shopper", "staff", "shopper"]
    assert shop.admin("POST", f"{url}/hand-back").json()["conversation"]["status"] == "open"
    again = say(shop, "person", "tìm balo dưới 500k")
    assert (again["status"], again["handled_by"]) == ("open", "rules")
    assert again["products"]
    assert all(product["price"] <= 500_000 for product in again["products"])


def test_the_shop_learns_an_answer(shop: LiveShop) -> None:
    for session, question in (
        ("ask-1", "mình muốn đăng ký nhận bản tin của shop"),
        ("ask-2", "đăng ký nhận bản tin của shop sao ạ"),
    ):
        assert say(shop, session, question)["sources"] == []
    groups = shop.admin("GET", "/v1/admin/unanswered").json()["items"]
    [group] = [one for one in groups if "bản tin" in one["question"]]
    assert (group["occurrences"], group["variants"]) == (2, ["đăng ký nhận bản tin của shop sao ạ"])
    answer = "Dạ mình nhập email ở cuối trang chủ là nhận được bản tin ạ."
    body = {"answers": {"vi": answer, "en": "Enter your e-mail at the bottom of the home page."}}
    made = shop.admin("POST", f"/v1/admin/unanswered/{group['id']}/answer", json=body)
    assert made.status_code == 201
    learned = say(shop, "ask-3", "cho em hỏi đăng ký nhận bản tin shop thế nào")
    assert learned["reply"] == answer
    assert learned["sources"] == [{"kind": "faq", "id": made.json()["id"]}]
    still = shop.admin("GET", "/v1/admin/unanswered").json()["items"]
    assert not [one for one in still if "bản tin" in one["question"]]
    # Taken back, it answers no longer.
    assert shop.admin("DELETE", f"/v1/admin/faq/{made.json()['id']}").status_code == 204
    assert say(shop, "ask-4", "cho em hỏi đăng ký nhận bản tin shop thế nào")["reply"] != answer


def test_own_examples_and_words_take_effect_at_once(shop: LiveShop) -> None:
    phrase = "xôi lạc bánh khúc đê"
    assert say(shop, "own-1", phrase)["intent"] != "warranty"
    body = {"intent": "warranty", "text": phrase}
    example = shop.admin("POST", "/v1/admin/intent-examples", json=body).json()["id"]
    taught = say(shop, "own-2", phrase)
    assert (taught["intent"], [source["id"] for source in taught["sources"]]) == ("warranty", ["faq_warranty"])
    assert shop.admin("DELETE", f"/v1/admin/intent-examples/{example}").status_code == 204
    assert say(shop, "own-3", phrase)["intent"] != "warranty"

    before = say(shop, "word-1", "tìm zblz dưới 500k")
    assert before["slots"].get("category") != "backpack"
    assert shop.admin("PUT", "/v1/admin/shop-words/zblz", json={"meaning": "balo"}).status_code == 200
    after = say(shop, "word-2", "tìm zblz dưới 500k")
    same = say(shop, "word-3", "tìm balo dưới 500k")
    assert after["slots"] == same["slots"]
    assert [item["handle"] for item in after["products"]] == [item["handle"] for item in same["products"]] != []
    assert shop.admin("DELETE", "/v1/admin/shop-words/zblz").status_code == 204
