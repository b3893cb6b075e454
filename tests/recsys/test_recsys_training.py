"""Training: deterministic, complete, and content with a shop that has no history or no products."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
from recsys_shop import DAY, NOW, ShopMaker, TestShop, event, history, leather_and_shoes, write_snapshot

from appliance.errors import ArtifactInvalid
from appliance.recsys import exports
from appliance.recsys.codes import ProductCodes
from appliance.recsys.model import load
from appliance.recsys.training import train
from appliance.recsys.trending import DailyCounts
from appliance.settings import Recommender


def _digests(folder: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.name != "model.json"
    }


@pytest.mark.parametrize("annoy_from", [1, 10_000])
def test_same_snapshot_and_seed_give_the_same_files(tmp_path: Path, annoy_from: int) -> None:
    snapshot = write_snapshot(tmp_path / "snapshot", leather_and_shoes(), history())
    settings = Recommender(annoy_from=annoy_from)
    for name in ("a", "b"):
        train(snapshot, tmp_path / name, seed=3, settings=settings)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")


STAGES = ("text", "space", "embeddings", "index", "content", "behaviour", "similar")


def test_info_says_what_was_learned_and_how_long_it_took(tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "snapshot", leather_and_shoes(), history(), revision=17)
    heard: list[tuple[float, str]] = []
    info = train(
        snapshot, tmp_path / "out", progress=lambda share, stage: heard.append((share, stage)), now=lambda: NOW
    )
    assert (info.products, info.interactions, info.revision, info.trained_at) == (40, len(history()), 17, NOW)
    assert info.histories > 100
    assert set(info.timings) == {*STAGES, "choosing", "weighing"}
    assert 40 * 39 >= info.rows["similar"] >= info.rows["content"] > 40 * 20
    assert [bucket.known for bucket in info.blend.buckets] == [0, 1, 2, 5, 10]
    assert info.blend.split_at is not None and sum(bucket.cases for bucket in info.blend.buckets) > 30
    assert info.cutoff == max(item.occurred_at for item in history())
    shares = [share for share, _ in heard]
    assert shares == sorted(shares) and shares[0] >= 0.0 and shares[-1] <= 1.0


def test_a_shop_without_history_trains_on_content_alone(make_shop: ShopMaker) -> None:
    shop = make_shop()
    info = shop.train()
    assert (info.interactions, info.cutoff, info.rows["collaborative"]) == (0, None, 0)
    assert shop.service.similar("balo-da-0").items


def test_an_empty_shop_trains(make_shop: ShopMaker) -> None:
    shop = make_shop([])
    assert shop.train().products == 0
    assert shop.service.popular().items == []
    shop.catalogue.upsert(leather_and_shoes()[:3])
    assert len(shop.service.popular().items) == 3


def test_drafts_take_no_place_in_the_model(make_shop: ShopMaker) -> None:
    shop = make_shop()
    shop.catalogue.set_status(["balo-da-0"], "draft")
    assert shop.train().products == 39


def test_interactions_of_unknown_products_are_left_out(tmp_path: Path) -> None:
    events = [event("s1", "gone"), event("s1", "balo-da-1"), event("s1", "balo-da-2")]
    snapshot = write_snapshot(tmp_path / "snapshot", leather_and_shoes(), events)
    assert train(snapshot, tmp_path / "out").interactions == 2


def test_a_snapshot_without_interactions_file_is_a_shop_without_history(tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "snapshot", leather_and_shoes(), [])
    (snapshot / "interactions.npz").unlink()
    assert train(snapshot, tmp_path / "out").interactions == 0


def test_a_damaged_snapshot_is_an_error(tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "snapshot", leather_and_shoes(), history())
    (snapshot / "interactions.npz").write_bytes(b"PK nonsense")
    with pytest.raises(ArtifactInvalid):
        train(snapshot, tmp_path / "out")
    (snapshot / "products.jsonl").write_bytes(b'{"id": 1}\n')
    with pytest.raises(msgspec.MsgspecError):
        train(snapshot, tmp_path / "out2")


def test_people_who_stay_with_a_kind_make_neighbours_of_it(shop: TestShop) -> None:
    shop.train(history(), load=False)
    codes = ProductCodes()
    model = load(shop.artifacts.candidates("recommender")[0], codes)
    row = model.row(codes.find("tui-da-3"))
    # A linear model has a weight for every product that a chain of visits leads to; the large ones are of the kind.
    strong = model.collaborative.ids[row][model.collaborative.scores[row] > 0.2]
    others = [codes.id(model.code_of_row[other]) for other in strong]
    assert len(others) >= 5
    assert all(name.startswith("tui-da") for name in others)


def test_rows_for_the_log(shop: TestShop) -> None:
    shop.train(history(), load=False)
    path = shop.artifacts.candidates("recommender")[0]
    pairs = [row for batch in exports.similarity_rows(path, per_product=5) for row in batch]
    assert len(pairs) == 40 * 5
    assert len({row[:2] for row in pairs}) == len(pairs)
    assert all(first != second and 0 < score <= 1 for first, second, score, _, _ in pairs)
    first = [row for row in pairs if row[0] == "giay-0"]
    assert [row[2] for row in first] == sorted((row[2] for row in first), reverse=True)
    tastes = [row for batch in exports.preference_rows(path) for row in batch]
    assert {row[0] for row in tastes} <= {f"u{number}" for number in range(15)}
    assert {row[1] for row in tastes} == {"Túi > Balo", "Giày > Giày thể thao"}
    by_user: dict[str, float] = {}
    for user, _, share in tastes:
        by_user[user] = by_user.get(user, 0.0) + share
    assert list(by_user.values()) == pytest.approx([1.0] * len(by_user), rel=1e-5)


def test_old_taste_fades_in_preferences(tmp_path: Path) -> None:
    events = [event("s1", "giay-1", at=NOW - 90 * DAY, user="u"), event("s2", "tui-da-1", at=NOW, user="u")]
    train(write_snapshot(tmp_path / "snapshot", leather_and_shoes(), events), tmp_path / "out")
    tastes = {row[1]: row[2] for batch in exports.preference_rows(tmp_path / "out") for row in batch}
    assert tastes["Túi > Túi xách"] == pytest.approx(8 / 9, rel=1e-3)


def test_one_visitor_alone_cannot_lead_the_sales_of_a_day(tmp_path: Path) -> None:
    pushed = [event("s1", "giay-1", "purchase", at=NOW + second) for second in range(50)]
    pushed += [event("", "giay-3", "purchase", at=NOW + second) for second in range(50)]
    bought = [event(f"s{number}", "giay-2", "purchase", at=NOW) for number in range(2, 5)]
    snapshot = write_snapshot(tmp_path / "snapshot", leather_and_shoes(), [*pushed, *bought])
    train(snapshot, tmp_path / "out")
    daily = DailyCounts.load(tmp_path / "out")
    ids = [item.id for item in leather_and_shoes()]
    weights = {ids[row]: (weight, sold) for row, _, weight, sold in zip(*(c.tolist() for c in daily), strict=True)}
    assert weights == {"giay-1": (5.0, 1.0), "giay-2": (15.0, 3.0), "giay-3": (5.0, 1.0)}


def test_a_guest_whose_session_is_called_like_a_customer_is_another_visitor(tmp_path: Path) -> None:
    events = [event("s1", "giay-1", user="u1"), event("u1", "tui-da-1"), event("u1", "balo-da-1")]
    train(write_snapshot(tmp_path / "snapshot", leather_and_shoes(), events), tmp_path / "out")
    tastes = [row for batch in exports.preference_rows(tmp_path / "out") for row in batch]
    assert tastes == [("u1", "Giày > Giày thể thao", 1.0)]
