"""The shop's own search on a catalogue in memory: the index that ``appliance train`` builds, loaded as it is served."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from appliance.domain import CatalogueChange, Category, Product, ProductCard
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.search.build import build_index
from appliance.search.service import SearchService
from appliance.search.types import SearchQuery
from appliance.settings import Settings


class ShopSearch:
    """Answers queries with rows of the products that it was built from."""

    def __init__(self, products: Sequence[Product]) -> None:
        """Build the index of the products, all of which count as published, and load it."""
        catalogue = _Shelf(products)
        self._row = {product.id: row for row, product in enumerate(products)}
        self._service = SearchService(catalogue, Settings(), Metrics(), IssueBoard())
        with tempfile.TemporaryDirectory(prefix="appliance-index-", ignore_cleanup_errors=True) as folder:
            self.facts = build_index(catalogue.iter_products(), Path(folder), total=len(products))
            self._service.load(Path(folder))

    def answer(self, query: str, count: int) -> list[int]:
        """Return the rows on the first page of ``count`` products: the matches, then what is related, best first."""
        result = self._service.search(SearchQuery(query, limit=count))
        return [self._row[hit.product_id] for hit in (*result.items, *result.related)]


class _Shelf:
    """A catalogue that never changes and has no category tree of its own."""

    revision = 0

    def __init__(self, products: Sequence[Product]) -> None:
        self._products = {product.id: product for product in products}

    def __len__(self) -> int:
        return len(self._products)

    def cards(self) -> Mapping[str, ProductCard]:
        return self._cards

    @cached_property
    def _cards(self) -> dict[str, ProductCard]:
        return {
            product.id: ProductCard(
                id=product.id,
                handle=product.handle,
                title=product.title,
                thumbnail="",
                price=product.price,
                currency=product.currency,
                in_stock=product.in_stock,
                categories=(),
                tags=product.tags,
                created_at=product.created_at,
            )
            for product in self._products.values()
        }

    def product(self, product_id: str) -> Product | None:
        return self._products.get(product_id)

    def iter_products(self, batch: int = 1000) -> Iterator[Product]:
        del batch  # one product in memory costs no more than many
        return (_published(product) for product in self._products.values())

    def changes_since(self, revision: int) -> CatalogueChange:
        return CatalogueChange(revision, (), ())

    def categories(self) -> list[Category]:
        return []

    def category(self, id_handle_or_name: str) -> Category | None:
        del id_handle_or_name
        return None


def _published(product: Product) -> Product:
    import msgspec

    return product if product.status == "published" else msgspec.structs.replace(product, status="published")
