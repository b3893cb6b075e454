"""Agent 3: everything about products. Every fact of an answer was read from the store in this very turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.agents.catalogue.attributes import read_vocabulary
from appliance.agents.catalogue.buying import buy
from appliance.agents.catalogue.categories import groups
from appliance.agents.catalogue.compare import compare
from appliance.agents.catalogue.info import info
from appliance.agents.catalogue.pricing import price
from appliance.agents.catalogue.recommend import read_occasions, recommend
from appliance.agents.catalogue.searching import search
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.sizing import advise
from appliance.agents.catalogue.stock import stock
from appliance.agents.types import Outcome, SkillInput
from appliance.recsys.service import RecommendationService
from appliance.search.lexicon import lexicon
from appliance.search.service import SearchService
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue

Answer = Callable[[SkillInput, Shop], Outcome]

_ANSWERS: Mapping[str, Answer] = {
    "product_search": search,
    "product_price": price,
    "product_availability": stock,
    "product_info": info,
    "product_compare": compare,
    "product_recommend": recommend,
    "size_advice": advise,
    "order_place": buy,
}


class CatalogueAgent:
    """Answers the shopping intents but promotions, which are the owner's words and not the catalogue's."""

    name = "catalogue"
    intents = frozenset(_ANSWERS)

    def __init__(
        self, catalogue: Catalogue, search: SearchService, recommender: RecommendationService, settings: Settings
    ) -> None:
        self._shop = Shop(catalogue, search, recommender, settings)
        # The word lists are read here, so that the first shopper does not wait for them.
        groups()
        lexicon()
        read_vocabulary()
        read_occasions()

    def run(self, given: SkillInput) -> Outcome:
        """Find the facts that answer one intent. Raises ``KeyError`` for an intent that is not among ``intents``."""
        return _ANSWERS[given.intent](given, self._shop)
