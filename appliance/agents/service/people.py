"""The way to a person: at once when asked for, offered when something went wrong, never hidden."""

from __future__ import annotations

import msgspec

from appliance.agents.service import hours
from appliance.agents.service.masking import masked
from appliance.agents.service.policies import PolicyDesk, with_person, with_quotation
from appliance.agents.types import Outcome, Part, Pending, SkillInput, Slots
from appliance.settings import Settings

FAILURES_BEFORE_PERSON = 2
"""Turns in a row without an answer after which a person is offered with every further one."""


class PeopleDesk:
    """Calls people, takes complaints and thanks."""

    def __init__(self, policies: PolicyDesk, settings: Settings) -> None:
        self._policies = policies
        self._hours = hours.configured_hours(settings.assistant.handoff_contact_hours)
        self._timezone = settings.shop.timezone

    def hand_off(self, given: SkillInput, reason: str = "asked") -> Outcome:
        """Call a person. Out of hours, or with a contact just given, the shopper is told how it goes on."""
        contact = contact_of(given.slots)
        if contact:
            parts: tuple[Part, ...] = (Part(message="person.contact_noted", values={"contact": masked(contact)}),)
            return Outcome(action="handoff", parts=parts, handoff=reason)
        if self._reachable(given.now):
            return Outcome(action="handoff", parts=(Part(message="person.called"),), handoff=reason)
        return Outcome(
            action="handoff",
            parts=(Part(message="person.called_out_of_hours"), Part(message="person.ask_contact")),
            pending=Pending(kind="contact", intent="human_handoff"),
            handoff=reason,
        )

    def trouble(self, given: SkillInput) -> Outcome:
        """Acknowledge a complaint or a payment that went wrong, ask what helps, and offer a person."""
        message = f"person.{given.intent}_angry" if given.utterance.angry else f"person.{given.intent}"
        ask = () if _order_known(given) else (Part(message="person.which_order"),)
        return Outcome(
            action="offer_handoff",
            parts=(Part(message=message), *ask, Part(message="person.offer")),
            quick_replies=("yes", "no"),
            pending=Pending(kind="handoff", intent=given.intent, slots=_without_contact(given.slots)),
        )

    def feedback(self, given: SkillInput) -> Outcome:
        """Thank for praise; say how to review if the owner has written it."""
        thanks = Outcome(action="answer", parts=(Part(message="person.feedback"),), quick_replies=("recommend",))
        return with_quotation(thanks, self._policies.entry_of("feedback"), given.locale, first=False)

    def declined(self) -> Outcome:
        """Leave it at that: nobody is called."""
        return Outcome(action="answer", parts=(Part(message="person.not_called"),), quick_replies=("order_status",))

    def offered_where_due(self, given: SkillInput, outcome: Outcome) -> Outcome:
        """Offer a person with any answer to somebody who is angry or was not helped several times."""
        if outcome.handoff or outcome.action in ("handoff", "offer_handoff"):
            return outcome
        if not given.utterance.angry and given.state.failures < FAILURES_BEFORE_PERSON:
            return outcome
        if outcome.pending is not None:
            chips = tuple(dict.fromkeys((*outcome.quick_replies, "person")))
            return msgspec.structs.replace(outcome, quick_replies=chips)
        return with_person(outcome)

    def _reachable(self, now: float) -> bool:
        minute = hours.minute_of_day(now, self._timezone)
        return self._hours is None or minute is None or hours.within(self._hours, minute)


def contact_of(slots: Slots) -> str:
    """Return the phone number or e-mail address that was given; ``''`` when none was."""
    return str(slots.get("phone") or slots.get("email") or "")


def _order_known(given: SkillInput) -> bool:
    return "order_id" in given.slots or bool(given.state.order_id)


def _without_contact(slots: Slots) -> Slots:
    return {name: value for name, value in slots.items() if name not in ("phone", "email")}
