"""Policies and other answers of the owner: quoted as they are, with the part that fits the question put first."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from appliance.agents.response.grounding import amounts_in
from appliance.agents.service import clauses, hours
from appliance.agents.service.retrieval import FaqSearch
from appliance.agents.service.words import service_words
from appliance.agents.types import PRICES, SHIPPING, Outcome, Part, Pending, SkillInput, Source
from appliance.domain import to_minor
from appliance.settings import Settings
from appliance.store.faq import FaqEntry
from appliance.text import words

_CHIPS = {
    "shipping_fee": ("payment", "returns"),
    "shipping_time": ("shipping", "returns"),
    "shipping_options": ("shipping", "payment"),
    "payment_methods": ("shipping", "promotion"),
    "promotion": ("recommend", "shipping"),
    "return_policy": ("shipping", "person"),
    "cancellation_policy": ("order_status", "person"),
}
_OTHER_CHIPS = ("recommend", "person")
_ASKS_PERSON = frozenset({"account_help", "newsletter"})
"""Intents that have words of their own when the owner has none."""
SHORT, MOST = 2, 0.6
"""Clauses up to which an answer is said once, and the share of an answer from which a clause of it is."""


class PolicyDesk:
    """Answers from the owner's entries. It states nothing that they do not."""

    def __init__(self, faq: FaqSearch, settings: Settings) -> None:
        self._faq = faq
        self._timezone = settings.shop.timezone
        self._currency = settings.shop.currency

    def answer(self, given: SkillInput) -> Outcome:
        """Answer a policy's intent, or a question of the owner's own."""
        entry = self._entry(given)
        if entry is None:
            return self._unknown(given)
        text = in_language(entry, given.locale)
        lead = self._lead(given, text)
        parts = quoted(entry, given.locale) if _said_by_all(lead, text) else (*lead, *quoted(entry, given.locale))
        return Outcome(
            action="answer",
            parts=parts,
            sources=(Source("faq", entry.id),),
            quick_replies=_CHIPS.get(given.intent, _OTHER_CHIPS),
        )

    def entry_of(self, intent: str) -> FaqEntry | None:
        """Return the entry in force for an intent."""
        return self._faq.index.by_intent.get(intent)

    def _entry(self, given: SkillInput) -> FaqEntry | None:
        index = self._faq.index
        named = index.by_id.get(str(given.slots.get("faq", "")))
        if named is not None:
            return named
        if given.intent != "faq":
            return index.by_intent.get(given.intent)
        question = str(given.slots.get("question", ""))
        if question:
            return self._faq.about(question)
        hit = self._faq.best(given.utterance)
        return hit.entry if hit else None

    def _unknown(self, given: SkillInput) -> Outcome:
        message = f"policy.unknown_{given.intent}" if given.intent in (*_ASKS_PERSON, "promotion") else "policy.unknown"
        parts = [Part(message=message)]
        if given.intent == "promotion" and _haggles(given):
            parts = [Part(message="policy.no_haggling"), *parts]
        return with_person(Outcome(action="answer", parts=tuple(parts), answered=False))

    def _lead(self, given: SkillInput, text: str) -> tuple[Part, ...]:
        """Return what goes before the quotation: the fitting clause, or a yes that the text bears out."""
        intent, slots = given.intent, given.slots
        if intent == "payment_methods" and "payment_method" in slots:
            return _payment(text, str(slots["payment_method"]), given)
        if intent == "promotion":
            return _promotion(given, text)
        if intent == "store_info" and (lead := self._open_now(given, text)):
            return lead
        clause = ""
        if intent in SHIPPING and (amount := _order_amount(given, self._currency)) is not None:
            clause = clauses.free_clause(text, amount, str(slots.get("location", "")), self._currency)
        if clause:
            return _fitting(clause)
        if "location" in slots:
            clause = clauses.clause_for_place(text, str(slots["location"]), elsewhere=intent in SHIPPING)
        elif intent != "faq" and "faq" not in slots:
            clause = clauses.clause_about(text, given.utterance)
        return _fitting(clause)

    def _open_now(self, given: SkillInput, text: str) -> tuple[Part, ...]:
        said = given.utterance.folded
        if not any(pattern.search(said) for pattern in service_words().open_now):
            return ()
        span, minute = hours.stated_hours(text), hours.minute_of_day(given.now, self._timezone)
        if span is None or minute is None:
            return ()
        return (Part(message="policy.open_now" if hours.within(span, minute) else "policy.closed_now"),)


def in_language(entry: FaqEntry, locale: str) -> str:
    """Return an answer in the reader's language, or in the one that there is."""
    return entry.answers.get(locale) or next(iter(entry.answers.values()))


def quoted(entry: FaqEntry | None, locale: str) -> tuple[Part, ...]:
    """Return an entry's answer as a part; none without an entry."""
    return () if entry is None else (Part(text=in_language(entry, locale)),)


def with_quotation(outcome: Outcome, entry: FaqEntry | None, locale: str, *, first: bool) -> Outcome:
    """Return an outcome with an entry's answer before or behind its own parts, and its source."""
    if entry is None:
        return outcome
    quotation = quoted(entry, locale)
    return msgspec.structs.replace(
        outcome,
        parts=(*quotation, *outcome.parts) if first else (*outcome.parts, *quotation),
        sources=(*outcome.sources, Source("faq", entry.id)),
    )


def with_person(outcome: Outcome) -> Outcome:
    """Return an outcome that ends by offering a person."""
    return msgspec.structs.replace(
        outcome,
        parts=(*outcome.parts, Part(message="person.offer")),
        quick_replies=("yes", "no"),
        pending=Pending(kind="handoff", intent="human_handoff"),
    )


def _payment(text: str, method: str, given: SkillInput) -> tuple[Part, ...]:
    if method not in service_words().payment:
        return ()
    clause, affirmed = clauses.payment_named(text, method)
    if not clause:
        return (Part(message=f"policy.pay_unknown.{method}"),)
    kinds = service_words().card_kinds.intersection(given.utterance.folded.split()) if method == "card" else frozenset()
    if not affirmed or not kinds <= set(words(text)):
        return _fitting(clause)
    return (Part(message=f"policy.pay_yes.{method}"),)


def _promotion(given: SkillInput, text: str) -> tuple[Part, ...]:
    code = str(given.slots.get("coupon_code", ""))
    if code:
        clause = clauses.clause_with(text, code)
        return _fitting(clause) if clause else (Part(message="policy.code_unknown"),)
    return (Part(message="policy.no_haggling"),) if _haggles(given) else ()


def _haggles(given: SkillInput) -> bool:
    """Tell whether a message asks for a price of the shopper's own rather than for what is on offer."""
    if any(name in given.slots for name in PRICES):
        return True
    said = given.utterance.folded
    return any(pattern.search(said) for pattern in service_words().haggling)


def _fitting(clause: str) -> tuple[Part, ...]:
    return (Part(message="policy.fitting", values={"clause": clause.strip()}),) if clause else ()


def _said_by_all(lead: tuple[Part, ...], text: str) -> bool:
    """Tell whether the answer is so short, or the fitting clause so much of it, that saying it once is enough."""
    clause = str(lead[0].values.get("clause", "")) if lead else ""
    return bool(clause) and (len(clauses.clauses(text)) <= SHORT or len(clause) >= MOST * len(text.strip()))


def _order_amount(given: SkillInput, currency: str) -> int | None:
    """Return the worth of the order that a message names, smallest unit; a bare ``600k`` counts, too."""
    said = [mention.value for mention in given.utterance.mentions if mention.slot in PRICES]
    said += [value for name in PRICES if isinstance(value := given.slots.get(name), int)]
    amounts = [amount for amount in said if isinstance(amount, int)]
    try:
        if amounts:
            return to_minor(Decimal(max(amounts)), currency)
    except ValueError:
        return None
    return max(amounts_in(given.utterance.text, currency), default=None)
