"""A yes, a no or a number answers whatever question is pending, without an exception."""

from __future__ import annotations

from typing import get_args

import pytest
from talk_shop import TalkShop

from appliance.agents.pipeline import TurnInput
from appliance.agents.types import CONVERSATION, INTENTS, DialogueState, Pending, PendingKind


@pytest.mark.parametrize("kind", get_args(PendingKind))
def test_every_question_takes_a_yes_and_a_no(talk_shop: TalkShop, kind: PendingKind) -> None:
    assistant = talk_shop.assistant()
    for intent in INTENTS:
        if intent in CONVERSATION:
            continue
        for message in ("có", "không", "ok", "no thanks", "1187"):
            state = DialogueState(pending=Pending(kind=kind, intent=intent))
            result = assistant.turn(TurnInput(message=message, state=state, session_id="s", now=1e9))
            assert result.reply.text, (kind, intent, message)
