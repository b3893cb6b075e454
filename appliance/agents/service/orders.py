"""What is said of a verified order, and wishes about it: checked, confirmed, then left to a person of the shop."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from appliance.agents.response.grounding import amounts_in
from appliance.agents.service.identity import Identity, Known
from appliance.agents.service.masking import masked
from appliance.agents.service.order_words import ENDED, NOT_SENT, RECEIVED, described, stated, status_of
from appliance.agents.service.policies import PolicyDesk, with_quotation
from appliance.agents.service.words import service_words
from appliance.agents.types import Outcome, Part, Pending, SkillInput, Slots
from appliance.store.order_requests import OrderRequestRepository, RequestKind

KINDS: Mapping[str, RequestKind] = {
    "order_cancel": "cancel",
    "order_change": "change",
    "address_update": "address",
    "return_request": "return",
}
_POLICY = {
    "order_cancel": "cancellation_policy",
    "return_request": "return_policy",
    "refund_status": "refund_status",
}
"""Whose text of the owner explains what an intent comes to."""
_STATED = frozenset({"product", "color", "size", "quantity", "location"})
_CONTACT = frozenset({"phone", "email"})
_DETAILS = _STATED | _CONTACT | {"said"}
_NEEDS_DETAILS = frozenset({"order_change", "address_update"})
_SAID = 300
"""Characters of a shopper's own words that go into a request."""


class OrderDesk:
    """Answers the intents about one order."""

    def __init__(self, identity: Identity, requests: OrderRequestRepository, policies: PolicyDesk) -> None:
        self._identity = identity
        self._requests = requests
        self._policies = policies

    def run(self, given: SkillInput) -> Outcome:
        """Answer an intent, or ask for the number or the contact that is missing."""
        if given.intent == "refund_status" and _asks_in_general(given):
            return self._policies.answer(given)
        given = _in_own_words(given)
        found = self._identity.of(given)
        if isinstance(found, Outcome):
            if found.action == "ask_order_id" and given.intent in ("refund_status", "return_request"):
                return self._with_policy(given, found, first=True)
            return found
        if given.intent in KINDS:
            return self._wish(given, found)
        return self._state(given, found)

    def confirmed(self, given: SkillInput, pending: Pending) -> Outcome:
        """Hand a confirmed wish to the shop; the same wish twice stays one."""
        number = str(pending.slots.get("order_id", ""))
        found = self._identity.again(given, number)
        if found is None:
            return Outcome(action="answer", parts=(Part(message="order.lost"),), quick_replies=("order_status",))
        refusal = self._refused(given, pending.intent, found)
        if refusal is not None:
            return refusal
        kind = KINDS[pending.intent]
        _, new = self._requests.create(found.order.display_id, kind, _details(pending.slots), given.session_id)
        message = f"order.requested.{kind}" if new else "order.request_known"
        return Outcome(
            action="lookup",
            parts=(Part(message=message, values={"number": found.order.display_id}),),
            quick_replies=("order_status", "person"),
            order_id=found.verified,
        )

    def dropped(self) -> Outcome:
        """Leave everything as it is."""
        return Outcome(action="answer", parts=(Part(message="order.dropped"),), quick_replies=("order_status",))

    def _state(self, given: SkillInput, found: Known) -> Outcome:
        outcome = Outcome(
            action="lookup",
            parts=described(found.order, given.locale),
            quick_replies=("person",),
            order_id=found.verified,
        )
        if given.intent == "refund_status" and status_of(found.order) != "refunded":
            return self._with_policy(given, outcome, first=False)
        return outcome

    def _wish(self, given: SkillInput, found: Known) -> Outcome:
        refusal = self._refused(given, given.intent, found)
        if refusal is not None:
            return refusal
        kind, number = KINDS[given.intent], found.order.display_id
        if any(request.kind == kind for request in self._requests.open_of(number)) and kind in ("cancel", "return"):
            return Outcome(
                action="lookup",
                parts=(stated(found.order), Part(message="order.request_known", values={"number": number})),
                quick_replies=("person",),
                order_id=found.verified,
            )
        slots = _wished(given, number)
        if given.intent in _NEEDS_DETAILS and not _DETAILS & slots.keys():
            return Outcome(
                action="lookup",
                parts=(stated(found.order), Part(message=f"order.ask_details.{kind}")),
                pending=Pending(kind="details", intent=given.intent, slots=slots),
                order_id=found.verified,
            )
        return self._confirmation(given, found, slots)

    def _confirmation(self, given: SkillInput, found: Known, slots: Slots) -> Outcome:
        kind = KINDS[given.intent]
        return Outcome(
            action="lookup",
            parts=(
                *described(found.order, given.locale),
                *_wish_in_words(slots, found.order.currency),
                Part(message=f"order.confirm.{kind}", values={"number": found.order.display_id}),
            ),
            quick_replies=("yes", "no"),
            pending=Pending(kind="confirm", intent=given.intent, slots=slots),
            order_id=found.verified,
        )

    def _refused(self, given: SkillInput, intent: str, found: Known) -> Outcome | None:
        """Return why the order's state does not allow a wish, in the owner's words where there are any."""
        status = status_of(found.order)
        if status == "other" or status in (RECEIVED if intent == "return_request" else NOT_SENT):
            return None
        message = f"order.refused.{KINDS[intent]}" if status not in ENDED else "order.refused.ended"
        outcome = Outcome(
            action="lookup",
            parts=(stated(found.order), Part(message=message)),
            quick_replies=("returns", "person") if status in RECEIVED else ("person",),
            order_id=found.verified,
        )
        entry = self._policies.entry_of(_POLICY.get(intent, "")) if status not in ENDED else None
        return with_quotation(outcome, entry, given.locale, first=False)

    def _with_policy(self, given: SkillInput, outcome: Outcome, *, first: bool) -> Outcome:
        return with_quotation(outcome, self._policies.entry_of(_POLICY[given.intent]), given.locale, first=first)


def _in_own_words(given: SkillInput) -> SkillInput:
    """Return the turn with what the shopper wished in the slots, in their own words, which a person will read.

    A contact that proved whose order it is stays out of them.
    """
    slots, pending = given.slots, given.state.pending
    if given.intent not in KINDS:
        return given
    kind = pending.kind if pending is not None and pending.intent == given.intent else ""
    words = given.utterance.text[:_SAID]
    if kind != "details":
        if "said" in slots or kind in ("order_id", "verify") or not _STATED & slots.keys():
            return given
        words = masked(words)
    return msgspec.structs.replace(given, slots={**slots, "said": words})


def _wished(given: SkillInput, number: str) -> Slots:
    pending = given.state.pending
    names = _DETAILS if pending is not None and pending.kind == "details" else _DETAILS - _CONTACT
    return {**{name: given.slots[name] for name in sorted(names & given.slots.keys())}, "order_id": number}


def _wish_in_words(slots: Slots, currency: str) -> tuple[Part, ...]:
    """Return the wish as it was said; not if it names amounts, which an answer only takes from the store."""
    said = str(slots.get("said", ""))
    return () if not said or any(amounts_in(said, currency)) else (Part(message="order.wish", values={"wish": said}),)


def _details(slots: Slots) -> dict[str, str]:
    return {name: str(slots[name]) for name in sorted(_DETAILS & slots.keys())}


def _asks_in_general(given: SkillInput) -> bool:
    """Tell whether a question is how long refunds take, and not where the shopper's own is."""
    known = service_words()
    core = [token.folded for token in given.utterance.core]
    about_own = given.slots.keys() & {"order_id", "phone", "email"} or not known.own.isdisjoint(core)
    return not about_own and any(f" {words} " in f" {' '.join(core)} " for words in known.durations)
