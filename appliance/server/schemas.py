"""What the public routes take and give, as it is on the wire: money in main units, times as RFC 3339."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from appliance.domain import ID_PATTERN, OPTIONAL_ID_PATTERN, Placement

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=ID_PATTERN)]
OptionalId = Annotated[str, msgspec.Meta(max_length=128, pattern=OPTIONAL_ID_PATTERN)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
CategoryName = Annotated[str, msgspec.Meta(max_length=200)]
LocaleTag = Annotated[str, msgspec.Meta(max_length=35)]
Amount = float
"""Money in the currency's main unit, as people write it: ``450000`` VND, ``19.99`` USD. Whole amounts stay ints."""


class In(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is taken: an unknown field is an error that names it."""


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is given."""


class EventBatch(In, frozen=True, kw_only=True):
    """Events in the order in which they happened; each is judged alone."""

    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=500)]


class RejectionOut(Out, frozen=True, kw_only=True):
    """One event that was not taken."""

    index: int
    code: str
    message: str


class EventAck(Out, frozen=True, kw_only=True):
    """How many events are durable now, and which were refused."""

    accepted: int
    rejected: list[RejectionOut]


class IdentifyIn(In, frozen=True, kw_only=True):
    """The customer whom a guest's session turned out to be."""

    user_id: Id


class IdentifyOut(Out, frozen=True, kw_only=True):
    """The link that was made."""

    session_id: str
    user_id: str


class ReasonOut(Out, frozen=True, kw_only=True):
    """Why an item is shown: a stable code and a sentence for the shopper."""

    code: str
    text: str


class Item(Out, frozen=True, kw_only=True):
    """A product in a list."""

    product_id: str
    handle: str
    title: str
    title_en: str
    """The English title, or ``""`` where the shop has none."""
    thumbnail: str
    price: Amount | None
    """Lowest price of the variants."""
    currency: str
    in_stock: bool
    score: float


class RecommendedItemOut(Item, frozen=True, kw_only=True):
    """A recommended product with its reason and the scores it is made of."""

    components: dict[str, float]
    reason: ReasonOut


class RecommendationOut(Out, frozen=True, kw_only=True):
    """A shelf. ``recommendation_id`` goes back with the events that it leads to."""

    recommendation_id: str
    strategy: str
    fallback: bool
    items: list[RecommendedItemOut]
    cache: Literal["hit", "miss"]
    took_ms: float


class RecommendationQuery(In, frozen=True, kw_only=True):
    """One shelf of a page."""

    user_id: OptionalId = ""
    session_id: OptionalId = ""
    placement: Placement = "home"
    product_id: OptionalId = ""
    category: CategoryName = ""
    limit: Limit = 10
    locale: LocaleTag = ""


class RecommendationBatch(In, frozen=True, kw_only=True):
    """All shelves of a page in one call."""

    requests: Annotated[list[RecommendationQuery], msgspec.Meta(min_length=1, max_length=10)]


class VariantOut(Out, frozen=True, kw_only=True):
    """One sellable version of a product."""

    id: str
    title: str
    sku: str
    size: str
    color: str
    price: Amount | None
    in_stock: bool


class ProductOut(Out, frozen=True, kw_only=True):
    """A product as shoppers may see it."""

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
    variants: list[VariantOut]
    created_at: str


class FacetValueOut(Out, frozen=True, kw_only=True):
    """One value to filter by and how many results have it."""

    value: str
    label: str
    count: int
    parent: str = ""
    """For a category, the handle of the one above it; else empty."""


class PriceBucketOut(Out, frozen=True, kw_only=True):
    """How many results cost from ``min`` to ``max``, both included."""

    min: Amount
    max: Amount
    count: int


class PriceFacetOut(Out, frozen=True, kw_only=True):
    """The span of prices; ``null`` when no result has a price."""

    min: Amount | None
    max: Amount | None
    buckets: list[PriceBucketOut]


class FacetsOut(Out, frozen=True, kw_only=True):
    """What the results can be narrowed by."""

    categories: list[FacetValueOut] = []
    colors: list[FacetValueOut] = []
    sizes: list[FacetValueOut] = []
    price: PriceFacetOut
    in_stock: list[FacetValueOut] = []


class SearchOut(Out, frozen=True, kw_only=True):
    """A page of results; ``total`` counts all."""

    total: int
    items: list[Item]
    facets: FacetsOut
    corrections: dict[str, str]
    """Words that were taken for slips, and what was searched instead."""
    related: list[Item] = []
    """What to show after the last item of a page that is not full: products that answer in part. ``total`` and the
    facets do not count them."""
    took_ms: float
    fallback: bool = False
    """Whether the index is off: titles are matched only, ``color`` and ``size`` are ignored, facets are empty."""


class PrivacyRequestIn(In, frozen=True, kw_only=True):
    """A shopper's wish to see or erase what is kept. Signed-in shoppers leave both ids out."""

    kind: Literal["export", "erase"]
    user_id: OptionalId = ""
    session_id: OptionalId = ""


class PrivacyRequestOut(Out, frozen=True, kw_only=True):
    """The wish as it was recorded."""

    id: str
    kind: str
    due_at: str


class OptOutIn(In, frozen=True, kw_only=True):
    """Stops profiling of a session or a customer."""

    user_id: OptionalId = ""
    session_id: OptionalId = ""


class HealthOut(Out, frozen=True, kw_only=True):
    """The process runs."""

    status: Literal["ok"]
    version: str


class PublicIssue(Out, frozen=True, kw_only=True):
    """A problem, without what only the technician may see."""

    id: str
    code: str
    severity: str
    part: str
    message: str


class MedusaState(Out, frozen=True, kw_only=True):
    """Whether the shop's Medusa can be reached; the shop is served either way."""

    state: Literal["off", "unknown", "online", "offline", "denied", "unsupported"]
    reason: str = ""
    since: str | None = None
    message: str = ""


class ReadyOut(Out, frozen=True, kw_only=True):
    """Whether the shop can be served, and what is off."""

    ready: bool
    safe_mode: bool
    parts: dict[str, str]
    issues: list[PublicIssue]
    medusa: MedusaState
