"""Graph filters: the visitor's vector is a signal on the graph of items, smoothed by low-pass filters.

With R̃ = D_u^-½ R D_i^-½ and P = R̃ᵀR̃, V̄ the leading right singular vectors of R̃:

    GF-CF (Shen et al. 2021):   s = h P + α · h D_i^-½ V̄ V̄ᵀ D_i^½            (linear and ideal low-pass filter)
    BSPM (Choi et al. 2023):    b = h P,  l = h D_i^-½ V̄ V̄ᵀ D_i^½            (blurring)
                                ds/dt = −s P from s(0) = b + β l over T       (sharpening, K steps of Euler or RK4)

A step of a one-step solver for this equation is a polynomial in P, so that the whole of it is s = h p(P) + β l r(P):
the two polynomials say all. l r(P) has the rank of V̄ and its right factor is worked out once.

Powers of P cost a pass over the matrix each, for every history. With ``tail="fitted"`` p is exact on the leading
eigenvectors and on the rest, whose eigenvalues lie in [0, σ_d²], the line c·λ nearest to it in least squares:

    h p(P) ≈ c h P + h V̄ (p(Σ²) − c Σ²) V̄ᵀ,    c = ∫ p(λ) λ dλ / ∫ λ² dλ over [0, σ_d²]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
from numpy.polynomial import polynomial as poly

from appliance.recsys.base import Doubles, Floats
from appliance.recsys.linear.normalise import item_degrees, power
from appliance.recsys.linear.operators import FilterWeights, apply_polynomial
from appliance.recsys.linear.spectrum import Spectrum

if TYPE_CHECKING:
    from scipy.sparse import csr_array

USER_POWER = ITEM_POWER = 0.5
_SMALLEST_EDGE = 1e-6
_LINEAR = 2
"""Coefficients of a linear polynomial."""
Solver = Literal["none", "euler", "rk4"]
Sharpen = Literal["both", "blurred", "ideal"]


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a graph filter; the defaults are the linear filter alone."""

    rank: int = 0
    """Singular vectors of the ideal low-pass filter."""
    ideal: float = 0.0
    """Weight β (α in GF-CF) of the ideal filter."""
    solver: Solver = "none"
    steps: int = 1
    duration: float = 0.0
    """T, the end of the sharpening."""
    sharpen: Sharpen = "both"
    """What is sharpened: both (BSPM with early merge), the linear filter (late merge), or the ideal filter."""
    tail: Literal["exact", "fitted"] = "exact"
    """Whether the sharpening of the linear filter is exact, or a line beyond the leading singular vectors."""
    mean_of_points: bool = False
    """Whether the answer is the mean of the blurred state and of the states after each step."""


def fit(matrix: csr_array[Any], normal: csr_array[Any], spectrum: Spectrum | None, settings: Filter) -> FilterWeights:
    """Return the filter of a matrix csr float32[users, items], given R̃ and at least ``rank`` singular vectors."""
    blur, ideal = polynomials(settings)
    left = right = np.empty((normal.shape[1], 0), np.float32)
    if settings.rank and spectrum is not None:
        leading = spectrum.leading(settings.rank)
        if settings.ideal:
            degrees = item_degrees(matrix)
            left = leading.vectors * power(degrees, -ITEM_POWER)[:, None]
            back = leading.vectors * power(degrees, ITEM_POWER)[:, None]
            right = np.float32(settings.ideal) * apply_polynomial(normal, normal.T.tocsr(), ideal, back)
        if settings.tail == "fitted" and len(blur) > _LINEAR:
            blur, gains = fitted_tail(blur, leading)
            left = np.concatenate([left, leading.vectors * gains], axis=1)
            right = np.concatenate([right, leading.vectors], axis=1)
    return FilterWeights(normal, blur, left, np.ascontiguousarray(right.T, np.float32))


def fitted_tail(blur: Doubles, leading: Spectrum) -> tuple[Doubles, Floats]:
    """Return the line [0, c] of the module's formula and what the leading eigenvectors have beside it, float32[d]."""
    values = leading.values.astype(np.float64) ** 2
    edge = max(float(values[-1]), _SMALLEST_EDGE)
    degree = np.arange(len(blur))
    slope = 3.0 * float(np.sum(blur * edge ** np.maximum(degree - 1.0, 0.0) / (degree + 2.0)))
    gains = poly.polyval(values, blur) - slope * values
    return np.array([0.0, slope]), gains.astype(np.float32)


def polynomials(settings: Filter) -> tuple[Doubles, Doubles]:
    """Return p and r of the module's formula: coefficients from the constant on."""
    states = sharpening(settings)
    sharp = states[-1]
    # The ideal filter is merged after the blurred point was taken, so that point has no part of it.
    blurred_points = [np.array([1.0]), *states[1:]] if settings.mean_of_points else [sharp]
    ideal_points = [np.array([0.0]), *states[1:]] if settings.mean_of_points else [sharp]
    blur = _mean(blurred_points) if settings.sharpen != "ideal" else np.array([1.0])
    ideal = _mean(ideal_points) if settings.sharpen != "blurred" else np.array([1.0])
    return np.concatenate([[0.0], blur]), ideal


def sharpening(settings: Filter) -> list[Doubles]:
    """Return the polynomials that map s(0) to the state after 0, 1, … steps."""
    states: list[Doubles] = [np.array([1.0])]
    if settings.solver == "none" or not settings.duration:
        return states
    width = settings.duration / settings.steps
    order = {"euler": 1, "rk4": 4}[settings.solver]
    # For a linear equation both solvers are the Taylor series of exp(-width P) up to their order.
    step = np.cumprod([1.0, *(-width / place for place in range(1, order + 1))])
    for _ in range(settings.steps):
        states.append(np.asarray(poly.polymul(states[-1], step), np.float64))
    return states


def _mean(points: list[Doubles]) -> Doubles:
    total = np.zeros(max(len(point) for point in points))
    for point in points:
        total[: len(point)] += point
    mean: Doubles = total / len(points)
    return mean
