"""The fixture shop's answers and orders in real repositories, and a conversation with the service agent alone."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from appliance.agents.dialogue.memory import after_turn
from appliance.agents.response.agent import ResponseAgent, ResponseInput
from appliance.agents.service.agent import ServiceAgent
from appliance.agents.service.retrieval import FaqSearch
from appliance.agents.types import (
    DialogueState,
    Interpretation,
    Mention,
    Outcome,
    Reply,
    SkillInput,
    Slots,
    Token,
    Utterance,
)
from appliance.messages import Locale
from appliance.settings import Settings
from appliance.store.faq import FaqEntry, FaqRepository
from appliance.store.group_writer import GroupWriter
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.order_requests import OrderRequestRepository
from appliance.store.orders import OrderItem, OrderRecord, OrderRepository
from appliance.store.sqlite import SqliteStore
from appliance.text import fold

FIXTURE = Path(__file__).resolve().parents[1] / "fixture"
NOON = 1_772_600_400.0
"""4 March 2026, 12:00 in Ho Chi Minh City."""
_WORD = re.compile(r"[\w']+")


def lines(name: str) -> list[dict[str, Any]]:
    """Return the rows of a fixture file."""
    return [json.loads(line) for line in (FIXTURE / name).read_text(encoding="utf-8").splitlines()]


def pseudonym(*parts: str) -> str:
    """Return a keyed hash as the appliance's keys make it."""
    return hashlib.blake2b("\x00".join(parts).encode(), digest_size=16, key=b"test").hexdigest()


def heard(text: str, locale: Locale = "vi", *, angry: bool = False, mentions: tuple[Mention, ...] = ()) -> Utterance:
    """Return a message as the language agent hands it on, without repairs."""
    tokens = tuple(
        Token(found[0], found[0].lower(), fold(found[0]), found.start(), found.end()) for found in _WORD.finditer(text)
    )
    return Utterance(text=text, tokens=tokens, locale=locale, angry=angry, mentions=mentions)


class ServiceShop:
    """A shop on disk."""

    def __init__(self, folder: Path, settings: Settings | None = None, *, filled: bool = True) -> None:
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.writer = GroupWriter(self.store)
        self.faq = FaqRepository(self.store)
        self.orders = OrderRepository(self.store, self.writer, pseudonym, lambda: NOON)
        self.requests = OrderRequestRepository(self.store, lambda: NOON)
        if filled:
            self._fill()
        self.agent = ServiceAgent(FaqSearch(self.faq), self.orders, self.requests, settings or Settings())

    def close(self) -> None:
        """Close the files."""
        self.writer.close()
        self.store.close()

    def set_status(self, number: str, status: str, **facts: str) -> None:
        """Let an order of the fixture have another state."""
        row = next(row for row in lines("orders.jsonl") if row["display_id"] == number)
        self.orders.upsert_many([_order(row | {"status": status, "metadata": facts})])

    def own(self, number: str, user_id: str) -> None:
        """Let an order of the fixture belong to a customer."""
        row = next(row for row in lines("orders.jsonl") if row["display_id"] == number)
        self.orders.upsert_many([_order(row | {"customer_id": user_id})])

    def _fill(self) -> None:
        self.faq.upsert_many(
            [
                FaqEntry(id="", intent=row["intent"], answers={"vi": row["vi"], "en": row["en"]})
                for row in lines("faq.jsonl")
            ]
        )
        self.orders.upsert_many([_order(row) for row in lines("orders.jsonl")])


class Chat:
    """One conversation: each turn says what the intent agent found."""

    def __init__(self, shop: ServiceShop, session: str = "s1", *, locale: Locale = "vi", user_id: str = "") -> None:
        self.shop, self.session, self.locale, self.user_id = shop, session, locale, user_id
        self.state = DialogueState(locale=locale)
        self.now = NOON
        self._response = ResponseAgent("VND")

    def say(self, intent: str, text: str = "", /, *, angry: bool = False, **slots: Any) -> tuple[Outcome, Reply]:
        """Take a turn; an answer to a pending question goes on with its slots, as the intent agent does it."""
        pending = self.state.pending
        known: Slots = dict(pending.slots) if pending is not None and pending.intent == intent else {}
        given = SkillInput(
            intent=intent,
            slots={**known, **slots},
            utterance=heard(text, self.locale, angry=angry),
            state=self.state,
            locale=self.locale,
            session_id=self.session,
            user_id=self.user_id,
            now=self.now,
        )
        outcome = self.shop.agent.run(given)
        worded = self._response.run(ResponseInput(outcomes=(outcome,), locale=self.locale, conversation=self.session))
        assert worded.unfounded == ()
        interpretation = Interpretation(intent=intent, intents=(intent,), confidence=0.99, slots=given.slots)
        reply = worded.reply
        self.state = after_turn(
            self.state, interpretation, (outcome,), locale=self.locale, reply=reply.text, now=self.now
        )
        return outcome, reply


def _order(row: dict[str, Any]) -> OrderRecord:
    return OrderRecord(
        display_id=row["display_id"],
        status=row["status"],
        phone=row["phone"],
        email=row["email"],
        customer_id=row.get("customer_id", ""),
        items=tuple(msgspec.convert(row["items"], list[OrderItem])),
        currency=row["currency"],
        placed_at=NOON - 86_400,
        metadata=row.get("metadata", {}),
    )
