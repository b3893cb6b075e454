"""The recommender's vocabulary: requests, candidates, answers, and the contract of a candidate generator.

Inside the recommender a product is a *code*, a small integer that stands for its id as long as the process lives; a
trained model numbers its products by *row*. Batches of candidates are arrays, because a list of objects would cost
more than all of the arithmetic on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from appliance.domain import CatalogueChange, Placement, Product, ProductCard, StrategyChoice
from appliance.recsys.blend import Blend, Component
from appliance.recsys.sessions.choice import Choice

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Strategy = Literal["personalised", "session", "similar", "bought_together", "trending", "newest"]
ReasonCode = Literal[
    "viewed", "also_viewed", "cart", "similar", "bought_together", "best_selling", "trending", "newest", "pinned"
]


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a trained model; stored with it and shown to the owner."""

    name: str = "hybrid"
    version: str = ""
    """The artifact's version; empty until it is published."""
    trained_at: float = 0.0
    products: int = 0
    interactions: int = 0
    histories: int = 0
    """Histories of visitors and sessions with at least two products: what the collaborative part learned from."""
    revision: int = -1
    """The catalogue's revision before the products were read; -1 when unknown."""
    cutoff: float | None = None
    """Unix seconds of the newest interaction in the model; later ones are counted live."""
    tuned: bool = True
    """Whether models were chosen and weighed by the shop's history; a first model is not."""
    blend: Blend = Blend()
    """The learned weights with their evidence."""
    collaborative: dict[str, Any] = {}
    """What was chosen among the linear models (``linear.select.Choice``), and why; empty for the plain cosine."""
    sessions: Choice = Choice()
    """What was chosen for the session model, and why."""
    rows: dict[str, int] = {}
    """Filled neighbour pairs by table."""
    index: str = "exact"
    """``exact`` or ``annoy``."""
    recall: float = 1.0
    """Recall@20 of the vector index against exact search, measured at build."""
    content_recall: float = 1.0
    """Recall@20 of the content neighbours against ranking every pair, measured at build."""
    embedded: int = 0
    """Products with a sentence embedding."""
    embedding_problem: str = ""
    """Why there are none or too few although an encoder is set."""
    timings: dict[str, float] = {}
    """Seconds by stage."""
    peak_rss_mb: float = 0.0


class RecommendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. ``product_id`` is the product of the page, ``category`` a handle; ``limit`` from 1 to 100."""

    user_id: str = ""
    session_id: str = ""
    placement: Placement = "home"
    product_id: str = ""
    category: str = ""
    limit: int = 10
    locale: str = "vi"
    strategy: StrategyChoice = "blend"
    """How to rank; an experiment asks for another than what the shop does."""


class Reason(msgspec.Struct, frozen=True):
    """Why an item is shown: a stable code and a sentence in the shopper's language."""

    code: ReasonCode
    text: str


class RecommendedItem(msgspec.Struct, frozen=True):
    """One place of the list. ``components`` explains ``score``: the weighted sum of them, before the owner's rules."""

    product_id: str
    score: float
    components: dict[str, float]
    reason: Reason


class Recommendation(msgspec.Struct, frozen=True):
    """An answer. ``fallback`` is true when there was no data for what was asked and something else is shown."""

    recommendation_id: str
    strategy: Strategy
    fallback: bool
    items: list[RecommendedItem]


@dataclass(frozen=True, slots=True)
class Anchors:
    """The products that a request starts from, the strongest evidence first; ``codes`` and ``strengths`` align."""

    codes: Ints
    strengths: Floats

    def __len__(self) -> int:
        return len(self.codes)


class Candidates(NamedTuple):
    """Proposals of one generator; a code may occur once for each anchor that speaks for it."""

    component: Component
    codes: Ints
    scores: Floats
    """Cosine similarity or its like, weighted by the anchor's strength."""
    anchors: Ints
    """The code that each proposal follows from, -1 for none."""


class Context(NamedTuple):
    """What generators may know about one request."""

    content: Anchors
    """What the visitor likes and the page is about, as it speaks for products of its kind."""
    collaborative: Anchors
    """The same as it speaks for what other people liked with it."""
    trail: Ints
    """The visitor's products in the order of their latest interaction, oldest first."""
    session: Ints
    """The same of this visit alone."""
    session_key: str
    """Names the visit among the live sessions; ``''`` for none."""
    category: str
    limit: int


class Generator(Protocol):
    """A source of candidates. It knows nothing of stock, rules or what was bought: later stages do."""

    component: Component

    def propose(self, context: Context) -> Candidates:
        """Return scored proposals; an empty batch when there is no data."""


class CatalogueView(Protocol):
    """The part of the catalogue that the recommender reads."""

    def __len__(self) -> int: ...

    def cards(self) -> Mapping[str, ProductCard]:
        """Return the live cards by product id, drafts included."""

    def product(self, product_id: str) -> Product | None:
        """Return the full record."""

    def changes_since(self, revision: int) -> CatalogueChange:
        """Return what changed after a revision."""


def mapped(file: Path) -> Any:
    """Return the array of a verified ``.npy`` file, mapped into memory.

    A plain view, because every operation on NumPy's own class for mapped files costs several times as much.
    """
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))


def sums_at(places: npt.NDArray[Any], weights: npt.NDArray[Any], size: int) -> Doubles:
    """Return the sum of the weights at each place, float64[at least size]."""
    # NumPy gives integers where there are no weights at all.
    return np.bincount(places, weights=weights, minlength=size).astype(np.float64)


def no_candidates(component: Component) -> Candidates:
    """Return the empty batch."""
    empty = np.empty(0, np.int32)
    return Candidates(component, empty, np.empty(0, np.float32), empty)


def no_anchors() -> Anchors:
    """Return the empty start of a request about whose visitor nothing is known."""
    return Anchors(np.empty(0, np.int32), np.empty(0, np.float32))


def anchors_of(pairs: Iterable[tuple[int, float]]) -> Anchors:
    """Return anchors from (code, strength) pairs."""
    listed: list[Any] = list(pairs)
    if not listed:
        return no_anchors()
    return Anchors(
        np.array([code for code, _ in listed], np.int32), np.array([strength for _, strength in listed], np.float32)
    )
