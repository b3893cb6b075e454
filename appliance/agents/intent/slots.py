"""Which values belong to which intent, and what the conversation adds to them."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.agents.intent.phrases import compared_phrases, product_phrases
from appliance.agents.types import (
    ABOUT_ORDER,
    MEASURES,
    PRICES,
    SEARCHES,
    SHIPPING,
    DialogueState,
    Mention,
    Slots,
    SlotValue,
    Utterance,
)
from appliance.text import fold

_FILTERS = (*PRICES, "category", "color", "size", "gender", "sort", "without")
_ITEM = ("product", "color", "size", "quantity", "ref", "gender")
_ORDER = ("order_id", "phone", "email")
_PARCEL = (*_ORDER, "location")

ALLOWED: Mapping[str, frozenset[str]] = {
    "product_search": frozenset((*_FILTERS, "product", "modifier", "quantity", "attribute")),
    "product_recommend": frozenset((*_FILTERS, "product", "ref", "quantity")),
    "product_price": frozenset(_ITEM),
    "product_availability": frozenset((*_ITEM, "location")),
    "product_info": frozenset((*_ITEM, "attribute")),
    "product_compare": frozenset(("product", "product2", "refs", "attribute")),
    "size_advice": frozenset(("product", "ref", *MEASURES, "gender", "size")),
    "promotion": frozenset(("coupon_code", "quantity", "product", "ref", "location", *PRICES)),
    "order_place": frozenset((*_ITEM, "payment_method", "location", "phone", "coupon_code")),
    "order_status": frozenset(_PARCEL),
    "order_cancel": frozenset(_ORDER),
    "order_change": frozenset((*_ORDER, "color", "size", "quantity", "product")),
    "address_update": frozenset(_PARCEL),
    "shipping_fee": frozenset(("location", *PRICES)),
    "shipping_time": frozenset(("location",)),
    "shipping_options": frozenset(("location",)),
    "return_policy": frozenset(("product",)),
    "return_request": frozenset((*_ORDER, "size", "color", "product")),
    "refund_status": frozenset(_ORDER),
    "cancellation_policy": frozenset(("order_id",)),
    "payment_methods": frozenset(("payment_method",)),
    "payment_issue": frozenset(_ORDER),
    "warranty": frozenset(("product", "order_id")),
    "invoice": frozenset(_ORDER),
    "store_info": frozenset(("location",)),
    "human_handoff": frozenset(("phone", "email")),
    "complaint": frozenset((*_ORDER, "product")),
    "feedback": frozenset(("product",)),
    "account_help": frozenset(("phone", "email")),
    "newsletter": frozenset(("email", "phone")),
}
"""Slots by intent; the conversation's own moves have none."""

_NAMED = frozenset({"product_price", "product_availability", "product_info", "size_advice", "order_place"})
"""Intents about one product, which a name or the conversation tells."""
_LIKENESS = frozenset({"giong", "na", "similar", "like", "alike", "tuong"})
"""Words that make a group's name that of one product: "something similar to the tote"."""
SHORTEST_NUMBER = 3
"""Digits from which a bare number may be an order's."""
_NUMBER_ALONE = 3
"""Words up to which a number of a payment that failed may be its order's, and is no amount."""
_HOW_TO = frozenset({"how", "cach", "sao", "kieu", "dau"})
"""Words by which a purchase without a known group of goods is a question of how to buy."""
KEEPS_ORDER = ABOUT_ORDER | {"invoice", "complaint"}
"""Intents that may be about one order, which then goes on being the one that is meant."""
_NAMES_ONLY_GOODS = frozenset({"complaint", "feedback", "return_policy"})
"""Intents whose sentences tell a story: of its words only those of a group of goods name a product."""


def fill(intent: str, utterance: Utterance, state: DialogueState) -> Slots:
    """Return the slots of an intent: what the message states, resolved by and added to what the conversation knows."""
    slots = _stated(intent, utterance, state)
    if intent in _NAMED:
        _point(slots, utterance, state)
    if intent == "product_compare":
        _name_both(slots, utterance)
    elif _may_name(intent, slots, utterance):
        _name(intent, slots, utterance)
    if intent == "product_search":
        return searched(slots, state)
    if intent in _NAMED and "product" in slots and slots.get("ref") == "it":
        asked_of_it = intent == "product_info" and state.focus is not None and not _is_title(slots, utterance, state)
        del slots["product" if asked_of_it else "ref"]
    if intent in _NAMED and not slots.keys() & {"product", "ref"} and state.focus is not None:
        slots["ref"] = "it"
    if intent in SHIPPING and "location" not in slots and state.last_intent in SHIPPING:
        slots |= {name: value for name, value in state.last_slots.items() if name == "location"}
    if intent in KEEPS_ORDER or (intent == "payment_issue" and len(utterance.core) <= _NUMBER_ALONE):
        _keep_order(slots, utterance, state)
    return slots


def _may_name(intent: str, slots: Slots, utterance: Utterance) -> bool:
    if "product" not in ALLOWED.get(intent, ()) or isinstance(slots.get("ref"), int):
        return False
    return intent not in _NAMES_ONLY_GOODS or any(mention.slot == "category" for mention in utterance.mentions)


def searched(slots: Slots, state: DialogueState) -> Slots:
    """Return the filters of a search: those running go on when the message only narrows or corrects them."""
    if not state.filters or not _refines(slots, state):
        return slots
    kept = dict(state.filters)
    if any(name in slots for name in PRICES):
        kept = {name: value for name, value in kept.items() if name not in PRICES}
    if slots.get("modifier") in ("cheaper", "more_expensive"):
        kept.pop("sort", None)
    kept.pop("modifier", None)
    if "product" in slots and "category" not in slots and "modifier" not in slots:
        kept.pop("product", None)
    return {**kept, **slots}


def _refines(slots: Slots, state: DialogueState) -> bool:
    category = slots.get("category")
    if category is not None and category != state.filters.get("category"):
        return False
    return bool(category or "product" not in slots or "modifier" in slots)


def _stated(intent: str, utterance: Utterance, state: DialogueState) -> Slots:
    allowed = ALLOWED.get(intent, frozenset())
    slots: Slots = {}
    for mention in utterance.mentions:
        value = _resolved(mention, state)
        if value is None:
            continue
        name = mention.slot
        if name == "ref" and "refs" in allowed:
            refs = slots.setdefault("refs", [])
            if isinstance(refs, list) and isinstance(value, int):
                refs.append(value)
        elif name == "refs":
            slots["refs"] = value
        elif name == "ref" and value == "it" and "ref" in slots:
            # "What about the second one, is it waterproof?"
            continue
        elif name in allowed:
            # A correction comes last: "màu đỏ, nhầm, màu xanh cơ".
            slots[name] = value
    if slots.get("refs") == []:
        del slots["refs"]
    return {name: value for name, value in slots.items() if name in allowed}


def _resolved(mention: Mention, state: DialogueState) -> SlotValue | None:
    """Return a mention's value, or ``None`` for one that this conversation gives no meaning."""
    if mention.slot == "ref":
        if not state.shown and state.focus is None:
            return None
        return len(state.shown) if mention.value == "last" and state.shown else mention.value
    if mention.slot == "refs":
        return _places(str(mention.value), len(state.shown)) if state.shown else None
    return mention.value if mention.certain else None


def _places(said: str, count: int) -> list[int]:
    """Return places of a list of ``count`` products, from 1; negative ones ("the last two") count from its end."""
    numbers = [int(part) for part in said.split(",")]
    return [number if number > 0 else count + 1 + number for number in numbers]


def _point(slots: Slots, utterance: Utterance, state: DialogueState) -> None:
    """Let "the cheapest" of a list that was shown point to its place in it."""
    if isinstance(slots.get("ref"), int):
        return
    wanted = {mention.value for mention in utterance.mentions if mention.slot in ("sort", "modifier")}
    priced = [(shown.price, place) for place, shown in enumerate(state.shown, 1) if shown.price is not None]
    if len(priced) < 2 or not wanted & {"price_asc", "price_desc", "cheaper", "more_expensive"}:
        return
    cheapest = bool(wanted & {"price_asc", "cheaper"})
    slots["ref"] = (min(priced) if cheapest else max(priced))[1]


def _name(intent: str, slots: Slots, utterance: Utterance) -> None:
    """Add the product that the message names; a name that is but a category's stays the category where it counts."""
    if intent == "order_place" and _asks_how(utterance):
        return
    names = product_phrases(utterance, one=intent not in SEARCHES)
    if not names:
        return
    like_one = "ref" in ALLOWED.get(intent, ()) and any(token.folded in _LIKENESS for token in utterance.tokens)
    if "category" in slots and _only_category(names[0], utterance) and not like_one:
        return
    slots["product"] = names[0]
    if intent not in SEARCHES or like_one:
        slots.pop("category", None)


def _asks_how(utterance: Utterance) -> bool:
    """Tell whether a message asks how to buy at all: it names no group of goods."""
    named = any(mention.slot == "category" for mention in utterance.mentions)
    return not named and any(token.folded in _HOW_TO for token in utterance.tokens)


def _is_title(slots: Slots, utterance: Utterance, state: DialogueState) -> bool:
    """Tell whether words beside "this one" name goods ("đèn này") and not what is asked of it ("vừa laptop không")."""
    words = set(fold(str(slots["product"])).split())
    goods = {
        token.folded
        for mention in utterance.mentions
        if mention.slot == "category"
        for token in utterance.tokens[mention.start : mention.end]
    }
    titles = [product.title for product in (*state.shown, state.focus) if product is not None]
    return bool(words & (goods | {word for title in titles for word in fold(title).split()}))


def _name_both(slots: Slots, utterance: Utterance) -> None:
    if "refs" in slots:
        return
    names = compared_phrases(utterance)
    for slot, name in zip(("product", "product2"), names, strict=False):
        slots[slot] = name


def _only_category(phrase: str, utterance: Utterance) -> bool:
    """Tell whether a phrase is nothing but the category's own words."""
    said = {
        " ".join(token.marked for token in utterance.tokens[mention.start : mention.end])
        for mention in utterance.mentions
        if mention.slot == "category"
    }
    return phrase in said


def _keep_order(slots: Slots, utterance: Utterance, state: DialogueState) -> None:
    """An order that the conversation is about stays the one that is meant."""
    if "order_id" in slots:
        return
    number = next((mention.value for mention in utterance.mentions if mention.slot == "number"), None)
    if number is not None and len(str(number)) >= SHORTEST_NUMBER:
        # "2201 giao chưa": where the turn is about an order, a bare number is its number.
        slots["order_id"] = str(number)
        return
    known = state.last_slots.get("order_id") if state.last_intent in KEEPS_ORDER else None
    order = known or state.order_id
    if order:
        slots["order_id"] = order
