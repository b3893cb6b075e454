"""What search answers while its index is off: the catalogue's cards, filtered and sorted one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from appliance.domain import ProductCard
from appliance.runtime import Runtime
from appliance.search.types import Facets, PriceFacet, SearchHit, SearchQuery, SearchResult
from appliance.text import words

_ORDERS: dict[str, Callable[[ProductCard], tuple[object, ...]]] = {
    "price_asc": lambda card: (card.price is None, card.price or 0, card.id),
    "price_desc": lambda card: (card.price is None, -(card.price or 0), card.id),
    "newest": lambda card: (-card.created_at, card.id),
}


def list_products(runtime: Runtime, query: SearchQuery) -> SearchResult:
    """Return the products in whose titles a word begins with each word asked for, with exact total and paging.

    Category, price and stock filter as in search. The cards know no colours, sizes, relevance or sales: these filters
    are ignored, and without one of the other orders what can be bought comes first, the newest before.
    """
    keeps = _filter(runtime, query)
    found = [card for card in runtime.catalogue.cards().values() if card.published and keeps(card)]
    found.sort(key=_ORDERS.get(query.sort, lambda card: (not card.in_stock, -card.created_at, card.id)))
    hits = [SearchHit(card.id, 0.0) for card in found[query.offset : query.offset + query.limit]]
    return SearchResult(len(found), hits, Facets([], [], [], PriceFacet(None, None, []), []), {})


def _filter(runtime: Runtime, query: SearchQuery) -> Callable[[ProductCard], bool]:
    asked = [f" {word}" for word in words(query.q)]
    category = runtime.catalogue.category(query.category) if query.category else None
    lowest, highest = query.price_min, query.price_max

    def keeps(card: ProductCard) -> bool:
        if query.category and (category is None or category.handle not in card.categories):
            return False
        if lowest is not None and (card.price is None or card.price < lowest):
            return False
        if highest is not None and (card.price is None or card.price > highest):
            return False
        if query.in_stock is not None and card.in_stock is not query.in_stock:
            return False
        return not asked or all(word in _title(card.title, card.title_en) for word in asked)

    return keeps


@lru_cache(maxsize=65_536)
def _title(title: str, title_en: str) -> str:
    """Return the folded words of a product's titles, each after a space."""
    return "".join(f" {word}" for word in words(f"{title} {title_en}"))
