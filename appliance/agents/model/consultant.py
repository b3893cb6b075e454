"""Asking the language model: it chooses among the skills' tools, words what they found, and is checked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog

from appliance.agents.model.costs import Usage
from appliance.agents.model.tools import TOOLS, slots_of
from appliance.agents.port import Finish, LanguageModel, Message, TextDelta, ToolCall, ToolSchema
from appliance.agents.types import DialogueState, Outcome, Slots
from appliance.errors import ApplianceError
from appliance.messages import Locale, translate

MAX_CALLS = 2
MAX_REPLY_CHARS = 1200
_FOREIGN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f]")
"""Scripts that small models slip into; no answer in Vietnamese or English holds them."""
_MARKUP = re.compile(r"<\|?/?\w+\|?>|https?://|```|\{\s*\"")

RunTool = Callable[[str, Slots], Outcome]
"""Runs the skill of an intent with the slots of a call."""

log = structlog.get_logger(__name__)


class Consultation(msgspec.Struct, frozen=True, kw_only=True):
    """What the model made of a turn. Without an outcome and a text it was no help, and the rules answer."""

    outcomes: tuple[Outcome, ...] = ()
    intent: str = ""
    slots: Slots = {}
    text: str = ""
    """The model's own wording; empty to let the response agent word the outcomes."""
    usage: Usage = Usage()
    failed: str = ""
    """Why the model was no help."""


class Consultant:
    """Runs one conversation with the model for one turn."""

    def __init__(self, shop_name: str) -> None:
        self._shop_name = shop_name

    def ask(
        self,
        model: LanguageModel,
        message: str,
        state: DialogueState,
        run_tool: RunTool,
        *,
        locale: Locale,
        deadline: float,
        conversation: str,
    ) -> Consultation:
        """Let the model answer a message within ``deadline`` seconds; failures are answers too, never exceptions."""
        messages = self.opening(message, state, locale)
        found, ends = Consultation(), time.monotonic() + deadline
        tools = [tool.schema for tool in TOOLS.values()]
        try:
            for _ in range(MAX_CALLS + 1):
                # What an earlier call took is gone: the deadline is that of the whole answer.
                text, call, end = _answer(model, messages, tools, max(0.0, ends - time.monotonic()), conversation)
                usage = Usage(end.tokens_in, end.tokens_out)
                found = msgspec.structs.replace(found, usage=found.usage + usage)
                if end.reason != "stop":
                    return msgspec.structs.replace(found, failed=end.reason)
                if call is None:
                    return _worded(found, text)
                slots = slots_of(call)
                if slots is None:
                    return msgspec.structs.replace(found, failed="bad_call")
                outcome = run_tool(TOOLS[call.name].intent, slots)
                found = msgspec.structs.replace(
                    found, outcomes=(*found.outcomes, outcome), intent=TOOLS[call.name].intent, slots=slots
                )
                messages += [Message(role="assistant", call=call), Message(role="tool", content=_facts(outcome))]
        except ApplianceError as error:
            log.warning("model_failed", error=error.message)
            return msgspec.structs.replace(found, failed=error.code)
        return found if found.outcomes else msgspec.structs.replace(found, failed="too_many_calls")

    def opening(self, message: str, state: DialogueState, locale: Locale) -> list[Message]:
        """Return the messages that a turn begins with: who the model is, what was said last, what is asked now.

        The system message is the same for every turn of a language, so that a model reads it once.
        """
        messages = [Message(role="system", content=translate("chat.model.system", locale, shop=self._shop_name))]
        if state.last_reply:
            messages.append(Message(role="assistant", content=state.last_reply[:MAX_REPLY_CHARS]))
        return [*messages, Message(role="user", content=message)]


def _answer(
    model: LanguageModel, messages: Sequence[Message], tools: Sequence[ToolSchema], deadline: float, conversation: str
) -> tuple[str, ToolCall | None, Finish]:
    text: list[str] = []
    call, end = None, Finish()
    for frame in model.stream(messages, tools, deadline=deadline, conversation=conversation):
        match frame:
            case TextDelta():
                text.append(frame.text)
            case ToolCall():
                call = call or frame
            case Finish():
                end = frame
    return "".join(text).strip(), call, end


def _worded(found: Consultation, text: str) -> Consultation:
    """Keep the model's text where it words facts that were found and has a form that may be sent.

    What it states is checked by the response agent. Questions, orders and calls for a person keep the shop's own
    words, and without any fact a model may ask, but not tell.
    """
    if not text:
        return found if found.outcomes else msgspec.structs.replace(found, failed="empty")
    if len(text) > MAX_REPLY_CHARS or _FOREIGN.search(text) or _MARKUP.search(text):
        return msgspec.structs.replace(found, failed="unfit_text")
    if not found.outcomes and not (text.endswith("?") and not any(letter.isdigit() for letter in text)):
        return msgspec.structs.replace(found, failed="no_facts")
    if any(outcome.action != "answer" or outcome.pending is not None or outcome.order_id for outcome in found.outcomes):
        return found
    return msgspec.structs.replace(found, text=text)


def _facts(outcome: Outcome) -> str:
    """Return what a tool found as JSON for the model."""
    facts = {
        "products": [
            {"title": product.title, "price": product.price, "currency": product.currency, "in_stock": product.in_stock}
            | ({"attributes": product.attributes} if product.attributes else {})
            for product in outcome.products
        ],
        "said": [part.text or {part.message: msgspec.to_builtins(part.values)} for part in outcome.parts],
    }
    return msgspec.json.encode(facts).decode()
