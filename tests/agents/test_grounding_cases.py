"""The grounding cases over the fixture shop with its FAQ and orders: every fact from a store, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from talk_shop import TalkShop, foreign_amounts

from appliance.ops.evaluation.chat_cases import ChatCase, read_cases

CASES = read_cases(Path(__file__).parent / "cases" / "dev_grounding.jsonl")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TalkShop]:
    """The fixture shop; every case has a session of its own."""
    opened = TalkShop(tmp_path_factory.mktemp("grounding"))
    yield opened
    opened.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_grounding(shop: TalkShop, case: ChatCase) -> None:
    talk = shop.talk(case.id)
    for turn in case.turns:
        answer = talk.say(turn.text)
    reply = answer.reply
    assert answer.locale == case.lang
    missing = [ways for ways in case.must_contain if not any(way in reply for way in ways)]
    assert not missing, f"{missing} not in {reply!r}"
    assert not [pattern for pattern in case.must_not_match if re.search(pattern, reply)], reply
    if case.amounts_known:
        assert not foreign_amounts(reply), reply


def test_all_ten_are_there() -> None:
    assert len(CASES) == 10
