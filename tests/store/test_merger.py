"""The merger: exactly once, whatever is repeated, parked, linked or killed in between."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_bench import T0, Bench, FoldModel, interaction, product

from appliance.domain import Interaction
from appliance.errors import StoreError
from appliance.settings import Ingest as IngestSettings
from appliance.store import interactions
from appliance.store.folding import MergeResult, Resolve, merge_rows
from appliance.store.journal_rows import JournalRow


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = Bench(tmp_path)
    yield opened
    opened.close()


EVENTS = st.builds(
    lambda number, user, session, named, kind, at, metadata: interaction(
        f"e{number}",
        user_id=user,
        session_id=session,
        product_id=named[0],
        product_handle=named[1],
        interaction_type=kind,
        weight={"view": 1.0, "purchase": 5.0, "search": 0.0}[kind],
        occurred_at=T0 + at,
        metadata=metadata,
    ),
    st.integers(0, 25),
    st.sampled_from(["", "", "", "u1", "u2"]),
    st.sampled_from(["", "s1", "s2", "s3"]),
    st.sampled_from([("prod_1", ""), ("prod_2", ""), ("", "tui-2"), ("tui-1", ""), ("prod_3", "tui-3"), ("", "")]),
    st.sampled_from(["view", "purchase", "search"]),
    st.integers(-5, 5),
    st.sampled_from(["", "", '{"category":"tui"}', '{"a":"đ\\u0000"}']),
)
STEPS = st.one_of(
    st.tuples(st.just("events"), st.lists(EVENTS, min_size=1, max_size=6)),
    st.tuples(st.just("identify"), st.tuples(st.sampled_from(["s1", "s2"]), st.sampled_from(["u1", "u2"]))),
    st.tuples(st.just("product"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["merge", "restart", "killed"]), st.none()),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=14))
def test_the_fold_is_that_of_the_whole_history(steps: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), IngestSettings(merge_batch=3))
        model = FoldModel()
        try:
            for action, value in steps:
                _apply(bench, model, action, value)
            assert bench.merger.flush(20)
            ids = [row[0] for row in bench.analytics.q("test", "select event_id from interaction_events")]
            assert sorted(ids) == sorted(model.logged())
            assert bench.folded() == model.folded(bench.catalogue)
            assert bench.log.verify() == (0, 0)
            _assert_index_agrees(bench, model)
        finally:
            bench.close()


def _apply(bench: Bench, model: FoldModel, action: str, value: object) -> None:
    if action == "events":
        assert isinstance(value, list)
        bench.journal.append_sync(value)
        for event in value:
            model.event(event)
    elif action == "identify":
        assert isinstance(value, tuple)
        bench.identify(*value)
        model.identify(*value)
    elif action == "product":
        assert isinstance(value, int)
        bench.catalogue.upsert([product(value)])
    elif action == "merge":
        bench.merger.round()
    else:
        if action == "killed":
            bench.merge_without_purge()
        bench.reopen()


def _assert_index_agrees(bench: Bench, model: FoldModel) -> None:
    """What the index says of a user is what the model says."""
    for user in ("u1", "u2"):
        expected = [event.event_id for at, event in model._events.values() if model.owner(at, event) == user]
        found = [event.event_id for event in bench.log.recent_of_user(user, 1000)]
        assert sorted(found) == sorted(expected)


def test_a_batch_with_one_key_twice_counts_both(bench: Bench) -> None:
    bench.catalogue.upsert([product(1)])
    bench.journal.append_sync([interaction("a"), interaction("b"), interaction("a")])
    assert bench.merger.flush(10)
    assert bench.folded() == {("", "s1", "prod_1", "view"): (2, 2.0, T0, T0, "{}")}


def test_identify_sums_what_collides_and_leaves_the_log(bench: Bench) -> None:
    bench.catalogue.upsert([product(1)])
    bench.journal.append_sync([interaction("a"), interaction("b", user_id="u1", occurred_at=T0 + 5)])
    assert bench.merger.flush(10)
    bench.identify("s1", "u1")
    bench.journal.append_sync([interaction("c")])
    assert bench.merger.flush(10)
    assert bench.folded() == {("u1", "s1", "prod_1", "view"): (3, 3.0, T0, T0 + 5, "{}")}
    users = bench.analytics.q("test", "select event_id, user_id from interaction_events order by seq")
    assert users == [("a", ""), ("b", "u1"), ("c", "")]


def test_a_parked_event_is_folded_once_when_the_product_comes(bench: Bench) -> None:
    bench.journal.append_sync([interaction("a", product_id="", product_handle="tui-7"), interaction("b")])
    assert bench.merger.flush(10)
    assert bench.folded() == {}
    assert bench.log.counts().parked == 2
    bench.catalogue.upsert([product(7)])
    assert bench.merger.flush(10)
    bench.catalogue.upsert([product(8)])
    assert bench.merger.flush(10)
    assert bench.folded() == {("", "s1", "prod_7", "view"): (1, 1.0, T0, T0, "{}")}
    assert bench.log.counts().parked == 1
    assert bench.analytics.q("test", "select product_id from event_resolutions") == [("prod_7",)]
    assert [event.product_id for event in bench.log.of_session("s1")] == ["prod_7", "prod_1"]


def test_repeated_after_a_merge_and_a_restart_counts_once(bench: Bench) -> None:
    bench.catalogue.upsert([product(1)])
    for _ in range(3):
        bench.journal.append_sync([interaction("a")])
        assert bench.merger.flush(10)
        bench.reopen()
    assert bench.log.counts().events == 1
    assert bench.folded()["", "s1", "prod_1", "view"][0] == 1


def test_the_running_thread_merges_and_tells(bench: Bench) -> None:
    bench.catalogue.upsert([product(1)])
    told, merged = threading.Event(), list[int]()
    bench.merger.subscribe(lambda events: (merged.append(events), told.set()))
    bench.merger.start()
    bench.journal.append_sync([interaction("a")])
    assert told.wait(10)
    assert bench.merger.flush(10)
    assert sum(merged) == 1
    assert bench.journal.lag == 0


def test_the_journal_is_empty_after_the_merge(bench: Bench) -> None:
    for number in range(5):
        bench.journal.append_sync([interaction(f"e{number}")])
    assert bench.journal.lag == 5
    assert bench.merger.flush(10)
    assert bench.journal.lag == 0
    assert bench.journal.read(0, 100) == []


def test_a_new_journal_file_is_not_taken_for_merged(bench: Bench) -> None:
    for number in range(5):
        bench.journal.append_sync([interaction(f"old{number}")])
    assert bench.merger.flush(10)
    bench.close()
    for file in bench.folder.glob("journal.db*"):
        file.unlink()
    bench.open()
    bench.journal.append_sync([interaction("new")])
    assert bench.merger.flush(10)
    assert bench.log.counts().events == 6


def test_an_older_journal_put_back_loses_nothing(bench: Bench) -> None:
    bench.journal.append_sync([interaction("a")])
    bench.close()
    older = (bench.folder / "journal.db").read_bytes()
    bench.open()
    for number in range(5):
        bench.journal.append_sync([interaction(f"later{number}")])
    assert bench.merger.flush(10)
    bench.close()
    (bench.folder / "journal.db").write_bytes(older)
    bench.open()
    bench.journal.append_sync([interaction("new")])
    assert bench.merger.flush(10)
    ids = {row[0] for row in bench.analytics.q("test", "select event_id from interaction_events")}
    assert ids == {"a", "new", *(f"later{number}" for number in range(5))}
    assert bench.log.verify() == (0, 0)


def test_odd_values_do_not_hold_up_the_others(bench: Bench) -> None:
    bench.catalogue.upsert([product(1)])
    odd = [
        interaction("nan", weight=float("nan"), metadata="{not json"),
        interaction("far", occurred_at=1e300, received_at=float("inf")),
        interaction("past", occurred_at=-1e300),
        interaction("text", metadata='{"a":"\\ud800"}'),
        interaction("quotes", session_id="s'\"\\;--", metadata='{"k":"\'; drop table interaction_events; --"}'),
    ]
    bench.journal.append_sync([*odd, interaction("good")])
    assert bench.merger.flush(10)
    assert bench.log.counts().events == 6
    assert bench.issues.open() == []
    weights = dict(bench.analytics.q("test", "select event_id, weight from interaction_events"))
    assert weights["nan"] == 0.0


def test_a_row_that_cannot_be_read_is_set_aside(bench: Bench) -> None:
    bench.journal.append_sync([interaction("a")])
    with bench.journal._rows._store.write() as db:
        db.conn.execute("insert into event_journal (kind, records, payload) values ('events', 3, '[[\"x')")
        db.conn.execute("insert into event_journal (kind, records, payload) values ('identify', 1, '{}')")
    bench.reopen()
    bench.journal.append_sync([interaction("b")])
    assert bench.merger.flush(10)
    assert {event.event_id for event in bench.log.of_session("s1")} == {"a", "b"}
    assert [issue.code for issue in bench.issues.open()] == ["events_set_aside"]
    kept = bench.journal._rows._store.read().execute("select kind, records from set_aside order by seq").fetchall()
    assert kept == [("events", 3), ("identify", 1)]


def test_one_link_that_cannot_be_read_costs_no_other_of_its_row(bench: Bench) -> None:
    records: list[object] = [[f"guest{number}", "u1", T0] for number in range(40)]
    records[7:7], records[30:30] = ["no link"], [5]
    payload = msgspec.json.encode(records).decode()
    with bench.journal._rows._store.write() as db:
        db.conn.execute("insert into event_journal (kind, records, payload) values ('identify', 42, ?)", [payload])
    bench.reopen()
    bench.journal.append_sync([interaction("behind")])
    assert bench.merger.flush(10)
    assert (bench.log.counts().events, bench.log.counts().linked_sessions) == (1, 40)
    assert _set_aside(bench) == [("identify", 2, '["no link",5]')]
    assert [issue.code for issue in bench.issues.open()] == ["events_set_aside"]
    assert bench.journal.lag == 0


def test_one_event_that_the_log_refuses_costs_no_other_of_its_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_bad(cursor: object, rows: list[JournalRow], resolve: Resolve) -> MergeResult:
        found = merge_rows(cursor, rows, resolve)
        if any('"bad' in row.payload for row in rows):
            raise duckdb.ConversionException("a value that no column takes")
        return found

    monkeypatch.setattr(interactions, "merge_rows", refuse_bad)
    bench.catalogue.upsert([product(1)])
    names = [f"e{number}" for number in range(37)]
    names[7:7], names[20:20] = ["bad1"], ["bad2", "bad3"]
    bench.journal.append_sync([interaction(name) for name in names])
    bench.journal.append_sync([interaction("behind")])
    assert bench.merger.flush(10)
    assert bench.log.counts().events == bench.folded()["", "s1", "prod_1", "view"][0] == 38
    [(kind, records, payload)] = _set_aside(bench)
    assert (kind, records) == ("events", 3)
    assert [event.event_id for event in msgspec.json.decode(payload, type=list[Interaction])] == [
        "bad1",
        "bad2",
        "bad3",
    ]
    assert bench.journal.lag == 0
    assert bench.log.verify() == (0, 0)


def _set_aside(bench: Bench) -> list[tuple[str, int, str]]:
    found = bench.journal._rows._store.read().execute("select kind, records, payload from set_aside order by seq")
    return list(found.fetchall())


def test_a_failing_log_is_reported_and_caught_up_with(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("out of order")

    with monkeypatch.context() as patch:
        patch.setattr(bench.log, "merge", refuse)
        bench.journal.append_sync([interaction("a")])
        bench.merger.round()
        assert [issue.code for issue in bench.issues.open()] == ["merge_failing"]
        bench.journal.append_sync([interaction("b")])
        assert bench.journal.lag == 2
    assert bench.merger.flush(10)
    assert bench.issues.open() == []
    assert bench.log.counts().events == 2


def test_a_commit_that_was_durable_though_it_raised_counts_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.catalogue.upsert([product(1)])
    merge = bench.log.merge

    def merge_then_fail(*arguments: object) -> None:
        merge(*arguments)  # type: ignore[arg-type]
        raise StoreError("the answer got lost")

    bench.journal.append_sync([interaction("a"), interaction("b")])
    with monkeypatch.context() as patch:
        patch.setattr(bench.log, "merge", merge_then_fail)
        bench.merger.round()
    assert bench.merger.flush(10)
    assert bench.folded()["", "s1", "prod_1", "view"][0] == 2


def test_a_fatal_error_is_survived_by_opening_again(bench: Bench) -> None:
    import duckdb

    bench.journal.append_sync([interaction("a")])
    assert bench.merger.flush(10)
    with pytest.raises(StoreError), bench.analytics.write("test"):
        raise duckdb.FatalException("no space left")
    assert not bench.analytics.healthy
    assert [issue.code for issue in bench.issues.open()] == ["analytics_off"]
    bench.journal.append_sync([interaction("b")])
    assert bench.merger.flush(20)
    assert bench.issues.open() == []
    assert bench.log.counts().events == 2


def test_many_batches_keep_the_order_of_arrival(bench: Bench) -> None:
    events: list[Interaction] = [interaction(f"e{number}", occurred_at=T0 - number) for number in range(2500)]
    for begin in range(0, 2500, 500):
        bench.journal.append_sync(events[begin : begin + 500])
    assert bench.merger.flush(20)
    assert [event.event_id for event in bench.log.of_session("s1", 5000)] == [event.event_id for event in events]
