"""A catalogue in memory that never changes: products from a file, as search and the recommender read a shop's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from appliance.domain import CatalogueChange, Category, Product, ProductCard


class FixedCatalogue:
    """Products without a category tree; ``always_in_stock`` takes none of them for sold out."""

    revision = 0

    def __init__(self, products: Iterable[Product], *, always_in_stock: bool = False) -> None:
        self._products = {product.id: product for product in products}
        self._always_in_stock = always_in_stock

    def __len__(self) -> int:
        return len(self._products)

    def cards(self) -> Mapping[str, ProductCard]:
        """Return the cards by product id, in the order of the products."""
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
                in_stock=self._always_in_stock or product.in_stock,
                categories=(),
                tags=product.tags,
                created_at=product.created_at,
                title_en=product.title_en,
            )
            for product in self._products.values()
        }

    def product(self, product_id: str) -> Product | None:
        """Return the full record."""
        return self._products.get(product_id)

    def iter_products(self, batch: int = 1000) -> Iterator[Product]:
        """Yield the products; ``batch`` is for catalogues that read from a disk."""
        del batch
        yield from self._products.values()

    def changes_since(self, revision: int) -> CatalogueChange:
        """Return that nothing changed."""
        return CatalogueChange(revision, (), ())

    def categories(self) -> list[Category]:
        """Return no category."""
        return []

    def category(self, id_handle_or_name: str) -> Category | None:
        """Return that there is no such category."""
        del id_handle_or_name
        return None
