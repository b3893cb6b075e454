"""What goes into a search and what comes out; money is in the currency's smallest unit throughout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, Protocol

import msgspec

from appliance.domain import CatalogueChange, Category, Product, ProductCard

Sort = Literal["relevance", "price_asc", "price_desc", "newest", "best_selling"]


class SearchQuery(msgspec.Struct, frozen=True):
    """One search. Empty texts and ``None`` mean "no such filter"; an empty ``q`` lists the catalogue."""

    q: str = ""
    category: str = ""
    """Handle or name, folded before comparison; products of its descendants match too."""
    price_min: int | None = None
    price_max: int | None = None
    """Both bounds are inclusive."""
    in_stock: bool | None = None
    color: str = ""
    """Vietnamese or English: ``đen`` and ``black`` are the same colour."""
    size: str = ""
    sort: Sort = "relevance"
    limit: int = 20
    offset: int = 0


class FacetValue(msgspec.Struct, frozen=True):
    """One value of a facet and how many of the matching products have it."""

    value: str
    """What to send back as the filter."""
    label: str
    count: int
    parent: str = ""
    """For a category, the handle of the one above it."""


class PriceFacet(msgspec.Struct, frozen=True):
    """The price range of the matching products; bucket values are ``low-high``, both inclusive."""

    min: int | None
    max: int | None
    buckets: list[FacetValue]


class Facets(msgspec.Struct, frozen=True):
    """Counts over all matching products. Each facet ignores its own filter, so that a shopper can change it."""

    categories: list[FacetValue]
    colors: list[FacetValue]
    sizes: list[FacetValue]
    price: PriceFacet
    in_stock: list[FacetValue]
    """Values ``true`` and ``false``."""


class SearchHit(msgspec.Struct, frozen=True):
    """One product found; the score is comparable within one result only."""

    product_id: str
    score: float


class SearchResult(msgspec.Struct, frozen=True):
    """A page of products, the exact number of all of them, and the facets over all of them."""

    total: int
    items: list[SearchHit]
    facets: Facets
    corrections: dict[str, str]
    """Typed word to the word that was searched instead."""
    related: list[SearchHit] = []
    """What to show after the last item of a page that is not full: products that answer the query in part, or words
    spelt like its own. They are no matches: neither ``total`` nor the facets count them."""


class CatalogueReader(Protocol):
    """The part of the catalogue that search reads."""

    @property
    def revision(self) -> int:
        """The number of the last change."""

    def __len__(self) -> int:
        """The number of published products."""

    def cards(self) -> Mapping[str, ProductCard]:
        """All products in brief, drafts included, by id."""

    def product(self, product_id: str) -> Product | None:
        """One product in full."""

    def iter_products(self, batch: int = 1000) -> Iterator[Product]:
        """All products in full."""

    def changes_since(self, revision: int) -> CatalogueChange:
        """What changed after a revision."""

    def categories(self) -> list[Category]:
        """The category tree."""

    def category(self, id_handle_or_name: str) -> Category | None:
        """The category that a text names, compared folded."""
