"""The recommender as the rest of the product uses it: answers at once, with or without a trained model.

Every method may be called from any thread. A request works on one model from beginning to end; ``load`` swaps models by
one assignment. Imports NumPy only: SciPy is needed for training, which runs in a process of its own.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import structlog

from appliance.domain import CatalogueChange, Interaction, InteractionType, Placement, ProductCard, Rule
from appliance.issues import IssueBoard, Severity
from appliance.metrics import Metrics
from appliance.recsys import model as models
from appliance.recsys import profiles
from appliance.recsys.answers import bought_with, similar_to, strategy_of
from appliance.recsys.base import (
    CatalogueView,
    ModelInfo,
    Reason,
    Recommendation,
    RecommendedItem,
    RecommendRequest,
    Strategy,
)
from appliance.recsys.codes import ProductCodes
from appliance.recsys.derivation import Derivation, Deriver
from appliance.recsys.explain import Explainer, varied
from appliance.recsys.exploration import Explorer
from appliance.recsys.exposure import Exposure
from appliance.recsys.freshness import Freshness
from appliance.recsys.repurchase import Repurchase
from appliance.recsys.rules import Ranked, active, arrange, hidden_by
from appliance.recsys.serving import Serving
from appliance.recsys.shelves import Shelves
from appliance.recsys.trending import DAY, MAX_WINDOW_DAYS, TRENDING_WINDOW_DAYS, Popularity
from appliance.recsys.vectors import annoy_installed
from appliance.recsys.visits import Visit, fingerprint, visit_of
from appliance.settings import Settings
from appliance.store.ownership import visitor_name

MAX_LIMIT = 100

_CLICKS = frozenset({InteractionType.CLICK, InteractionType.VIEW})
"""Storefronts tell of a visitor's step from a shelf by either."""

log = structlog.get_logger(__name__)


class RecommendationService:
    """Recommendations, similar products, companions and trends of one shop."""

    def __init__(
        self,
        catalogue: CatalogueView,
        rules: Callable[[], list[Rule]],
        settings: Settings,
        metrics: Metrics,
        issues: IssueBoard,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._catalogue = catalogue
        self._cards = catalogue.cards()
        self._rules = rules
        self._settings = settings.recommender
        self._metrics = metrics
        self._issues = issues
        self._now = now
        self._codes = ProductCodes()
        self._shelves = Shelves(self._cards, self._codes)
        self._profiles = profiles.Profiles(self._settings.max_visitors)
        self._popularity = Popularity(self._shelves, self._settings.popular_half_life_days, now)
        self._repurchase = Repurchase(self._settings)
        self._exposure = Exposure(now)
        self._explorer = Explorer(self._exposure, self._settings, now)
        self._serving = self._bind(None)
        self._freshness = Freshness(catalogue, self._codes, issues)

    @property
    def model(self) -> ModelInfo | None:
        """The model in use."""
        serving = self._serving
        return None if serving.model is None else serving.model.info

    def load(self, path: Path) -> None:
        """Verify a published model and use it from the next request on.

        Raises ``ArtifactInvalid`` and keeps the present model when the folder is damaged, incomplete or of another
        version.
        """
        model = models.load(path, self._codes)
        serving = self._bind(model)
        self._popularity.use(model.daily, float("-inf") if model.info.cutoff is None else model.info.cutoff)
        self._serving = serving
        self._freshness.follow(serving, self._cards)
        if model.info.products >= self._settings.annoy_from and not annoy_installed():
            self._issues.report(
                "annoy", "annoy_missing", Severity.INFO, "recommender", f"{model.info.products} products"
            )
        else:
            self._issues.cure("annoy")
        if model.info.embedding_problem:
            self._issues.report(
                "embeddings", "embeddings_off", Severity.INFO, "recommender", model.info.embedding_problem
            )
        else:
            self._issues.cure("embeddings")
        log.info("recommender_loaded", version=model.info.version, products=model.info.products)

    def unload(self) -> None:
        """Go on without a model: trends and the newest products."""
        self._serving = self._bind(None)
        self._freshness.follow(self._serving, self._cards)

    def close(self) -> None:
        """Stop background work; answers may still be asked for."""
        self._freshness.close()

    def observe(self, interactions: Sequence[Interaction]) -> None:
        """Take in events, each in constant time, so that the very next answer knows them.

        Also replays the log at start: events that the model already counts are not counted twice. Products that the
        catalogue does not know are passed over.
        """
        for interaction in interactions:
            code = self._codes.find(interaction.product_id)
            if code < 0:
                continue
            self._profiles.record(interaction, code)
            if interaction.recommendation_id and interaction.interaction_type in _CLICKS:
                self._exposure.clicked(code, interaction.recommendation_id)
            if interaction.session_id and interaction.weight > 0:
                self._serving.note(interaction.session_id, code, interaction.occurred_at)
            self._popularity.add(
                code,
                interaction.weight,
                interaction.occurred_at,
                kind=interaction.interaction_type,
                visitor=visitor_name(interaction.user_id, interaction.session_id),
            )

    def shown(self, product_ids: Sequence[str]) -> None:
        """Count a showing of a shelf, its products in their order."""
        self._exposure.shown([self._codes.find(product_id) for product_id in product_ids])

    def restore_exposure(self, counts: Mapping[str, tuple[int, int]]) -> None:
        """Begin anew with the showings and clicks that the log knows of, by product id."""
        known = {self._codes.find(product_id): count for product_id, count in counts.items()}
        known.pop(-1, None)
        self._exposure.restore(known)

    def identify(self, session_id: str, user_id: str) -> None:
        """Give a customer the history of the session in which they signed in."""
        self._profiles.identify(session_id, user_id)

    def forget(self, user_id: str = "", session_id: str = "") -> None:
        """Drop what is remembered of a visitor (opt-out, erasure)."""
        self._profiles.forget(user_id, session_id)

    def apply(self, change: CatalogueChange) -> None:
        """Follow a committed catalogue change; new products get neighbours at once, large imports in the background."""
        codes, moved = self._shelves.apply(change.changed, change.deleted)
        if moved:
            self._popularity.forget_leaders()
        self._freshness.take(codes)

    def recommend(self, request: RecommendRequest, *, rules: list[Rule] | None = None) -> Recommendation:
        """Answer a request; never empty while the shop has something to show. ``rules`` stand in for the owner's."""
        return self._recommended(request, rules)[0]

    def fingerprint(self, user_id: str, session_id: str) -> str:
        """Return a name for all that answers depend on of a visitor, ``''`` for one of whom nothing is known.

        It holds as long as this process lives.
        """
        return fingerprint(self._profiles.entries(user_id, session_id), self._now())

    def derive(self, request: RecommendRequest) -> tuple[Recommendation, Derivation]:
        """Answer a request and tell how the answer came about, with the candidates that lost."""
        answer, visit, rules, items = self._recommended(request, None)
        deriver = Deriver(self._serving, self._codes, self._cards, self._shelves.has)
        request = msgspec.structs.replace(request, limit=_bounded(request.limit))
        return answer, deriver.derive(request, visit, rules, items)

    def _recommended(
        self, request: RecommendRequest, owner_rules: list[Rule] | None
    ) -> tuple[Recommendation, Visit, list[Rule], list[Ranked]]:
        request = msgspec.structs.replace(request, limit=_bounded(request.limit))
        now = self._now()
        visit = self._visit(request, now)
        focus, cart = self._ids(visit.focus), self._ids(visit.cart)
        rules = active(self._rules() if owner_rules is None else owner_rules, request.placement, now)
        show = self._allow(rules, frozenset(visit.barred))
        items = arrange(self._serving.rank(request, visit, show), rules, show, request.limit)
        if request.strategy == "blend":
            items = self._explored(items, request, show)
        customer = bool(request.user_id and self._profiles.entries(request.user_id, ""))
        strategy, fallback = strategy_of(request, items, focus, customer=customer)
        explainer = self._explainer(request.locale, TRENDING_WINDOW_DAYS)
        reasons = [explainer.reason(item, focus, cart) for item in varied(items, focus)]
        return self._answer(request.placement, strategy, fallback, items, reasons), visit, rules, items

    def similar(self, product_id: str, limit: int = 10, locale: str = "vi") -> Recommendation:
        """Return products like one product, by content and by visitors; when there are none, its category's best."""
        serving, code = self._serving, self._codes.find(product_id)
        return self._about(product_id, similar_to(serving, self._codes, code, self._show), "similar", limit, locale)

    def alike(self, product_id: str, limit: int = 10) -> list[str]:
        """Return the ids of products like one as ``similar`` shows them, and nothing else; no answer is counted."""
        code = self._codes.find(product_id)
        rules = active(self._rules(), "product", self._now())
        show = self._allow(rules, frozenset({code} if code >= 0 else ()))
        found = similar_to(self._serving, self._codes, code, self._show)
        return [item.card.id for item in arrange(found, rules, show, _bounded(limit))]

    def bought_together(self, product_id: str, limit: int = 10, locale: str = "vi") -> Recommendation:
        """Return what was bought with a product; similar products when nothing was."""
        serving, code = self._serving, self._codes.find(product_id)
        found = bought_with(serving, self._codes, code, self._show)
        if found:
            return self._about(product_id, found, "bought_together", limit, locale)
        found = similar_to(serving, self._codes, code, self._show)
        return self._about(product_id, found, "similar", limit, locale, fallback=True)

    def popular(
        self, category: str = "", window_days: int = TRENDING_WINDOW_DAYS, limit: int = 10, locale: str = "vi"
    ) -> Recommendation:
        """Return what is in demand in a category (handle) or the shop; the newest products when nothing is."""
        window, limit = max(1, min(MAX_WINDOW_DAYS, window_days)), _bounded(limit)
        placement: Placement = "category" if category else "home"
        items = self._in_demand(category, window, limit, placement)
        elsewhere = not items and bool(category)
        if elsewhere:
            items = self._in_demand("", window, limit, placement)
        trending = any(item.source == "popularity" for item in items)
        explainer = self._explainer(locale, window)
        reasons = [explainer.reason(item, frozenset()) for item in items]
        return self._answer(placement, "trending" if trending else "newest", elsewhere or not trending, items, reasons)

    def _in_demand(self, category: str, window: int, limit: int, placement: Placement) -> list[Ranked]:
        rules = active(self._rules(), placement, self._now())
        show = self._allow(rules)
        found = [item for _, item in self._serving.fill(category, limit, (), show, window)]
        return arrange(found, rules, show, limit) if found else []

    def _about(
        self,
        product_id: str,
        found: list[Ranked],
        strategy: Strategy,
        limit: int,
        locale: str,
        *,
        fallback: bool = False,
    ) -> Recommendation:
        limit = _bounded(limit)
        code = self._codes.find(product_id)
        barred = frozenset({code} if code >= 0 else ())
        rules = active(self._rules(), "product", self._now())
        show = self._allow(rules, barred)
        items = arrange(found, rules, show, limit)
        if not items:
            filled = self._serving.fill(self._nearest_category(product_id), limit, barred, show)
            filled = filled or self._serving.fill("", limit, barred, show)
            items = arrange([item for _, item in filled], rules, show, limit)
            strategy = "trending" if any(item.source == "popularity" for item in items) else "newest"
            fallback = True
        explainer = self._explainer(locale, TRENDING_WINDOW_DAYS)
        reasons = [explainer.reason(item, frozenset({product_id})) for item in items]
        return self._answer("product", strategy, fallback, items, reasons)

    def _explored(
        self, items: list[Ranked], request: RecommendRequest, show: Callable[[str], ProductCard | None]
    ) -> list[Ranked]:
        visitor = visitor_name(request.user_id, request.session_id)
        return self._explorer.explored(
            items,
            request.placement,
            request.limit,
            # Another draw each day: a visitor who comes back is not shown the same trial for ever.
            seed=f"{visitor}|{request.placement}|{request.product_id}|{request.category}|{int(self._now() // DAY)}",
            newest=self._shelves.newest(request.category),
            codes=self._codes,
            card=self._cards.get,
            show=show,
        )

    def _visit(self, request: RecommendRequest, now: float) -> Visit:
        """Return what the request starts from."""
        entries = self._profiles.entries(request.user_id, request.session_id)
        return visit_of(
            entries,
            request.placement,
            now,
            decays=self._serving.blend.decays,
            page=self._codes.find(request.product_id) if request.product_id else -1,
            bought=frozenset(self._repurchase.barred(entries, self._card, now)),
        )

    def _card(self, code: int) -> ProductCard | None:
        return self._cards.get(self._codes.id(code))

    def _ids(self, codes: frozenset[int]) -> frozenset[str]:
        return frozenset(map(self._codes.id, codes))

    def _bind(self, model: models.Model | None) -> Serving:
        return Serving(model, self._codes, self._shelves, self._popularity, TRENDING_WINDOW_DAYS, self._settings)

    def _show(self, product_id: str) -> ProductCard | None:
        """Return the card of a product that a shopper may see: it exists, is published and in stock."""
        card = self._cards.get(product_id)
        return card if card is not None and card.published and card.in_stock else None

    def _allow(self, rules: list[Rule], barred: frozenset[int] = frozenset()) -> Callable[[str], ProductCard | None]:
        """Return what everything shown must pass: visible, not hidden by a rule, not barred for the visitor."""
        ids = {self._codes.id(code) for code in barred}
        hidden = hidden_by(rules)

        def show(product_id: str) -> ProductCard | None:
            card = None if product_id in ids else self._show(product_id)
            return None if card is None or hidden(card) else card

        return show

    def _nearest_category(self, product_id: str) -> str:
        """Return the smallest category of a product: the one that says most."""
        card = self._cards.get(product_id)
        return min(card.categories if card else (), key=self._shelves.size, default="")

    def _explainer(self, locale: str, window_days: int) -> Explainer:
        return Explainer(locale, window_days, self._cards.get, self._was_sold)

    def _was_sold(self, product_id: str, window_days: int) -> bool:
        return self._popularity.sold(self._codes.find(product_id), window_days)

    def _answer(
        self,
        placement: Placement,
        strategy: Strategy,
        fallback: bool,
        items: Sequence[Ranked],
        reasons: Sequence[Reason],
    ) -> Recommendation:
        self._metrics.recommendations.labels(placement, strategy).inc()
        return Recommendation(
            recommendation_id=f"rec_{secrets.token_hex(12)}",
            strategy=strategy,
            fallback=fallback,
            items=[
                RecommendedItem(
                    item.card.id,
                    round(item.score, 6),
                    {name: round(value, 6) for name, value in item.components.items()},
                    reason,
                )
                for item, reason in zip(items, reasons, strict=True)
            ],
        )


def _bounded(limit: int) -> int:
    return max(1, min(MAX_LIMIT, limit))
