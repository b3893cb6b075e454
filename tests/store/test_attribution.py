"""What recommendations led to, on a log small enough to be worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ingest_bench import T0, Bench, interaction, product

from appliance.domain import Impression
from appliance.store.attribution import CLICK_SECONDS

DAY = 86_400.0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = Bench(tmp_path)
    opened.catalogue.upsert([product(number) for number in range(1, 7)])
    yield opened
    opened.close()


def shown(bench: Bench, *impressions: Impression) -> None:
    for impression in impressions:
        bench.journal.note(impression)


def test_a_product_s_exposure_counts_showings_and_clicks(bench: Bench) -> None:
    shown(
        bench,
        Impression("r1", "", "s1", "home", "trending", ("prod_1", "prod_2"), T0),
        Impression("r2", "", "s2", "home", "trending", ("prod_1",), T0 + DAY),
    )
    bench.journal.append_sync(
        [
            interaction("a", interaction_type="click", recommendation_id="r1", occurred_at=T0 + 5),
            # Twice, and by the product page too: one product of one recommendation is clicked once.
            interaction("b", interaction_type="click", recommendation_id="r1", occurred_at=T0 + 6),
            interaction("c", interaction_type="view", recommendation_id="r1", occurred_at=T0 + 7),
            # Not in the list, too late, and of no recommendation.
            interaction("d", interaction_type="click", product_id="prod_3", recommendation_id="r1"),
            interaction(
                "e",
                interaction_type="click",
                product_id="prod_2",
                recommendation_id="r1",
                occurred_at=T0 + CLICK_SECONDS + 1,
            ),
            interaction("f", interaction_type="click", occurred_at=T0 + DAY + 5),
        ]
    )
    assert bench.merger.flush(20)
    exposure = bench.log.attribution.product_exposure
    assert exposure() == {"prod_1": (2, 1), "prod_2": (1, 0)}
    assert exposure(T0 + 1) == {"prod_1": (1, 0)}
    assert exposure(product_ids=["prod_2", "prod_6"]) == {"prod_2": (1, 0)}
    assert exposure(product_ids=[]) == {}
