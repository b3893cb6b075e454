"""The weights follow what the shop's own visitors do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from recsys_shop import DAY, NOW, event, history, leather_and_shoes, write_snapshot

from appliance.domain import Interaction
from appliance.recsys.base import ModelInfo
from appliance.recsys.blend import PRIOR, UNKNOWN
from appliance.recsys.training import train


def _trained(folder: Path, events: list[Interaction], *, tune: bool = True) -> ModelInfo:
    snapshot = write_snapshot(folder / "snapshot", leather_and_shoes(), events)
    return train(snapshot, folder / "out", tune=tune, now=lambda: NOW)


def _matching_outfits(sessions: int = 240) -> list[Interaction]:
    """Return visits in which people go through the products of one number, whatever their kind."""
    random = np.random.default_rng(3)
    events = []
    for number in range(sessions):
        outfit = int(random.integers(10))
        start = NOW - float(random.uniform(0, 20)) * DAY
        kinds = random.permutation(["giay", "tui-da", "balo-da", "balo-vai"]).tolist()
        events += [event(f"s{number}", f"{kind}-{outfit}", at=start + step) for step, kind in enumerate(kinds)]
    return events


def test_where_people_match_what_content_cannot_see_behaviour_gets_the_weight(tmp_path: Path) -> None:
    blend = _trained(tmp_path, _matching_outfits()).blend
    learned = [bucket for bucket in blend.buckets[1:] if bucket.weights != PRIOR]
    assert learned
    for bucket in learned:
        behaviour = bucket.weights.collaborative + bucket.weights.sequential + bucket.weights.session
        assert bucket.weights.content < 0.2 * behaviour
        assert bucket.ndcg > bucket.prior_ndcg
    bucket = blend.bucket(1)
    assert bucket.cases >= 30
    assert bucket.parts["content"] < 0.3 < bucket.parts["collaborative"]
    # Three products of the outfit are left, in any order: (1 + 1/log₂3 + 1/2) / 3 = 0.71 is all that can be foreseen.
    assert 0.65 < bucket.ndcg < 0.80


def test_the_evidence_adds_up(tmp_path: Path) -> None:
    blend = _trained(tmp_path, history(sessions=240)).blend
    assert blend.split_at is not None and NOW - 20 * DAY < blend.split_at < NOW
    for bucket in blend.buckets[1:]:
        assert bucket.ndcg >= bucket.prior_ndcg
        assert bucket.confidence in {"none", "low", "medium", "high"}
        if bucket.weights != PRIOR:
            assert sum(bucket.weights) - bucket.weights.bought_together <= 1.001


def test_the_same_history_teaches_the_same_weights(tmp_path: Path) -> None:
    first, second = (_trained(tmp_path / name, _matching_outfits()) for name in ("one", "two"))
    assert first.blend == second.blend
    assert first.sessions == second.sessions


def test_a_shop_without_history_and_a_first_model_keep_the_untrained_weights(tmp_path: Path) -> None:
    for name, events, tune in (("new", [], True), ("first", history(), False)):
        blend = _trained(tmp_path / name, events, tune=tune).blend
        assert [bucket.weights for bucket in blend.buckets] == [UNKNOWN, PRIOR]
        assert blend.split_at is None
