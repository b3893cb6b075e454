"""Answers for a session: what the next click changes, what other visitors change, why, and what is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.errors import ArtifactInvalid
from appliance.recsys.sequences import Sequences, from_lists
from appliance.recsys.sessions import selection
from appliance.recsys.sessions.choice import VOICES, Choice, Parameters
from appliance.recsys.sessions.index import SessionIndex
from appliance.recsys.sessions.live import LiveSessions
from appliance.recsys.sessions.model import build

BAGS, SHOES = range(5), range(5, 10)


def _shop(sessions: int = 60, seed: int = 1) -> Sequences:
    """Visitors look at bags or at shoes, not at both."""
    random = np.random.default_rng(seed)
    kinds = (list(BAGS), list(SHOES))
    return from_lists([random.permutation(kinds[visit % 2])[:3].tolist() for visit in range(sessions)])


def _index(sequences: Sequences | None = None, size: int = 10, **parameters: object) -> SessionIndex:
    chosen = Choice(parameters=Parameters(**parameters))  # type: ignore[arg-type]
    return SessionIndex(build(_shop() if sequences is None else sequences, size, chosen), LiveSessions(100))


def _only(part: str) -> Choice:
    return Choice(weights={part: 1.0})


def test_who_looks_at_bags_is_shown_bags_first_and_the_next_click_turns_it() -> None:
    index = _index()
    assert set(index.recommend([0, 1], 4).rows.tolist()) <= set(BAGS)
    turned = index.recommend([0, 1, 6, 7], 4).rows.tolist()
    assert set(turned) & set(SHOES)
    assert turned[0] in SHOES


def test_another_visitors_click_is_a_neighbour_at_once() -> None:
    index = _index()
    before = index.recommend([0], 10).rows.tolist()
    for visitor in range(5):
        index.add(f"v{visitor}", 0, 100.0)
        index.add(f"v{visitor}", 9, 101.0)
    after = index.recommend([0], 10).rows.tolist()
    assert 9 in after
    assert after.index(9) < (before.index(9) if 9 in before else 10)


def test_a_product_that_came_after_training_is_recommended_from_live_sessions() -> None:
    index = _index()
    for visitor in range(3):
        index.add(f"v{visitor}", 0, 100.0)
        index.add(f"v{visitor}", 25, 101.0)
    assert 25 in index.recommend([0], 10).rows.tolist()
    assert 0 in index.recommend([25], 10).rows.tolist()


def test_a_session_is_not_its_own_neighbour() -> None:
    index = SessionIndex(build(_shop(), 10, _only("after")), LiveSessions(10))
    index.add("me", 0, 1.0)
    index.add("me", 31, 2.0)
    assert 31 in index.recommend([0], 30).rows.tolist()
    assert 31 not in index.recommend([0], 30, session_key="me").rows.tolist()


def test_scores_are_the_sum_of_the_parts_and_anchors_are_of_the_session() -> None:
    index = _index()
    answer = index.recommend([0, 6], 5)
    assert answer.evidence.parts.sum(axis=1) == pytest.approx(answer.scores)
    assert sorted(answer.scores.tolist(), reverse=True) == answer.scores.tolist()
    assert answer.scores.sum() <= 1.0 + 1e-6
    for row, anchor in zip(answer.rows.tolist(), answer.evidence.anchors.tolist(), strict=True):
        assert anchor == (0 if row in BAGS else 6)


@pytest.mark.parametrize(("repeats", "shown"), [("all", {0, 1}), ("not_current", {0}), ("none", set())])
def test_repeats_are_as_chosen(repeats: str, shown: set[int]) -> None:
    rows = _index(repeats=repeats).recommend([0, 1], 10).rows.tolist()
    assert set(rows) & {0, 1} == shown


def test_without_a_known_item_the_answer_is_what_is_in_demand() -> None:
    index = _index(from_lists([[0, 1], [2, 1], [1, 3]]), 4)
    assert index.recommend([], 2).rows.tolist()[0] == 1
    stranger = index.recommend([77], 2)
    assert 1 in stranger.rows.tolist()


@pytest.mark.parametrize("rows", [[], [[]], [[0]], [[0, 0, 0]]])
def test_a_shop_without_a_history_answers_nothing_or_little_and_never_fails(rows: list[list[int]]) -> None:
    index = _index(from_lists(rows), 3)
    assert len(index.recommend([0, 1], 5).rows) <= 3
    index.add("a", 0, 1.0)
    index.add("a", 2, 2.0)
    assert 2 in index.recommend([0], 5).rows.tolist()


def test_a_model_survives_the_disk_and_an_old_one_is_refused(tmp_path: Path) -> None:
    index = _index()
    index.model.save(tmp_path)
    again = SessionIndex.load(tmp_path)
    for history in ([0], [0, 6], []):
        assert again.recommend(history, 5).rows.tolist() == index.recommend(history, 5).rows.tolist()
    assert again.choice == index.choice
    (tmp_path / "sessions_choice.json").write_text('{"parameters": {"repeats": "often"}}')
    with pytest.raises(ArtifactInvalid):
        SessionIndex.load(tmp_path)


def _clicks(returning: bool, sessions: int = 400) -> Sequences:
    """Visitors who go back to their first item, or who go on along a circle of 40."""
    random = np.random.default_rng(2)
    rows = []
    for start in random.integers(0, 40, sessions).tolist():
        onward = [(start + step) % 40 for step in range(4)]
        rows.append([start, int(random.integers(40)), start, int(random.integers(40)), start] if returning else onward)
    return from_lists(rows)


@pytest.fixture(scope="module")
def choices() -> dict[bool, Choice]:
    return {returning: selection.choose(_clicks(returning), 40, seed=0) for returning in (True, False)}


def test_own_items_weigh_where_people_come_back(choices: dict[bool, Choice]) -> None:
    own = {returning: choice.weights["returning"] + choice.weights["current"] for returning, choice in choices.items()}
    assert own[True] > 0.3
    assert own[False] < 0.1


def test_a_choice_holds_its_evidence(choices: dict[bool, Choice]) -> None:
    choice = choices[False]
    assert sum(choice.weights.values()) == pytest.approx(1.0, abs=1e-3)
    assert choice.cases == 120
    assert choice.sessions == 360
    assert choice.value == max(trial.reached for trial in choice.trials)
    assert choice.interval[0] <= choice.hr <= choice.interval[1]
    assert choice.hr > 0.9


def test_the_choice_is_the_same_each_time(choices: dict[bool, Choice]) -> None:
    assert selection.choose(_clicks(False), 40, seed=0) == choices[False]


def test_a_large_log_is_chosen_from_by_its_newest_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MAX_CLICKS", 40)
    older, cases = selection._split(from_lists([[0, 1], [2, 3]] * 50), 4, 0, 100)
    assert older.owners == 18
    assert [(case.history.tolist(), case.target) for case in cases] == [([0], 1), ([2], 3)]


def test_few_sessions_leave_the_defaults() -> None:
    choice = selection.choose(_shop(20), 10, seed=0)
    assert choice.cases == 0
    assert choice.parameters == Parameters()
    assert set(choice.weights) == set(VOICES)
    assert sum(choice.weights.values()) == pytest.approx(1.0)


def test_fitting_tells_how_far_it_is() -> None:
    told: list[float] = []
    model = selection.fit(_clicks(False), 40, seed=0, tell=lambda share, _stage: told.append(share))
    assert told == sorted(told)
    assert 0 < told[-1] <= 1
    assert SessionIndex(model).recommend([3], 1).rows.tolist() == [4]
