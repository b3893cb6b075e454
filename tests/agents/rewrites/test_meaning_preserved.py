"""Every development case again, its last message typed otherwise: what is understood must be what was understood."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import rewriter

from appliance.ops.evaluation.chat import Answered, answer, critical
from appliance.ops.evaluation.chat_cases import ChatCase, read_cases
from appliance.ops.evaluation.chat_shop import ChatShop, chat_shop
from appliance.settings import Settings

AGENTS = Path(__file__).resolve().parents[1]
CASES = read_cases(AGENTS / "cases" / "dev_shop.jsonl")
EXACT = ("nfd", "upper", "spaced", "newer_tones", "emoji", "punctuated")
"""Ways of typing that change nothing at all."""
SHARES = {**dict.fromkeys(EXACT, 1.0), "unmarked": 0.98, "polite_vi": 0.98, "polite_en": 0.98, "teencode": 0.97}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatShop]:
    """The fixture shop of an evaluation."""
    with chat_shop(tmp_path_factory.mktemp("rewrites"), Settings(), AGENTS / "fixture" / "products.jsonl") as opened:
        yield opened


@pytest.fixture(scope="module")
def originals(shop: ChatShop) -> dict[str, Answered]:
    """What is understood of the cases as they stand."""
    return {case.id: answered(shop, case) for case in CASES}


def answered(shop: ChatShop, case: ChatCase) -> Answered:
    return answer(shop.assistant, case, currency=shop.currency, ids=shop.ids)


def meaning(one: Answered) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the intent and the critical slots."""
    found = one.result.interpretation
    return found.intent, tuple(sorted(critical(found.slots)))


def typed_otherwise(case: ChatCase, name: str) -> ChatCase | None:
    """Return the case with its last message rewritten, or ``None`` where that rewriting changes nothing."""
    last = case.turns[-1]
    text = rewriter.rewrite(last.text, "en" if case.lang == "en" else "vi").get(name)
    if text is None:
        return None
    return msgspec.structs.replace(case, turns=(*case.turns[:-1], msgspec.structs.replace(last, text=text)))


@pytest.mark.parametrize("name", sorted(SHARES))
def test_the_meaning_stays(shop: ChatShop, originals: dict[str, Answered], name: str) -> None:
    asked, lost = 0, []
    for case in CASES:
        changed = typed_otherwise(case, name)
        if changed is None:
            continue
        asked += 1
        before, after = meaning(originals[case.id]), meaning(answered(shop, changed))
        if before != after:
            lost.append(f"{case.id} {case.turns[-1].text!r} as {changed.turns[-1].text!r}: {before} became {after}")
    assert asked >= 3, f"{name} changed only {asked} cases"
    share = 1 - len(lost) / asked
    print(f"{name}: {share:.4f} of {asked}")
    assert share >= SHARES[name], f"{name}: {share:.4f} of {asked}\n" + "\n".join(lost)


def test_the_reply_keeps_its_language(shop: ChatShop, originals: dict[str, Answered]) -> None:
    """Without diacritics, in capitals or decomposed, a message is answered in the language that it is in."""
    lost = [
        f"{case.id} as {changed.turns[-1].text!r}"
        for case in CASES
        for name in ("nfd", "upper", "unmarked", "teencode")
        if (changed := typed_otherwise(case, name)) is not None
        and answered(shop, changed).result.locale != originals[case.id].result.locale
    ]
    assert len(lost) <= 3, lost
