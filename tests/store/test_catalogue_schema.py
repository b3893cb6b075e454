"""The migrations of ``catalogue.db``: fresh equals migrated, a step is whole or absent."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlite_utils
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.store.migrations import apply_migrations
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

EXPECTED = {
    *("products", "variants", "prices", "stock_levels", "stock_locations", "categories", "product_categories"),
    *("tags", "product_tags", "collections", "customers", "orders", "order_items", "faq_entries", "faq_answers"),
    *("merchandising_rules", "chat_sessions", "chat_turns", "unanswered_questions", "settings", "sync_state"),
    *("outbox", "tokens", "privacy_requests", "opt_outs", "product_changes", "products_fts", "schema_version"),
    *("experiments", "faq_questions", "unanswered_variants", "verification_attempts", "order_requests"),
    *("intent_examples", "shop_words"),
}


def _schema(db: sqlite_utils.Database) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = db.execute(
        "select type, name, coalesce(sql, '') from sqlite_master order by type, name"
    ).fetchall()
    return rows


def _migrated(known: int) -> sqlite_utils.Database:
    db = sqlite_utils.Database(sqlite3.connect(":memory:", isolation_level=None))
    if known:
        apply_migrations(db, MIGRATIONS[:known])
    return db


def _fresh() -> sqlite_utils.Database:
    return _migrated(len(MIGRATIONS))


_WHOLE = [_schema(_migrated(known)) for known in range(len(MIGRATIONS) + 1)]
"""The schema after each number of steps."""


def test_every_table_of_the_design_is_there(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    assert set(store.read().table_names()) >= EXPECTED
    store.close()


@pytest.mark.parametrize("known", range(len(MIGRATIONS) + 1))
def test_a_migrated_store_equals_a_fresh_one(tmp_path: Path, known: int) -> None:
    path = tmp_path / "catalogue.db"
    SqliteStore(path, MIGRATIONS[:known]).close()
    store = SqliteStore(path, MIGRATIONS)
    assert _schema(store.read()) == _schema(_fresh())
    store.close()


@settings(max_examples=40, deadline=None)
@given(steps=st.integers(min_value=0, max_value=900))
def test_a_step_that_fails_anywhere_leaves_nothing_and_can_be_repeated(steps: int) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    db = sqlite_utils.Database(connection)
    left = [steps]

    def authorise(action: int, *_: object) -> int:
        if action in (sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ):
            return sqlite3.SQLITE_OK
        left[0] -= 1
        return sqlite3.SQLITE_OK if left[0] >= 0 else sqlite3.SQLITE_DENY

    connection.set_authorizer(authorise)
    try:
        apply_migrations(db, MIGRATIONS)
        failed = False
    except sqlite3.DatabaseError:
        failed = True
    connection.set_authorizer(None)
    assert _schema(db) in (_WHOLE[:-1] if failed else _WHOLE[-1:])
    apply_migrations(db, MIGRATIONS)
    assert _schema(db) == _schema(_fresh())


def test_rules_survive_the_step_that_widens_them() -> None:
    db = _migrated(1)
    db.execute(
        "insert into merchandising_rules values ('r1', 'pin', 'product', 'p1', 'home', 2, 2.0, 1.0, null, 1, 5.0, 6.0)"
    )
    before = db.execute("select * from merchandising_rules").fetchall()
    apply_migrations(db, MIGRATIONS)
    assert db.execute("select * from merchandising_rules").fetchall() == before
    db.execute("update merchandising_rules set target = 'margin', value = '>=30%'")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("update merchandising_rules set target = 'brand'")


def test_parts_of_a_product_go_with_it() -> None:
    db = _fresh()
    db.execute("pragma foreign_keys = on").fetchall()
    db.execute(
        "insert into products values (1, 'p', 'p', 'P', '', 'p', '', null, '{}', 'VND', '', 'published', 0, 0, x'')"
    )
    db.execute("insert into variants values ('p', 'v', 0, '', '', '', '')")
    db.execute("insert into prices values ('p', 'v', 'VND', 1)")
    db.execute("insert into stock_levels values ('p', 'v', 'default', 1)")
    db.execute("delete from products")
    for table in ("variants", "prices", "stock_levels"):
        assert db.table(table).count == 0


@pytest.mark.parametrize(
    "statement",
    [
        "insert into prices values ('nobody', 'v', 'VND', 1)",
        "insert into tokens values ('t', 'root', '', x'00', 0, null)",
        "insert into product_tags values ('nobody', 'tag', 0)",
        "insert into orders (id, display_id, status, currency, placed_at, updated_at, metadata) "
        "values ('o', '1', 'new', 'VND', 0, 0, 'not json')",
    ],
)
def test_what_makes_no_sense_is_refused(statement: str) -> None:
    db = _fresh()
    db.execute("pragma foreign_keys = on").fetchall()
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
