"""The sentence encoder: mean pooling by hand, texts that try to be control tokens, folders that are no encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_encoder import WORDS, table, write_encoder

from appliance.errors import ArtifactInvalid
from appliance.recsys import embedder
from appliance.recsys.embedder import MAX_TOKENS, Embedder, mean_pooled


def _by_hand(*tokens: str) -> np.ndarray:
    mean = table()[[WORDS.index(token) for token in tokens]].mean(axis=0)
    unit: np.ndarray = mean / np.linalg.norm(mean)
    return unit


def test_the_vector_is_the_mean_of_the_tokens_of_unit_length(tmp_path: Path) -> None:
    vectors = Embedder(write_encoder(tmp_path)).embed(["Balô da", "giày", "balo da vi shoe"])
    assert vectors.dtype == np.float32
    assert vectors[0] == pytest.approx(_by_hand("balo", "da"), abs=1e-6)
    assert vectors[1] == pytest.approx(_by_hand("giay"), abs=1e-6)  # padded to the longest: padding does not count
    assert vectors[2] == pytest.approx(_by_hand("balo", "da", "vi", "shoe"), abs=1e-6)


def test_mean_pooling_leaves_out_masked_tokens() -> None:
    states = np.array([[[3.0, 0.0], [0.0, 4.0], [9.0, 9.0]]], np.float32)
    assert mean_pooled(states, np.array([[1, 1, 0]]))[0].tolist() == pytest.approx([0.6, 0.8])
    assert not mean_pooled(states, np.array([[0, 0, 0]])).any()


def test_order_and_batches_do_not_change_a_vector(tmp_path: Path) -> None:
    encoder = Embedder(write_encoder(tmp_path))
    texts = [" ".join(WORDS[4 + (n + step) % 8] for step in range(n % 7)) for n in range(100)]
    together = encoder.embed(texts)
    for place in (0, 7, 33, 99):
        assert together[place] == pytest.approx(encoder.embed([texts[place]])[0], abs=1e-6)
    assert not together[0].any()  # no word, no vector


def test_a_control_token_in_a_title_is_only_text(tmp_path: Path) -> None:
    vector = Embedder(write_encoder(tmp_path)).embed(["balo [SEP]"])[0]
    assert vector == pytest.approx(_by_hand("balo", "[UNK]", "[UNK]", "[UNK]"), abs=1e-6)


def test_long_texts_are_cut(tmp_path: Path) -> None:
    vector = Embedder(write_encoder(tmp_path)).embed(["balo " * MAX_TOKENS + "giay " * 500])[0]
    assert vector == pytest.approx(_by_hand("balo"), abs=1e-6)


def test_a_pooled_output_beside_the_tokens_is_left_aside(tmp_path: Path) -> None:
    vector = Embedder(write_encoder(tmp_path, pooled_too=True)).embed(["balo da"])[0]
    assert vector == pytest.approx(_by_hand("balo", "da"), abs=1e-6)


def test_a_damaged_folder_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ArtifactInvalid, match=r"has no model\.onnx"):
        Embedder(tmp_path)
    folder = write_encoder(tmp_path)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:60])
    with pytest.raises(ArtifactInvalid, match="no sentence encoder"):
        Embedder(folder)
    write_encoder(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactInvalid, match="no sentence encoder"):
        Embedder(folder)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder, "missing_packages", lambda: ["onnxruntime"])
    with pytest.raises(ArtifactInvalid, match="onnxruntime"):
        Embedder(tmp_path)


def test_other_weights_have_another_fingerprint(tmp_path: Path) -> None:
    first, second = write_encoder(tmp_path / "a"), write_encoder(tmp_path / "b")
    assert embedder.fingerprint(first) == embedder.fingerprint(second)
    write_encoder(second, 8)
    assert embedder.fingerprint(first) != embedder.fingerprint(second)
