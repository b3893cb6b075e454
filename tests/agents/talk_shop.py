"""The fixture shop with its assistant, over the real application: products, FAQ, orders, and conversations with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from appliance.agents.assembly import build_assistant
from appliance.agents.conversations import ChatAnswer
from appliance.agents.pipeline import Assistant
from appliance.agents.port import LanguageModel
from appliance.agents.response.grounding import amounts_in
from appliance.agents.service.retrieval import FaqSearch
from appliance.agents.vocabulary import Vocabulary
from appliance.domain import Product
from appliance.messages import Locale
from appliance.ops.evaluation.records import read_products
from appliance.runtime import Runtime
from appliance.settings import load_settings
from appliance.store.faq import FaqEntry
from appliance.store.orders import OrderItem, OrderRecord

FIXTURE = Path(__file__).resolve().parent / "fixture"
NOON = 1_772_600_400.0
"""4 March 2026, 12:00 in Ho Chi Minh City."""
CURRENCY = "VND"


def rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of a fixture file."""
    return [json.loads(line) for line in (FIXTURE / name).read_text(encoding="utf-8").splitlines()]


def private_words() -> list[str]:
    """Return what nobody may read of an order without proof: who, where, and what was bought for how much."""
    found: list[str] = []
    for row in rows("orders.jsonl"):
        found += [row["name"], row["address"], row["email"], row["phone"]]
    return found


def known_amounts() -> set[int]:
    """Return every amount of money that the shop has stated, in dong."""
    texts = [text for row in rows("faq.jsonl") for text in (row["vi"], row["en"])]
    found = {amount for text in texts for amount in amounts_in(text, CURRENCY)}
    for row in rows("products.jsonl"):
        found.add(row["price"])
        found.update(variant["price"] for variant in row["variants"])
    return found


def foreign_amounts(text: str, *, also: Iterable[int] = ()) -> set[int]:
    """Return the amounts in a reply that the shop has never stated."""
    return set(amounts_in(text, CURRENCY)) - known_amounts() - set(also)


class TalkShop:
    """A shop on disk, opened as the process opens it."""

    def __init__(
        self,
        folder: Path,
        *,
        products: Iterable[Product] = (),
        faq: Iterable[FaqEntry] = (),
        **flags: object,
    ) -> None:
        """``products`` and ``faq`` join those of the fixture; ``flags`` are settings, ``__`` for a dot."""
        given = {name.replace("__", "."): value for name, value in flags.items()}
        self.runtime = Runtime.open(folder, load_settings(folder, environ={}, flags=given), now=lambda: NOON)
        stock = [*read_products(FIXTURE / "products.jsonl").products, *products]
        self.runtime.catalogue.upsert(stock)
        own = [
            FaqEntry(id="", intent=row["intent"], answers={"vi": row["vi"], "en": row["en"]})
            for row in rows("faq.jsonl")
        ]
        self.runtime.faq.upsert_many([*own, *faq])
        self.runtime.orders.upsert_many([_order(row) for row in rows("orders.jsonl")])

    def close(self) -> None:
        """Stop it."""
        self.runtime.stop()

    def assistant(self, model: Callable[[], LanguageModel | None] = lambda: None) -> Assistant:
        """Return an assistant over the shop's stores, without conversations."""
        runtime = self.runtime
        vocabulary = Vocabulary(runtime.catalogue, runtime.shop_words)
        return build_assistant(
            runtime.catalogue,
            runtime.search,
            runtime.recommender,
            runtime.chat,
            FaqSearch(runtime.faq),
            vocabulary,
            runtime.settings,
            model,
        )

    def talk(self, session: str) -> Talk:
        """Return a conversation that begins."""
        return Talk(self.runtime, session)


class Talk:
    """One shopper's conversation."""

    def __init__(self, runtime: Runtime, session: str) -> None:
        self.runtime, self.session, self.now = runtime, session, NOON
        self.answers: list[ChatAnswer] = []

    def say(self, message: str, *, after: float = 5.0, locale: Locale | None = None) -> ChatAnswer:
        """Say something some seconds later and return the answer."""
        self.now += after
        answer = self.runtime.talk.say(self.session, message, locale=locale, now=self.now)
        self.answers.append(answer)
        return answer

    def staff(self, text: str) -> None:
        """Let a person of the shop write, which takes the conversation over."""
        self.now += 5
        assert self.runtime.conversations.say(self.answers[-1].conversation_id, text, self.now) is not None

    def hand_back(self) -> None:
        """Let the assistant go on."""
        self.runtime.conversations.hand_back(self.answers[-1].conversation_id)


def _order(row: dict[str, Any]) -> OrderRecord:
    return OrderRecord(
        display_id=row["display_id"],
        status=row["status"],
        phone=row["phone"],
        email=row["email"],
        items=tuple(msgspec.convert(row["items"], list[OrderItem])),
        currency=row["currency"],
        placed_at=NOON - 86_400,
    )
