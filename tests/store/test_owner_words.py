"""Examples, shop words and requests about orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import Conflict, InvalidInput
from appliance.store import intent_examples, shop_words
from appliance.store.intent_examples import IntentExampleRepository
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.order_requests import OrderRequestRepository
from appliance.store.shop_words import ShopWordRepository
from appliance.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


def test_examples_are_kept_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = IntentExampleRepository(store)
    first = examples.add("warranty", " máy hư  thì sao ")
    assert first.text == "máy hư thì sao"
    assert examples.add("warranty", "máy hư thì sao") == first
    second = examples.add("complaint", "máy hư thì sao")
    assert IntentExampleRepository(store).entries() == examples.entries() == (first, second)
    revision = examples.revision
    assert examples.delete(first.id)
    assert not examples.delete(first.id)
    assert examples.revision == revision + 1
    for intent, text in (("Warranty", "a"), ("", "a"), ("warranty", " "), ("warranty", "x" * 501)):
        with pytest.raises(InvalidInput):
            examples.add(intent, text)
    monkeypatch.setattr(intent_examples, "MAX_EXAMPLES", 1)
    with pytest.raises(Conflict):
        examples.add("warranty", "khác")


def test_words_are_replaced_and_deleted(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ShopWordRepository(store)
    assert words.put(" BS ", "balo  size") == ("bs", "balo size")
    words.put("bs", "bảng size")
    words.put("ÁK", "áo khoác")
    assert dict(words.entries()) == dict(ShopWordRepository(store).entries()) == {"bs": "bảng size", "ák": "áo khoác"}
    assert words.revision == 4
    assert words.delete("ÁK")
    assert not words.delete("ák")
    for word, meaning in (("", "x"), ("x" * 41, "x"), ("x", ""), ("x", "y" * 201)):
        with pytest.raises(InvalidInput):
            words.put(word, meaning)
    monkeypatch.setattr(shop_words, "MAX_WORDS", 1)
    words.put("bs", "x")
    with pytest.raises(Conflict):
        words.put("mới", "x")


def test_a_request_is_made_once_while_it_is_open(store: SqliteStore) -> None:
    times = iter(range(100))
    requests = OrderRequestRepository(store, now=lambda: float(next(times)))
    first, made = requests.create("#1024", "address", {"address": "1 Lê Lợi"}, "conv_1")
    assert made
    again, made = requests.create("1024", "address", {"address": "2 Lê Lợi"}, "conv_2")
    assert not made
    assert (again.id, again.details, again.conversation_id) == (first.id, {"address": "2 Lê Lợi"}, "conv_1")
    assert requests.create("1024", "address", {}, "")[0] == again
    other, made = requests.create("1024", "cancel", {}, "")
    assert made
    assert requests.open_of("1024") == (other, again)
    done, now = requests.resolve(first.id, "done", "đã đổi")
    assert done is not None
    assert (done.status, done.note, now) == ("done", "đã đổi", True)
    assert requests.resolve(first.id, "rejected") == (done, False)
    assert requests.resolve("none", "done") == (None, False)
    assert requests.create("1024", "address", {}, "")[1]
    assert [one.id for one in requests.list("done")[0]] == [first.id]
    page, total = requests.list(limit=1, offset=1)
    assert (len(page), total) == (1, 3)
    assert requests.get(first.id) == done
    with pytest.raises(InvalidInput):
        requests.create("1024", "change", {f"k{n}": "" for n in range(21)}, "")
