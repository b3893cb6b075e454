"""The recipes of linear models, and the workshop that makes them while it shares what several need."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from appliance.recsys.base import Floats
from appliance.recsys.linear import ease, graph_filter, item_knn, neighbourhood
from appliance.recsys.linear.graph_filter import Filter
from appliance.recsys.linear.normalise import damped, item_degrees
from appliance.recsys.linear.operators import DenseWeights, LinearModel, Mixture, lifted
from appliance.recsys.linear.spectrum import Spectrum, leading_spectrum
from appliance.recsys.neighbours import NeighbourTable

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class _Single(msgspec.Struct, frozen=True, kw_only=True, tag_field="family"):
    lift: float = 0.0
    """Exponent of the target's degree that multiplies its scores."""


class Knn(_Single, frozen=True, kw_only=True, tag="item_knn"):
    """Item-kNN with the damped user norm; see ``item_knn.Damping``."""

    neighbours: int = 100
    source: float = 0.5


class Ease(_Single, frozen=True, kw_only=True, tag="ease"):
    """Dense EASE of the matrix D_u^-user R; λ = ``penalty`` times the mean square of its values."""

    penalty: float
    user: float = 0.0


class Ridge(_Single, frozen=True, kw_only=True, tag="neighbourhood_ridge"):
    """Ridge on the nearest items; λ in units of the normalised Gram matrix."""

    penalty: float
    neighbours: int = 100


class Graph(_Single, frozen=True, kw_only=True, tag="graph_filter"):
    """A graph filter."""

    filter: Filter


Single = Knn | Ease | Ridge | Graph


class Mix(msgspec.Struct, frozen=True, kw_only=True, tag="mixture", tag_field="family"):
    """A weighted sum of models; the weights are those of their raw scores."""

    parts: tuple[Single, ...]
    weights: tuple[float, ...]


Recipe = Single | Mix


def parts_of(recipe: Recipe) -> tuple[Single, ...]:
    """Return the single models of a recipe."""
    return recipe.parts if isinstance(recipe, Mix) else (recipe,)


def rank_of(recipe: Recipe) -> int:
    """Return the singular vectors that a recipe needs."""
    return max((part.filter.rank for part in parts_of(recipe) if isinstance(part, Graph)), default=0)


def width_of(recipe: Recipe) -> int:
    """Return the nearest items that a recipe needs."""
    return max((part.neighbours for part in parts_of(recipe) if isinstance(part, Knn | Ridge)), default=0)


class Workshop:
    """Makes models of one matrix csr float32[users, items], with up to ``rank`` vectors and ``width`` neighbours."""

    def __init__(self, matrix: csr_array[Any], *, rank: int, width: int, seed: int) -> None:
        self.matrix = matrix
        self._rank = rank
        self._width = width
        self._seed = seed
        self._nearest: dict[float, NeighbourTable] = {}
        self._gram: tuple[float, Floats] | None = None

    @cached_property
    def normal(self) -> csr_array[Any]:
        """The matrix with both degrees taken to the power -½."""
        return damped(self.matrix, graph_filter.USER_POWER, graph_filter.ITEM_POWER)

    @cached_property
    def spectrum(self) -> Spectrum:
        """Its leading singular vectors."""
        return leading_spectrum(self.normal, self._rank, seed=self._seed)

    @cached_property
    def degrees(self) -> Floats:
        """The sums of the columns."""
        return item_degrees(self.matrix)

    def make(self, recipe: Recipe) -> LinearModel:
        """Return the fitted model."""
        if isinstance(recipe, Mix):
            pairs = zip(recipe.weights, recipe.parts, strict=True)
            return Mixture([(weight, self.make(part)) for weight, part in pairs])
        return lifted(self.plain(recipe), self.degrees, recipe.lift)

    def plain(self, recipe: Single) -> LinearModel:
        """Return the fitted model without its lift."""
        if isinstance(recipe, Knn):
            return item_knn.model_of(self._sources(recipe.source), recipe.neighbours)
        if isinstance(recipe, Ease):
            return self._ease(recipe)
        if isinstance(recipe, Ridge):
            sources = self._sources(item_knn.Damping().source).ids[:, : recipe.neighbours]
            return neighbourhood.fit(self.normal, sources, recipe.penalty)
        spectrum = self.spectrum if recipe.filter.rank else None
        return graph_filter.fit(self.matrix, self.normal, spectrum, recipe.filter)

    def _ease(self, recipe: Ease) -> LinearModel:
        scaled = damped(self.matrix, recipe.user, 0.0) if recipe.user else self.matrix
        if self._gram is None or self._gram[0] != recipe.user:
            self._gram = None
            self._gram = (recipe.user, ease.gram(scaled))
        unit = float(np.mean(np.square(scaled.data, dtype=np.float64))) if scaled.nnz else 1.0
        return DenseWeights(ease.weights(self._gram[1], recipe.penalty * unit))

    def _sources(self, source: float) -> NeighbourTable:
        if source not in self._nearest:
            damping = item_knn.Damping(source=source)
            self._nearest[source] = item_knn.nearest(self.matrix, damping, self._width)
        return self._nearest[source]
