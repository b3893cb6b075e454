"""The search of a running shop: loads the index, follows the catalogue, answers queries from any thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from appliance.domain import CatalogueChange, Product
from appliance.errors import Unavailable
from appliance.issues import IssueBoard, Severity
from appliance.messages import translate
from appliance.metrics import Metrics
from appliance.search.build import build_segment
from appliance.search.category_names import CategoryNames
from appliance.search.facets import RowArray
from appliance.search.filters import Filtered, apply_filters, facet_counts
from appliance.search.parse import parse
from appliance.search.plan import Plan, make_plan
from appliance.search.price_facet import price_facet
from appliance.search.ranking import page
from appliance.search.related import RELATED_MAX, related
from appliance.search.scoring import Matches, everything, match
from appliance.search.segment import load_segment
from appliance.search.state import IndexState
from appliance.search.types import CatalogueReader, Facets, FacetValue, SearchHit, SearchQuery, SearchResult
from appliance.settings import Settings

IN_MEMORY_MAX = 3000
"""Products that are indexed at start when no built index is there; a larger catalogue waits for a build."""
REBUILD_MIN, REBUILD_SHARE = 2000, 0.2
"""A rebuild is wanted when more rows changed than both this many and this share of the base."""
_APPLY_BATCH = 1000
_ISSUE = "search_index"

log = structlog.get_logger(__name__)


class SearchService:
    """Product search. Searches never wait: they read one immutable state, which changes replace as a whole."""

    def __init__(self, catalogue: CatalogueReader, settings: Settings, metrics: Metrics, issues: IssueBoard) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._metrics = metrics
        self._issues = issues
        self._writing = threading.Lock()
        self._categories = CategoryNames(catalogue)
        self._popularity: Mapping[str, float] = {}
        self._state: IndexState | None = None

    @property
    def ready(self) -> bool:
        """Whether searches can be answered."""
        return self._state is not None

    @property
    def wants_rebuild(self) -> bool:
        """Whether so much changed since the index was built, or none is there, that building it anew pays."""
        state = self._state
        if state is None:
            return True
        return state.pending > max(REBUILD_MIN, REBUILD_SHARE * len(state.parts[0].segment))

    def start(self) -> None:
        """Begin without a built index: index a small catalogue here and now, report a large one as waiting."""
        with self._writing:
            if len(self._catalogue) > IN_MEMORY_MAX:
                detail = f"{len(self._catalogue)} products wait for an index"
                self._issues.report(_ISSUE, "search_index_missing", Severity.WARNING, "search", detail)
                return
            revision = self._catalogue.revision
            products = [product for product in self._catalogue.iter_products() if product.status == "published"]
            state = IndexState.of(build_segment(products), revision, self._popularity)
            self._state = self._caught_up(state)
        self._issues.cure(_ISSUE)

    def load(self, path: Path) -> None:
        """Take over a built index and apply what changed in the catalogue since; the former stays until then.

        Raises ``ArtifactInvalid`` and keeps the former index when the folder is damaged or from another version.
        """
        segment, revision = load_segment(path)
        _ = segment.words_by_length, segment.row_of, segment.spellings
        with self._writing:
            self._state = self._caught_up(IndexState.of(segment, revision, self._popularity))
        self._issues.cure(_ISSUE)
        log.info("search_index_loaded", products=len(segment), revision=revision)

    def apply(self, change: CatalogueChange) -> None:
        """Make a committed change searchable; without an index it is left to the next ``load``."""
        with self._writing:
            if self._state is not None:
                self._state = self._changed(self._state, change)

    def set_popularity(self, popularity: Mapping[str, float]) -> None:
        """Set how well products sell, by product id; products that are not named count as 0."""
        with self._writing:
            self._popularity = dict(popularity)
            if self._state is not None:
                self._state = self._state.with_popularity(self._popularity)

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer a query. Raises ``Unavailable`` while there is no index."""
        state = self._state
        if state is None:
            raise Unavailable("The search index is being built.", retry_after=5.0, hint="appliance train builds it.")
        words = parse(query.q)
        # Signs or emojis alone ask for nothing in particular.
        plan = make_plan(words, state) if words.words else None
        matches = _matching(plan, state, vague=words.vague) if plan else everything(state)
        filtered = apply_filters(query, matches.rows, state, self._categories.keys)
        found = matches if filtered.kept is None else Matches(filtered.rows, matches.relevance[filtered.kept])
        rows, scores = page(found, query.sort, state, max(0, query.offset), query.limit)
        others: list[SearchHit] = []
        if plan and query.sort == "relevance" and len(rows) < query.limit and query.offset <= len(found.rows):
            others = self._related(query, plan, matches, state, query.limit - len(rows))
        self._metrics.searches.labels("found" if len(found.rows) else "nothing").inc()
        corrections = plan.corrections if plan else {}
        facets = self._facets(filtered, state)
        return SearchResult(len(found.rows), _hits(rows, scores, state), facets, corrections, others)

    def _related(
        self, query: SearchQuery, plan: Plan, matches: Matches, state: IndexState, wanted: int
    ) -> list[SearchHit]:
        others = related(plan, matches, state)
        filtered = apply_filters(query, others.rows, state, self._categories.keys)
        if filtered.kept is not None:
            others = Matches(filtered.rows, others.relevance[filtered.kept])
        rows, scores = page(others, "relevance", state, 0, min(wanted, RELATED_MAX))
        return _hits(rows, scores, state)

    def _facets(self, filtered: Filtered, state: IndexState) -> Facets:
        rows = filtered.facet_rows
        return Facets(
            categories=list(map(self._categories.shown, facet_counts("categories", rows["categories"], state))),
            colors=facet_counts("colors", rows["colors"], state),
            sizes=facet_counts("sizes", rows["sizes"], state),
            price=price_facet(state.price[rows["price"]], self._settings.shop.currency),
            in_stock=self._stock_facet(rows["in_stock"], state),
        )

    def _stock_facet(self, rows: RowArray, state: IndexState) -> list[FacetValue]:
        available = int(np.count_nonzero(state.in_stock[rows]))
        locale = self._settings.shop.locale
        counted = (
            FacetValue("true", translate("search.in_stock", locale), available),
            FacetValue("false", translate("search.sold_out", locale), len(rows) - available),
        )
        return [value for value in counted if value.count]

    def _caught_up(self, state: IndexState) -> IndexState:
        """Apply what the catalogue did since, and whatever else the index lacks or has too much of."""
        state = self._changed(state, self._catalogue.changes_since(state.revision))
        published = {product_id for product_id, card in self._catalogue.cards().items() if card.published}
        indexed = set(state.ids())
        if published != indexed:
            difference = CatalogueChange(state.revision, tuple(published - indexed), tuple(indexed - published))
            log.warning("search_index_differs", missing=len(published - indexed), stale=len(indexed - published))
            state = self._changed(state, difference)
        return state

    def _changed(self, state: IndexState, change: CatalogueChange) -> IndexState:
        revision = max(state.revision, change.revision)
        if not change.changed and not change.deleted:
            return replace(state, revision=revision)
        for start in range(0, max(1, len(change.changed)), _APPLY_BATCH):
            ids = change.changed[start : start + _APPLY_BATCH]
            added = build_segment(self._published(ids))
            removed = (*ids, *change.deleted) if start == 0 else ids
            state = state.changed(removed, added, revision, self._popularity)
        return state

    def _published(self, ids: Sequence[str]) -> list[Product]:
        products = map(self._catalogue.product, ids)
        return [product for product in products if product is not None and product.status == "published"]


def _matching(plan: Plan, state: IndexState, *, vague: bool) -> Matches:
    matches = match(plan, state)
    return everything(state) if vague and not len(matches.rows) else matches


def _hits(rows: RowArray, scores: NDArray[np.float64], state: IndexState) -> list[SearchHit]:
    return [
        SearchHit(state.product_id(row), round(score, 6))
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True)
    ]
