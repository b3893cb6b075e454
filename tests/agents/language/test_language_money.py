"""Money as shoppers say it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.agents.language.agent import LanguageAgent, LanguageInput

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "cases" / "dev_money.jsonl").read_text(encoding="utf-8").splitlines()
]
AGENT = LanguageAgent()


def prices(text: str) -> dict[str, object]:
    """Return the price slots of a message."""
    said = AGENT.run(LanguageInput(text)).mentions
    return {item.slot: item.value for item in said if item.slot.startswith("price_") and item.certain}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_development_cases(case: dict[str, object]) -> None:
    assert prices(str(case["text"])) == case["slots"]
