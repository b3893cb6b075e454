"""The shop's own search on a catalogue in memory: the index that ``appliance train`` builds, loaded as it is served."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.domain import Product
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.ops.evaluation.catalogue import FixedCatalogue
from appliance.search.build import build_index
from appliance.search.service import SearchService
from appliance.search.types import SearchQuery
from appliance.settings import Settings


class ShopSearch:
    """Answers queries with rows of the products that it was built from."""

    def __init__(self, products: Sequence[Product]) -> None:
        """Build the index of the products, all of which count as published, and load it."""
        catalogue = FixedCatalogue(map(_published, products))
        self._row = {product.id: row for row, product in enumerate(products)}
        self._service = SearchService(catalogue, Settings(), Metrics(), IssueBoard())
        with tempfile.TemporaryDirectory(prefix="appliance-index-", ignore_cleanup_errors=True) as folder:
            self.facts = build_index(catalogue.iter_products(), Path(folder), total=len(products))
            self._service.load(Path(folder))

    def answer(self, query: str, count: int) -> list[int]:
        """Return the rows on the first page of ``count`` products: the matches, then what is related, best first."""
        result = self._service.search(SearchQuery(query, limit=count))
        return [self._row[hit.product_id] for hit in (*result.items, *result.related)]


def _published(product: Product) -> Product:
    return product if product.status == "published" else msgspec.structs.replace(product, status="published")
