"""Words that are spelt alike, by their shared character n-grams: ``sweetner`` and ``sweetener``.

Each word is the set of its 2- to 4-grams with its borders marked; the likeness of two words is the cosine of the sets,
|A ∩ B| / √(|A| · |B|). Weights by rarity are left out, so that the likeness of two words never depends on the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIZES = (2, 3, 4)
LONGEST = 24
"""Letters; longer words have no likeness."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Codes = NDArray[np.uint64]


class Spellings:
    """An inverted index from n-grams to words; 50,000 words take a tenth of a second and about 8 MB."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = [word for word in words if len(word) <= LONGEST]
        owners, codes = _grams(self._words)
        self._sizes = np.bincount(owners, minlength=len(self._words)).astype(np.float32)
        order = np.argsort(codes, kind="stable")
        self._owners = owners[order].astype(np.int32)
        self._codes, starts = np.unique(codes[order], return_index=True)
        self._starts = np.append(starts, len(codes))

    def near(self, word: str, least: float) -> list[tuple[str, float]]:
        """Return the other words with a likeness of at least ``least``, the likest first, equals by spelling."""
        if not self._words or not 0 < len(word) <= LONGEST:
            return []
        _, codes = _grams([word])
        places = np.searchsorted(self._codes, codes)
        places = places[self._codes[np.minimum(places, len(self._codes) - 1)] == codes]
        lists = [self._owners[self._starts[place] : self._starts[place + 1]] for place in places.tolist()]
        if not lists:
            return []
        shared = np.bincount(np.concatenate(lists), minlength=len(self._words))
        likeness = shared / np.sqrt(self._sizes * np.float32(len(codes)))
        found = [(self._words[place], float(likeness[place])) for place in np.flatnonzero(likeness >= least).tolist()]
        return sorted((pair for pair in found if pair[0] != word), key=lambda pair: (-pair[1], pair[0]))


def _grams(words: Sequence[str]) -> tuple[NDArray[np.int64], Codes]:
    """Return each (word, n-gram) pair once, by word: the word's place and a 64-bit code of the n-gram."""
    if not words:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    marked = np.array([f"^{word}$" for word in words])
    letters = marked.view(np.uint32).reshape(len(words), -1).astype(np.uint64)
    lengths = (letters > 0).sum(axis=1)
    owners, codes = [], []
    for size in SIZES:
        last = letters.shape[1] - size + 1
        if last <= 0:
            continue
        code = np.full((len(words), last), size, np.uint64)
        for offset in range(size):
            code = (code ^ letters[:, offset : offset + last]) * _FACTOR
            code ^= code >> np.uint64(29)
        inside = np.arange(last) <= (lengths - size)[:, None]
        owners.append(np.nonzero(inside)[0])
        codes.append(code[inside])
    owner, code = np.concatenate(owners), np.concatenate(codes)
    order = np.lexsort((code, owner))
    owner, code = owner[order], code[order]
    fresh = np.ones(len(owner), np.bool_)
    fresh[1:] = (owner[1:] != owner[:-1]) | (code[1:] != code[:-1])
    return owner[fresh], code[fresh]
