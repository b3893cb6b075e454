"""The fixture shop on real stores, and a short way to ask the catalogue agent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from appliance.agents.catalogue.agent import CatalogueAgent
from appliance.agents.response.agent import ResponseAgent, ResponseInput
from appliance.agents.types import (
    DialogueState,
    Mention,
    Outcome,
    ShownProduct,
    SkillInput,
    SlotValue,
    Token,
    Utterance,
)
from appliance.domain import Product
from appliance.issues import IssueBoard
from appliance.messages import Locale
from appliance.metrics import Metrics
from appliance.recsys.service import RecommendationService
from appliance.search.service import SearchService
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore
from appliance.text import fold

FIXTURE = Path(__file__).resolve().parent.parent / "fixture" / "products.jsonl"
NOW = 1_760_000_000.0


class AgentShop:
    """A shop with its catalogue agent."""

    def __init__(self, folder: Path, *, searchable: bool = True, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.store, currency=settings.shop.currency)
        issues, metrics = IssueBoard(), Metrics()
        self.search = SearchService(self.catalogue, settings, metrics, issues)
        self.recommender = RecommendationService(self.catalogue, list, settings, metrics, issues, lambda: NOW)
        self.catalogue.subscribe(self.search.apply)
        self.catalogue.subscribe(self.recommender.apply)
        self.agent = CatalogueAgent(self.catalogue, self.search, self.recommender, settings)
        self._response = ResponseAgent(settings.shop.currency)
        if searchable:
            self.search.start()

    def stock(self, products: Iterable[Product]) -> AgentShop:
        """Put products on sale."""
        self.catalogue.upsert(list(products))
        return self

    def ask(
        self,
        intent: str,
        text: str = "",
        *,
        state: DialogueState | None = None,
        locale: Locale = "vi",
        mentions: tuple[Mention, ...] = (),
        **slots: SlotValue,
    ) -> Outcome:
        """Run the agent on one intent."""
        given = SkillInput(
            intent=intent,
            slots=slots,
            utterance=heard(text, locale, mentions),
            state=state or DialogueState(),
            locale=locale,
            session_id="chat_1",
            now=NOW,
        )
        return self.agent.run(given)

    def say(self, outcome: Outcome, locale: Locale = "vi") -> str:
        """Return the answer in words."""
        worded = self._response.run(ResponseInput(outcomes=(outcome,), locale=locale))
        assert not worded.unfounded
        return worded.reply.text

    def close(self) -> None:
        """Close the stores."""
        self.recommender.close()
        self.store.close()


def heard(text: str, locale: Locale = "vi", mentions: tuple[Mention, ...] = ()) -> Utterance:
    """Return an utterance of plain words."""
    tokens: list[Token] = []
    for word in text.lower().split():
        start = tokens[-1].end + 1 if tokens else 0
        tokens.append(Token(word, word, fold(word), start, start + len(word)))
    return Utterance(text=text, tokens=tuple(tokens), locale=locale, mentions=mentions)


def after(outcome: Outcome) -> DialogueState:
    """Return the state that an answer leaves, as the dialogue memory makes it."""
    shown = tuple(ShownProduct(one.product_id, one.title, one.price) for one in outcome.products)
    focus = outcome.focus or (shown[0] if len(shown) == 1 else None)
    return DialogueState(
        shown=shown, focus=focus, filters=outcome.filters or {}, pending=outcome.pending, offered=outcome.offered
    )


OpenShop = Callable[..., AgentShop]
