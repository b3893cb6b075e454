"""The schema of ``catalogue.db``.

Third normal form: a price is a row per variant and currency, stock a row per variant and location, categories a tree.
JSON holds open-ended facts only. Children of a product are clustered by its id, so that reading or replacing one
product touches neighbouring pages. Times are Unix seconds (UTC), amounts the currency's smallest unit.
"""

from __future__ import annotations

import sqlite_utils

from appliance.store.migrations import Migration
from appliance.store.migrations.assistant import make_room_for_the_assistant
from appliance.store.migrations.medusa import make_room_for_medusa

PRODUCTS = """
create table collections (
    id text primary key,
    title text not null
) strict, without rowid;

create table products (
    number integer primary key,
    id text not null unique,
    handle text not null unique,
    title text not null,
    title_en text not null,
    title_key text not null,
    description text not null,
    collection_id text references collections (id),
    attributes text not null check (json_valid(attributes)),
    currency text not null,
    thumbnail text not null,
    status text not null check (status in ('published', 'draft')),
    created_at real not null,
    updated_at real not null,
    content_hash blob not null
) strict;
create index products_by_title on products (title_key, id);
create index products_by_created_at on products (created_at, id);
create index products_by_collection on products (collection_id);

create table variants (
    product_id text not null references products (id) on delete cascade,
    id text not null,
    position integer not null,
    title text not null,
    sku text not null,
    size text not null,
    color text not null,
    primary key (product_id, id)
) strict, without rowid;
create index variants_by_id on variants (id);

create table prices (
    product_id text not null,
    variant_id text not null,
    currency text not null,
    amount integer not null check (amount >= 0),
    primary key (product_id, variant_id, currency),
    foreign key (product_id, variant_id) references variants (product_id, id) on delete cascade
) strict, without rowid;

create table stock_locations (
    id text primary key,
    name text not null
) strict, without rowid;
insert into stock_locations (id, name) values ('default', '');

create table stock_levels (
    product_id text not null,
    variant_id text not null,
    location_id text not null references stock_locations (id),
    quantity integer not null,
    primary key (product_id, variant_id, location_id),
    foreign key (product_id, variant_id) references variants (product_id, id) on delete cascade
) strict, without rowid;

create table categories (
    id text primary key,
    handle text not null unique,
    name text not null,
    parent_id text references categories (id)
) strict, without rowid;
create index categories_by_parent on categories (parent_id);

create table product_categories (
    product_id text not null references products (id) on delete cascade,
    category_id text not null references categories (id),
    position integer not null,
    primary key (product_id, category_id)
) strict, without rowid;
create index product_categories_by_category on product_categories (category_id);

create table tags (
    name text primary key
) strict, without rowid;

create table product_tags (
    product_id text not null references products (id) on delete cascade,
    tag text not null references tags (name),
    position integer not null,
    primary key (product_id, tag)
) strict, without rowid;
create index product_tags_by_tag on product_tags (tag);

create table product_changes (
    product_id text primary key,
    revision integer not null,
    deleted integer not null check (deleted in (0, 1))
) strict, without rowid;
create index product_changes_by_revision on product_changes (revision);

create virtual table products_fts using fts5 (
    title, tags, categories, description, codes, tokenize = 'ascii', detail = none
);
"""
"""``products_fts`` holds words that are folded already; to the ``ascii`` tokenizer every other letter is a letter, so
that it splits them exactly where ``appliance.text.words`` does. Its rowid is ``products.number``."""

CUSTOMERS_AND_ORDERS = """
create table customers (
    id text primary key,
    email text,
    created_at real not null,
    updated_at real not null
) strict, without rowid;

create table orders (
    id text primary key,
    display_id text not null,
    customer_id text references customers (id) on delete set null,
    status text not null,
    phone_hash blob,
    email_hash blob,
    currency text not null,
    placed_at real not null,
    updated_at real not null,
    metadata text not null default '{}' check (json_valid(metadata))
) strict;
create index orders_by_display_id on orders (display_id);
create index orders_by_customer on orders (customer_id, placed_at);

create table order_items (
    order_id text not null references orders (id) on delete cascade,
    position integer not null,
    product_id text not null default '',
    variant_id text not null default '',
    title text not null,
    quantity integer not null check (quantity > 0),
    total integer not null,
    primary key (order_id, position)
) strict, without rowid;
create index order_items_by_product on order_items (product_id);
"""
"""An order keeps what was bought, whatever becomes of the product: its items name products without a foreign key."""

CONVERSATIONS = """
create table faq_entries (
    id text primary key,
    intent text not null,
    enabled integer not null default 1 check (enabled in (0, 1)),
    created_at real not null,
    updated_at real not null
) strict, without rowid;
create index faq_entries_by_intent on faq_entries (intent);

create table faq_texts (
    entry_id text not null references faq_entries (id) on delete cascade,
    locale text not null,
    question text not null default '',
    answer text not null,
    primary key (entry_id, locale)
) strict, without rowid;

create table chat_sessions (
    id text primary key,
    session_id text not null,
    user_id text not null default '',
    locale text not null,
    status text not null default 'open',
    state text not null default '{}' check (json_valid(state)),
    started_at real not null,
    last_at real not null
) strict, without rowid;
create index chat_sessions_by_session on chat_sessions (session_id);
create index chat_sessions_by_user on chat_sessions (user_id);
create index chat_sessions_by_last_at on chat_sessions (last_at);

create table chat_turns (
    id text primary key,
    chat_session_id text not null references chat_sessions (id) on delete cascade,
    position integer not null,
    message text not null,
    reply text not null,
    intent text not null,
    confidence real not null,
    slots text not null default '{}' check (json_valid(slots)),
    action text not null default '',
    handled_by text not null,
    trace text not null default '{}' check (json_valid(trace)),
    took_ms real not null,
    created_at real not null,
    helpful integer check (helpful in (0, 1)),
    comment text not null default '',
    unique (chat_session_id, position)
) strict;
create index chat_turns_by_created_at on chat_turns (created_at);

create table unanswered_questions (
    id text primary key,
    question text not null,
    question_key text not null unique,
    locale text not null,
    occurrences integer not null default 1,
    status text not null default 'open',
    faq_entry_id text references faq_entries (id) on delete set null,
    last_turn_id text references chat_turns (id) on delete set null,
    first_at real not null,
    last_at real not null
) strict, without rowid;
create index unanswered_questions_by_status on unanswered_questions (status, last_at);
"""

OPERATION = """
create table merchandising_rules (
    id text primary key,
    action text not null check (action in ('pin', 'boost', 'bury', 'exclude')),
    target text not null check (target in ('product', 'category', 'tag')),
    value text not null,
    placement text,
    position integer not null,
    strength real not null,
    starts_at real,
    ends_at real,
    enabled integer not null check (enabled in (0, 1)),
    created_at real not null,
    updated_at real not null
) strict, without rowid;

create table settings (
    key text primary key,
    value text not null,
    updated_at real not null
) strict, without rowid;

create table sync_state (
    key text primary key,
    value text not null,
    updated_at real not null
) strict, without rowid;

create table outbox (
    number integer primary key autoincrement,
    kind text not null,
    idempotency_key text not null unique,
    payload text not null check (json_valid(payload)),
    state text not null default 'waiting',
    attempts integer not null default 0,
    next_attempt_at real not null,
    last_error text not null default '',
    created_at real not null,
    sent_at real
) strict;
create index outbox_by_state on outbox (state, next_attempt_at);

create table tokens (
    id text primary key,
    kind text not null check (kind in ('admin', 'secret', 'publishable')),
    name text not null,
    secret_hash blob not null unique,
    created_at real not null,
    revoked_at real
) strict, without rowid;

create table opt_outs (
    subject text not null check (subject in ('user', 'session')),
    subject_id text not null,
    created_at real not null,
    primary key (subject, subject_id)
) strict, without rowid;

create table privacy_requests (
    id text primary key,
    kind text not null check (kind in ('export', 'erase')),
    user_id text not null,
    session_id text not null,
    created_at real not null,
    due_at real not null,
    completed_at real
) strict, without rowid;
create index privacy_requests_by_due_at on privacy_requests (due_at);
"""


def create_first_schema(db: sqlite_utils.Database) -> None:
    """Create every table of the first release."""
    for script in (PRODUCTS, CUSTOMERS_AND_ORDERS, CONVERSATIONS, OPERATION):
        db.executescript(script)


RULES_BY_PRICE_AND_MARGIN = """
create table widened_rules (
    id text primary key,
    action text not null check (action in ('pin', 'boost', 'bury', 'exclude')),
    target text not null check (target in ('product', 'category', 'tag', 'price', 'margin')),
    value text not null,
    placement text,
    position integer not null,
    strength real not null,
    starts_at real,
    ends_at real,
    enabled integer not null check (enabled in (0, 1)),
    created_at real not null,
    updated_at real not null
) strict, without rowid;
insert into widened_rules select * from merchandising_rules;
drop table merchandising_rules;
alter table widened_rules rename to merchandising_rules;
"""


def allow_rules_by_price_and_margin(db: sqlite_utils.Database) -> None:
    """Let rules speak of a range of prices or margins. SQLite changes a check by making the table anew."""
    db.executescript(RULES_BY_PRICE_AND_MARGIN)


EXPERIMENTS = """
create table experiments (
    id text primary key,
    name text not null,
    placement text,
    arm_a text not null,
    arm_b text not null,
    share real not null check (share > 0 and share < 1),
    metric text not null check (metric in ('click', 'conversion')),
    started_at real not null,
    ended_at real,
    state text not null generated always as (case when ended_at is null then 'running' else 'ended' end) virtual
) strict;
create index experiments_by_started_at on experiments (started_at);
"""
"""Strategies and placements are words that the recommender knows; who sees which arm is computed and never stored."""


def create_experiments(db: sqlite_utils.Database) -> None:
    """Make room for experiments."""
    db.executescript(EXPERIMENTS)


MIGRATIONS: tuple[Migration[sqlite_utils.Database], ...] = (
    Migration(1, "first schema", create_first_schema),
    Migration(2, "rules by price and margin", allow_rules_by_price_and_margin),
    Migration(3, "experiments", create_experiments),
    Migration(4, "assistant", make_room_for_the_assistant),
    Migration(5, "medusa", make_room_for_medusa),
)
