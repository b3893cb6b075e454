"""Whole conversations, as a shop owner would write them down: each file one, a table for every turn.

A shopper's turn (``user``) may state: ``intent`` (one or several that are right) or ``intents`` (all that are asked),
``action``, ``slots`` (some of them), ``products`` and ``not_products`` (titles among the cards, or not), ``first`` (the
first card), ``max_price`` (of every card), ``contains`` (facts, each a list of ways to say it), ``absent`` (a regular
expression), ``status``, ``handled_by``, ``locale``, ``quick_reply`` (a regular expression that one of them fits),
``silent`` (no answer, for a person is on), ``after_seconds`` (of silence before). ``staff`` is a person of the shop who
writes; ``hand_back`` gives the conversation back to the assistant. Wording is never judged. In no reply may an amount
stand that neither the shop has stated nor the shopper as a budget, and that is no sum or difference asked for.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from talk_shop import Talk, TalkShop, foreign_amounts, private_words, rows

from appliance.agents.conversations import ChatAnswer

FILES = sorted(Path(__file__).parent.glob("*.toml"))
ORDER_TOTALS = [item["total"] for row in rows("orders.jsonl") for item in row["items"]]


class Turn(msgspec.Struct, forbid_unknown_fields=True):
    """One table of a file."""

    user: str = ""
    staff: str = ""
    hand_back: bool = False
    after_seconds: float = 5.0
    note: str = ""
    intent: str | list[str] = ""
    intents: list[str] = []
    action: str = ""
    slots: dict[str, Any] = {}
    products: list[str] = []
    not_products: list[str] = []
    first: str = ""
    max_price: int = 0
    contains: list[list[str]] = []
    absent: str = ""
    status: str = ""
    handled_by: str = ""
    locale: str = ""
    quick_reply: str = ""
    silent: bool = False


class Conversation(msgspec.Struct, forbid_unknown_fields=True):
    """One file."""

    title: str
    turn: list[Turn]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_conversation(file: Path, talk_shop: TalkShop) -> None:
    conversation = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Conversation)
    talk = talk_shop.talk(file.stem)
    faults: list[str] = []
    for number, turn in enumerate(conversation.turn, 1):
        _take(turn, number, talk, faults)
    assert "assistant_failed" not in {issue.code for issue in talk_shop.runtime.issues.open()}
    assert not faults, "\n" + "\n".join(faults)


def _take(turn: Turn, number: int, talk: Talk, faults: list[str]) -> None:
    if turn.staff:
        talk.staff(turn.staff)
    elif turn.hand_back:
        talk.hand_back()
    else:
        answer = talk.say(turn.user, after=turn.after_seconds)
        faults += [f"turn {number} {turn.user!r}: {fault}" for fault in _faults(turn, answer)]


def _faults(turn: Turn, answer: ChatAnswer) -> list[str]:
    """Return what is wrong with an answer, in words."""
    if turn.silent:
        return [] if (answer.reply, answer.status) == ("", turn.status or "human") else [f"answered {answer.reply!r}"]
    found = [
        f"{name} is {got!r}, not {want!r}"
        for name, want, got in (
            ("action", turn.action, answer.action),
            ("status", turn.status, answer.status),
            ("handled_by", turn.handled_by, answer.handled_by),
            ("locale", turn.locale, answer.locale),
        )
        if want and want != got
    ]
    return found + _meaning(turn, answer) + _cards(turn, answer) + _words(turn, answer)


def _meaning(turn: Turn, answer: ChatAnswer) -> list[str]:
    found = []
    allowed = [turn.intent] if isinstance(turn.intent, str) else turn.intent
    if turn.intent and answer.intent not in allowed:
        found.append(f"intent is {answer.intent} {answer.slots}, not {turn.intent}")
    if turn.intents and set(answer.intents) != set(turn.intents):
        found.append(f"intents are {answer.intents}, not {turn.intents}")
    for name, value in turn.slots.items():
        if answer.slots.get(name) != value:
            found.append(f"slot {name} is {answer.slots.get(name)!r}, not {value!r}")
    return found


def _cards(turn: Turn, answer: ChatAnswer) -> list[str]:
    titles = [product.title for product in answer.products]
    found = [f"no card {title!r} among {titles}" for title in turn.products if title not in titles]
    found += [f"card {title!r}" for title in turn.not_products if title in titles]
    if turn.first and titles[:1] != [turn.first]:
        found.append(f"the first card is {titles[:1]}, not {turn.first!r}")
    if turn.max_price:
        found += [f"{product.title} costs more" for product in answer.products if (product.price or 0) > turn.max_price]
        found += [] if titles else ["no cards"]
    if turn.quick_reply and not any(re.search(turn.quick_reply, chip, re.IGNORECASE) for chip in answer.quick_replies):
        found.append(f"no quick reply like {turn.quick_reply!r} in {answer.quick_replies}")
    return found


def _words(turn: Turn, answer: ChatAnswer) -> list[str]:
    reply = answer.reply
    found = [f"none of {ways} in {reply!r}" for ways in turn.contains if not any(way in reply for way in ways)]
    if turn.absent and (hit := re.search(turn.absent, reply)):
        found.append(f"{hit[0]!r} in {reply!r}")
    if not reply:
        found.append("no answer")
    found += [f"{word!r} in the reply" for word in private_words() if word in reply]
    budget = [value for name, value in answer.slots.items() if name.startswith("price_") and isinstance(value, int)]
    strange = foreign_amounts(reply, also=[*budget, *ORDER_TOTALS, *_computed(answer)])
    return found + [f"{amount} is no amount of the shop: {reply!r}" for amount in sorted(strange)]


def _computed(answer: ChatAnswer) -> list[int]:
    """Return what a comparison or a quantity makes of the prices on the cards."""
    prices = [product.price for product in answer.products if product.price is not None]
    count = answer.slots.get("quantity")
    times = [price * count for price in prices if isinstance(count, int)]
    return [*times, *(abs(one - other) for one in prices for other in prices)]
