"""What needs no store: greetings, thanks, who one talks to, refusals, and what was not understood."""

from __future__ import annotations

from appliance.agents.types import CONVERSATION, Action, Outcome, Part, Pending, SkillInput

_ACTIONS: dict[str, Action] = {
    "abuse": "deescalate",
    "security_probe": "refuse",
    "out_of_scope": "redirect",
    "unclear": "clarify",
}
_START_CHIPS = ("recommend", "order_status", "shipping", "person")
_FAILURES_BEFORE_PERSON = 2


class Talk:
    """Answers the conversation's own moves."""

    name = "talk"
    intents = frozenset(CONVERSATION)

    def __init__(self, shop_name: str) -> None:
        self._shop_name = shop_name

    def run(self, given: SkillInput) -> Outcome:
        """Answer a move; nothing here depends on a store."""
        intent = given.intent
        if intent == "unclear" and given.state.failures + 1 >= _FAILURES_BEFORE_PERSON:
            return Outcome(
                action="clarify",
                parts=(Part(message="talk.still_unclear"),),
                quick_replies=("yes", "no"),
                pending=Pending(kind="handoff", intent="human_handoff"),
                answered=False,
            )
        message = f"talk.{intent}"
        if intent == "greeting" and given.state.turns:
            message = "talk.greeting_again"
        chips = () if intent in ("goodbye", "thanks", "abuse") else _START_CHIPS
        return Outcome(
            action=_ACTIONS.get(intent, "answer"),
            parts=(Part(message=message, values={"shop": self._shop_name}),),
            quick_replies=chips,
            answered=intent != "unclear",
        )
