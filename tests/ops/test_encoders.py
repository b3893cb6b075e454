"""Which encoder a training uses, and what it is handed of the model before."""

from __future__ import annotations

from pathlib import Path

from appliance.ops.encoders import OWN_FOLDER, keep_embeddings, with_encoder
from appliance.recsys.embeddings import KEPT_FILES, KEPT_FOLDER
from appliance.settings import Recommender


def test_the_data_directorys_own_encoder_is_used_unless_another_is_set(tmp_path: Path) -> None:
    assert with_encoder(Recommender(), tmp_path).embedding_model == ""
    (tmp_path / OWN_FOLDER).mkdir(parents=True)
    assert with_encoder(Recommender(), tmp_path).embedding_model == str(tmp_path / OWN_FOLDER)
    assert with_encoder(Recommender(embedding_model="elsewhere"), tmp_path).embedding_model == "elsewhere"


def test_the_current_model_hands_on_what_it_embedded(tmp_path: Path) -> None:
    model, older, snapshot = tmp_path / "2", tmp_path / "1", tmp_path / "snapshot"
    for folder in (model, older, snapshot):
        folder.mkdir()
    for name in KEPT_FILES:
        (older / name).write_bytes(b"old")
    keep_embeddings([model, older], snapshot)
    assert not (snapshot / KEPT_FOLDER).exists()
    for name in KEPT_FILES:
        (model / name).write_bytes(b"new")
    keep_embeddings([model, older], snapshot)
    assert {(snapshot / KEPT_FOLDER / name).read_bytes() for name in KEPT_FILES} == {b"new"}
