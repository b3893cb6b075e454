"""``appliance experiment`` and ``appliance analytics`` as the owner reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from appliance.cli import failures
from appliance.cli.root import root
from appliance.cli.session import Session
from appliance.domain import ExperimentMetric, Placement, StrategyChoice
from appliance.messages import LOCALES, catalogue


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def runs(*arguments: str, code: int = 0, locale: str = "en") -> tuple[str, str]:
        monkeypatch.setenv("APPLIANCE_SHOP_LOCALE", locale)
        session = Session(as_json="--json" in arguments)
        assert failures.guarded(root, ["--data", str(tmp_path), *arguments], session) == code
        told = capsys.readouterr()
        return told.out, told.err

    return runs


@pytest.mark.parametrize("locale", LOCALES)
def test_every_choice_and_place_has_words(locale: Any) -> None:
    known = catalogue(locale)
    for section, values in (("choice", StrategyChoice), ("experiment", ExperimentMetric), ("placement", Placement)):
        assert {f"{section}.{value}" for value in get_args(values)} <= known.keys()
    # What shelves outside the placements are noted under.
    assert {"placement.any", "placement.similar", "placement.popular", "placement.bought_together"} <= known.keys()


def test_an_experiment_is_started_read_and_stopped(run: Any) -> None:
    assert "begins one" in run("experiment", "list")[1]
    started = json.loads(run("experiment", "start", "--name", "Home", "--b", "popular", "--share", "0.3", "--json")[0])
    assert (started["placement"], started["arm_a"], started["share"]) == (None, "blend", 0.3)
    listed = run("experiment", "list")[0]
    assert "everywhere" in listed
    assert "30.00 %" in listed
    shown = run("experiment", "show", started["id"], locale="vi")[0]
    assert "Chưa có khách nào thấy cả hai cách." in shown
    assert "mọi nơi" in shown
    assert "30,00 %" in shown
    refused = run("experiment", "start", "--name", "Cart", "--placement", "cart", "--b", "content", code=1)[1]
    assert f"appliance experiment stop {started['id']}" in refused
    assert started["id"] in run("experiment", "stop", started["id"])[1]
    assert "ended" in run("experiment", "list")[0]
    run("experiment", "show", "exp_none", code=2)
    run("experiment", "start", "--name", "x", "--b", "magic", code=2)


def test_what_recommendations_led_to_is_tabled(run: Any) -> None:
    period = ("--from", "2026-01-01", "--to", "2026-01-31")
    assert "From 2026-01-01 to 2026-01-31 no recommendation" in run("analytics", "recommendations", *period)[1]
    run("recommend", "--session", "s1")
    found = json.loads(run("analytics", "recommendations", "--by", "strategy", "--json")[0])
    assert (found["by"], found["time_zone"], found["currency"]) == ("strategy", "Asia/Ho_Chi_Minh", "VND")
    run("analytics", "recommendations", "--from", "2026-02-01", "--to", "2026-01-01", code=1)
    run("analytics", "recommendations", "--from", "soon", code=2)
