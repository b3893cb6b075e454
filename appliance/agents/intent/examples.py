"""The shop's own example phrases: they count the moment the owner adds them, without training.

A message is compared with every example by the cosine of their n-grams, each family by itself; families count alike.
Common n-grams count less, by the idf of the shipped model.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.agents.intent.features import FOLDED, Features, Floats, Keys, features
from appliance.agents.intent.linear import Vectoriser
from appliance.agents.types import Utterance

NEAR, SAME = 0.5, 0.85
"""Similarity from which an example counts at all, and from which it decides."""
_MOST = 0.97

_cached = lru_cache(maxsize=4096)(features)


class Match(NamedTuple):
    """The example nearest to a message."""

    target: str
    """Intent or id of an FAQ entry, as the owner filed it."""
    similarity: float
    """0 to 1."""

    @property
    def weight(self) -> float:
        """How much it counts against the model: 0 at ``NEAR`` and below, 0.97 at ``SAME`` and above."""
        return _MOST * min(1.0, max(0.0, (self.similarity - NEAR) / (SAME - NEAR)))


class OwnExamples:
    """An index over examples; immutable, so a new one is built when the owner changes them."""

    def __init__(self, pairs: Iterable[tuple[str, str | Utterance]], vectoriser: Vectoriser) -> None:
        """Take pairs of a target (intent or FAQ id) and a phrase. A phrase without a word is left out."""
        every_pair = ((target, _cached(text) if isinstance(text, str) else features(text)) for target, text in pairs)
        kept = [(target, message) for target, message in every_pair if len(message[0].keys)]
        self.targets: tuple[str, ...] = tuple(target for target, _ in kept)
        self._vectoriser = vectoriser
        keys, values = zip(*(_weighed(message, vectoriser) for _, message in kept), strict=True) if kept else ((), ())
        every: Keys = np.concatenate([np.empty(0, np.uint32), *keys])
        order = np.argsort(every, kind="stable")
        owners = np.repeat(np.arange(len(kept)), [len(row) for row in keys])
        self._values: Floats = np.concatenate([np.empty(0, np.float32), *values])[order]
        self._owners: npt.NDArray[np.intp] = owners[order]
        self._keys, self._starts = np.unique(every[order], return_index=True)
        self._ends = np.append(self._starts[1:], len(every))

    def __len__(self) -> int:
        return len(self.targets)

    def nearest(self, message: Features) -> Match | None:
        """Return the most similar example, the first of equals; ``None`` when none shares an n-gram."""
        if not len(self._keys):
            return None
        keys, values = _weighed(message, self._vectoriser)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        here = self._keys[at] == keys
        at, values = at[here], values[here]
        lengths = self._ends[at] - self._starts[at]
        if not lengths.sum():
            return None
        shifts = np.repeat(self._starts[at] - np.append(0, np.cumsum(lengths)[:-1]), lengths)
        entries = shifts + np.arange(len(shifts))
        products = self._values[entries] * np.repeat(values, lengths)
        similarities = np.bincount(self._owners[entries], products, len(self.targets))
        best = int(similarities.argmax())
        return Match(self.targets[best], min(1.0, float(similarities[best])))


def _weighed(message: Features, vectoriser: Vectoriser) -> tuple[Keys, Floats]:
    """Return all n-grams with their idf weight, those that the model does not know included; length 1 in all."""
    keys, values = [], []
    for family in message[:FOLDED]:
        at = np.minimum(np.searchsorted(vectoriser.keys, family.keys), max(0, len(vectoriser.keys) - 1))
        if len(vectoriser.keys):
            idf = np.where(vectoriser.keys[at] == family.keys, vectoriser.idf[at], np.float32(vectoriser.unknown))
        else:
            idf = np.ones(len(family.keys), np.float32)
        value = family.weights * idf
        keys.append(family.keys)
        values.append((value / max(float(np.sqrt(value @ value)), 1e-9) / FOLDED**0.5).astype(np.float32))
    return np.concatenate(keys), np.concatenate(values)
