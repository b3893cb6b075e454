"""Shelves of products: asks the recommender, remembers answers for a while, and always has something to show.

The cache holds no personal data: its keys and tags are pseudonyms (a keyed MAC), its values are product ids, scores
and reasons. A key names everything that the answer depends on: model, rules, the part of the catalogue that decides
what is shown, and what is known of the visitor, so that the next answer after a click is made anew and two visitors of
whom the same is known, most often nothing, share one.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import structlog

from appliance.domain import Arm, CatalogueChange, Impression, Placement, ProductCard
from appliance.issues import Severity
from appliance.messages import Locale, translate
from appliance.recsys.base import Reason, Recommendation, RecommendedItem, RecommendRequest
from appliance.recsys.experiments import arm_of
from appliance.runtime import Runtime
from appliance.server.exchange import new_id
from appliance.server.present import card_fields
from appliance.server.schemas import ReasonOut, RecommendationOut, RecommendedItemOut
from appliance.store.catalogue import Catalogue
from appliance.store.ownership import visitor_name

_NEWEST_KEPT = 200
_VISITORS_KEPT = 200_000
_TAGS_KEPT = 4
"""A session belongs to itself and to the customer who signs in; a shared browser may see a few."""
_ISSUE = "recommender_answers"
_LASTING_SECONDS = 86_400.0
"""Life of an answer that depends on nothing that time changes."""
_LASTING = frozenset({"similar", "bought_together"})

log = structlog.get_logger(__name__)


class Shelf:
    """What one shelf is about."""

    __slots__ = ("arm", "ask", "experiment_id", "key", "limit", "locale", "placement", "session_id", "user_id")

    def __init__(
        self,
        ask: Callable[[], Recommendation],
        key: tuple[str, ...],
        *,
        limit: int,
        locale: Locale,
        placement: Placement | Literal["bought_together", "similar", "popular"],
        user_id: str = "",
        session_id: str = "",
        experiment_id: str = "",
        arm: Arm | Literal[""] = "",
    ) -> None:
        self.ask = ask
        self.key = key
        self.limit = limit
        self.locale = locale
        self.placement = placement
        self.user_id = user_id
        self.session_id = session_id
        self.experiment_id = experiment_id
        self.arm = arm


class Shelves:
    """Answers every shelf of one process. Used from the event loop's thread."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tags: dict[str, tuple[str, ...]] = {}
        """The cache tags under which entries of a session or customer lie, by its pseudonym."""
        self._life = os.urandom(8).hex()
        self._failing = False
        self._newest: tuple[int, list[str]] = (-1, [])
        self._rules_revision = 0
        self._boundaries: list[float] | None = None
        self._shape = runtime.catalogue.revision
        """The catalogue's revision at the last change that could alter an answer."""
        self._prices = self._shape
        """The same for prices and margins, which matter where a rule speaks of them."""
        self._shapes = {card.id: _shape(card) for card in runtime.catalogue.cards().values()}
        self._rules_changed()
        runtime.rules.subscribe(self._rules_changed)
        runtime.catalogue.subscribe(self._catalogue_changed)

    def recommend(self, request: RecommendRequest, locale: Locale, *, shown: bool = True) -> RecommendationOut:
        """Answer a placement for a visitor; one who opted out gets what everybody gets. ``shown`` as in ``answer``."""
        if self._runtime.privacy.is_opted_out(request.session_id, request.user_id):
            request = RecommendRequest(
                placement=request.placement,
                product_id=request.product_id,
                category=request.category,
                limit=request.limit,
                locale=request.locale,
            )
        request, experiment_id, arm = self._divided(request)
        key = (request.placement, request.product_id, request.category, request.strategy)
        return self.answer(
            Shelf(
                lambda: self._runtime.recommender.recommend(request),
                ("recommend", *key),
                limit=request.limit,
                locale=locale,
                placement=request.placement,
                user_id=request.user_id,
                session_id=request.session_id,
                experiment_id=experiment_id,
                arm=arm,
            ),
            shown=shown,
        )

    def answer(self, shelf: Shelf, *, shown: bool = True) -> RecommendationOut:
        """Answer a shelf from the cache or the recommender, and note an impression unless nobody gets to see it."""
        began = time.perf_counter()
        state = self._state(shelf)
        tag = self._tag(shelf) if state else ""
        key = self._key(shelf, state)
        cached = self._runtime.cache.get(key)
        found = self._still_right(_unpack(cached)) if cached is not None else None
        hit = found is not None
        if found is None:
            found = self._ask(shelf)
            self._remember(shelf, key, tag, found)
        answer = self._out(found, hit=hit, began=began)
        if shown:
            self._note(shelf, answer)
        return answer

    def _divided(self, request: RecommendRequest) -> tuple[RecommendRequest, str, Arm | Literal[""]]:
        """Return the request as the visitor's arm of a running experiment wants it, with the experiment and the arm.

        Nobody in particular, which is also who opted out, takes no part.
        """
        visitor = visitor_name(request.user_id, request.session_id)
        experiment = self._runtime.experiments.running(request.placement) if visitor else None
        if experiment is None:
            return request, "", ""
        arm = arm_of(self._pseudonym("experiment", experiment.id, visitor), experiment.share)
        return msgspec.structs.replace(request, strategy=experiment.strategy(arm)), experiment.id, arm

    def forget(self, user_id: str, session_id: str) -> None:
        """Drop what is cached for a customer and for a session."""
        for kind, visitor in (("user", user_id), ("session", session_id)):
            if visitor:
                for tag in self._tags.pop(self._pseudonym(kind, visitor), ()):
                    self._runtime.cache.evict_tag(tag)

    def _still_right(self, found: Recommendation | None) -> Recommendation | None:
        """Return a remembered answer unless something of it has been sold out or withdrawn since."""
        if found is None:
            return None
        cards = self._runtime.catalogue.cards()
        known = (cards.get(item.product_id) for item in found.items)
        return found if all(card is not None and card.published and card.in_stock for card in known) else None

    def _ask(self, shelf: Shelf) -> Recommendation:
        try:
            found = shelf.ask()
        except Exception as error:
            # A failing recommender costs the shelf its taste, not the shop its page.
            if not self._failing:
                log.error("recommender_failed", exc_info=error)
            self._failing = True
            self._runtime.issues.report(
                _ISSUE, "recommender_failed", Severity.ERROR, "recommender", f"{type(error).__name__}: {error}"[:300]
            )
            return self._fallback(shelf)
        if self._failing:
            self._failing = False
            self._runtime.issues.cure(_ISSUE)
        return found

    def _fallback(self, shelf: Shelf) -> Recommendation:
        catalogue = self._runtime.catalogue
        revision, newest = self._newest
        if revision != catalogue.revision:
            cards = [card for card in catalogue.cards().values() if card.published]
            cards.sort(key=lambda card: (not card.in_stock, -card.created_at, card.id))
            newest = [card.id for card in cards[:_NEWEST_KEPT]]
            self._newest = (catalogue.revision, newest)
        reason = Reason("newest", translate("reason.newest", shelf.locale))
        items = [RecommendedItem(product_id, 0.0, {}, reason) for product_id in newest[: shelf.limit]]
        return Recommendation("", "newest", True, items)

    def _remember(self, shelf: Shelf, key: str, tag: str, found: Recommendation) -> None:
        if self._failing:
            return
        if tag:
            self._file(tag, tag)
            if shelf.user_id and shelf.session_id:
                # Browsers send events by session alone; they must drop the customer's entries too.
                self._file(self._pseudonym("session", shelf.session_id), tag)
        lasting = not tag and not found.fallback and found.strategy in _LASTING
        seconds = _LASTING_SECONDS if lasting else self._runtime.settings.recommender.cache_seconds
        self._runtime.cache.set(key, _pack(found), seconds, tag or None)

    def _file(self, visitor: str, tag: str) -> None:
        """Note that a visitor's event drops a tag; what is crowded out of the notes is dropped at once."""
        tags = self._tags.get(visitor)
        if tags is None:
            tags = ()
            if len(self._tags) >= _VISITORS_KEPT:
                for old in self._tags.pop(next(iter(self._tags))):
                    self._runtime.cache.evict_tag(old)
        if tag not in tags:
            for old in tags[: max(0, len(tags) + 1 - _TAGS_KEPT)]:
                self._runtime.cache.evict_tag(old)
            self._tags[visitor] = (*tags, tag)[-_TAGS_KEPT:]

    def _rule_period(self) -> int:
        """Return which of the spans between the starts and ends of rules it is: in one span the same rules hold."""
        boundaries = self._boundaries
        if boundaries is None:
            times = {time_ for rule in self._runtime.rules.list() for time_ in (rule.starts_at, rule.ends_at)}
            boundaries = self._boundaries = sorted(time_ for time_ in times if time_ is not None)
        return bisect_right(boundaries, self._runtime.now()) if boundaries else 0

    def _state(self, shelf: Shelf) -> str:
        """Return a name for what is known of the shelf's visitor, ``''`` when nothing is."""
        if not shelf.user_id and not shelf.session_id:
            return ""
        return self._runtime.recommender.fingerprint(shelf.user_id, shelf.session_id)

    def _key(self, shelf: Shelf, state: str) -> str:
        """Return the entry's name. Those of a visitor end with this process, as the names of what is known do."""
        runtime = self._runtime
        model = runtime.recommender.model
        return "rec:" + self._pseudonym(
            model.version if model is not None else "",
            str(self._shape),
            str(self._prices) if self._priced else "",
            f"{self._rules_revision}.{self._rule_period()}",
            str(shelf.limit),
            shelf.locale,
            state,
            # Whoever has a customer's history is told so: "personalised" is not "session".
            "customer" if state and shelf.user_id else "",
            self._life if state else "",
            *shelf.key,
        )

    def _tag(self, shelf: Shelf) -> str:
        """Return the pseudonym under which a visitor's entries are dropped: the customer's where one is known."""
        if shelf.user_id:
            return self._pseudonym("user", shelf.user_id)
        return self._pseudonym("session", shelf.session_id) if shelf.session_id else ""

    def _pseudonym(self, *parts: str) -> str:
        return self._runtime.access.keys.pseudonym(*parts)

    def _out(self, found: Recommendation, *, hit: bool, began: float) -> RecommendationOut:
        return RecommendationOut(
            recommendation_id=f"rec_{new_id()}{new_id()}",
            strategy=found.strategy,
            fallback=found.fallback,
            items=items_out(self._runtime.catalogue, found),
            cache="hit" if hit else "miss",
            took_ms=round((time.perf_counter() - began) * 1000, 3),
        )

    def _note(self, shelf: Shelf, answer: RecommendationOut) -> None:
        runtime = self._runtime
        runtime.metrics.recommendations.labels(shelf.placement, answer.strategy).inc()
        runtime.recommender.shown([item.product_id for item in answer.items])
        if runtime.journal is not None:
            runtime.journal.note(
                Impression(
                    answer.recommendation_id,
                    shelf.user_id,
                    shelf.session_id,
                    shelf.placement,
                    answer.strategy,
                    tuple(item.product_id for item in answer.items),
                    runtime.now(),
                    shelf.experiment_id,
                    shelf.arm,
                )
            )

    def _catalogue_changed(self, change: CatalogueChange) -> None:
        """Make answers anew when a product appears or becomes another; of one that goes, answers tell themselves."""
        cards = self._runtime.catalogue.cards()
        for product_id in change.changed:
            card = cards.get(product_id)
            shape = 0 if card is None else _shape(card)
            self._prices = change.revision
            if self._shapes.get(product_id, 0) != shape:
                self._shapes[product_id] = shape
                if shape:
                    self._shape = change.revision
        for product_id in change.deleted:
            self._shapes.pop(product_id, None)

    def _rules_changed(self, *_: object) -> None:
        self._priced = any(rule.target in ("price", "margin") for rule in self._runtime.rules.list())
        self._rules_revision += 1
        self._boundaries = None


def _shape(card: ProductCard) -> int:
    """Return a number for what of a product decides where it is shown, 0 for one that is not."""
    if not card.published or not card.in_stock:
        return 0
    return hash((card.categories, card.tags, card.created_at, card.title, card.title_en)) or 1


def items_out(catalogue: Catalogue, found: Recommendation) -> list[RecommendedItemOut]:
    """Return the items as they are on the wire, with price and stock as they are now."""
    cards = catalogue.cards()
    return [
        RecommendedItemOut(
            **card_fields(card),  # type: ignore[arg-type]
            score=round(item.score, 6),
            components=item.components,
            reason=ReasonOut(code=item.reason.code, text=item.reason.text),
        )
        for item in found.items
        if (card := cards.get(item.product_id)) is not None and card.published
    ]


def _pack(found: Recommendation) -> dict[str, Any]:
    return {
        "strategy": found.strategy,
        "fallback": found.fallback,
        "items": [
            {
                "id": item.product_id,
                "score": item.score,
                "reason": {"code": item.reason.code, "text": item.reason.text},
                "components": item.components,
            }
            for item in found.items
        ],
    }


def _unpack(value: Any) -> Recommendation | None:
    """Return the answer that a cache entry holds; ``None`` when it is not one of ours."""
    try:
        items = [
            RecommendedItem(
                item["id"], item["score"], item["components"], Reason(item["reason"]["code"], item["reason"]["text"])
            )
            for item in value["items"]
        ]
        return Recommendation("", value["strategy"], value["fallback"], items)
    except (KeyError, TypeError):
        return None
