"""The schema of ``analytics.duckdb``: the interaction log and what is folded from it.

Times are ``TIMESTAMP`` in UTC (the zoned type needs pytz to be read). Absent ids are ``''``.

None of the tables carries a DuckDB index. An index is held in memory while it is written to: with a primary key on the
log and a unique key on the fold, 900,000 events exhausted a memory limit of 192 MB and the file was six times as large;
without them five million fit and are merged at 37,000 a second. The keys hold all the same, because one thread alone
writes: ``event_key`` and ``fold_key`` are the 128-bit MD5 of the key's text, a column that is searched in milliseconds,
and ``InteractionLog.verify`` counts what would break them.
"""

from __future__ import annotations

from typing import Any

from appliance.store.migrations import Migration

SIMILARITIES = """create table rec_product_similarities (
    product_id_1 varchar not null,
    product_id_2 varchar not null,
    similarity_score double not null,
    "content" double not null,
    "collaborative" double not null
)"""
PREFERENCES = """create table rec_user_preferences (
    user_id varchar not null,
    category varchar not null,
    score double not null
)"""

_INITIAL = (
    # seq is the order of arrival, the order that a wrong clock cannot disturb.
    """create table interaction_events (
        event_id varchar not null,
        user_id varchar not null,
        session_id varchar not null,
        product_id varchar not null,
        product_handle varchar not null,
        interaction_type varchar not null,
        weight double not null,
        metadata json not null,
        occurred_at timestamp not null,
        received_at timestamp not null,
        recommendation_id varchar not null,
        seq bigint not null,
        event_key uhugeint not null
    )""",
    # metadata_seq says which event the metadata came from, so that folding in any order ends the same.
    """create table rec_user_interactions (
        user_id varchar not null,
        session_id varchar not null,
        product_id varchar not null,
        interaction_type varchar not null,
        occurrences bigint not null,
        weight double not null,
        created_at timestamp not null,
        updated_at timestamp not null,
        product_handle varchar not null,
        metadata json not null,
        metadata_seq bigint not null,
        fold_key uhugeint not null
    )""",
    PREFERENCES,
    SIMILARITIES,
    """create table rec_impressions (
        recommendation_id varchar not null,
        user_id varchar not null,
        session_id varchar not null,
        placement varchar not null,
        product_ids varchar[] not null,
        strategy varchar not null,
        shown_at timestamp not null
    )""",
    # A row for each time a session was linked to another user than before; guests fold to the link in force, or to the
    # first that came after.
    """create table session_links (
        session_id varchar not null,
        user_id varchar not null,
        seq bigint not null,
        linked_at timestamp not null
    )""",
    "create table parked_events (event_id varchar not null, product_id varchar not null,"
    " product_handle varchar not null, seq bigint not null)",
    # The product of an event whose row in the log names it otherwise (by handle, or by an id that changed).
    # seq is the event's, position the log's when the product became known.
    "create table event_resolutions (event_id varchar not null, product_id varchar not null, seq bigint not null,"
    " position bigint not null)",
    "create table category_totals (category varchar not null, occurrences bigint not null, weight double not null)",
    # Counts how often training replaced a table, so that copies of it know when they are old.
    "create table table_generations (name varchar not null, generation bigint not null)",
    "insert into table_generations values ('rec_product_similarities', 0), ('rec_user_preferences', 0)",
    "create table merge_watermarks (journal_id varchar not null, seq bigint not null)",
    "create table log_position (last_seq bigint not null, log_id varchar not null)",
    "insert into log_position values (0, replace(uuid()::varchar, '-', ''))",
)


def _initial(db: Any) -> None:
    for statement in _INITIAL:
        db.execute(statement)


def _experiments(db: Any) -> None:
    for column in ("experiment_id", "arm"):
        # DuckDB adds no column with a constraint.
        db.execute(f"alter table rec_impressions add column {column} varchar default ''")
        db.execute(f"alter table rec_impressions alter column {column} set not null")


MIGRATIONS: tuple[Migration[Any], ...] = (
    Migration(1, "interaction log, fold, impressions, links", _initial),
    Migration(2, "the arm of an experiment with each impression", _experiments),
)
