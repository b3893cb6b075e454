"""From scores to probabilities that can be believed, learned from scores of texts that the model did not see.

Two steps: the temperature of a softmax (Guo et al. 2017), then Platt's logistic curve over the winner's log-odds and
the share of the message that the model knows, fitted to whether the winner was right. Where foreign texts are known, a
second curve tells requests from them: a low score for every label and words never read say more there than how clearly
one label beats the next.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.agents.intent.features import Floats

_SHARPNESSES = np.geomspace(1.0, 60.0, 60)
_NEWTON_STEPS = 30
_PRIOR = 1e-2
"""Pull towards the plain softmax, so that a few dozen texts suffice."""
_EDGE = 1e-6


class Calibration(NamedTuple):
    """How scores are read."""

    sharpness: float = 8.0
    """One over the temperature."""
    curve: tuple[float, float, float] = (0.0, 1.0, 0.0)
    """Intercept, slope by the winner's log-odds (never negative), slope by the known share."""

    def probabilities(self, scores: Floats) -> Floats:
        """Return the softmax of the sharpened scores, over the last axis."""
        powers = np.exp(self.sharpness * (scores - scores.max(-1, keepdims=True)))
        found: Floats = powers / powers.sum(-1, keepdims=True)
        return found

    def confidence(self, top: float, known: float) -> float:
        """Return the chance that the winner is right, from its probability and the known share of the message."""
        odds = np.log((top + _EDGE) / (1.0 - top + _EDGE))
        intercept, slope, by_known = self.curve
        return float(1.0 / (1.0 + np.exp(-(intercept + slope * odds + by_known * known))))


class Scope(NamedTuple):
    """Tells whether a message whose winner is a request is one."""

    curve: tuple[float, float, float, float]
    """Intercept, slopes by the winner's score, by the best score of a label that is none, and by the known share."""

    def probability(self, top: float, outside: float, known: float) -> float:
        """Return the chance that it is a request."""
        intercept, by_top, by_outside, by_known = self.curve
        return float(1.0 / (1.0 + np.exp(-(intercept + by_top * top + by_outside * outside + by_known * known))))


def calibrate(scores: Floats, truth: npt.NDArray[np.intp], known: Floats) -> Calibration:
    """Fit to scores[texts, labels] of texts that were held out, their true labels and known shares."""
    rows = np.arange(len(truth))
    losses = [
        -np.log(Calibration(float(sharpness)).probabilities(scores)[rows, truth] + _EDGE).mean()
        for sharpness in _SHARPNESSES
    ]
    plain = Calibration(float(_SHARPNESSES[int(np.argmin(losses))]))
    found = plain.probabilities(scores)
    top = found.max(1).astype(np.float64)
    odds = np.log((top + _EDGE) / (1.0 - top + _EDGE))
    inputs = np.stack([np.ones(len(top)), odds, known.astype(np.float64)], axis=1)
    curve = _logistic(inputs, found.argmax(1) == truth, (0.0, 1.0, 0.0))
    if curve[1] < 0.0:
        return plain
    return plain._replace(curve=(float(curve[0]), float(curve[1]), float(curve[2])))


def calibrate_scope(top: Floats, outside: Floats, known: Floats, request: npt.NDArray[np.bool_]) -> Scope:
    """Fit to texts that were held out and whose winner is a request: are they?"""
    inputs = np.stack([np.ones(len(top)), top, outside, known], axis=1).astype(np.float64)
    curve = _logistic(inputs, request, (0.0, 0.0, 0.0, 0.0))
    return Scope((float(curve[0]), float(curve[1]), float(curve[2]), float(curve[3])))


def _logistic(
    inputs: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], drawn_to: tuple[float, ...]
) -> npt.NDArray[np.float64]:
    """Newton's method for a logistic regression drawn towards a point."""
    start = np.array(drawn_to)
    curve = start.copy()
    pull = _PRIOR * len(right) ** 0.5
    for _ in range(_NEWTON_STEPS):
        chance = 1.0 / (1.0 + np.exp(-(inputs @ curve)))
        gradient = inputs.T @ (chance - right) + pull * (curve - start)
        steepness = inputs.T @ (inputs * (chance * (1.0 - chance))[:, None]) + pull * np.eye(len(start))
        step = np.linalg.solve(steepness, gradient)
        curve -= np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    return curve
