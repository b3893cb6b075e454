"""Ingest: what is accepted, what is refused and why, and that one bad event does not harm the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_bench import T0, Bench, product

from appliance.domain import Interaction
from appliance.errors import Busy, InvalidInput
from appliance.settings import Ingest as IngestSettings
from appliance.store.event_in import decode_events
from appliance.store.ingest import Ingest, IngestResult
from appliance.store.privacy import PrivacyRepository

DAY = 86_400.0
GOOD = {"type": "view", "product_id": "prod_1", "session_id": "s1"}


class Desk:
    """An ingest over real stores with a clock that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, IngestSettings(max_pending=600))
        self.time = T0
        self.privacy = PrivacyRepository(self.bench.store)
        self.ingest = self.make()
        self.bench.catalogue.upsert([product(1)])

    def make(self) -> Ingest:
        bench = self.bench
        return Ingest(
            bench.journal, bench.catalogue, self.privacy, bench.settings, bench.metrics, now=lambda: self.time
        )

    def send(self, *events: object, user_allowed: bool = True, default_type: str | None = None) -> IngestResult:
        raw = [event if isinstance(event, msgspec.Raw) else raw_of(event) for event in events]
        return asyncio.run(self.ingest.submit(raw, user_allowed=user_allowed, default_type=default_type))

    def kept(self) -> list[Interaction]:
        """Return everything in the journal."""
        rows = self.bench.journal.read(0, 10_000)
        return [event for row in rows for event in msgspec.json.decode(row.payload, type=list[Interaction])]

    def refused(self, event: object, **options: Any) -> tuple[str, str]:
        result = self.send(event, **options)
        assert result.accepted == 0
        return result.rejected[0].code, result.rejected[0].message


def raw_of(event: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(event))


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.bench.close()


def test_an_accepted_event_is_in_the_journal(desk: Desk) -> None:
    assert desk.send(GOOD) == IngestResult(1, [])
    (kept,) = desk.kept()
    assert (kept.session_id, kept.product_id, kept.product_handle, kept.interaction_type, kept.weight) == (
        "s1",
        "prod_1",
        "tui-1",
        "view",
        1.0,
    )
    assert kept.occurred_at == kept.received_at == T0
    assert kept.event_id


def test_each_event_is_judged_alone(desk: Desk) -> None:
    result = desk.send(GOOD, {"type": "view"}, {**GOOD, "quantity": 0}, {**GOOD, "type": "purchase"}, {"nonsense": 1})
    assert result.accepted == 2
    assert [(rejection.index, rejection.code) for rejection in result.rejected] == [
        (1, "missing_session"),
        (2, "invalid_event"),
        (4, "invalid_event"),
    ]
    assert len(desk.kept()) == 2


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"quantity": 0}, "invalid_event", "quantity: expected `int` >= 1"),
        ({"quantity": 10_001}, "invalid_event", "quantity: expected `int` <= 10000"),
        ({"quantity": 1.5}, "invalid_event", "quantity: expected `int | null`, got `float`"),
        ({"price": -1}, "invalid_event", "price: expected `float` >= 0.0"),
        ({"currency": "vnd"}, "invalid_event", "currency: must be a currency code of three capital letters, as VND"),
        ({"session_id": "a b"}, "invalid_event", "session_id: may hold letters, digits and _ . : - only"),
        ({"session_id": "a\n"}, "invalid_event", "session_id: may hold letters, digits and _ . : - only"),
        ({"session_id": "x" * 129}, "invalid_event", "session_id: expected `str` of length <= 128"),
        ({"user_id": 7}, "invalid_event", "user_id: expected `str | null`, got `int`"),
        ({"occurred_at": "yesterday"}, "invalid_event", "occurred_at: invalid RFC3339 encoded datetime"),
        ({"occurred_at": "2024-01-01T00:00:00"}, "invalid_event", "occurred_at: expected `datetime` with a timezone"),
        ({"metadata": [1]}, "invalid_event", "metadata: expected `object | null`, got `array`"),
        ({"metadata": {"a": "x" * 5000}}, "invalid_event", "metadata: longer than 4096 bytes"),
        ({"productId": "x"}, "invalid_event", "object contains unknown field `productId`"),
        ({"type": "vieww"}, "unknown_type", "type: 'vieww' is not one of add_to_cart, begin_checkout, click"),
        ({"type": None}, "invalid_event", "type: expected `str`, got `null`"),
        ({"product_id": None}, "missing_product", "product_id: view needs product_id or product_handle"),
        ({"session_id": ""}, "missing_session", "session_id: name the session"),
        ({"occurred_at": rfc3339(T0 - 3651 * DAY)}, "too_old", "occurred_at: more than 3650 days before"),
        ({"occurred_at": "0001-01-01T00:00:00Z"}, "too_old", "occurred_at: more than 3650 days before"),
    ],
)
def test_a_refusal_names_the_field(desk: Desk, change: dict[str, object], code: str, message: str) -> None:
    found_code, found_message = desk.refused(GOOD | change)
    assert found_code == code
    assert found_message.startswith(message)
    assert desk.kept() == []


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 1500,
        b'{"type":"view","metadata":' + b'{"a":' * 5000,
        b'{"type":"view","session_id":"s","product_id":"\xff"}',
        b'{"type":"view","session_id":"s","metadata":{"a":"\\ud800"},"product_id":"p"}',
        b"12",
        b"null",
        b'"view"',
        b"",
    ],
)
def test_hostile_text_is_an_invalid_event(desk: Desk, text: bytes) -> None:
    result = desk.send(GOOD, msgspec.Raw(text))
    assert result.accepted == 1
    assert [(rejection.index, rejection.code) for rejection in result.rejected] == [(1, "invalid_event")]


def test_a_number_beyond_all_bounds_reaches_the_log(desk: Desk) -> None:
    huge = [b"1" + b"0" * 400, b"1e999", b"-1e-999"]
    for text in huge:
        desk.send(msgspec.Raw(b'{"type":"search","session_id":"s","metadata":{"a":' + text + b"}}"))
    assert desk.bench.merger.flush(10)
    assert desk.bench.log.counts().events == len(desk.bench.log.of_session("s"))
    assert desk.bench.issues.open() == []


def test_deep_metadata_is_refused_or_kept_but_never_an_error(desk: Desk) -> None:
    deep = b'{"type":"search","session_id":"s","metadata":{"a":' + b"[" * 900 + b"]" * 900 + b"}}"
    result = desk.send(msgspec.Raw(deep))
    assert result.accepted + len(result.rejected) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [("view_item", "view"), ("select_item", "click"), ("add_to_wishlist", "wishlist"), ("purchase", "purchase")],
)
def test_the_names_of_ga4_are_accepted(desk: Desk, name: str, kind: str) -> None:
    assert desk.send({**GOOD, "type": name}).accepted == 1
    assert desk.kept()[0].interaction_type == kind


def test_a_missing_type_is_a_view_only_where_that_is_the_rule(desk: Desk) -> None:
    event = {"product_id": "prod_1", "session_id": "s1"}
    assert desk.refused(event) == ("invalid_event", "type: is missing")
    assert desk.send(event, default_type="view").accepted == 1


def test_a_search_needs_no_product(desk: Desk) -> None:
    assert desk.send({"type": "search", "session_id": "s1", "metadata": {"q": "ba lô"}}).accepted == 1


@pytest.mark.parametrize(
    ("kind", "quantity", "weight"),
    [
        ("view", 1, 1.0),
        ("purchase", 4, 15.0),
        ("purchase", 10_000, 20.0),
        ("remove_from_cart", 2, -2.0),
        ("refund", 1, -5.0),
    ],
)
def test_the_weight_grows_slowly_with_the_quantity(desk: Desk, kind: str, quantity: int, weight: float) -> None:
    desk.send({**GOOD, "type": kind, "quantity": quantity})
    assert desk.kept()[0].weight == weight


def test_a_handle_is_resolved_and_an_unknown_product_kept_as_sent(desk: Desk) -> None:
    desk.send(
        {"type": "view", "session_id": "s", "product_handle": "tui-1"},
        {"type": "view", "session_id": "s", "product_id": "tui-1"},
        {"type": "view", "session_id": "s", "product_id": "prod_9", "product_handle": "tui-9"},
    )
    assert [(event.product_id, event.product_handle) for event in desk.kept()] == [
        ("prod_1", "tui-1"),
        ("prod_1", "tui-1"),
        ("prod_9", "tui-9"),
    ]


def test_metadata_stays_as_sent_with_price_and_quantity_beside(desk: Desk) -> None:
    desk.send(
        {**GOOD, "metadata": {"category": "Túi", "price": 1}},
        {**GOOD, "metadata": {"price": 1}, "price": 450000, "quantity": 2, "currency": "VND"},
    )
    first, second = (msgspec.json.decode(event.metadata) for event in desk.kept())
    assert first == {"category": "Túi", "price": 1}
    assert second == {"price": 1, "quantity": 2, "currency": "VND"}


def test_metadata_cannot_drive_a_terminal(desk: Desk) -> None:
    desk.send({**GOOD, "metadata": {"a\u202e": ["\x1b]0;owned\x07", {"b": "\u200bx"}], "n": 1}})
    assert msgspec.json.decode(desk.kept()[0].metadata) == {
        "a\ufffd": ["\ufffd]0;owned\ufffd", {"b": "\ufffdx"}],
        "n": 1,
    }


def test_a_time_ahead_is_a_wrong_clock_and_the_event_is_kept(desk: Desk) -> None:
    desk.send({**GOOD, "occurred_at": rfc3339(T0 + 301)}, {**GOOD, "occurred_at": rfc3339(T0 + 299)})
    assert [event.occurred_at for event in desk.kept()] == [T0, T0 + 299]


@pytest.mark.parametrize("jump", [-5 * 365 * DAY, -DAY, DAY, 5 * 365 * DAY])
def test_a_clock_jump_rejects_no_event(desk: Desk, jump: float) -> None:
    desk.send(GOOD)
    desk.time += jump
    assert desk.send(GOOD, {**GOOD, "occurred_at": rfc3339(T0)}).rejected == []
    assert desk.bench.merger.flush(10)
    seqs = desk.bench.analytics.q("test", "select seq from interaction_events order by rowid")
    assert seqs == sorted(seqs)


def test_who_opted_out_is_not_stored(desk: Desk) -> None:
    desk.privacy.opt_out(session_id="s1")
    desk.privacy.opt_out(user_id="u9")
    assert desk.send(GOOD, {**GOOD, "session_id": "s2", "user_id": "u9"}, {**GOOD, "session_id": "s3"}).accepted == 3
    assert [(event.user_id, event.session_id) for event in desk.kept()] == [("", ""), ("", ""), ("", "s3")]
    asyncio.run(desk.ingest.identify("s1", "u1"))
    assert desk.bench.merger.flush(10)
    assert desk.bench.log.counts().linked_sessions == 0


def test_a_browser_may_not_name_a_user(desk: Desk) -> None:
    assert desk.refused({**GOOD, "user_id": "u1"}, user_allowed=False)[0] == "unauthorised"
    assert desk.send({**GOOD, "user_id": ""}, GOOD, user_allowed=False).accepted == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'{"user_id":"u1"}', True),
        (b'{"\\u0075ser_id":"u1"}', True),
        (b'{"user_id":""}', False),
        (b'{"user_id":null}', False),
        (b'{"metadata":{"user_id":"u1"}}', False),
        (b'{"session_id":"user_id"}', False),
        (b'{"user_id":', False),
        (b"[1]", False),
    ],
)
def test_a_named_user_is_seen(desk: Desk, text: bytes, named: bool) -> None:
    assert desk.ingest.names_user([raw_of(GOOD), msgspec.Raw(text)]) is named


def test_listeners_hear_of_durable_events_before_the_answer(desk: Desk) -> None:
    heard: list[tuple[int, int]] = []

    def fail(_: object) -> None:
        raise RuntimeError("a listener's bug")

    desk.ingest.subscribe(fail)
    desk.ingest.subscribe(lambda events: heard.append((len(events), len(desk.kept()))))
    assert desk.send(GOOD, {"bad": 1}, GOOD).accepted == 2
    assert heard == [(2, 2)]


def test_a_repeated_event_is_accepted_and_not_told_twice(desk: Desk) -> None:
    heard: list[Interaction] = []
    desk.ingest.subscribe(heard.extend)
    for _ in range(3):
        assert desk.send({**GOOD, "event_id": "e1"}).accepted == 1
    assert len(heard) == len(desk.kept()) == 1
    desk.ingest = desk.make()
    assert desk.send({**GOOD, "event_id": "e1"}).accepted == 1
    assert desk.bench.merger.flush(10)
    assert desk.bench.log.counts().events == 1


def test_one_id_many_times_in_a_batch_is_one_event(desk: Desk) -> None:
    heard: list[Interaction] = []
    desk.ingest.subscribe(heard.extend)
    repeats = [{**GOOD, "event_id": "e1", "metadata": {"place": place}} for place in range(5)]
    assert desk.send(*repeats, GOOD).accepted == 6
    assert len(heard) == len(desk.kept()) == 2
    assert msgspec.json.decode(heard[0].metadata) == {"place": 0}


def test_one_id_in_flight_together_is_one_event(desk: Desk) -> None:
    heard: list[Interaction] = []
    desk.ingest.subscribe(heard.extend)

    async def together() -> list[IngestResult]:
        batches = [[raw_of({**GOOD, "event_id": event_id}) for event_id in ids] for ids in ("ab", "bc", "ca", "a")]
        return list(await asyncio.gather(*(desk.ingest.submit(batch, user_allowed=True) for batch in batches)))

    assert [result.accepted for result in asyncio.run(together())] == [2, 2, 2, 1]
    assert sorted(event.event_id for event in heard) == ["a", "b", "c"]
    assert len(desk.kept()) == 3


def test_a_failed_append_lets_the_repeat_through(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    append, calls = desk.bench.journal.append, 0

    async def fail_once(records: Sequence[Interaction]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(0)
            raise Busy("not now", retry_after=1.0)
        await append(records)

    async def together() -> list[object]:
        batch = [raw_of({**GOOD, "event_id": "e1"})]
        sends = [desk.ingest.submit(batch, user_allowed=True) for _ in range(3)]
        return list(await asyncio.gather(*sends, return_exceptions=True))

    monkeypatch.setattr(desk.bench.journal, "append", fail_once)
    results = asyncio.run(together())
    assert [isinstance(result, Busy) for result in results] == [True, False, False]
    assert len(desk.kept()) == 1


def test_a_signed_in_shopper_s_events_are_its_own(desk: Desk) -> None:
    own = {**GOOD, "user_id": "u1"}
    raw = [raw_of(event) for event in (GOOD, own, {**GOOD, "user_id": "u2"}, {"type": "view", "product_id": "prod_1"})]
    result = asyncio.run(desk.ingest.submit(raw, user_allowed=False, own_user="u1"))
    assert [(rejection.index, rejection.code) for rejection in result.rejected] == [(2, "unauthorised")]
    assert [event.user_id for event in desk.kept()] == ["u1", "u1", "u1"]


def test_identify_is_told_and_needs_both_ids(desk: Desk) -> None:
    heard: list[tuple[str, str]] = []
    desk.ingest.subscribe_links(lambda session, user: heard.append((session, user)))
    asyncio.run(desk.ingest.identify("s1", "u1"))
    assert heard == [("s1", "u1")]
    with pytest.raises(InvalidInput):
        asyncio.run(desk.ingest.identify("s1", ""))


def test_too_much_at_once_is_busy_and_nothing_is_kept(desk: Desk) -> None:
    async def flood() -> list[object]:
        batch = [raw_of(GOOD) for _ in range(400)]
        calls = [desk.ingest.submit(batch, user_allowed=True) for _ in range(2)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    results = asyncio.run(flood())
    assert [isinstance(result, Busy) for result in results] == [False, True]
    assert isinstance(results[1], Busy)
    assert results[1].retry_after > 0
    assert len(desk.kept()) == 400


@given(st.lists(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists) | st.binary(), max_size=5))
def test_no_input_breaks_the_decoder(values: list[Any]) -> None:
    raw = [msgspec.Raw(value) if isinstance(value, bytes) else raw_of(value) for value in values]
    assert len(decode_events(raw)) == len(raw)
