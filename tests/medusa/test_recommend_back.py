"""Similar products are written into Medusa's metadata: what differs only, slowly, and never read back as a fact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from owner_shop import OwnerShop
from small_medusa import FakeMedusa
from talking import Clock, talk

from appliance.medusa import records
from appliance.medusa.faults import MedusaUnreachable
from appliance.medusa.recommend_back import SIMILAR, RecommendationWriter, WrittenBack
from appliance.medusa.writing import Writer
from appliance.metrics import Metrics
from appliance.ops.training import Trainer
from appliance.recsys.service import RecommendationService
from appliance.store.artifacts import ArtifactStore

TITLES = ("Giày da nam đen", "Giày da nam nâu", "Giày da nam trắng", "Túi vải nữ đỏ", "Túi vải nữ xanh")


class Back:
    """A trained shop that writes back into a Medusa in memory."""

    def __init__(self, folder: Path) -> None:
        self.fake, self.clock = FakeMedusa(), Clock()
        self.shop = OwnerShop(folder, talk(self.fake, self.clock), self.clock)
        for number, title in enumerate(TITLES):
            self.fake.add(f"p{number}").update(title=title, metadata={"brand": "X"})
        self.fake.add("hidden").update(title=TITLES[0], status="draft")
        self.shop.pull(list(self.fake.products))
        catalogue = self.shop.catalogue
        self.recommender = RecommendationService(
            catalogue, list, self.shop.settings, Metrics(), self.shop.issues, self.clock
        )
        catalogue.subscribe(self.recommender.apply)
        self._folder = folder
        self.slept: list[float] = []

    def train(self) -> None:
        """Build the model and load it."""
        artifacts = ArtifactStore(self._folder / "models", now=self.clock)
        Trainer(self._folder, self.shop.catalogue, None, artifacts, self.shop.settings).run(tune=False)
        self.recommender.load(artifacts.candidates("recommender")[0])

    def write(self, count: int = 2, stop_after: int = 1000) -> WrittenBack:
        """Write back until that many writes were made."""
        writing = RecommendationWriter(
            self.recommender,
            self.shop.catalogue,
            self.shop.mirror,
            Writer(self.shop.client),
            self.shop.exchange,
            count,
            self.slept.append,
        )
        return writing.run(lambda _share, _stage: None, lambda: len(self.fake.writes) >= stop_after)

    def similar(self, product_id: str) -> list[str]:
        """Return what Medusa has."""
        return list(self.fake.products[product_id]["metadata"].get(SIMILAR, []))


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Back]:
    made = Back(tmp_path)
    made.train()
    yield made
    made.recommender.close()
    made.shop.close()


def test_similar_products_of_what_is_published_are_written_once(back: Back) -> None:
    report = back.write()
    assert (report.products, report.written, report.refused) == (5, 5, 0)
    assert set(back.similar("p0")) == {"san-pham-p1", "san-pham-p2"}
    assert back.fake.products["p0"]["metadata"]["brand"] == "X"
    assert back.fake.products["hidden"]["metadata"] is None
    assert len(back.slept) == 5
    back.fake.writes.clear()
    assert (back.write().written, back.fake.writes) == (0, [])


def test_it_is_no_fact_of_the_product(back: Back) -> None:
    revision = back.shop.catalogue.revision
    back.write()
    back.shop.pull(list(back.fake.products))
    product = back.shop.catalogue.product("p0")
    assert product is not None and product.attributes == {"brand": "X"}
    assert back.shop.catalogue.revision == revision
    assert back.shop.mirror.some(records.Product, ["p0"])["p0"].metadata[SIMILAR] == back.similar("p0")


def test_a_run_that_was_stopped_goes_on(back: Back) -> None:
    first = back.write(stop_after=2)
    assert (first.written, first.stopped) == (2, True)
    assert back.write().written == 3


def test_a_break_is_told_and_what_was_written_stays(back: Back) -> None:
    back.fake.before = lambda _method, _path: httpx.Response(500) if len(back.fake.writes) >= 2 else None
    with pytest.raises(MedusaUnreachable):
        back.write()
    back.fake.before = lambda _method, _path: None
    back.clock.at += 400
    assert back.write().written == 3


def test_what_medusa_refuses_is_left_out(back: Back) -> None:
    refusal = {"type": "not_found", "message": "gone"}
    back.fake.before = lambda method, path: (
        httpx.Response(404, json=refusal) if (method, path) == ("POST", "/admin/products/p1") else None
    )
    report = back.write()
    assert (report.written, report.refused) == (4, 1)


def test_a_product_that_is_like_none_any_more_loses_its_entry(back: Back) -> None:
    back.write()
    for number in (1, 2):
        back.fake.products[f"p{number}"]["status"] = "draft"
    back.shop.pull(["p1", "p2"])
    back.write(count=1)
    assert "san-pham-p1" not in back.similar("p0")


def test_without_a_count_or_a_model_nothing_is_written(back: Back, tmp_path: Path) -> None:
    assert back.write(count=0) == WrittenBack()
    back.recommender.unload()
    assert back.write() == WrittenBack()
    assert back.fake.writes == []
