"""Chat cases: the JSONL layout of a labelled conversation, and how what the assistant said seeds the dialogue state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from appliance.agents.intent.slots import ALLOWED
from appliance.agents.types import (
    INTENTS,
    TRANSACTIONAL,
    DialogueState,
    Pending,
    PendingKind,
    ShownProduct,
    SlotValue,
)
from appliance.domain import to_minor
from appliance.errors import InvalidInput
from appliance.text import fold

MAX_LINE_CHARS = 1 << 20


class ShownIn(msgspec.Struct, frozen=True):
    """A product that the shopper saw."""

    title: str
    price: float | None = None


class CaseTurn(msgspec.Struct, frozen=True):
    """One message; an assistant's may carry the list that it showed."""

    role: str
    text: str
    shown: tuple[ShownIn, ...] = ()


class ChatCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case: the last turn is the shopper's and is the one judged."""

    id: str
    turns: tuple[CaseTurn, ...]
    intent: str = ""
    intents: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    slots: dict[str, SlotValue] = {}
    lang: str = "vi"
    reply_lang: str = ""
    tags: tuple[str, ...] = ()
    expect_action: str = ""
    must_contain: tuple[tuple[str, ...], ...] = ()
    must_not_match: tuple[str, ...] = ()
    amounts_known: bool = False


def read_cases(path: Path) -> list[ChatCase]:
    """Read the cases of a file. Raises ``InvalidInput`` with the line number for one that cannot be used."""
    cases: list[ChatCase] = []
    decoder = msgspec.json.Decoder(ChatCase)
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    cases.append(_checked(decoder.decode(line), path, number))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path}, line {len(cases) + 1}: {error}.",
            hint='Write {"id", "turns": [{"role", "text"}], "intent"} a line.',
        ) from None
    if not cases:
        raise InvalidInput(f"{path} holds no case.", hint="Write one JSON object a line.")
    return cases


def _checked(case: ChatCase, path: Path, number: int) -> ChatCase:
    if not case.turns or case.turns[-1].role != "user":
        raise InvalidInput(f"{path}, line {number}: the last turn must be the user's.", hint="Mend the line.")
    if case.intent and case.intent not in INTENTS:
        raise InvalidInput(f"{path}, line {number}: {case.intent[:60]!r} is no intent.", hint="Mend the line.")
    return case


def seeded(state: DialogueState, turn: CaseTurn, currency: str, ids: Mapping[str, str]) -> DialogueState:
    """Return the state after the assistant said what a case has it say.

    ``ids`` gives the product id of a folded title, so that a list of the shop's own products is known as such.
    """
    shown = tuple(_shown(product, currency, ids) for product in turn.shown)
    pending = _asked(turn.text, state)
    return msgspec.structs.replace(
        state,
        shown=shown or state.shown,
        focus=(shown[0] if len(shown) == 1 else None) if shown else state.focus,
        pending=pending,
        offered=len(shown) or state.offered,
        last_reply=turn.text,
    )


def _shown(product: ShownIn, currency: str, ids: Mapping[str, str]) -> ShownProduct:
    price = None if product.price is None else to_minor(product.price, currency)
    return ShownProduct(ids.get(fold(product.title), ""), product.title, price)


_ASKING: tuple[tuple[PendingKind, str], ...] = (
    ("verify", r"so dien thoai|sdt|phone|email|e-mail|mail"),
    (
        "order_id",
        r"ma don|so don|ma so|don so|ma hang|don (?:hang )?(?:nao|so may)|which order|reference"
        r"|order (?:number|id|code|no)",
    ),
    ("measures", r"chieu cao|can nang|cao bao nhieu|nang bao nhieu|height|weight|how tall"),
    ("handoff", r"nhan vien|tu van vien|a person|colleague|staff|agent"),
    (
        "confirm",
        r"huy don|xac nhan|chac chan|cancel (?:it|order|the order)|confirm|are you sure|dung khong|right\?",
    ),
    ("product", r"mau nao|san pham nao|cai nao|which (?:product|one|item|model)|loai nao"),
    (
        "details",
        r"may (?:doi|cai|chiec|bo|hop)|so luong|how many"
        r"|doi (?:sang|thanh) (?:gi|mau|size)|change (?:it )?to|dia chi moi|new address|size (?:gi|nao|may)|mau gi"
        r"|what (?:size|colou?r)|which (?:size|colou?r)",
    ),
)
_PIECES = re.compile(r"(?<!\w)(?:may (?:doi|cai|chiec|bo|hop)|so luong|how many)(?!\w)")
_QUESTIONS = tuple((kind, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")) for kind, pattern in _ASKING)


def _asked(text: str, state: DialogueState) -> Pending | None:
    """Return the question that an assistant's words ask, about what the conversation is about."""
    if "?" not in text and "khong" not in fold(text) and "cho" not in fold(text) and "please" not in fold(text):
        return None
    folded = fold(text)
    for kind, pattern in _QUESTIONS:
        if pattern.search(folded):
            intent = _intent_of(kind, state.last_intent, folded)
            slots = {name: value for name, value in state.last_slots.items() if name in ALLOWED.get(intent, ())}
            return Pending(kind=kind, intent=intent, slots=slots)
    return None


def _intent_of(kind: PendingKind, last_intent: str, folded: str) -> str:
    """Return what a question is about: a number of pieces is asked of who buys or changes an order."""
    if kind == "handoff":
        return "human_handoff"
    if kind == "details" and last_intent not in TRANSACTIONAL and (not last_intent or _PIECES.search(folded)):
        return "order_place"
    return last_intent or "order_status"
