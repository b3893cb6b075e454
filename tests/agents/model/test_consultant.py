"""The seam for the language model, driven by a scripted model: a third party's machine that is not here."""

from __future__ import annotations

from typing import Literal

import pytest
from scripted_model import ScriptedModel

from appliance.agents.model.breaker import CircuitBreaker
from appliance.agents.model.consultant import Consultant, Consultation
from appliance.agents.model.costs import Usage, cost_usd, typical_cost_usd
from appliance.agents.model.policy import Policy
from appliance.agents.model.tools import TOOLS, slots_of
from appliance.agents.port import Finish, Frame, TextDelta, ToolCall
from appliance.agents.types import Action, DialogueState, Interpretation, Outcome, ProductFact, Slots, Token, Utterance
from appliance.settings import Assistant

TOTE = ProductFact(product_id="p1", handle="tui-tote", title="Túi Tote", price=180_000)


def _ask(model: ScriptedModel, outcome: Outcome | None = None) -> tuple[Consultation, list[tuple[str, Slots]]]:
    ran: list[tuple[str, Slots]] = []

    def run(intent: str, slots: Slots) -> Outcome:
        ran.append((intent, slots))
        return outcome or Outcome(action="answer", products=(TOTE,))

    found = Consultant("Tiệm Nhà").ask(
        model, "túi dưới 200k", DialogueState(), run, locale="vi", deadline=5.0, conversation="s"
    )
    return found, ran


def test_a_tool_call_runs_the_skill_and_the_wording_follows() -> None:
    call = ToolCall("search", {"query": "túi", "price_max": 200_000})
    model = ScriptedModel(
        [call, Finish(400, 20)], [TextDelta("Dạ có "), TextDelta("Túi Tote 180.000đ ạ."), Finish(500, 30)]
    )
    found, ran = _ask(model)
    assert ran == [("product_search", {"product": "túi", "price_max": 200_000})]
    assert found.text == "Dạ có Túi Tote 180.000đ ạ."
    assert found.usage == Usage(900, 50)
    assert not found.failed
    assert "Túi Tote" in model.asked[1][-1].content


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("drop_tables", {}),
        ToolCall("product", {}),
        ToolCall("search", {"price_max": -1}),
        ToolCall("search", {"price_max": True}),
        ToolCall("search", {"query": "x" * 201}),
        ToolCall("search", {"admin": "yes"}),
    ],
)
def test_a_call_that_fits_no_schema_is_no_call(call: ToolCall) -> None:
    assert slots_of(call) is None
    found, ran = _ask(ScriptedModel([call, Finish()]))
    assert found.failed == "bad_call"
    assert ran == []


@pytest.mark.parametrize("text", ["", "你好", "xem https://evil.example", "<|im_start|>system", '{"name": "search"}'])
def test_text_of_an_unfit_form_is_not_sent(text: str) -> None:
    found, _ = _ask(ScriptedModel([TextDelta(text), Finish()]))
    assert found.failed
    assert not found.text


def test_a_model_that_is_off_leaves_the_turn_to_the_rules() -> None:
    found, _ = _ask(ScriptedModel())
    assert found.failed == "unavailable"


def test_without_facts_a_model_may_ask_but_not_tell() -> None:
    told, _ = _ask(ScriptedModel([TextDelta("Shop đổi trả miễn phí trong mọi trường hợp ạ."), Finish()]))
    assert (told.failed, told.text) == ("no_facts", "")
    asked, _ = _ask(ScriptedModel([TextDelta("Mình tìm túi cho dịp nào ạ?"), Finish()]))
    assert (asked.failed, asked.text) == ("", "Mình tìm túi cho dịp nào ạ?")


@pytest.mark.parametrize("action", ["ask_verify", "lookup", "handoff", "clarify"])
def test_orders_and_questions_keep_the_shops_own_words(action: Action) -> None:
    call = ToolCall("order_status", {"order_id": "1101"})
    found, _ = _ask(
        ScriptedModel([call, Finish()], [TextDelta("Đơn đã giao rồi ạ."), Finish()]), Outcome(action=action)
    )
    assert (found.failed, found.text) == ("", "")


@pytest.mark.parametrize("reason", ["length", "deadline", "cancelled"])
def test_half_an_answer_is_not_sent(reason: Literal["length", "deadline", "cancelled"]) -> None:
    found, _ = _ask(ScriptedModel([TextDelta("Dạ có Túi"), Finish(reason=reason)]))
    assert (found.failed, found.text) == (reason, "")


def test_the_deadline_is_that_of_the_whole_answer() -> None:
    call = ToolCall("search", {"query": "túi"})
    model = ScriptedModel([call, Finish()], [TextDelta("Dạ có ạ."), Finish()])
    _ask(model)
    first, second = model.deadlines
    assert second < first <= 5.0


def test_a_model_that_calls_without_end_is_stopped() -> None:
    calls: list[list[Frame]] = [[ToolCall("search", {"query": "túi"}), Finish()] for _ in range(9)]
    found, ran = _ask(ScriptedModel(*calls))
    assert len(ran) == 3
    assert found.outcomes


def test_tools_state_their_arguments_as_closed_schemas() -> None:
    for tool in TOOLS.values():
        assert tool.schema.parameters["additionalProperties"] is False
        assert set(tool.schema.parameters["required"]) <= set(tool.schema.parameters["properties"])


def _utterance(words: str, screen: str = "") -> Utterance:
    tokens = tuple(Token(word, word, word, 0, 0) for word in words.split())
    return Utterance(text=words, tokens=tokens, locale="vi", screen=screen)  # type: ignore[arg-type]


def _found(intent: str, confidence: float) -> Interpretation:
    return Interpretation(intent=intent, intents=(intent,), confidence=confidence)


def test_the_model_is_asked_when_rules_are_unsure_or_the_wish_is_open() -> None:
    policy, model = Policy(Assistant()), ScriptedModel()
    sentence = _utterance("qua sinh nhat cho ban gai thich leo nui tam 800k")
    assert policy.decide(model, _found("product_recommend", 0.95), sentence, 0).why == "open_ended"
    assert policy.decide(model, _found("product_search", 0.2), _utterance("gi do"), 0).why == "unsure"
    assert policy.decide(model, _found("product_search", 0.9), _utterance("tui"), 0).why == "certain"
    assert policy.decide(None, _found("product_search", 0.2), _utterance("gi do"), 0).why == "no_model"


def test_attacks_and_hand_offs_never_reach_the_model() -> None:
    policy, model = Policy(Assistant()), ScriptedModel()
    assert policy.decide(model, _found("human_handoff", 0.1), _utterance("x"), 0).why == "never"
    assert policy.decide(model, _found("product_search", 0.1), _utterance("x", "injection"), 0).why == "never"


def test_a_full_queue_and_a_spent_budget_leave_the_rules_in_charge() -> None:
    policy = Policy(Assistant(model_turns_per_hour=2))
    unsure, words = _found("product_search", 0.1), _utterance("gi do")
    assert policy.decide(ScriptedModel(load=1.0), unsure, words, 0).why == "busy"
    assert [policy.decide(ScriptedModel(), unsure, words, 0).ask for _ in range(3)] == [True, True, False]
    assert policy.decide(ScriptedModel(), unsure, words, 3601).ask


def test_the_breaker_opens_after_failures_and_lets_one_try_through_later() -> None:
    breaker = CircuitBreaker(Assistant(model_failures=2, model_pause_seconds=10))
    assert breaker.allows(0)
    breaker.failed(0)
    assert breaker.allows(1)
    breaker.failed(1)
    assert not breaker.allows(5)
    assert breaker.allows(11.5)
    assert not breaker.allows(12)
    breaker.succeeded()
    assert breaker.allows(12)


def test_costs_are_those_of_the_customers_estimate() -> None:
    assert typical_cost_usd(3000, Assistant()) == pytest.approx(21.0)
    assert cost_usd(Usage(1_000_000, 0), Assistant()) == pytest.approx(5.0)
