"""The owner's merchandising rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from appliance.domain import Rule
from appliance.errors import InvalidInput
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.rules import RuleRepository
from appliance.store.sqlite import SqliteStore

PIN = Rule(
    id="r1", action="pin", target="product", value="p1", placement="home", position=2, starts_at=1.0, ends_at=9.0
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


def test_rules_are_kept_replaced_and_deleted(store: SqliteStore) -> None:
    times = iter(range(100))
    rules = RuleRepository(store, now=lambda: float(next(times)))
    boost = Rule(id="a0", action="boost", target="tag", value="da", strength=3.5, enabled=False)
    rules.save(PIN)
    rules.save(boost)
    moved = rules.save(replace(PIN, position=5))
    for repository in (rules, RuleRepository(store)):
        assert repository.list() == [moved, boost]
    assert rules.delete("r1")
    assert not rules.delete("r1")
    assert RuleRepository(store).list() == rules.list() == [boost]


def test_a_rule_without_an_id_is_given_one(store: SqliteStore) -> None:
    rules = RuleRepository(store)
    first, second = rules.save(replace(PIN, id="")), rules.save(replace(PIN, id=""))
    assert first.id != second.id
    assert first.id and second.id


@pytest.mark.parametrize(("target", "value"), [("price", "200000..500000 VND"), ("margin", ">=30%")])
def test_rules_by_price_and_margin_are_kept(store: SqliteStore, target: str, value: str) -> None:
    saved = RuleRepository(store).save(replace(PIN, target=target, value=value))
    assert RuleRepository(store).list() == [saved]
    assert saved.value == value


def test_a_wrong_range_says_how_to_write_one(store: SqliteStore) -> None:
    with pytest.raises(InvalidInput, match=r"200000\.\.500000"):
        RuleRepository(store).save(replace(PIN, target="price", value="200k"))


def test_listeners_hear_every_change_even_when_one_fails(store: SqliteStore) -> None:
    rules = RuleRepository(store)
    heard: list[list[Rule]] = []

    def deaf(_: list[Rule]) -> None:
        raise RuntimeError("deaf")

    rules.subscribe(deaf)
    rules.subscribe(heard.append)
    rules.save(PIN)
    rules.delete("r1")
    rules.delete("r1")
    assert heard == [[PIN], []]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "hide"}, "action"),
        ({"target": "brand"}, "target"),
        ({"placement": "checkout"}, "placement"),
        ({"value": " \n"}, "value"),
        ({"value": "x" * 201}, "value"),
        ({"position": 0}, "position"),
        ({"strength": 0.0}, "strength"),
        ({"action": "bury", "strength": 0.5}, "strength"),
        ({"target": "price", "value": "cheap"}, "value"),
        ({"target": "price", "value": "500000..200000"}, "value"),
        ({"target": "margin", "value": "0.3"}, "value"),
        ({"strength": float("nan")}, "strength"),
        ({"strength": float("inf")}, "strength"),
        ({"starts_at": float("inf")}, "starts_at"),
        ({"ends_at": 0.5}, "ends_at"),
    ],
)
def test_a_wrong_rule_is_refused_by_field(store: SqliteStore, change: dict[str, object], field: str) -> None:
    rules = RuleRepository(store)
    with pytest.raises(InvalidInput) as caught:
        rules.save(replace(PIN, **change))
    assert field in [name for name, _ in caught.value.fields]
    assert rules.list() == []


def test_hostile_values_are_cleaned(store: SqliteStore) -> None:
    saved = RuleRepository(store).save(replace(PIN, value="da\x1b]0;x\x07' or 1=1 --\ud800"))
    assert saved.value == "da\ufffd]0;x\ufffd' or 1=1 --?"
    assert RuleRepository(store).list() == [saved]
