"""The archive, the tables, the live ring, the neighbours and the mixture, on cases worked by hand."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from appliance.recsys.sequences import from_lists
from appliance.recsys.sessions import archive as archives
from appliance.recsys.sessions import live, tables
from appliance.recsys.sessions.archive import Archive
from appliance.recsys.sessions.choice import AFTER, BEFORE, NEXT, Parameters
from appliance.recsys.sessions.live import LiveSessions
from appliance.recsys.sessions.mixture import learned_weights, shares_of
from appliance.recsys.sessions.nearest import NearestSessions, Scratch, walk_of

FOUR = [[0, 1, 2], [3, 1, 2], [1, 4], [5, 1, 0]]
EVEN = Parameters(recency=0.0, position_decay=4.0, distance_decay=4.0, length_norm=0.5)


def _postings(archive: Archive, item: int) -> list[tuple[int, int]]:
    part = slice(archive.posting_starts[item], archive.posting_starts[item + 1])
    return list(zip(archive.posting_sessions[part].tolist(), archive.posting_places[part].tolist(), strict=True))


def test_postings_name_the_newest_session_first_and_the_last_place_in_it() -> None:
    archive = archives.build(from_lists([[0, 1, 0], [], [2, 0]]), 3)
    assert archive.sessions == 2
    assert _postings(archive, 0) == [(1, 1), (0, 2)]
    assert archive.distinct.tolist() == [2, 2]


def test_sessions_are_numbered_by_their_newest_click() -> None:
    archive = archives.build(from_lists([[0, 1], [2, 3]], times=[[10.0, 20.0], [1.0, 2.0]]), 4)
    assert archive.items.tolist() == [2, 3, 0, 1]
    assert archive.freshness(0.5).tolist() == pytest.approx([np.exp(-2.0), 1.0])
    assert archive.freshness(0.0).tolist() == [1.0, 1.0]


def test_postings_and_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_POSTINGS", 3)
    archive = archives.build(from_lists([[0, 1]] * 5 + [list(range(2, 90))]), 90)
    assert _postings(archive, 0) == [(4, 0), (3, 0), (2, 0)]
    assert archive.items[archive.starts[5] :].tolist() == list(range(40, 90))


def test_rules_count_what_follows_by_nearness() -> None:
    table = tables.sequential_rules(from_lists([[0, 1, 2], [0, 2]]), 3, np.ones(2))
    assert table.ids[0, :2].tolist() == [2, 1]
    assert table.scores[0, :2].tolist() == pytest.approx([1 + 1 / 2, 1.0])
    assert table.ids[2].max() == -1


def test_companions_are_the_cosine_of_sessions_whose_weights_fade() -> None:
    sequences = from_lists([[0, 1], [0, 2]])
    even = tables.companions(sequences, 3, np.ones(2))
    assert even.ids[0, :2].tolist() == [1, 2]
    assert even.scores[0, :2].tolist() == pytest.approx([1 / np.sqrt(2)] * 2)
    faded = tables.companions(sequences, 3, np.array([0.25, 1.0]))
    assert faded.ids[0, :2].tolist() == [2, 1]
    assert faded.scores[0, :2].tolist() == pytest.approx([1 / np.sqrt(1.25), 0.25 / np.sqrt(1.25 * 0.25)])


def test_two_steps_reach_what_never_met() -> None:
    sequences = from_lists([[0, 1], [1, 2]])
    walk = tables.two_steps(
        tables.sequential_rules(sequences, 3, np.ones(2)), tables.companions(sequences, 3, np.ones(2))
    )
    assert 2 in walk.ids[0].tolist()


def test_nearest_sessions_weigh_common_items_by_position_and_length() -> None:
    nearest = NearestSessions(archives.build(from_lists(FOUR), 6), LiveSessions(4), EVEN)
    after, following, before = nearest.entries(walk_of([3, 1]), Scratch(), -1)
    assert {int(entries.voices[0]) for entries in (after, following, before)} == {AFTER, NEXT, BEFORE}
    values = dict(zip(before.items.tolist(), before.values.tolist(), strict=True))
    # Session [3, 1, 2] shares both: exp(0) for the newest item, exp(-1/4) for the one before, over the root of 3.
    both = (1.0 + np.exp(-0.25)) / np.sqrt(3)
    assert values == pytest.approx({3: both, 0: 1 / np.sqrt(3), 5: 1 / np.sqrt(3)})
    sums = np.bincount(following.items, weights=following.values)
    assert sums[2] == pytest.approx(both + 1 / np.sqrt(3))
    assert sums[4] == pytest.approx(1 / np.sqrt(2))


def test_only_the_newest_sessions_are_looked_at() -> None:
    sequences = from_lists([[0, 1]] * 8 + [[0, 2]] * 2)
    bounded = NearestSessions(archives.build(sequences, 3), LiveSessions(4), Parameters(sample=2))
    after = bounded.entries(walk_of([0]), Scratch(), -1)[0]
    assert set(after.items.tolist()) == {2}


def test_the_walk_holds_distinct_items_newest_first() -> None:
    walk = walk_of([4, 7, 4, -1, 9])
    assert (walk.items.tolist(), walk.steps.tolist()) == ([9, 4, 7], [0, 2, 3])


def test_live_sessions_make_room_and_leave_no_trace() -> None:
    ring = LiveSessions(2)
    for key, item in (("a", 1), ("a", 2), ("b", 1), ("c", 3)):
        ring.add(key, item, 1.0)
    assert ring.find(1, 10).tolist() == [ring.serial("b")]
    assert not len(ring.find(2, 10))
    assert ring.serial("a") == -1
    assert len(ring) == 2


def test_a_long_live_session_forgets_its_oldest_click() -> None:
    ring = LiveSessions(2)
    for item in range(live.MAX_LENGTH + 1):
        ring.add("a", item, float(item))
    assert not len(ring.find(0, 10))
    ring.add("a", 0, 99.0)
    serials = ring.find(0, 10)
    rows, lengths = ring.rows(serials)
    assert (rows[0, -1], lengths.tolist()) == (0, [live.MAX_LENGTH])
    distinct, times = ring.sizes(serials)
    assert (distinct.tolist(), times.tolist()) == ([live.MAX_LENGTH], [99.0])


def test_postings_of_a_busy_item_stay_small() -> None:
    ring = LiveSessions(10)
    for visitor in range(5000):
        ring.add(f"v{visitor}", 7, 1.0)
    assert len(ring.find(7, 100)) == 10
    assert len(ring._postings[7].serials) < 200


def test_clicks_from_many_threads_are_all_there() -> None:
    ring = LiveSessions(64)

    def visit(name: int) -> None:
        for item in range(40):
            ring.add(f"v{name}", item, 1.0)

    threads = [threading.Thread(target=visit, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for item in range(40):
        rows, lengths = ring.rows(ring.find(item, 100))
        assert lengths.tolist() == [40] * 16
        assert set(rows[:, item].tolist()) == {item}


def test_past_and_live_sessions_speak_alike() -> None:
    sequences = from_lists(FOUR)
    past = NearestSessions(archives.build(sequences, 6), LiveSessions(4), EVEN)
    ring = LiveSessions(4)
    for owner in range(4):
        for item in sequences.of(owner).tolist():
            ring.add(str(owner), item, float(owner))
    now = NearestSessions(archives.build(from_lists([]), 6), ring, EVEN)
    for ours, theirs in zip(*(index.entries(walk_of([3, 1]), Scratch(), -1) for index in (past, now)), strict=True):
        sums = [np.bincount(entries.items, weights=entries.values, minlength=6) for entries in (ours, theirs)]
        assert sums[0] == pytest.approx(sums[1])


def test_learned_weights_are_those_that_the_clicks_came_from() -> None:
    random = np.random.default_rng(5)
    truth = np.array([0.7, 0.3])
    parts = random.dirichlet(np.ones(20), 2)
    clicks = [random.choice(20, p=parts[random.choice(2, p=truth)]) for _ in range(4000)]
    assert learned_weights(parts.T[clicks]) == pytest.approx(truth, abs=0.05)


def test_a_part_that_never_spoke_for_a_click_gets_nothing() -> None:
    assert learned_weights(np.array([[0.5, 0.0], [0.2, 0.0], [0.0, 0.0]])).tolist() == [1.0, 0.0]
    assert learned_weights(np.zeros((0, 2))).tolist() == [0.5, 0.5]


def test_shares_sum_to_one_and_sharpness_favours_the_first() -> None:
    scores = np.array([[3.0, 0.0], [1.0, 0.0]])
    assert shares_of(scores, 1.0).tolist() == [[0.75, 0.0], [0.25, 0.0]]
    assert shares_of(scores, 2.0)[0, 0] == pytest.approx(0.9)


def test_an_archive_survives_the_disk(tmp_path: Path) -> None:
    archive = archives.build(from_lists(FOUR), 6)
    archive.save(tmp_path)
    for ours, theirs in zip(archive, Archive.load(tmp_path), strict=True):
        assert np.array_equal(ours, theirs)
