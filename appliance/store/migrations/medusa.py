"""Step 5 of ``catalogue.db``: the mirror of the shop's Medusa, and what waits to be sent to it."""

from __future__ import annotations

import sqlite_utils

MEDUSA = """
create table product_images (
    product_id text not null references products (id) on delete cascade,
    position integer not null,
    url text not null,
    primary key (product_id, position)
) strict, without rowid;

create table medusa_records (
    kind text not null,
    id text not null,
    body text not null check (json_valid(body)),
    primary key (kind, id)
) strict, without rowid;
create table medusa_links (
    kind text not null,
    id text not null,
    product_id text not null,
    primary key (kind, id, product_id)
) strict, without rowid;
create index medusa_links_by_product on medusa_links (product_id);

create table medusa_events (
    digest blob primary key,
    event text not null,
    ids text not null check (json_valid(ids)),
    received_at real not null,
    handled integer not null default 0 check (handled in (0, 1))
) strict, without rowid;
create index medusa_events_waiting on medusa_events (received_at) where handled = 0;
create index medusa_events_followed on medusa_events (received_at) where handled = 1;

drop table outbox;
create table outbox (
    number integer primary key autoincrement,
    id text not null unique,
    field text not null,
    product_id text not null,
    variant_id text not null default '',
    part text not null default '',
    base text not null check (json_valid(base)),
    value text not null check (json_valid(value)),
    theirs text check (json_valid(theirs)),
    state text not null check (state in ('waiting', 'sent', 'conflict', 'refused', 'dropped')),
    outcome text not null default '',
    attempts integer not null default 0,
    next_attempt_at real not null default 0,
    last_error text not null default '',
    created_at real not null,
    settled_at real
) strict;
create index outbox_by_state on outbox (state, number);
create index outbox_open_by_product on outbox (product_id) where state in ('waiting', 'conflict', 'refused');

create table order_purchases (
    order_id text not null,
    product_id text not null,
    event_id text not null,
    tracked integer not null check (tracked in (0, 1)),
    placed_at real not null,
    recorded_at real not null,
    primary key (order_id, product_id)
) strict, without rowid;
create index order_purchases_by_event on order_purchases (event_id);

alter table orders add column counting text not null default ''
    check (counting in ('', 'due', 'counted', 'taken_back'));
create index orders_to_count on orders (placed_at, id) where counting = 'due' and status <> 'canceled';
create index orders_to_take_back on orders (placed_at, id)
    where counting = 'counted' and status in ('canceled', 'refunded', 'returned');

create index medusa_unpaid_orders on medusa_records (body ->> 'created_at')
    where kind = 'order' and body ->> 'unpaid' = 1;

alter table customers add column has_account integer not null default 1 check (has_account in (0, 1));
"""
"""Medusa's records are kept as the documents that they are: their shape is Medusa's and changes with its versions, and
only the projection into the tables of the catalogue reads them. ``medusa_links`` says which products hang on which
record. ``orders.counting`` is empty for an order that is not Medusa's, which is never counted. What every pass asks for
has an index of the few rows it finds, so that a pass costs the same however many orders there are. No release before
this step wrote to the outbox, which is why it can be made anew."""


def make_room_for_medusa(db: sqlite_utils.Database) -> None:
    """Keep Medusa's records, its events, the owner's edits on their way to it, and which orders were counted."""
    db.executescript(MEDUSA)
