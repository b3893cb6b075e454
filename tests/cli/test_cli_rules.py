"""``appliance rules``: made, listed in the owner's language, removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import failures
from appliance.cli.root import root
from appliance.cli.session import Session


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A data directory with two products."""
    monkeypatch.setenv("APPLIANCE_SHOP_LOCALE", "vi")
    rows = [
        {"id": "p0", "handle": "balo-da", "title": "Balo da", "price": 450_000, "categories": ["Túi"]},
        {"id": "p1", "title": "Ví da", "price": 90_000, "categories": ["Ví"], "attributes": {"margin": "40%"}},
    ]
    file = tmp_path / "products.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert failures.guarded(root, ["--data", str(tmp_path), "import", "products", str(file)], Session()) == 0
    capsys.readouterr()
    return tmp_path


def _run(data: Path, *arguments: str, code: int = 0) -> None:
    assert failures.guarded(root, ["--data", str(data), "rules", *arguments], Session()) == code


def _json(data: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    _run(data, *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_a_rule_is_made_listed_and_removed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = _json(
        shop, capsys, "add", "pin", "product", "balo-da", "--placement", "home", "--position", "2",
        "--from", "2026-01-01", "--until", "2026-01-31",
    )  # fmt: skip
    assert (made["value"], made["position"], made["products"], made["enabled"]) == ("p0", 2, 1, True)
    assert (made["starts_at"], made["ends_at"]) == ("2025-12-31T17:00:00Z", "2026-01-31T17:00:00Z")
    _run(shop, "list")
    told = capsys.readouterr().out
    assert all(word in told for word in ("ghim", "sản phẩm", "#2", "trang chủ", "bật", made["id"]))
    assert _json(shop, capsys, "remove", made["id"]) == {"removed": made["id"]}
    assert _json(shop, capsys, "list") == {"items": []}
    _run(shop, "remove", made["id"], code=2)


def test_ranges_are_kept_as_they_are_meant(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    price = _json(shop, capsys, "add", "bury", "price", "..100000", "--strength", "3", "--off")
    assert (price["value"], price["strength"], price["products"], price["enabled"]) == ("..100000 VND", 3.0, 1, False)
    margin = _json(shop, capsys, "add", "boost", "margin", ">=30%")
    assert (margin["value"], margin["products"]) == (">=30%", 1)
    category = _json(shop, capsys, "add", "exclude", "category", "ví")
    assert (category["value"], category["products"]) == ("vi", 1)
    _run(shop, "list")
    told = capsys.readouterr().out
    assert all(
        word in told for word in ("hạ xuống", "÷ 3", "giá", "..100000 VND", "tắt", "lợi nhuận", "× 2", "mọi nơi")
    )


def test_what_speaks_of_nothing_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(shop, "add", "boost", "tag", "không-có")
    assert "chưa có sản phẩm" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bury", "price", "200.000..500.000"), "thousands separators"),
        (("boost", "margin", "0.3"), ">=30%"),
        (("boost", "tag", "x", "--strength", "0.5"), "strength"),
        (("hide", "tag", "x"), "exclude"),
    ],
)
def test_a_wrong_rule_says_what_to_change(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert failures.guarded(root, ["--data", str(shop), "rules", "add", *arguments], Session()) != 0
    assert told in capsys.readouterr().err
