"""The shop's recommender judged on its own last visits."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from recsys_shop import DAY, NOW, event, history, leather_and_shoes, write_snapshot

from appliance.domain import Interaction
from appliance.errors import InvalidInput
from appliance.ops.evaluation.shop import evaluate
from appliance.settings import Recommender


def _judged(folder: Path, events: list[Interaction]) -> tuple[dict[str, object], list[dict[str, object]]]:
    snapshot = write_snapshot(folder / "snapshot", leather_and_shoes(), events)
    outcome = evaluate(snapshot, folder / "scratch", Recommender(), k=10)
    return outcome.report, list(outcome.predictions)


def test_people_who_stay_with_one_kind_are_foreseen_better_than_by_best_sellers(tmp_path: Path) -> None:
    report, predictions = _judged(tmp_path, history(sessions=240))
    assert report["cases"] == len(predictions) > 30
    popularity = report["baselines"]["popularity"]  # type: ignore[index]
    # Ten products of the visitor's kind of which two or three are known: a good list of ten has nearly all others.
    assert report["hit@10"] > 0.8 > popularity["hit@10"]  # type: ignore[operator]
    low, high = report["intervals"]["hit@10"]  # type: ignore[index]
    assert low <= report["hit@10"] <= high
    assert {"content", "collaborative", "popular"} == set(report["parts"])  # type: ignore[call-overload]
    assert all(len(line["items"]) == len(set(line["items"])) == 10 for line in predictions)  # type: ignore[arg-type, call-overload]
    assert msgspec.json.encode(report)


def test_the_answer_to_a_case_does_not_depend_on_what_came_after(tmp_path: Path) -> None:
    events = sorted(history(sessions=240), key=lambda item: item.occurred_at)
    cut = int(len(events) * 0.95)
    # The future turns round: everybody goes for one product that nobody cared for.
    turned = events[:cut] + [
        msgspec.structs.replace(item, product_id="balo-vai-9", occurred_at=item.occurred_at) for item in events[cut:]
    ]
    _, first = _judged(tmp_path / "one", events)
    _, second = _judged(tmp_path / "two", turned)
    same = [line for line in first[: len(first) // 2] if line in second]
    assert len(same) == len(first) // 2


def test_a_log_that_is_too_short_or_knows_no_visits_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at least 200"):
        _judged(tmp_path / "short", history(sessions=5))
    alone = [event(f"s{number}", f"giay-{number % 10}", at=NOW - DAY * 20 + number) for number in range(300)]
    with pytest.raises(InvalidInput, match="second product"):
        _judged(tmp_path / "alone", alone)
