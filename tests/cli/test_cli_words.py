"""What a person reads on the terminal: in their language, nothing of the machine's own words."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from appliance.cli import failures
from appliance.cli.root import _COMMANDS, root
from appliance.cli.session import Session
from appliance.cli.shelves import price_text
from appliance.issues import Severity
from appliance.messages import LOCALES, catalogue, translate
from appliance.recsys.base import Strategy
from appliance.runtime import PartState


@pytest.mark.parametrize(
    ("price", "currency", "vi", "en"),
    [
        (469_000, "VND", "469.000 ₫", "469,000 VND"),
        (1234.5, "USD", "1.234,50 USD", "1,234.50 USD"),
        (12.0, "USD", "12,00 USD", "12.00 USD"),
        (None, "VND", "", ""),
    ],
)
def test_a_price_is_written_as_people_write_it(price: float | None, currency: str, vi: str, en: str) -> None:
    item = {"price": price, "currency": currency, "in_stock": True}
    assert (price_text(item, "vi"), price_text(item, "en")) == (vi, en)
    assert price_text(item | {"in_stock": False}, "vi") == f"{vi} ✗".strip()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_strategy_state_and_severity_has_words(locale: str) -> None:
    known = catalogue("vi" if locale == "vi" else "en")
    for section, values in (("strategy", Strategy), ("part_state", PartState)):
        assert {f"{section}.{value}" for value in get_args(values)} <= known.keys()
    assert {f"severity.{severity}" for severity in Severity} <= known.keys()


@pytest.mark.parametrize("locale", LOCALES)
def test_messages_name_commands_that_exist(locale: str) -> None:
    named = set()
    for text in catalogue("vi" if locale == "vi" else "en").values():
        named |= {word.split()[0].strip("`.,;:") for word in text.replace("`", " ").split("appliance ")[1:]}
    assert "doctor" not in named
    assert {"train", "status"} <= named & _COMMANDS.keys()


def test_status_speaks_vietnamese(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_SHOP_LOCALE", "vi")
    assert failures.guarded(root, ["--data", str(tmp_path), "status"], Session()) == 0
    told = capsys.readouterr().out
    assert "danh mục: tốt" in told
    assert "degraded" not in told


def test_the_claim_line_is_natural() -> None:
    told = translate("cli.claim", "vi", code="X", url="u")
    assert "chưa có người quản lý" in told
    assert "Mã kích hoạt: X" in told
