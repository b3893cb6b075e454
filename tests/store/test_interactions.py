"""The log's questions: access paths, exports, popularity, and what training writes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ingest_bench import T0, Bench, interaction, product

from appliance.domain import Impression, InteractionType
from appliance.store.journal_rows import JournalRow
from appliance.store.recent import FILE_NAME

DAY = 86_400.0
TYPES = list(InteractionType)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = Bench(tmp_path)
    opened.catalogue.upsert([product(1), product(2)])
    opened.journal.append_sync(
        [
            interaction("a", occurred_at=T0 + 50, metadata='{"category":"túi","src":"w"}'),
            interaction("b", session_id="s2", product_id="prod_2", interaction_type="purchase", weight=5.0),
            interaction("c", user_id="u1", session_id="", product_id="prod_2", occurred_at=T0 + 2 * DAY),
            interaction("d", product_id="", interaction_type="search", weight=0.0, metadata='{"category":"ví"}'),
            interaction("e", session_id="", product_id="prod_1", occurred_at=T0 + 10),
            interaction("f", product_id="prod_9"),
        ]
    )
    opened.identify("s1", "u1")
    opened.journal.append_sync([interaction("g", product_id="prod_2", metadata='{"category":"túi"}')])
    assert opened.merger.flush(20)
    yield opened
    opened.close()


def test_recent_events_of_a_user_include_those_as_a_guest(bench: Bench) -> None:
    assert [event.event_id for event in bench.log.recent_of_user("u1")] == ["g", "f", "d", "c", "a"]
    assert [event.event_id for event in bench.log.recent_of_user("u1", 2)] == ["g", "f"]
    assert {event.user_id for event in bench.log.recent_of_user("u1")} == {"u1"}
    assert bench.log.recent_of_user("") == bench.log.recent_of_user("nobody") == []


def test_a_session_comes_in_order_of_arrival(bench: Bench) -> None:
    events = bench.log.of_session("s1")
    assert [event.event_id for event in events] == ["a", "d", "f", "g"]
    assert events[0].metadata == '{"category":"túi","src":"w"}'
    assert (events[2].metadata, events[0].occurred_at) == ("", T0 + 50)


def test_a_products_events_by_type(bench: Bench) -> None:
    assert [event.event_id for event in bench.log.of_product("prod_2", "view")] == ["g", "c"]
    assert [event.event_id for event in bench.log.of_product("prod_2", "purchase")] == ["b"]


def test_the_index_is_built_again_when_it_is_lost_or_damaged(bench: Bench) -> None:
    expected = bench.log.of_session("s1")
    for damage in (None, b"garbage" * 2000):
        bench.close()
        for file in bench.folder.glob(FILE_NAME + "*"):
            file.unlink()
        if damage is not None:
            (bench.folder / FILE_NAME).write_bytes(damage)
        bench.open()
        assert bench.merger.flush(20)
        assert bench.log.of_session("s1") == expected


def test_the_index_of_another_log_is_not_used(bench: Bench, tmp_path: Path) -> None:
    bench.close()
    for file in bench.folder.glob("analytics.duckdb*"):
        file.unlink()
    bench.open()
    bench.journal.append_sync([interaction("new", session_id="s9")])
    assert bench.merger.flush(20)
    assert bench.log.of_session("s1") == []
    assert [event.event_id for event in bench.log.of_session("s9")] == ["new"]


def test_top_categories_come_from_the_metadata(bench: Bench) -> None:
    assert bench.log.top_categories() == [("túi", 2.0), ("ví", 0.0)]
    query = "select metadata->>'category' as category, count(*) from {} group by 1 order by 2 desc, 1"
    assert ("túi", 2) in bench.analytics.q("test", query.format("interaction_events"))
    assert ("túi", 2) in bench.analytics.q("test", query.format("rec_user_interactions"))


def test_impressions_are_logged(bench: Bench) -> None:
    bench.journal.note(Impression("r1", "u1", "s1", "home", "trending", ("p1", "p2"), T0))
    assert bench.merger.flush(20)
    assert bench.log.counts().impressions == 1
    row = bench.analytics.q("test", "select * exclude (shown_at), epoch(shown_at) from rec_impressions")
    assert row == [("r1", "u1", "s1", "home", ["p1", "p2"], "trending", "", "", T0)]


def test_the_arm_of_an_experiment_is_logged_and_older_journals_have_none(bench: Bench) -> None:
    bench.journal.note(Impression("r1", "u1", "s1", "home", "trending", ("p1",), T0, "exp_1", "b"))
    assert bench.merger.flush(20)
    old = JournalRow(10_000, "impressions", 1, '[["r2","","s2","home","session",["p1"],1700000000.0]]')
    bench.log.merge("older", [old], bench.catalogue.resolve)
    query = "select recommendation_id, experiment_id, arm from rec_impressions order by 1"
    assert bench.analytics.q("test", query) == [("r1", "exp_1", "b"), ("r2", "", "")]


def test_counts(bench: Bench) -> None:
    counts = bench.log.counts()
    assert (counts.events, counts.folded, counts.parked, counts.linked_sessions) == (7, 5, 1, 1)
    assert bench.log.verify() == (0, 0)


def test_the_export_has_every_event_with_a_known_product(bench: Bench) -> None:
    arrays = bench.log.export_arrays()
    found = [
        (
            "" if visitor < 0 else arrays.visitors[visitor],
            "" if session < 0 else arrays.sessions[session],
            arrays.product_ids[item],
            TYPES[kind].value,
            float(weight),
            float(at),
        )
        for visitor, session, item, kind, weight, at in zip(
            arrays.visitor,
            arrays.session,
            arrays.product,
            arrays.type,
            arrays.weight,
            arrays.occurred_at,
            strict=True,
        )
    ]
    assert found == [
        ("s:s2", "s2", "prod_2", "purchase", 5.0, T0),
        ("u:u1", "s1", "prod_2", "view", 1.0, T0),
        ("", "", "prod_1", "view", 1.0, T0 + 10),
        ("u:u1", "s1", "prod_1", "view", 1.0, T0 + 50),
        ("u:u1", "", "prod_2", "view", 1.0, T0 + 2 * DAY),
    ]
    assert arrays.visitor.dtype == arrays.product.dtype == np.int32
    assert arrays.type.dtype == np.int8


def test_the_export_keeps_a_session_and_a_user_of_one_name_apart(bench: Bench) -> None:
    bench.journal.append_sync([interaction("same", session_id="u1")])
    assert bench.merger.flush(20)
    arrays = bench.log.export_arrays()
    assert {"u:u1", "s:u1"} <= set(arrays.visitors)


def test_who_opted_out_is_nobody_in_the_export(bench: Bench) -> None:
    whole = bench.log.export_arrays()
    without_user = bench.log.export_arrays({("user", "u1")})
    assert len(without_user) == len(whole)
    assert (without_user.visitors, without_user.sessions) == (["s:s2"], ["s2"])
    assert without_user.visitor.tolist() == without_user.session.tolist() == [0, -1, -1, -1, -1]
    without_session = bench.log.export_arrays({("session", "s1"), ("session", "u1")})
    assert set(without_session.visitors) == {"s:s2", "u:u1"}
    assert without_session.sessions == ["s2"]
    names = [without_session.visitors[code] if code >= 0 else "" for code in without_session.visitor]
    assert names == ["s:s2", "", "", "", "u:u1"]


def test_one_visitor_s_repeats_weigh_once_in_popularity(bench: Bench) -> None:
    for number in range(30):
        bench.journal.append_sync([interaction(f"r{number}", session_id="pusher", product_id="prod_2", weight=2.0)])
    assert bench.merger.flush(20)
    [before] = [row for row in bench.log.popular(0.0) if (row.product_id, row.interaction_type) == ("prod_2", "view")][
        :1
    ]
    assert (before.occurrences, before.weight) == (31, 3.0)


def test_the_export_of_an_empty_log_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    bench = Bench(tmp_path / "empty")
    assert len(bench.log.export_arrays()) == 0
    assert list(bench.log.recent_visitors(10)) == []
    assert bench.log.popular(0.0) == []
    bench.close()


def test_an_event_parked_by_handle_is_exported_under_its_id(bench: Bench) -> None:
    bench.journal.append_sync([interaction("h", product_id="", product_handle="tui-5")])
    assert bench.merger.flush(20)
    before = len(bench.log.export_arrays())
    bench.catalogue.upsert([product(5)])
    assert bench.merger.flush(20)
    arrays = bench.log.export_arrays()
    assert len(arrays) == before + 1
    assert "prod_5" in arrays.product_ids


def test_popularity_is_counted_by_day(bench: Bench) -> None:
    day = T0 // DAY * DAY
    found = {(row.product_id, row.interaction_type, row.day): row.occurrences for row in bench.log.popular(0.0)}
    assert found == {
        ("prod_1", "view", day): 2,
        ("prod_2", "purchase", day): 1,
        ("prod_2", "view", day): 1,
        ("prod_2", "view", day + 2 * DAY): 1,
    }
    assert [row.product_id for row in bench.log.popular(T0 + DAY)] == ["prod_2"]


def test_the_newest_visitors_come_back_in_order(bench: Bench) -> None:
    def ids(limit: int, **options: float) -> list[str]:
        return [event.event_id for part in bench.log.recent_visitors(limit, **options) for event in part]  # type: ignore[arg-type]

    assert ids(100) == ["a", "b", "c", "d", "e", "f", "g"]
    assert ids(1) == ["g"]
    assert ids(100, since=T0 + 1) == []
    events = [event for part in bench.log.recent_visitors(100) for event in part]
    assert [event.user_id for event in events] == ["u1", "", "u1", "u1", "", "u1", "u1"]


def test_one_user_s_taste_can_be_forgotten(bench: Bench) -> None:
    bench.log.replace_preferences([("u1", "túi", 0.5), ("u2", "ví", 1.0)])
    bench.log.forget_preferences("u1")
    assert (bench.log.preferences("u1"), bench.log.preferences("u2")) == ([], [("ví", 1.0)])
    assert bench.analytics.q("test", "select user_id from rec_user_preferences") == [("u2",)]


def test_similarities_are_replaced_as_a_whole(bench: Bench) -> None:
    bench.log.replace_similarities([("old", "x", 1.0, 1.0, 1.0)])
    rows = [("p1", f"n{number}", number / 10, 0.5, 0.25) for number in range(9)]
    assert bench.log.replace_similarities(iter([*rows, ("p2", "n1", 0.3, 0.0, 0.3)])) == 10
    found = bench.log.similar("p1", 3)
    assert [(row.product_id, row.score) for row in found] == [("n8", 0.8), ("n7", 0.7), ("n6", 0.6)]
    assert (found[0].content, found[0].collaborative) == (0.5, 0.25)
    assert bench.log.similar("old") == []


def test_a_replacement_that_fails_leaves_the_old_rows(bench: Bench) -> None:
    bench.log.replace_preferences([("u1", "túi", 2.0), ("u1", "ví", 3.0)])

    def failing() -> Iterator[tuple[str, str, float]]:
        yield ("u1", "giày", 1.0)
        raise RuntimeError("the model's file ended early")

    with pytest.raises(RuntimeError):
        bench.log.replace_preferences(failing())
    assert bench.log.preferences("u1") == [("ví", 3.0), ("túi", 2.0)]
    bench.reopen()
    assert bench.log.preferences("u1", 1) == [("ví", 3.0)]


def test_neighbours_and_tastes_are_right_with_and_without_their_copy(bench: Bench) -> None:
    bench.log.replace_similarities([("p1", f"n{number}", number / 2500, 0.5, 0.25) for number in range(2500)])
    bench.log.replace_preferences([(f"u{number}", "túi", 1.0) for number in range(2500)])
    expected = [bench.log.similar("p1", 5), bench.log.preferences("u77"), bench.log.similar("p2")]
    assert [len(rows) for rows in expected] == [5, 1, 0]
    bench.close()
    for file in bench.folder.glob(FILE_NAME + "*"):
        file.unlink()
    bench.open()
    for _ in range(2):
        assert [bench.log.similar("p1", 5), bench.log.preferences("u77"), bench.log.similar("p2")] == expected
        assert bench.merger.flush(20)
    bench.log.replace_similarities([])
    assert bench.log.similar("p1") == []
