"""What a message means because of what was said before: answers to a pending question, and turns that only make sense
in a conversation."""

from __future__ import annotations

from typing import NamedTuple

from appliance.agents.intent.phrases import WordSet, product_phrases
from appliance.agents.intent.rules import matching_rule, short_answer
from appliance.agents.intent.segments import segments
from appliance.agents.intent.slots import KEEPS_ORDER, SHORTEST_NUMBER, fill
from appliance.agents.language.syllables import canonical
from appliance.agents.types import (
    ABOUT_ORDER,
    MEASURES,
    POLICIES,
    SEARCHES,
    SHIPPING,
    DialogueState,
    Interpretation,
    Mention,
    Pending,
    Slots,
    Utterance,
)
from appliance.text import fold

CERTAIN = 0.99
_DETAILS = frozenset({"color", "size", "quantity", "product", "phone", "location", "email"})
_VARIANT = frozenset({"color", "size"})
_ABOUT_ONE = frozenset({"product_price", "product_availability", "product_info", "product_compare", "order_place"})
_COLOUR_WORDS = frozenset({"màu", "mau", "color", "colour", "colors", "colours"})
"""As typed: ``mẫu khác`` asks for another product."""
_STOCK_WORDS = frozenset({"con", "co", "have", "stock", "available", "left", "got", "hang", "comes", "come"})
_TAKING_WORDS = WordSet(
    frozenset(map(canonical, ("lấy", "chốt", "mua", "đặt"))), frozenset({"lay", "chot", "mua", "take", "buy", "order"})
)
"""Without marks ``dat`` may be dear (``đắt``) as well."""
_NO_OPENINGS = frozenset({"no", "nope", "not", "wait", "khong", "đừng", "khoan", "khoi"})
_YES_OPENINGS = frozenset({"yes", "yeah", "yep", "sure", "please", "da", "vang", "dung", "u", "uh", "co"})
_NO_TROUBLE = (["problem"], ["sao"])
_FEW_WORDS = 2
_ONE_OF_LIST = 4
"""Words up to which a message may be but the pointing at one of a list: ``cái thứ 5``, ``the second one``."""
_ACTS_ON_YES = frozenset({"confirm", "handoff"})
_SURE = 0.6
_QUITE_SURE = 0.9
"""Confidence in a question about a policy from which its values are none of the details that were asked for, and in a
yes from which it is one."""
_OTHER_REQUEST = frozenset(
    (*MEASURES, "price_max", "price_min", "modifier", "sort", "order_id", "phone", "email", "location", "coupon_code")
)
"""Values that no answer to "which product" holds: who states them asks something else."""
_SHORT_ANSWER = 5
_LONG_ANSWER = 8
"""Words from which a message is a request of its own and not the answer to "which product"."""


class Guess(NamedTuple):
    """What the words of a message alone look like."""

    intent: str
    confidence: float

    @property
    def is_sure(self) -> bool:
        """Tell whether the words alone may be trusted."""
        return self.confidence >= _SURE

    @property
    def is_open(self) -> bool:
        """Tell whether the conversation may say what the words alone do not."""
        return self.intent in ("out_of_scope", "unclear") or not self.is_sure

    @property
    def asks_about_one(self) -> bool:
        """Tell whether this is surely a question about one product."""
        return self.intent in _ABOUT_ONE and self.is_sure


def answer_to_pending(utterance: Utterance, state: DialogueState, guess: Guess) -> Interpretation | None:
    """Return what the message means as the answer to the pending question, or ``None`` when it is none."""
    pending = state.pending
    if pending is None:
        return None
    yes_or_no = short_answer(utterance)
    if yes_or_no and pending.kind not in ("order_id", "verify", "measures", "contact"):
        return _decided(yes_or_no, {}, f"pending:{pending.kind}")
    if pending.kind == "confirm" and _opens_with_no(utterance) and "order_id" not in _by_slot(utterance):
        return _decided("deny", {}, "pending:confirm")
    if pending.kind in _ACTS_ON_YES and guess.intent == "affirm" and not _says_yes(utterance, guess):
        # "Ok, I'll ask my wife": nobody is called and no order touched on what only resembles a yes.
        return _decided("unclear", {}, f"pending:{pending.kind}")
    if pending.kind == "handoff" and _is_contact_alone(utterance):
        return _decided("human_handoff", _contact(_by_slot(utterance)), "pending:handoff")
    slots = _answering_slots(pending, utterance, state, guess)
    if slots is None:
        return None
    return _decided(pending.intent, {**pending.slots, **slots}, f"pending:{pending.kind}")


def _says_yes(utterance: Utterance, guess: Guess) -> bool:
    return guess.confidence >= _QUITE_SURE or utterance.tokens[0].folded in _YES_OPENINGS


def _opens_with_no(utterance: Utterance) -> bool:
    """Tell whether a message begins as a refusal: what is in doubt is not done ("no, do not cancel it")."""
    if short_answer(segments(utterance)[0]) == "deny":
        return True
    words = [token.marked if token.marked in _NO_OPENINGS else token.folded for token in utterance.core[:2]]
    return words == ["do", "not"] or (bool(words) and words[0] in _NO_OPENINGS and words[1:] not in _NO_TROUBLE)


def _answering_slots(pending: Pending, utterance: Utterance, state: DialogueState, guess: Guess) -> Slots | None:
    stated = _by_slot(utterance)
    match pending.kind:
        case "order_id":
            number = stated.get("order_id") or stated.get("number")
            if number is None or (number.slot == "number" and not _may_be_order(number, utterance)):
                # Whose it is before which it is: the question stays.
                return (_contact(stated) or None) if len(utterance.core) <= _SHORT_ANSWER else None
            return {"order_id": str(number.value), **_contact(stated)}
        case "verify" | "contact":
            contact = _contact(stated)
            if contact and "order_id" in stated:
                contact["order_id"] = stated["order_id"].value
            return contact or None
        case "measures":
            found: Slots = {name: stated[name].value for name in MEASURES & stated.keys()}
            return found or None
        case "details":
            if guess.confidence >= _QUITE_SURE and guess.intent in POLICIES:
                return None
            found = {name: stated[name].value for name in _DETAILS & stated.keys()}
            return found or None
        case "product":
            another = guess.is_sure and guess.intent not in (pending.intent, "product_search")
            if another and not ("ref" in stated and _nothing_else(utterance, stated)):
                return None
            return _which_product(pending, utterance, state, stated)
        case _:
            return None


def _may_be_order(number: Mention, utterance: Utterance) -> bool:
    """Tell whether a bare number is that of an order and counts nothing: "it's been 2 weeks" is none."""
    return len(str(number.value)) >= SHORTEST_NUMBER or len(utterance.core) == 1


def _which_product(
    pending: Pending, utterance: Utterance, state: DialogueState, stated: dict[str, Mention]
) -> Slots | None:
    if len(utterance.core) > _LONG_ANSWER or _OTHER_REQUEST & stated.keys():
        return None
    if "attribute" in stated and pending.intent != "product_info":
        return None
    sure = matching_rule(utterance)
    if sure is not None and sure[0] != pending.intent:
        return None
    slots = fill(pending.intent, utterance, state)
    if "ref" in slots or product_phrases(utterance):
        return slots
    return None


def follow_up(utterance: Utterance, state: DialogueState, guess: Guess) -> Interpretation | None:
    """Return the meaning of a turn that hangs on the order, the delivery, the list or the product before it."""
    stated = _by_slot(utterance)
    found = _of_order(utterance, state, guess, stated) or _of_delivery(utterance, state, guess, stated)
    if found is not None:
        return _meant(*found, utterance, state)
    if state.shown or state.focus or state.filters:
        found = _of_one(utterance, state, guess, stated) or _of_list(utterance, state, guess, stated)
    return None if found is None else _meant(*found, utterance, state)


def _meant(intent: str, rule: str, utterance: Utterance, state: DialogueState) -> Interpretation:
    slots = fill(intent, utterance, state)
    if rule == "follow_up:colours":
        slots = {"attribute": "color_options", **slots}
    return _decided(intent, slots, rule)


def _of_order(
    utterance: Utterance, state: DialogueState, guess: Guess, stated: dict[str, Mention]
) -> tuple[str, str] | None:
    """Return the intent of a number or a contact alone, or of "it" where an order is spoken of, and the rule."""
    unsure = guess.intent not in ABOUT_ORDER and guess.is_open
    asked_for = state.last_intent in KEEPS_ORDER or state.last_intent == "payment_issue"
    if asked_for and unsure and _gives_number(stated) and not _is_of_payment(utterance):
        return state.last_intent, "follow_up:order"
    if state.last_intent in ABOUT_ORDER and guess.intent == "out_of_scope" and "ref" in stated:
        return "order_status", "follow_up:order"
    if state.last_intent == "human_handoff" and _is_contact_alone(utterance):
        return "human_handoff", "follow_up:contact"
    return None


def _of_delivery(
    utterance: Utterance, state: DialogueState, guess: Guess, stated: dict[str, Mention]
) -> tuple[str, str] | None:
    """Return the intent of another place ("còn Đà Nẵng?") and the rule."""
    if "location" not in stated or state.last_intent not in SHIPPING:
        return None
    unsure = guess.intent not in SHIPPING and guess.is_open
    return (
        (state.last_intent, "follow_up:place") if unsure or _names_a_place_only(utterance, stated["location"]) else None
    )


def _of_one(
    utterance: Utterance, state: DialogueState, guess: Guess, stated: dict[str, Mention]
) -> tuple[str, str] | None:
    """Return the intent of what only points at one product or at its colours, and the rule."""
    points = "ref" in stated and _nothing_else(utterance, stated)
    if points and _takes(utterance):
        return "order_place", "follow_up:ref"
    if points and state.last_intent in _ABOUT_ONE and not guess.asks_about_one:
        return state.last_intent, "follow_up:ref"
    if points and not guess.is_sure and not _VARIANT & stated.keys() and len(utterance.core) <= _ONE_OF_LIST:
        return "product_info", "follow_up:ref"
    if not guess.is_sure and _names_shown(utterance, state):
        goes_on = state.last_intent in _ABOUT_ONE - {"product_compare"}
        return state.last_intent if goes_on else "product_info", "follow_up:name"
    if _asks_other_colours(utterance, stated) and state.focus is not None:
        return "product_info", "follow_up:colours"
    return None


def _of_list(
    utterance: Utterance, state: DialogueState, guess: Guess, stated: dict[str, Mention]
) -> tuple[str, str] | None:
    """Return the intent of a relative wish, or of a colour or size alone, and the rule."""
    haggles = guess.intent == "promotion" and guess.is_sure
    if "modifier" in stated and not guess.asks_about_one and not haggles and not stated.keys() & {"order_id", "phone"}:
        return "product_search", "follow_up:modifier"
    if not _VARIANT & stated.keys() or not _nothing_else(utterance, stated):
        return None
    of_one = state.focus is not None or "ref" in stated
    if of_one and _takes(utterance):
        return "order_place", "follow_up:variant"
    narrows = not of_one or (state.last_intent in SEARCHES and not _asks_stock(utterance))
    return "product_search" if narrows else "product_availability", "follow_up:variant"


def _names_shown(utterance: Utterance, state: DialogueState) -> bool:
    """Tell whether a message is but a name of one product of the list, or a part of it that no other one has."""
    words = {token.folded for token in utterance.core}
    if not 0 < len(words) <= _ONE_OF_LIST:
        return False
    return sum(words <= set(fold(product.title).split()) for product in state.shown) == 1


def _takes(utterance: Utterance) -> bool:
    return any(map(_TAKING_WORDS.holds, utterance.tokens))


def _asks_stock(utterance: Utterance) -> bool:
    return any(token.folded in _STOCK_WORDS for token in utterance.tokens)


def _asks_other_colours(utterance: Utterance, stated: dict[str, Mention]) -> bool:
    """Tell whether "other" means the colours of a product and not another product ("màu khác")."""
    if "modifier" not in stated or stated["modifier"].value != "other" or "color" in stated:
        return False
    return any(token.marked in _COLOUR_WORDS for token in utterance.tokens)


def _names_a_place_only(utterance: Utterance, place: Mention) -> bool:
    return len(utterance.core) - (place.end - place.start) <= _FEW_WORDS


def _gives_number(stated: dict[str, Mention]) -> bool:
    number = stated.get("number")
    return "order_id" in stated or (number is not None and len(str(number.value)) >= SHORTEST_NUMBER)


def _is_of_payment(utterance: Utterance) -> bool:
    """Tell whether a number is a transaction's ("mã giao dịch 99887766")."""
    return any(token.folded in ("dich", "transaction", "reference") for token in utterance.tokens)


def _nothing_else(utterance: Utterance, stated: dict[str, Mention]) -> bool:
    """Tell whether a message holds a colour or size and otherwise only grammar."""
    if stated.keys() - {*_VARIANT, "ref", "number"}:
        return False
    return not product_phrases(utterance)


def _is_contact_alone(utterance: Utterance) -> bool:
    """Tell whether a message gives a telephone number or an e-mail address and asks nothing."""
    given = [mention for mention in utterance.mentions if mention.slot in ("phone", "email")]
    words = len(utterance.core) - sum(mention.end - mention.start for mention in given)
    return bool(given) and words <= _FEW_WORDS


def _contact(stated: dict[str, Mention]) -> Slots:
    return {name: stated[name].value for name in ("phone", "email") if name in stated}


def _by_slot(utterance: Utterance) -> dict[str, Mention]:
    return {mention.slot: mention for mention in utterance.mentions}


def _decided(intent: str, slots: Slots, rule: str) -> Interpretation:
    return Interpretation(intent=intent, intents=(intent,), confidence=CERTAIN, slots=slots, rule=rule)
