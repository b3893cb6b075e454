"""What holds for any text whatever: nobody falls over it, places point at it, and reading it takes its length."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.agents.intent.agent import IntentAgent, IntentInput
from appliance.agents.intent.classifier import canonical
from appliance.agents.intent.rules import MAX_CHARS, rules, short_answer
from appliance.agents.intent.slots import ALLOWED
from appliance.agents.language.agent import LanguageAgent, LanguageInput
from appliance.agents.types import INTENTS, DialogueState, Pending, PendingKind, ShownProduct, Token, Utterance

LANGUAGE = LanguageAgent()
INTENT = IntentAgent(canonical(), lambda: None)
LIST = (ShownProduct("p1", "Balo City", 450_000), ShownProduct("p2", "Balo Travel", 690_000))
KINDS: tuple[PendingKind, ...] = PendingKind.__args__  # type: ignore[attr-defined]

# Words that mean something, so that the readers are reached and meet in combinations that nobody types on purpose.
BITS = [
    *("áo", "ao", "size", "M", "500k", "1tr2", "dưới", "200-300", "nghìn", "đơn", "#1101", "0912345678", "cái thứ hai"),
    *("rẻ hơn", "màu đỏ", "the second one", "under $20", "60kg", "1m70", "đm", "a@b.vn", "trăm", "rưỡi", "từ", "đến"),
    *(
        "không",
        "hay",
        "balo",
        "quận 1",
        "ngày 5/3",
        "+84",
        "x2",
        "2",
        "👍",
        "\u0301",
        "ng",
        "ạ",
        "½",
        "②",
        "१२",
        "１２",
    ),
    *("ﬁ", "İ", "ǅ", "²", "10^9", "1e9", "0K01", "9" * 30, "k" * 10, "cuối", "cái đầu", "hai cái", "40.5", "38-39"),
    *("DH1102", "ab-123-", "www.x", "'", "{{", "<|im_start|>", "và", ",", ".", "triệu"),
]
WORDS = st.lists(st.one_of(st.sampled_from(BITS), st.text(max_size=4)), max_size=10)
TEXTS = st.one_of(st.text(max_size=60), WORDS.map(" ".join), WORDS.map("".join))
PENDING = st.one_of(st.none(), st.builds(Pending, kind=st.sampled_from(KINDS), intent=st.sampled_from(INTENTS)))
STATES = st.builds(
    DialogueState,
    pending=PENDING,
    shown=st.sampled_from([(), LIST]),
    focus=st.sampled_from([None, LIST[0]]),
    last_intent=st.sampled_from(["", *INTENTS]),
    order_id=st.sampled_from(["", "1101"]),
)
EXPECTED = st.sampled_from(["", "order_id", "verify", "measures", "size", "ref"])
_any = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@_any
@given(TEXTS, EXPECTED)
def test_words_and_values_lie_where_they_are_said_to_be(text: str, expects: str) -> None:
    heard = LANGUAGE.run(LanguageInput(text, expects))
    for token in heard.tokens:
        assert heard.text[token.start : token.end] == token.raw
        assert token.marked
        assert token.folded
    for mention in heard.mentions:
        assert 0 <= mention.start < mention.end <= len(heard.tokens)
    certain = [mention for mention in heard.mentions if mention.certain]
    assert all(one.end <= other.start for one, other in itertools.pairwise(certain))
    assert set(heard.polite) <= set(range(len(heard.tokens)))


@_any
@given(TEXTS, STATES, EXPECTED)
def test_every_text_has_a_known_intent_with_its_own_slots(text: str, state: DialogueState, expects: str) -> None:
    found = INTENT.run(IntentInput(LANGUAGE.run(LanguageInput(text, expects)), state))
    assert found.intent in INTENTS
    assert found.intent in found.intents
    assert 0 <= found.confidence <= 1
    if not found.rule.startswith("pending:"):
        assert set(found.slots) <= {slot for name in found.intents for slot in ALLOWED.get(name, ())}


@_any
@given(STATES)
def test_a_conversations_state_comes_back_from_json_as_it_went(state: DialogueState) -> None:
    assert msgspec.json.decode(msgspec.json.encode(state), type=DialogueState) == state


UNITS = [
    *("1k ", "1 ", "x2 ", "1m70 ", "a@", "a.", "${", "<|a", "' or ", "select * ", "M ", "A B ", "M1 ", "1/2/3/", "ạ "),
    *("mã ABCD ", "và ", "áo, ", "abc-1-", "hai trăm ", "từ 1 đến ", "cái thứ hai ", "không phải màu đỏ "),
]


@pytest.mark.parametrize("unit", UNITS)
def test_reading_takes_time_in_proportion_to_length(unit: str) -> None:
    short, long = (_seconds((unit * 10_000)[:length]) for length in (2_500, 10_000))
    assert long < 0.05 or long < 9 * short, f"{short * 1000:.0f} ms became {long * 1000:.0f} ms"


def _seconds(text: str) -> float:
    """Return the least of two times, over both agents; the screen would keep repetition from the second.

    Of the processor, for this thread alone: what else the machine does must not fail the test.
    """
    times = []
    for _ in range(2):
        began = time.thread_time()
        heard = LANGUAGE.run(LanguageInput(text))
        INTENT.run(IntentInput(msgspec.structs.replace(heard, screen=""), DialogueState()))
        times.append(time.thread_time() - began)
    return min(times)


def _stretched(pattern: re.Pattern[str]) -> Iterable[str]:
    """Yield a word of the pattern again and again, behind itself and behind every other word of it."""
    words = sorted(set(re.findall(r"[^\W\d_]+", pattern.pattern)))
    for first, word in itertools.product(words[:: max(1, len(words) // 60)], words):
        yield f"{first} {word}"


@pytest.mark.parametrize("number", range(len(rules())))
def test_no_rule_backtracks_without_end(number: int) -> None:
    rule = rules()[number]
    match = rule.pattern.fullmatch if rule.whole else rule.pattern.search
    for text in _stretched(rule.pattern):
        word = text.rpartition(" ")[2]
        # Step by step, so that an exponential pattern is caught while it still ends.
        for times in (8, 16, 24, 32):
            began = time.thread_time()
            match((text + f" {word}" * times)[:MAX_CHARS] + " ~")
            assert time.thread_time() - began < 0.1, text


def test_a_long_yes_is_judged_in_no_time() -> None:
    began = time.thread_time()
    for word in ("ok", "vâng", "dạ", "không", "thôi", "nhé", "luôn", "di", "yes", "please"):
        tokens = tuple(Token(word, word, word, 0, 0) for _ in range(200))
        short_answer(Utterance(text=word, tokens=(*tokens, Token("~", "~", "~", 0, 0)), locale="vi"))
    assert time.thread_time() - began < 0.2
