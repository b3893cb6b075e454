"""The whole assistant over the fixture shop: the trace, the language model's part in a turn, and a sixth agent."""

from __future__ import annotations

import pytest
from scripted_model import ScriptedModel
from talk_shop import NOON, TalkShop

from appliance.agents.catalogue.agent import CatalogueAgent
from appliance.agents.intent.agent import IntentAgent
from appliance.agents.intent.classifier import canonical
from appliance.agents.language.agent import LanguageAgent
from appliance.agents.pipeline import Assistant, TurnInput, TurnResult
from appliance.agents.port import Finish, Frame, TextDelta, ToolCall
from appliance.agents.response.agent import ResponseAgent
from appliance.agents.response.talk import Talk
from appliance.agents.service.agent import ServiceAgent
from appliance.agents.service.retrieval import FaqSearch
from appliance.agents.types import DialogueState, Outcome, Part, SkillInput

OPEN = "quà sinh nhật cho bạn gái thích leo núi và đi biển tầm 800k"
"""A wish that is open enough for the model."""
SEARCH: list[Frame] = [ToolCall("search", {"query": "balo", "price_max": 800_000}), Finish(300, 20)]


def say(assistant: Assistant, message: str, state: DialogueState | None = None) -> TurnResult:
    return assistant.turn(TurnInput(message=message, state=state or DialogueState(), session_id="s", now=NOON))


@pytest.mark.parametrize(
    ("message", "skill"),
    [("tìm balo dưới 500k", "catalogue"), ("shop mở cửa mấy giờ", "service"), ("xin chào", "talk")],
)
def test_every_agent_has_its_line_in_the_trace(talk_shop: TalkShop, message: str, skill: str) -> None:
    result = say(talk_shop.assistant(), message)
    assert [step.agent for step in result.steps] == ["language", "intent", skill, "response"]
    assert all(step.took_ms >= 0 and step.output for step in result.steps)
    assert sum(step.took_ms for step in result.steps) <= result.took_ms + 0.01


def test_two_requests_have_a_line_each(talk_shop: TalkShop) -> None:
    result = say(talk_shop.assistant(), "Balo City còn hàng không, ship về Đà Nẵng mấy ngày?")
    assert [step.agent for step in result.steps][2:-1] == ["catalogue", "service"]


def test_the_model_chooses_a_tool_and_words_what_it_found(talk_shop: TalkShop) -> None:
    model = ScriptedModel(SEARCH, [TextDelta("Dạ mình xem Balo City giá 450.000đ nhé."), Finish(400, 30)])
    result = say(talk_shop.assistant(lambda: model), OPEN)
    assert result.model.why == "open_ended"
    assert result.handled_by == "llm"
    assert result.reply.text == "Dạ mình xem Balo City giá 450.000đ nhé."
    assert "Balo City" in [product.title for product in result.reply.products]
    assert result.interpretation.intent == "product_search"
    assert result.state.shown
    assert result.consultation is not None
    assert result.consultation.usage.tokens_in == 700
    assert "model" in [step.agent for step in result.steps]
    assert "Balo City" in model.asked[1][-1].content


def test_an_invented_price_does_not_leave(talk_shop: TalkShop) -> None:
    model = ScriptedModel(SEARCH, [TextDelta("Balo City chỉ 99.000đ thôi ạ!"), Finish()])
    result = say(talk_shop.assistant(lambda: model), OPEN)
    assert result.unfounded == (99_000,)
    assert "99.000" not in result.reply.text
    assert "450.000đ" in result.reply.text


FAILING: dict[str, list[list[Frame]]] = {
    "unavailable": [],
    "bad_call": [[ToolCall("set_price", {"product": "Balo City", "price": 1}), Finish()]],
    "deadline": [[TextDelta("Dạ"), Finish(reason="deadline")]],
    "unfit_text": [[TextDelta("xem https://evil.example"), Finish()]],
    "empty": [[Finish()]],
}


@pytest.mark.parametrize("failed", sorted(FAILING))
def test_where_the_model_is_no_help_the_rules_answer(talk_shop: TalkShop, failed: str) -> None:
    model = ScriptedModel(*FAILING[failed])
    result = say(talk_shop.assistant(lambda: model), OPEN)
    assert result.consultation is not None
    assert result.consultation.failed == failed
    assert result.handled_by == "rules"
    assert result.reply == say(talk_shop.assistant(), OPEN).reply
    assert result.reply.products


def test_after_failures_the_model_is_left_alone(talk_shop: TalkShop) -> None:
    model = ScriptedModel()
    assistant = talk_shop.assistant(lambda: model)
    whys = [say(assistant, OPEN).model.why for _ in range(5)]
    assert whys == ["open_ended"] * 3 + ["breaker_open"] * 2
    assert len(model.asked) == 3


def test_the_models_tool_reads_no_order_without_proof(talk_shop: TalkShop) -> None:
    model = ScriptedModel([ToolCall("order_status", {"order_id": "1101"}), Finish()], [TextDelta("Đã giao."), Finish()])
    result = say(talk_shop.assistant(lambda: model), OPEN)
    assert result.action == "ask_verify"
    assert "Đã giao" not in result.reply.text
    assert not result.state.order_id
    assert "1101" not in model.asked[1][-1].content


class Weather:
    """A further agent: one class."""

    name = "weather"
    intents = frozenset({"out_of_scope"})

    def run(self, given: SkillInput) -> Outcome:
        return Outcome(action="answer", parts=(Part(text=f"Trời hôm nay đẹp, {given.locale}."),))


def test_a_sixth_agent_is_one_class_and_one_line(talk_shop: TalkShop) -> None:
    runtime, settings = talk_shop.runtime, talk_shop.runtime.settings
    faq = FaqSearch(runtime.faq)
    assistant = Assistant(
        language=LanguageAgent,
        intent=IntentAgent(canonical(), lambda: None),
        skills=(
            CatalogueAgent(runtime.catalogue, runtime.search, runtime.recommender, settings),
            ServiceAgent(faq, runtime.orders, runtime.chat.order_requests, settings),
            Talk(settings.shop.name),
            Weather(),
        ),
        response=ResponseAgent(settings.shop.currency),
        settings=settings,
        faq=faq.best,
    )
    result = say(assistant, "thời tiết hôm nay thế nào")
    assert result.reply.text == "Trời hôm nay đẹp, vi."
    assert [step.agent for step in result.steps] == ["language", "intent", "weather", "response"]
    assert say(assistant, "tìm balo").reply.products


def test_what_the_owner_adds_counts_from_the_next_turn(talk_shop: TalkShop) -> None:
    assistant = talk_shop.assistant()
    examples = talk_shop.runtime.chat.intent_examples
    phrase = "combo lì xì bự của nhà mình tới đâu rồi ta"
    before = say(assistant, phrase).interpretation.intent
    wanted = "promotion" if before != "promotion" else "warranty"
    added = examples.add(wanted, phrase)
    assert say(assistant, phrase).interpretation.intent == wanted
    examples.delete(added.id)
    assert say(assistant, phrase).interpretation.intent == before
