"""What the interaction log keeps of a training: similar products by pair, and customers' tastes by category.

Both are read back in columns and in bounded batches, because a large shop has a million pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from appliance.domain import Product
from appliance.recsys.base import Doubles, Floats, Ints, mapped, sums_at
from appliance.recsys.histories import DAY, Events
from appliance.recsys.hybrid import SimilarTable
from appliance.recsys.model import IDS_FILE
from appliance.store.ownership import USER_PREFIX

TASTE_HALF_LIFE_DAYS = 30.0
SIMILAR_PER_PRODUCT = 20
"""Neighbours of a product that the log keeps."""
_NAMES_FILE = "preferences.json"
_FILES = ("preference_users", "preference_categories", "preference_scores")
_BATCH = 50_000

SimilarityRow = tuple[str, str, float, float, float]
"""Product, its neighbour, score, content and collaborative cosine."""
PreferenceRow = tuple[str, str, float]
"""User id, category path as the product has it, share of the user's taste from 0 to 1."""


class _Names(msgspec.Struct, frozen=True):
    users: list[str]
    categories: list[str]


def similarity_rows(path: Path, per_product: int = SIMILAR_PER_PRODUCT) -> Iterator[list[SimilarityRow]]:
    """Yield the rows of ``rec_product_similarities`` from a verified model, in batches, one row a directed pair."""
    ids = np.array(msgspec.json.decode((path / IDS_FILE).read_bytes(), type=list[str]), dtype=object)
    table = SimilarTable.load(path)
    step = max(1, _BATCH // max(1, per_product))
    for start in range(0, len(ids), step):
        block = [np.asarray(column[start : start + step, :per_product]) for column in table]
        rows, places = np.nonzero(block[0] >= 0)
        others = ids[block[0][rows, places]]
        scores = (column[rows, places].tolist() for column in block[1:])
        yield list(zip(ids[start + rows].tolist(), others.tolist(), *scores, strict=True))


def preference_rows(path: Path) -> Iterator[list[PreferenceRow]]:
    """Yield the rows of ``rec_user_preferences`` from a verified model, in batches."""
    names = msgspec.json.decode((path / _NAMES_FILE).read_bytes(), type=_Names)
    users, categories, scores = (mapped(path / f"{name}.npy") for name in _FILES)
    for start in range(0, len(users), _BATCH):
        part = slice(start, start + _BATCH)
        yield [
            (names.users[user], names.categories[category], score)
            for user, category, score in zip(
                users[part].tolist(), categories[part].tolist(), scores[part].tolist(), strict=True
            )
        ]


class CategoryNames:
    """Collects the most specific category of each product while the snapshot is read."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self.of_product: list[int] = []

    def add(self, product: Product) -> None:
        """Note the next product's category; -1 for none."""
        path = product.categories[-1] if product.categories else ""
        self.of_product.append(self._codes.setdefault(path, len(self._codes)) if path else -1)

    @property
    def names(self) -> list[str]:
        """Return the category paths by code."""
        return list(self._codes)


def save_preferences(folder: Path, events: Events, visitors: list[str], names: CategoryNames) -> int:
    """Work out and write the tastes of customers (guests have none here); returns the number of rows.

    Score of a category = the user's decayed weights in it (half-life 30 days before the newest event) over all of
    the user's.
    """
    places = [place for place, name in enumerate(visitors) if name.startswith(USER_PREFIX)]
    users = [visitors[place].removeprefix(USER_PREFIX) for place in places]
    translate = np.full(len(visitors), -1, np.int64)
    translate[places] = np.arange(len(places))
    categories = np.array(names.of_product, np.int64)
    user = np.where(events.visitors >= 0, translate[events.visitors], -1) if len(translate) else events.visitors
    category = categories[events.products] if len(categories) else events.products
    kept = (user >= 0) & (category >= 0)
    newest = events.times.max(initial=0.0)
    weights: Doubles = events.weights[kept] * 0.5 ** ((newest - events.times[kept]) / (TASTE_HALF_LIFE_DAYS * DAY))
    width = max(1, len(names.names))
    keys, where = np.unique(user[kept] * width + category[kept], return_inverse=True)
    sums: Doubles = sums_at(where, weights, len(keys))
    owners = keys // width
    totals: Doubles = sums_at(owners, sums, max(1, len(users)))[owners]
    shares: Doubles = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    columns: tuple[Ints, Ints, Floats] = (
        owners.astype(np.int32),
        (keys % width).astype(np.int32),
        shares.astype(np.float32),
    )
    for name, values in zip(_FILES, columns, strict=True):
        np.save(folder / f"{name}.npy", values, allow_pickle=False)
    (folder / _NAMES_FILE).write_bytes(msgspec.json.encode(_Names(users, names.names)))
    return len(keys)
