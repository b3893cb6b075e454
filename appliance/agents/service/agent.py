"""The service agent: policies and the owner's answers, orders once verified, and the way to a person."""

from __future__ import annotations

import msgspec

from appliance.agents.service.identity import Identity
from appliance.agents.service.orders import KINDS, OrderDesk
from appliance.agents.service.people import PeopleDesk
from appliance.agents.service.policies import PolicyDesk
from appliance.agents.service.retrieval import FaqSearch
from appliance.agents.types import ABOUT_ORDER, ORDERS, PEOPLE, POLICIES, Outcome, SkillInput
from appliance.settings import Settings
from appliance.store.order_requests import OrderRequestRepository
from appliance.store.orders import OrderRepository

_TROUBLE = frozenset({"complaint", "payment_issue"})


class ServiceAgent:
    """Answers policies, orders and people; holds no state of its own."""

    name = "service"
    intents = frozenset((*ORDERS, *POLICIES, *PEOPLE, "promotion", "faq"))

    def __init__(
        self, faq: FaqSearch, orders: OrderRepository, requests: OrderRequestRepository, settings: Settings
    ) -> None:
        self._policies = PolicyDesk(faq, settings)
        self._people = PeopleDesk(self._policies, settings)
        self._orders = OrderDesk(Identity(orders), requests, self._policies)

    def run(self, given: SkillInput) -> Outcome:
        """Answer one intent; a yes or no is taken as the answer to the question that is pending."""
        if given.intent in ("affirm", "deny"):
            return self._answered(given)
        return self._people.offered_where_due(given, self._fresh(given))

    def _fresh(self, given: SkillInput) -> Outcome:
        if given.intent == "human_handoff":
            return self._people.hand_off(given)
        if given.intent in _TROUBLE:
            return self._people.trouble(given)
        if given.intent == "feedback":
            return self._people.feedback(given)
        if given.intent in ABOUT_ORDER:
            return self._orders.run(given)
        return self._policies.answer(given)

    def _answered(self, given: SkillInput) -> Outcome:
        """Act on a yes or no. Whatever was asked, silence changes nothing: only an explicit yes does."""
        pending = given.state.pending
        yes = given.intent == "affirm"
        if pending is None:
            return self._people.declined()
        if pending.kind == "confirm" and pending.intent in KINDS:
            return self._orders.confirmed(given, pending) if yes else self._orders.dropped()
        if pending.kind in ("handoff", "contact"):
            if not yes:
                return self._people.declined()
            reason = "asked" if pending.intent == "human_handoff" else pending.intent
            return self._people.hand_off(msgspec.structs.replace(given, slots=pending.slots), reason)
        if not yes:
            return self._orders.dropped()
        return self._fresh(msgspec.structs.replace(given, intent=pending.intent, slots=pending.slots))
