"""Builds the assistant of a shop from its stores. A sixth agent is one more line in ``skills``."""

from __future__ import annotations

from collections.abc import Callable

from appliance.agents.catalogue.agent import CatalogueAgent
from appliance.agents.intent.agent import IntentAgent
from appliance.agents.intent.classifier import canonical
from appliance.agents.intent.own_phrases import OwnPhrases
from appliance.agents.pipeline import Assistant
from appliance.agents.port import LanguageModel
from appliance.agents.response.agent import ResponseAgent
from appliance.agents.response.talk import Talk
from appliance.agents.service.agent import ServiceAgent
from appliance.agents.service.retrieval import FaqSearch
from appliance.agents.vocabulary import Vocabulary
from appliance.recsys.service import RecommendationService
from appliance.search.service import SearchService
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.chat_stores import ChatStores


def build_assistant(
    catalogue: Catalogue,
    search: SearchService,
    recommender: RecommendationService,
    stores: ChatStores,
    faq: FaqSearch,
    vocabulary: Vocabulary,
    settings: Settings,
    model: Callable[[], LanguageModel | None] = lambda: None,
) -> Assistant:
    """Return the assistant. Raises ``ArtifactInvalid`` when the intent model of the package is damaged."""
    skills = (
        CatalogueAgent(catalogue, search, recommender, settings),
        ServiceAgent(faq, stores.orders, stores.order_requests, settings),
        Talk(settings.shop.name),
    )
    return Assistant(
        language=vocabulary.agent,
        intent=IntentAgent(canonical(), OwnPhrases(stores.intent_examples).examples),
        skills=skills,
        response=ResponseAgent(settings.shop.currency),
        settings=settings,
        faq=faq.best,
        model=model,
    )
