"""The sections of the settings: every key with its type, its default and its meaning."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

import msgspec

from appliance.domain import CURRENCY_PATTERN, interval_of
from appliance.text import require_host, require_origin, require_time_zone

_HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)")

Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Currency = Annotated[str, msgspec.Meta(pattern=CURRENCY_PATTERN)]
Weight = Annotated[float, msgspec.Meta(ge=-100, le=100)]
ConflictRule = Literal["ask", "medusa", "here"]


class Secret(str):
    """A text that never shows itself in a representation or a log line."""

    def __repr__(self) -> str:
        return "Secret('***')" if self else "Secret('')"


_NO_SECRET: Secret = msgspec.field(default_factory=Secret)
"""By a factory: a default would be written into the OpenAPI document, and msgspec cannot encode it."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections: frozen, strict, every field with a default."""


class Shop(_Section, frozen=True, kw_only=True):
    """Who the shop is."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)] = "Cửa hàng"
    """The name that shoppers and the owner see."""
    currency: Currency = "VND"
    """ISO 4217 code of the prices that the shop shows."""
    locale: Literal["vi", "en"] = "vi"
    """Language of texts when the caller names none."""
    timezone: str = "Asia/Ho_Chi_Minh"
    """Time zone of the nightly work (IANA name)."""

    def __post_init__(self) -> None:
        if self.timezone != "Asia/Ho_Chi_Minh":
            require_time_zone(self.timezone)


class Server(_Section, frozen=True, kw_only=True):
    """The HTTP side."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 serves the whole local network."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    """0 lets the system choose a free port."""
    origins: tuple[str, ...] = ()
    """Storefront origins allowed by CORS, exact: ``https://shop.vn``."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names this box answers to besides loopback and its own addresses; guards against DNS rebinding."""
    trusted_proxies: tuple[str, ...] = ()
    """Reverse proxies before this box, as addresses or networks (``127.0.0.1``, ``10.0.0.0/8``): only from these is
    X-Forwarded-For believed. A request that they pass on never counts as one from this machine."""
    rate_limit: Literal["on", "off"] = "on"
    """``off`` is for load tests only; also APPLIANCE_RATE_LIMIT."""
    requests_per_second: Annotated[float, msgspec.Meta(gt=0)] = 50.0
    """Sustained requests a second for one client address; secret keys get ten times as much."""
    request_burst: Positive = 200
    """Requests that one client address may send at once before the sustained rate holds."""
    max_body_bytes: Positive = 1 << 20
    """Largest request body; a larger one is answered 413."""
    max_header_bytes: Positive = 32 * 1024
    """Largest request head; a larger one is answered 431."""
    header_timeout: Seconds = 10.0
    """Seconds in which a request head must have arrived."""
    body_timeout: Seconds = 20.0
    """Seconds in which a request body must have arrived."""
    max_connections: Positive = 512
    """Open connections; more are answered 503."""
    require_publishable_key: bool = False
    """Whether browsers must send a publishable key."""
    log_format: Literal["auto", "human", "json"] = "auto"
    """``auto``: human on a terminal, JSON under a service manager."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least grave level that is logged."""

    def __post_init__(self) -> None:
        require_host(self.host)
        for origin in self.origins:
            require_origin(origin)
        for name in self.allowed_hosts:
            require_host(name)
        for entry in self.trusted_proxies:
            try:
                ipaddress.ip_network(entry, strict=False)
            except ValueError:
                raise ValueError(f"{entry[:100]!r} is no IP address or network, as 127.0.0.1 or 10.0.0.0/8") from None


class Weights(_Section, frozen=True, kw_only=True):
    """How much each kind of interaction says about taste."""

    view: Weight = 1.0
    """Weight of one ``view``."""
    click: Weight = 1.0
    """Weight of one ``click``."""
    wishlist: Weight = 2.0
    """Weight of one ``wishlist``."""
    add_to_cart: Weight = 3.0
    """Weight of one ``add_to_cart``."""
    remove_from_cart: Weight = -1.0
    """Weight of one ``remove_from_cart``."""
    purchase: Weight = 5.0
    """Weight of one ``purchase``."""
    search: Weight = 0.0
    """Weight of one ``search``."""
    impression: Weight = 0.0
    """Weight of one ``impression``."""
    begin_checkout: Weight = 0.0
    """Weight of one ``begin_checkout``."""
    refund: Weight = -5.0
    """Weight of one ``refund``."""


class Ingest(_Section, frozen=True, kw_only=True):
    """How events are taken in."""

    max_pending: Positive = 50_000
    """Events waiting in memory for the disk; more are refused with 503 and Retry-After."""
    max_unmerged: Positive = 5_000_000
    """Journalled events waiting for the log; more are refused with 503 and Retry-After."""
    commit_batch: Positive = 4000
    """Events that one group commit takes at most."""
    merge_batch: Positive = 20_000
    """Events that one merge into the log takes at most."""
    max_past_days: Annotated[float, msgspec.Meta(gt=0)] = 3650.0
    """An older ``occurred_at`` is rejected."""
    max_future_seconds: Annotated[float, msgspec.Meta(ge=0)] = 300.0
    """A later ``occurred_at`` is a wrong clock: the event is kept with the time it was received."""


class Analytics(_Section, frozen=True, kw_only=True):
    """The interaction log (DuckDB)."""

    memory_mb: Positive = 192
    """Memory that DuckDB may use, in MiB."""
    threads: Positive = 2
    """Threads that DuckDB may use."""


class Recommender(_Section, frozen=True, kw_only=True):
    """How recommendations are made."""

    popular_half_life_days: Annotated[float, msgspec.Meta(gt=0)] = 7.0
    """Days after which an interaction counts half towards what is in demand."""
    neighbours: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    """Similar products kept for each product."""
    annoy_from: Positive = 20_000
    """Catalogue size from which Annoy replaces exact search, where it is installed."""
    annoy_trees: Positive = 50
    """Trees of the Annoy index; more find more and cost memory."""
    cache_seconds: Seconds = 300.0
    """How long an answer is kept when nothing changes."""
    diversity: Share = 0.1
    """MMR: 0 ranks by score alone, 1 by difference alone."""
    embedding_model: str = ""
    """Folder of a sentence encoder (``model.onnx`` and ``tokenizer.json``) that adds meaning to the words of products;
    empty uses ``models/embeddings`` of the data directory where there is one."""
    repurchase_days: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Days for which a bought product is not recommended to its buyer; its attribute ``repurchase_days`` goes first."""
    repurchase_by_category: tuple[str, ...] = ()
    """Other intervals for whole categories, as handle and days: ``ca-phe:14``; the shortest that applies counts."""
    exploration_slots: Annotated[int, msgspec.Meta(ge=0, le=5)] = 1
    """Low places of a shelf of eight or more given to new products to learn of them; 0 for none. Never in the cart."""
    exploration_days: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Days for which a product counts as new."""
    exploration_impressions: Annotated[float, msgspec.Meta(gt=0)] = 100.0
    """Showings that were looked at, after which a new product is known and must earn its place."""
    popularity_damping: Share = 0.0
    """How much scores of much-visited products are lowered, from 0 to 1, so that others are seen too."""
    max_visitors: Positive = 100_000
    """Visitors whose recent interactions are kept in memory."""
    retrain_hours: Annotated[float, msgspec.Meta(ge=0)] = 24.0
    """Hours between trainings of the running process; 0 trains only on request."""
    training_memory_mb: Annotated[int, msgspec.Meta(ge=64)] = 4096
    """Memory that a training may use, in MiB; it decides which models a large catalogue can have."""

    def __post_init__(self) -> None:
        for entry in self.repurchase_by_category:
            interval_of(entry)


class Security(_Section, frozen=True, kw_only=True):
    """Keys and callers."""

    trust_loopback: bool = True
    """Whether a plain request from this machine counts as the storefront's server."""
    customer_token_max_seconds: Positive = 3600
    """Longest life of a signed-in shopper's token, in seconds."""


class Cache(_Section, frozen=True, kw_only=True):
    """The cache on disk (diskcache)."""

    size_mb: Positive = 128
    """Largest size of the cache on disk, in MiB."""


class Assistant(_Section, frozen=True, kw_only=True):
    """The shop assistant."""

    enabled: bool = True
    """Whether the assistant answers shoppers."""
    idle_minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080)] = 30
    """Minutes of silence after which a message begins a new conversation."""
    max_message_chars: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 2000
    """Characters of a shopper's message; a longer one is refused."""
    messages_per_minute: Annotated[int, msgspec.Meta(ge=1, le=600)] = 20
    """Messages that one session may send in a minute; more are answered 429."""
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 90
    """Days after its last message when a conversation is deleted."""
    handoff_contact_hours: str = ""
    """When a person can take over, in the shop's time zone, as ``08:30-21:00``; empty: at all hours."""
    unsure_below: Share = 0.5
    """Confidence below which the language model is asked, where there is one."""
    model_deadline_seconds: Seconds = 8.0
    """Seconds within which the language model must have answered; after that the rules do."""
    model_turns_per_hour: Annotated[int, msgspec.Meta(ge=0)] = 600
    """Turns an hour that may go to the language model; 0 for none."""
    model_load: Share = 0.9
    """How full the language model's queue may be before the rules answer at once."""
    model_failures: Positive = 3
    """Failures in a row after which the language model is left alone for a while."""
    model_pause_seconds: Seconds = 60.0
    """How long it is left alone."""
    price_in_usd: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    """What a cloud model costs for a million tokens read, in US dollars; to show what the box saves."""
    price_out_usd: Annotated[float, msgspec.Meta(ge=0)] = 15.0
    """What a cloud model costs for a million tokens written, in US dollars."""

    def __post_init__(self) -> None:
        hours = self.handoff_contact_hours
        if hours and not (_HOURS.fullmatch(hours) and hours[:5] < hours[6:]):
            raise ValueError(f"{hours[:100]!r} is no span of hours of one day, as 08:30-21:00")


class Medusa(_Section, frozen=True, kw_only=True):
    """The shop's Medusa server, whose products, prices, stock and orders are mirrored here."""

    url: str = ""
    """Where Medusa answers, as ``https://shop.vn:9000``; empty: there is none, and nothing is synchronised."""
    secret_key: Secret = _NO_SECRET
    """A secret API key (``sk_…``) of Medusa; it or an admin's e-mail and password are needed."""
    admin_email: str = ""
    """E-mail of an admin of Medusa, where no secret key is used."""
    admin_password: Secret = _NO_SECRET
    """Password of that admin."""
    publishable_key: str = ""
    """The storefront's publishable key (``pk_…``); products outside its channels are hidden. Empty: none is."""
    region: str = ""
    """Id or name of the region whose prices are shown; empty: the first one in the shop's currency."""
    ca_file: str = ""
    """File of a private certificate authority (PEM) that signed Medusa's certificate."""
    webhook_secret: Secret = _NO_SECRET
    """Secret with which Medusa signs its events; empty: none are taken."""
    timeout_seconds: Seconds = 20.0
    """How long Medusa may be silent before a request is given up."""
    sync_seconds: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    """Seconds between looks at what changed; 0: only on request and by event."""
    stock_minutes: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    """Minutes between readings of all stock; 0: only with the full comparison."""
    sweep_minutes: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Minutes between comparisons of all prices and categories, whose changes Medusa does not date; 0: only in full."""
    reconcile_at: str = "30 3 * * *"
    """When everything is compared, as a crontab line in the shop's time zone; empty: never by itself."""
    overlap_seconds: Annotated[float, msgspec.Meta(ge=10, le=86_400)] = 300.0
    """How far back each look at changes reaches again: Medusa shows new products before they are whole."""
    conflict_price: ConflictRule = "ask"
    """Whose price holds when it was changed here and in Medusa: ``ask`` the owner, ``medusa`` or ``here``."""
    conflict_stock: ConflictRule = "medusa"
    """Whose stock holds when it was changed on both sides."""
    conflict_status: ConflictRule = "ask"
    """Whether published or draft, when it was changed on both sides."""
    conflict_text: ConflictRule = "ask"
    """Whose title or description holds when it was changed on both sides."""
    conflict_tags: ConflictRule = "medusa"
    """Whose tags hold when they were changed on both sides."""
    conflict_categories: ConflictRule = "medusa"
    """Whose categories hold when they were changed on both sides."""
    write_recommendations: Annotated[int, msgspec.Meta(ge=0, le=50)] = 0
    """How many similar products are written to each product's metadata in Medusa after a training; 0: none."""

    def __post_init__(self) -> None:
        if self.url:
            require_origin(self.url.rstrip("/"))
            if not self.url.startswith(("http://", "https://")):
                raise ValueError(f"{self.url[:100]!r} is no web address, as https://shop.vn or http://localhost:9000")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one appliance."""

    shop: Shop = Shop()
    server: Server = Server()
    weights: Weights = Weights()
    ingest: Ingest = Ingest()
    analytics: Analytics = Analytics()
    recommender: Recommender = Recommender()
    security: Security = Security()
    cache: Cache = Cache()
    assistant: Assistant = Assistant()
    medusa: Medusa = Medusa()
