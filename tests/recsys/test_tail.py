"""A product that changed is compared as it is now, at once and without building anything again."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from onnx_encoder import write_encoder
from recsys_shop import ShopMaker, TestShop, ids, product

from appliance.domain import Product
from appliance.ops.demo.catalogue import scale_products
from appliance.recsys.tail import Tail
from appliance.settings import Recommender


def _near(shop: TestShop, name: str, limit: int = 8) -> list[str]:
    return ids(shop.service.similar(name, limit=limit))


def _change(shop: TestShop, name: str, **fields: object) -> Product:
    known = shop.catalogue.product(name)
    assert known is not None
    changed = msgspec.structs.replace(known, **fields)
    shop.catalogue.upsert([changed])
    return changed


def _tail(shop: TestShop) -> Tail:
    tail = shop.service._serving.tail
    assert tail is not None
    return tail


def test_a_new_price_changes_the_price_band_and_little_else(shop: TestShop) -> None:
    shop.train()
    before = set(_near(shop, "balo-da-3"))
    known = shop.catalogue.product("balo-da-3")
    assert known is not None
    _change(shop, "balo-da-3", variants=(msgspec.structs.replace(known.variants[0], price=1_200_000),))
    assert len(_tail(shop)) == 1
    assert len(before & set(_near(shop, "balo-da-3"))) >= 6


def test_a_product_moved_to_another_shelf_has_new_neighbours_there(shop: TestShop) -> None:
    shop.train()
    assert _near(shop, "balo-da-3")[0].startswith("balo-da")
    fields = {
        "title": "Giày thể thao đỏ", "title_en": "Red sneakers", "categories": ("Giày > Giày thể thao",),
        "tags": ("giày", "đỏ"), "attributes": {"material": "lưới"},
    }  # fmt: skip
    _change(shop, "balo-da-3", **fields)
    assert all(name.startswith("giay") for name in _near(shop, "balo-da-3"))
    assert "balo-da-3" in _near(shop, "giay-2", 10)
    assert "balo-da-3" not in _near(shop, "balo-da-4", 20)


def test_a_product_moved_back_is_no_longer_a_neighbour_where_it_was_for_a_while(shop: TestShop) -> None:
    shop.train()
    known = shop.catalogue.product("balo-da-3")
    assert known is not None
    fields = {"title": "Giày thể thao", "categories": ("Giày > Giày thể thao",), "tags": ("giày",)}
    _change(shop, "balo-da-3", **fields, title_en="Sneakers", attributes={"material": "lưới"})
    assert "balo-da-3" in _near(shop, "giay-2", 10)
    shop.catalogue.upsert([known])
    assert "balo-da-3" not in _near(shop, "giay-2", 10)
    assert _near(shop, "balo-da-3")[0].startswith("balo-da")


def test_a_deleted_product_is_nobodys_neighbour(shop: TestShop) -> None:
    shop.train()
    gone = _near(shop, "balo-da-3")[0]
    shop.catalogue.delete([gone])
    assert gone not in _near(shop, "balo-da-3", 40)


def test_an_edit_costs_milliseconds_on_a_larger_shop(make_shop: ShopMaker) -> None:
    shop = make_shop(scale_products(1000))
    shop.train()
    tail, codes = _tail(shop), shop.service._codes
    products = list(shop.catalogue.iter_products())[:30]
    changed = [msgspec.structs.replace(item, title=f"{item.title} bản mới") for item in products]
    started = time.process_time()
    for item in changed:
        assert tail.add(codes.number([item.id])[0], item)
    assert (time.process_time() - started) / len(changed) < 0.02
    assert len(tail) == 30


@pytest.fixture
def encoded(make_shop: ShopMaker, tmp_path: Path) -> TestShop:
    encoder = write_encoder(tmp_path / "encoder")
    shop = make_shop(settings=Recommender(embedding_model=str(encoder)))
    info = shop.train()
    assert (info.embedded, info.embedding_problem) == (40, "")
    return shop


def _meaning(shop: TestShop, name: str) -> np.ndarray:
    model = shop.service._serving.model
    assert model is not None
    vector = _tail(shop).vector(shop.service._codes.number([name])[0])
    assert vector is not None
    part: np.ndarray = vector[model.axes.shape[1] :]
    return part


def test_a_new_product_gets_its_embedding_in_the_background(encoded: TestShop) -> None:
    encoded.catalogue.upsert([product("new", "Leather backpack", "Túi > Balo", tags=("balo",))])
    assert encoded.service._freshness.wait(10)
    assert np.linalg.norm(_meaning(encoded, "new")) > 0
    assert not _tail(encoded).waiting
    assert _near(encoded, "new")[0].startswith("balo")


def test_a_changed_price_needs_no_encoder(encoded: TestShop, tmp_path: Path) -> None:
    (tmp_path / "encoder" / "model.onnx").unlink()
    known = encoded.catalogue.product("balo-da-3")
    assert known is not None
    _change(encoded, "balo-da-3", variants=(msgspec.structs.replace(known.variants[0], price=1_200_000),))
    assert np.linalg.norm(_meaning(encoded, "balo-da-3")) > 0
    assert not _tail(encoded).waiting


def test_without_its_encoder_a_new_product_is_compared_by_words(encoded: TestShop, tmp_path: Path) -> None:
    (tmp_path / "encoder" / "model.onnx").unlink()
    encoded.catalogue.upsert([product("new", "Balo da bò xanh", "Túi > Balo", tags=("balo", "da"))])
    assert encoded.service._freshness.wait(10)
    assert not _meaning(encoded, "new").any()
    assert not _tail(encoded).waiting
    assert _near(encoded, "new")[0].startswith("balo-da")


def test_a_damaged_encoder_is_an_issue_and_not_a_failure(make_shop: ShopMaker, tmp_path: Path) -> None:
    encoder = write_encoder(tmp_path / "encoder")
    (encoder / "model.onnx").write_bytes(b"no graph")
    shop = make_shop(settings=Recommender(embedding_model=str(encoder)))
    shop.train()
    assert [issue.code for issue in shop.issues.open()] == ["embeddings_off"]
    assert _near(shop, "balo-da-3")[0].startswith("balo-da")
    write_encoder(encoder)
    shop.train()
    assert not shop.issues.open()
