"""The recipes of linear models, and the workshop that makes them while it shares what several need."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from appliance.recsys.base import Floats, Longs
from appliance.recsys.linear import ease, graph_filter, item_knn, neighbourhood
from appliance.recsys.linear.graph_filter import Filter
from appliance.recsys.linear.normalise import damped, item_degrees
from appliance.recsys.linear.operators import DenseWeights, LinearModel, Mixture, Scaled
from appliance.recsys.linear.spectrum import Spectrum, leading_spectrum

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Knn(msgspec.Struct, frozen=True, tag="item_knn", tag_field="family"):
    """Item-kNN; see ``item_knn.Damping``."""

    neighbours: int = 100
    user: float = 0.5
    source: float = 0.5
    target: float = 0.5
    shrinkage: float = 0.0


class Ease(msgspec.Struct, frozen=True, tag="ease", tag_field="family"):
    """Dense EASE of the matrix D_u^-user R; λ = ``penalty`` times the mean square of its values."""

    penalty: float
    user: float = 0.0
    lift: float = 0.0
    """Exponent of the target's degree that multiplies its scores."""


class Ridge(msgspec.Struct, frozen=True, tag="neighbourhood_ridge", tag_field="family"):
    """Ridge on the nearest items; λ in units of the normalised Gram matrix."""

    penalty: float
    neighbours: int = 100
    lift: float = 0.5


class Graph(msgspec.Struct, frozen=True, tag="graph_filter", tag_field="family"):
    """A graph filter."""

    filter: Filter


class Mix(msgspec.Struct, frozen=True, tag="mixture", tag_field="family"):
    """A weighted sum of models; the weights are those of their raw scores."""

    parts: tuple[Knn | Ease | Ridge | Graph, ...]
    weights: tuple[float, ...]


Single = Knn | Ease | Ridge | Graph
Recipe = Single | Mix


class Workshop:
    """Makes models of one matrix csr float32[users, items]."""

    def __init__(self, matrix: csr_array[Any], *, rank: int, seed: int) -> None:
        self.matrix = matrix
        self._rank = rank
        self._seed = seed
        self._ridges: dict[int, Longs] = {}
        self._gram: tuple[float, Floats] | None = None

    @cached_property
    def normal(self) -> csr_array[Any]:
        """The matrix with both degrees taken to the power -½."""
        return damped(self.matrix, graph_filter.USER_POWER, graph_filter.ITEM_POWER)

    @cached_property
    def spectrum(self) -> Spectrum:
        """Its leading singular vectors, as many as the largest filter of this workshop needs."""
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
        if isinstance(recipe, Knn):
            damping = item_knn.Damping(recipe.user, recipe.source, recipe.target, recipe.shrinkage)
            return item_knn.fit(self.matrix, damping, recipe.neighbours)
        if isinstance(recipe, Ease):
            return self._lifted(self._ease(recipe), recipe.lift)
        if isinstance(recipe, Ridge):
            sources = self._sources(recipe.neighbours)
            return self._lifted(neighbourhood.fit(self.normal, sources, recipe.penalty), recipe.lift)
        spectrum = self.spectrum if recipe.filter.rank else None
        return graph_filter.fit(self.matrix, self.normal, spectrum, recipe.filter)

    def _ease(self, recipe: Ease) -> LinearModel:
        scaled = damped(self.matrix, recipe.user, 0.0) if recipe.user else self.matrix
        if self._gram is None or self._gram[0] != recipe.user:
            self._gram = None
            self._gram = (recipe.user, ease.gram(scaled))
        unit = float(np.mean(np.square(scaled.data, dtype=np.float64))) if scaled.nnz else 1.0
        return DenseWeights(ease.weights(self._gram[1], recipe.penalty * unit))

    def _sources(self, width: int) -> Longs:
        if width not in self._ridges:
            damping = item_knn.Damping()
            parts = [
                item_knn.best_columns(block, width) for _, block in item_knn.similarity_blocks(self.matrix, damping)
            ]
            self._ridges[width] = np.concatenate(parts)
        return self._ridges[width]

    def _lifted(self, model: LinearModel, exponent: float) -> LinearModel:
        return Scaled(model, self.degrees, exponent) if exponent else model
