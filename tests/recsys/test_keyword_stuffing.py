"""Who lists or repeats every popular word does not become the neighbour of everything.

Hubness is how often a product is among the ten nearest of others (Radovanović, Nanopoulos & Ivanović 2010).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np
import pytest

from appliance.ops.demo.catalogue import generate_products
from appliance.recsys import content, latent
from appliance.recsys.similarity import ContentSpace
from appliance.recsys.vectorise import fit
from appliance.text import words

SHOP = generate_products(7, 1_760_000_000.0)


def _top(values: Iterable[str], count: int) -> list[str]:
    return [value for value, _ in Counter(values).most_common(count)]


TITLE = _top((word for item in SHOP for word in words(item.title)), 40)
ENGLISH = _top((word for item in SHOP for word in words(item.title_en)), 40)
DESCRIPTION = _top((word for item in SHOP for word in words(item.description)), 160)
TAGS = tuple(_top((tag for item in SHOP for tag in item.tags), 60))
CATEGORIES = tuple(_top((path for item in SHOP for path in item.categories), 30))
NOTHING = {"title_en": "", "description": "", "tags": (), "categories": (), "attributes": {}, "collection": ""}
STUFFED: dict[str, dict[str, object]] = {
    "lists everything": {
        "title": " ".join(TITLE),
        "title_en": " ".join(ENGLISH),
        "description": " ".join(DESCRIPTION),
        "tags": TAGS,
        "categories": CATEGORIES,
    },
    "repeats the favourites": {
        "title": " ".join(TITLE[:3] * 13),
        "description": " ".join(DESCRIPTION[:5] * 32),
        "tags": TAGS[:3],
    },
    "has every tag and category": {"tags": TAGS, "categories": CATEGORIES},
    "has every tag and nothing else": {**NOTHING, "title": "", "tags": TAGS},
    "has every category and nothing else": {**NOTHING, "title": "", "categories": CATEGORIES},
    "has every word and nothing else": {**NOTHING, "title": " ".join(TITLE)},
    "has the one favourite of each": {**NOTHING, "title": TITLE[0], "tags": TAGS[:1], "categories": CATEGORIES[:1]},
}


@pytest.mark.parametrize("trick", STUFFED)
def test_a_stuffed_product_is_no_more_of_a_hub_than_an_honest_one(trick: str) -> None:
    products = [*SHOP, msgspec.structs.replace(SHOP[0], id="stuffed", **STUFFED[trick])]
    vectoriser, rows = fit(products)
    _, points = latent.fit(rows, vectoriser.size, 0)
    space = ContentSpace(rows, vectoriser.size, np.zeros((len(products), 0), np.float32))
    near = content.fit(space, points, 10, lambda _share: None)
    occurrences = np.bincount(near.ids[near.ids >= 0], minlength=len(products))
    assert occurrences[-1] <= np.mean(occurrences[:-1])
