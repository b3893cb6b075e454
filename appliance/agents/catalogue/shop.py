"""The stores that the skills read, behind few and cheap questions."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

import msgspec
import structlog

from appliance.agents.catalogue.facts import Item, item_of
from appliance.agents.types import ShownProduct
from appliance.domain import ProductCard, to_main, to_minor
from appliance.errors import Unavailable
from appliance.messages import Locale
from appliance.recsys.service import RecommendationService
from appliance.search.service import SearchService
from appliance.search.types import Facets, SearchQuery
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue

LISTED_AT_MOST = 2000
"""Cards that are looked through while there is no index: enough for a small shop, bounded for a large one."""

log = structlog.get_logger(__name__)


class Found(NamedTuple):
    """What a search came to."""

    total: int
    cards: list[ProductCard]
    facets: Facets | None = None
    """``None`` while there is no index."""
    related: tuple[ProductCard, ...] = ()
    """Products that answer in part; no matches."""


class Shop:
    """The catalogue with its search and recommender."""

    def __init__(
        self, catalogue: Catalogue, search: SearchService, recommender: RecommendationService, settings: Settings
    ) -> None:
        self.catalogue = catalogue
        self.recommender = recommender
        self.currency = settings.shop.currency
        self._search = search

    def card(self, product_id: str) -> ProductCard | None:
        """Return the card of a product that shoppers may see."""
        card = self.catalogue.card(product_id)
        return card if card is not None and card.published else None

    def cards(self, product_ids: Iterable[str]) -> list[ProductCard]:
        """Return the cards of those products that shoppers may see, in order."""
        return [card for product_id in product_ids if (card := self.card(product_id)) is not None]

    def category_names(self, card: ProductCard) -> list[str]:
        """Return what the shop calls the categories of a product."""
        found = map(self.catalogue.category, card.categories)
        return [node.name for node in found if node is not None]

    def item(self, card: ProductCard, locale: Locale) -> Item:
        """Read a product in full."""
        product = self.catalogue.product(card.id)
        if product is None:
            return Item(None, ShownProduct(card.id, card.name(locale), card.price), card)
        return item_of(product, card, locale)

    def search(self, query: SearchQuery) -> Found:
        """Search; while there is no index, look through a bounded number of cards instead."""
        if query.q:
            # The space says that the last word is finished: completing a lone digit costs much and finds anything.
            query = msgspec.structs.replace(query, q=f"{query.q.strip()} ")
        try:
            found = self._search.search(query)
        except Unavailable:
            log.info("chat_without_search_index")
            return self._listing(query)
        cards = self.cards(hit.product_id for hit in found.items)
        return Found(found.total, cards, found.facets, tuple(self.cards(hit.product_id for hit in found.related)))

    def knows_sales(self) -> bool:
        """Tell whether anything is known of what sells, so that "best-selling" is true to say."""
        return self.recommender.popular(limit=1).strategy == "trending"

    def minor(self, amount: int) -> int:
        """Turn an amount as people say it into the smallest unit; absurd ones become the largest that is sensible."""
        try:
            return to_minor(Decimal(amount), self.currency)
        except ValueError:
            return 10**14

    def main(self, amount: int) -> int:
        """Turn smallest units into whole main units, as slots hold them."""
        return int(to_main(amount, self.currency))

    def _listing(self, query: SearchQuery) -> Found:
        node = self.catalogue.category(query.category) if query.category else None
        cards = [
            card
            for card in islice(self.catalogue.cards().values(), LISTED_AT_MOST)
            if card.published
            and (not query.category or (node is not None and node.handle in card.categories))
            and (query.price_min is None or (card.price is not None and card.price >= query.price_min))
            and (query.price_max is None or (card.price is not None and card.price <= query.price_max))
            and (query.in_stock is None or card.in_stock == query.in_stock)
        ]
        if query.sort in ("price_asc", "price_desc"):
            cards.sort(key=lambda card: (card.price is None, card.price or 0), reverse=query.sort == "price_desc")
        else:
            cards.sort(key=lambda card: -card.created_at)
        return Found(len(cards), cards[query.offset : query.offset + query.limit])
