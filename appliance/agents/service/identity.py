"""Which order is meant, and whether the shopper may hear of it: number plus the phone or e-mail on it, or signed in."""

from __future__ import annotations

from typing import NamedTuple

from appliance.agents.service.people import contact_of
from appliance.agents.service.policies import with_person
from appliance.agents.types import Outcome, Part, Pending, SkillInput, Slots
from appliance.store.orders import OrderRepository, OrderView

_OWN_SHOWN = 4
"""Order numbers that a customer who is signed in gets as quick replies."""


class Known(NamedTuple):
    """An order that this shopper may hear of."""

    order: OrderView
    verified: str = ""
    """Its number if it was verified by number and contact in this turn or before; ``''`` for one's own, signed in."""


class Identity:
    """Finds the order of a turn. Nothing of an order passes before ``Known``."""

    def __init__(self, orders: OrderRepository) -> None:
        self._orders = orders

    def of(self, given: SkillInput) -> Known | Outcome:
        """Return the order, or the answer that asks for what is missing, the same for every kind of failure."""
        own = self._orders.of_customer(given.user_id)
        number = number_of(given)
        if not number and given.state.order_id:
            number = given.state.order_id
        if not number and len(own) == 1:
            return Known(own[0])
        if not number:
            return _ask_number(given, own)
        mine = next((order for order in own if same_number(order.display_id, number)), None)
        if mine is not None:
            return Known(mine)
        if same_number(number, given.state.order_id) and (order := self._orders.read(number)) is not None:
            return Known(order, order.display_id)
        return self._verified(given, number)

    def again(self, given: SkillInput, number: str) -> Known | None:
        """Return an order that was established in an earlier turn, as it is now; ``None`` unless it still may be."""
        if number and same_number(number, given.state.order_id):
            order = self._orders.read(number)
            return None if order is None else Known(order, order.display_id)
        own = self._orders.of_customer(given.user_id)
        return next((Known(order) for order in own if same_number(order.display_id, number)), None)

    def _verified(self, given: SkillInput, number: str) -> Known | Outcome:
        slots: Slots = {**_kept(given.slots), "order_id": number}
        contact = contact_of(given.slots)
        pending = Pending(kind="verify", intent=given.intent, slots=slots)
        if not contact or not given.session_id:
            # Without a session there is nobody to prove anything: a preview compares nothing and counts no try.
            return Outcome(action="ask_verify", parts=(Part(message="order.ask_contact"),), pending=pending)
        found = self._orders.try_verify(
            number, contact, conversation_id=given.session_id, client=given.client, now=given.now
        )
        if found.order is not None:
            return Known(found.order, found.order.display_id)
        if found.wait_seconds > 0:
            return with_person(Outcome(action="offer_handoff", parts=(Part(message="order.too_many_tries"),)))
        return Outcome(
            action="lookup", parts=(Part(message="order.no_match"),), quick_replies=("person",), pending=pending
        )


def number_of(given: SkillInput) -> str:
    """Return the order number of a turn: one said in it goes before one kept from before; ``''`` without any."""
    for mention in given.utterance.mentions:
        if mention.slot == "order_id" and mention.certain:
            return _plain(str(mention.value))
    return _plain(str(given.slots.get("order_id", "")))


def same_number(one: str, other: str) -> bool:
    """Tell whether two texts are the same order number."""
    return bool(one) and _plain(one).casefold() == _plain(other).casefold()


def _ask_number(given: SkillInput, own: tuple[OrderView, ...]) -> Outcome:
    return Outcome(
        action="ask_order_id",
        parts=(Part(message="order.ask_which" if own else "order.ask_number"),),
        quick_replies=tuple(f"={order.display_id}" for order in own[:_OWN_SHOWN]),
        pending=Pending(kind="order_id", intent=given.intent, slots=_kept(given.slots)),
    )


def _kept(slots: Slots) -> Slots:
    """Return the slots to go on with: a contact is used once and not kept."""
    return {name: value for name, value in slots.items() if name not in ("order_id", "phone", "email")}


def _plain(number: str) -> str:
    return number.strip().lstrip("#").strip()
