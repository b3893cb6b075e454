"""A damaged model is never loaded: the previous one or plain trends answer, and the process lives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from recsys_shop import ShopMaker, TestShop, history

from appliance.errors import ArtifactInvalid
from appliance.recsys import vectors
from appliance.recsys.model import INFO_FILE
from appliance.settings import Recommender
from appliance.store.artifacts import MANIFEST

needs_annoy = pytest.mark.skipif(not vectors.annoy_installed(), reason="Annoy is optional")


def _flip(file: Path, place: int) -> None:
    body = bytearray(file.read_bytes())
    body[place % len(body)] ^= 0x40
    file.write_bytes(body)


def _damage(folder: Path, how: str) -> None:
    if how.startswith("annoy"):
        _flip(folder / vectors.ANNOY_FILE, int(how.removeprefix("annoy")))
    elif how == "truncated array":
        file = folder / "similar_ids.npy"
        file.write_bytes(file.read_bytes()[:-100])
    elif how == "missing array":
        (folder / "columns.npy").unlink()
    elif how == "manifest of another schema":
        tree = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        (folder / MANIFEST).write_text(json.dumps(tree | {"schema": 2}), encoding="utf-8")
    elif how == "no manifest":
        (folder / MANIFEST).unlink()
    else:
        (folder / "vectors.npy").write_bytes(b"")


@needs_annoy
@pytest.mark.parametrize(
    "how",
    [
        *(f"annoy{place}" for place in (0, 999, 12_345)),
        "truncated array",
        "missing array",
        "manifest of another schema",
        "no manifest",
        "emptied array",
    ],
)
def test_damage_is_refused_and_the_model_in_use_stays(make_shop: ShopMaker, how: str) -> None:
    shop = make_shop(settings=Recommender(annoy_from=1, annoy_trees=5))
    shop.train(history())
    good = shop.service.model
    shop.train(history(1), load=False)
    newest, previous = shop.artifacts.candidates("recommender")
    _damage(newest, how)
    with pytest.raises(ArtifactInvalid):
        shop.service.load(newest)
    assert shop.service.model == good
    assert shop.service.similar("giay-1").items
    artifact = shop.artifacts.current("recommender")
    assert artifact is not None and artifact.path == previous


def test_with_every_model_damaged_the_shop_serves_trends(shop: TestShop) -> None:
    shop.train(history(), load=False)
    folder = shop.artifacts.candidates("recommender")[0]
    _flip(folder / "values.npy", 5000)
    with pytest.raises(ArtifactInvalid):
        shop.service.load(folder)
    assert shop.service.model is None
    assert len(shop.service.similar("giay-1").items) == 9


def _republish(shop: TestShop, folder: Path) -> Path:
    scratch = shop.artifacts.begin("recommender")
    for file in folder.iterdir():
        if file.name != MANIFEST:
            (scratch / file.name).write_bytes(file.read_bytes())
    return scratch


def test_a_model_of_another_format_is_refused_even_when_whole(shop: TestShop) -> None:
    shop.train(history(), load=False)
    scratch = _republish(shop, shop.artifacts.candidates("recommender")[0])
    tree = json.loads((scratch / INFO_FILE).read_text(encoding="utf-8"))
    (scratch / INFO_FILE).write_text(json.dumps(tree | {"format": 99}), encoding="utf-8")
    shop.artifacts.publish("recommender", scratch, {})
    with pytest.raises(ArtifactInvalid, match="format 99"):
        shop.service.load(shop.artifacts.candidates("recommender")[0])


@pytest.mark.parametrize("wrong", ["object array", "short table"])
def test_arrays_that_do_not_fit_are_refused_even_when_hashes_hold(shop: TestShop, wrong: str) -> None:
    shop.train(history(), load=False)
    scratch = _republish(shop, shop.artifacts.candidates("recommender")[0])
    if wrong == "object array":
        np.save(scratch / "support.npy", np.array([{}], dtype=object), allow_pickle=True)
    else:
        np.save(scratch / "content_ids.npy", np.zeros((3, 5), np.int32))
    shop.artifacts.publish("recommender", scratch, {})
    with pytest.raises(ArtifactInvalid):
        shop.service.load(shop.artifacts.candidates("recommender")[0])
    assert shop.service.model is None


def test_unloading_goes_back_to_trends(shop: TestShop) -> None:
    shop.train(history())
    shop.service.unload()
    assert shop.service.model is None
    assert shop.service.similar("giay-1").fallback
