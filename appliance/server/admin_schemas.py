"""What the admin routes take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from appliance.domain import CURRENCY_PATTERN, NOT_BLANK_PATTERN, Placement, RuleAction, RuleTarget
from appliance.server.outbox_schemas import EditOut
from appliance.server.schemas import Amount, CategoryName, Id, In, Limit, OptionalId, Out, RecommendedItemOut
from appliance.store.jobs import JobState

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NOT_BLANK_PATTERN)]
Price = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Stock = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Status = Literal["published", "draft"]
Currency = Annotated[str, msgspec.Meta(pattern=CURRENCY_PATTERN)]
CategoryPath = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=NOT_BLANK_PATTERN)]


class ClaimIn(In, frozen=True, kw_only=True):
    """The code on the appliance's own screen."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class NewTokenOut(Out, frozen=True, kw_only=True):
    """A new token. ``secret`` is shown this once and never again."""

    id: str
    kind: str
    name: str
    secret: str


class TokenIn(In, frozen=True, kw_only=True):
    """What a token is for."""

    kind: Literal["admin", "secret", "publishable"]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=NOT_BLANK_PATTERN)]


class TokenOut(Out, frozen=True, kw_only=True):
    """A token without its secret."""

    id: str
    kind: str
    name: str
    created_at: str


class TokenList(Out, frozen=True, kw_only=True):
    """All tokens that are valid."""

    items: list[TokenOut]


class AdminVariantOut(Out, frozen=True, kw_only=True):
    """A variant with its stock."""

    id: str
    title: str
    sku: str
    size: str
    color: str
    price: Amount | None
    stock: int | None
    """``null``: stock is not tracked."""
    prices: dict[str, Amount]
    """In other currencies, by ISO code."""
    stock_by_location: dict[str, int]
    """By the id of the stock location; empty where locations are not told apart."""


class AdminProductOut(Out, frozen=True, kw_only=True):
    """A product with everything the owner knows of it."""

    id: str
    handle: str
    title: str
    title_en: str
    description: str
    categories: list[str]
    tags: list[str]
    collection: str
    attributes: dict[str, str]
    price: Amount | None
    currency: str
    in_stock: bool
    thumbnail: str
    images: list[str]
    status: Status
    variants: list[AdminVariantOut]
    created_at: str
    pending: list[EditOut] = msgspec.field(default_factory=list)
    """Changes that have not arrived in Medusa: on their way, in conflict, or refused."""


class AdminProductPage(Out, frozen=True, kw_only=True):
    """A page of the owner's list; ``next_cursor`` is empty on the last one."""

    items: list[AdminProductOut]
    total: int
    next_cursor: str


class VariantPatch(In, frozen=True, kw_only=True):
    """A change of one variant; what is left out stays."""

    id: Id
    price: Price | msgspec.UnsetType | None = msgspec.UNSET
    prices: Annotated[dict[Currency, Price | None], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=dict)
    """By currency; the product's own may be among them."""
    stock: Stock | msgspec.UnsetType | None = msgspec.UNSET
    location: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Id or name of the stock location that ``stock`` is about; empty: all of them, a difference at the main one."""


class ProductPatch(In, frozen=True, kw_only=True):
    """A change of a product; what is left out stays. ``price`` and ``stock`` here need a product of one variant."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=NOT_BLANK_PATTERN)] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    description: Annotated[str, msgspec.Meta(max_length=100_000)] | msgspec.UnsetType = msgspec.UNSET
    status: Status | msgspec.UnsetType = msgspec.UNSET
    tags: Annotated[list[Name], msgspec.Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    categories: Annotated[list[CategoryPath], msgspec.Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    """Ids, handles, names or paths. A product of Medusa can only be put into categories that Medusa has."""
    price: Price | msgspec.UnsetType | None = msgspec.UNSET
    stock: Stock | msgspec.UnsetType | None = msgspec.UNSET
    variants: Annotated[list[VariantPatch], msgspec.Meta(max_length=500)] = msgspec.field(default_factory=list)


class SettingOut(Out, frozen=True, kw_only=True):
    """A setting, its value in force, and where that came from."""

    key: str
    value: Any
    origin: Literal["default", "file", "environment", "flag"]
    origin_name: str


class SettingsOut(Out, frozen=True, kw_only=True):
    """All settings in force."""

    settings: list[SettingOut]


class SettingsPatch(In, frozen=True, kw_only=True):
    """New values keyed ``section.key``."""

    settings: Annotated[dict[str, Any], msgspec.Meta(min_length=1, max_length=100)]


class SettingsChanged(Out, frozen=True, kw_only=True):
    """What was written to ``appliance.toml``, and which of it counts from the next start."""

    written: list[str]
    restart_needed: list[str]
    overridden: list[str]
    """Written, but an environment variable or flag stands above the file."""


class IssueOut(Out, frozen=True, kw_only=True):
    """A problem and what to do about it."""

    id: str
    code: str
    severity: str
    part: str
    message: str
    fix: str
    detail: str
    since: str


class IssueList(Out, frozen=True, kw_only=True):
    """The open problems, the gravest first."""

    items: list[IssueOut]


class IngestOut(Out, frozen=True, kw_only=True):
    """Events: acknowledged by this process, in the log, and on the way there."""

    accepted: int
    logged: int
    lag: int


class CatalogueOut(Out, frozen=True, kw_only=True):
    """The size of the catalogue."""

    products: int
    published: int
    categories: int
    revision: int


class OverviewOut(Out, frozen=True, kw_only=True):
    """The shop at a glance."""

    shop: str
    version: str
    ready: bool
    safe_mode: bool
    parts: dict[str, str]
    catalogue: CatalogueOut
    ingest: IngestOut
    model: dict[str, Any] | None
    issues: list[IssueOut]


class RuleIn(In, frozen=True, kw_only=True):
    """A merchandising rule."""

    action: RuleAction
    target: RuleTarget
    value: Name
    """``product``: its id or handle; ``category``: its handle, id or name; ``tag``: the tag; ``price``: a range in main
    units, as ``200000..500000``, ``..500000`` or ``>=1000000``, in the shop's currency unless one is named behind it;
    ``margin``: a range of the products' attribute ``margin``, as ``>=30%`` or ``0.1..0.25``."""
    placement: Placement | None = None
    position: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    strength: Annotated[float, msgspec.Meta(ge=1, le=100)] = 2.0
    """``boost`` and ``bury``: the factor by which the score is multiplied or divided."""
    starts_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    ends_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    enabled: bool = True


class RuleOut(Out, frozen=True, kw_only=True):
    """A merchandising rule with its id."""

    id: str
    action: RuleAction
    target: RuleTarget
    value: str
    placement: Placement | None
    position: int
    strength: float
    starts_at: str | None
    ends_at: str | None
    enabled: bool
    products: int | None = None
    """Products on sale that the rule speaks of, counted when it is made or replaced; ``null`` in lists."""


class RuleList(Out, frozen=True, kw_only=True):
    """All rules."""

    items: list[RuleOut]


class RulePreviewIn(In, frozen=True, kw_only=True):
    """A rule that is not kept, and the shelf on which to try it."""

    rule: RuleIn
    replaces: OptionalId = ""
    """Id of the rule that it would replace."""
    placement: Placement = "home"
    user_id: OptionalId = ""
    session_id: OptionalId = ""
    product_id: Annotated[str, msgspec.Meta(max_length=128)] = ""
    """Id or handle of the product that the page shows."""
    category: CategoryName = ""
    limit: Limit = 10


class RulePreviewOut(Out, frozen=True, kw_only=True):
    """A shelf without and with a rule."""

    products: int
    """Products on sale that the rule speaks of."""
    holds: bool
    """Whether the rule holds now at this placement: it is switched on, in its time, and for this place."""
    before: list[RecommendedItemOut]
    after: list[RecommendedItemOut]


class JobArgs(In, frozen=True, kw_only=True):
    """What narrows a job."""

    search_only: bool = False
    """``train``: build the search index alone."""
    k: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    """``evaluate``: length of the answers that are judged; 0 for the usual 20."""
    predictions: bool = False
    """``evaluate``: return what was answered too."""
    mode: Literal["", "now", "full", "changes", "stock", "sweep"] = ""
    """``sync``: what to read of Medusa; left out, what changed."""


class JobIn(In, frozen=True, kw_only=True):
    """A job to do in the background."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    args: JobArgs = JobArgs()
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    """Higher goes first; left out, what the kind usually has."""


class JobOut(Out, frozen=True, kw_only=True):
    """A background job."""

    id: str
    kind: str
    args: dict[str, Any]
    state: JobState
    """``failed``: its input was refused; ``dead``: every attempt failed; ``cancelled``: somebody called it off."""
    cancelling: bool
    """It runs, and somebody asked for its end."""
    priority: int
    """Higher goes first."""
    heavy: bool
    """Of these one runs at a time."""
    progress: float
    """0 to 1."""
    message: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    attempts: int
    error: str
    result: dict[str, Any] | None


class JobList(Out, frozen=True, kw_only=True):
    """The newest jobs, the newest first."""

    items: list[JobOut]


class ScheduledJobOut(Out, frozen=True, kw_only=True):
    """A job that is started by itself, by the clock of the shop or every so many seconds."""

    name: str
    kind: str
    args: dict[str, Any]
    enabled: bool
    cron: str
    """Crontab line in the shop's time zone; empty when it goes by seconds."""
    period: float
    """Seconds from one to the next; 0 when it goes by the clock."""
    last_run_at: str | None
    """When it was last started by the schedule."""
    next_due_at: str | None


class JobSchedule(Out, frozen=True, kw_only=True):
    """What is started by itself."""

    time_zone: str
    items: list[ScheduledJobOut]


class ModelOut(Out, frozen=True, kw_only=True):
    """A model or index of one kind: the one in use and those that could replace it."""

    kind: str
    current: str
    candidates: list[str]
    info: dict[str, Any]


class ModelList(Out, frozen=True, kw_only=True):
    """All kinds of models."""

    items: list[ModelOut]


class ExplanationOut(Out, frozen=True, kw_only=True):
    """A recommendation with what it was made from."""

    strategy: str
    fallback: bool
    items: list[RecommendedItemOut]
    trace: dict[str, Any]
