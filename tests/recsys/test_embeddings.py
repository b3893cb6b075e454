"""Embeddings at training: reduced, kept by text, and never the reason why a training fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_encoder import WORDS, write_encoder
from recsys_shop import product

from appliance.recsys import embeddings
from appliance.recsys.embeddings import Reduction, fit, key_of, text_of


def _texts(count: int = 60) -> list[str]:
    random = np.random.default_rng(0)
    return [" ".join(random.choice(WORDS[4:], 4)) for _ in range(count)]


def _folders(tmp_path: Path) -> tuple[str, Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    return str(write_encoder(tmp_path / "encoder")), first, second


def test_no_encoder_means_no_vectors_and_no_files(tmp_path: Path) -> None:
    vectors, facts = fit(_texts(5), 5, tmp_path, model="")
    assert vectors.shape == (5, 0)
    assert not facts.problem
    assert not list(tmp_path.iterdir())


def test_vectors_have_unit_length_and_an_empty_text_has_none(tmp_path: Path) -> None:
    model, out, _ = _folders(tmp_path)
    vectors, facts = fit([*_texts(), ""], 61, out, model=model)
    assert np.linalg.norm(vectors[:60], axis=1) == pytest.approx(np.ones(60), abs=1e-5)
    assert not vectors[60].any()
    assert (facts.products, facts.problem) == (60, "")


def test_words_of_two_languages_for_one_thing_are_alike(tmp_path: Path) -> None:
    model, out, _ = _folders(tmp_path)
    vectors, _ = fit(["balo da", "leather backpack", "giày", "tui vi"], 4, out, model=model)
    assert vectors[0] @ vectors[1] > 0.9
    assert vectors[0] @ vectors[1] > max(vectors[0] @ vectors[2], vectors[0] @ vectors[3])


def test_only_changed_texts_are_embedded_again(tmp_path: Path) -> None:
    model, first, second = _folders(tmp_path)
    texts = _texts()
    before, facts = fit(texts, 60, first, model=model)
    assert facts.embedded == 60
    texts[7] = "giay shoe giay vi"
    after, facts = fit(texts, 60, second, model=model, kept=first)
    assert facts.embedded == 1
    assert facts.products == 60
    again, _ = fit(texts, 60, first, model=model)
    assert after == pytest.approx(again, abs=2e-2)  # kept as half floats
    assert not np.allclose(before[7], after[7], atol=0.1)


def test_vectors_of_other_weights_are_not_used(tmp_path: Path) -> None:
    model, first, second = _folders(tmp_path)
    fit(_texts(), 60, first, model=model)
    other = str(write_encoder(tmp_path / "other", pooled_too=True))
    assert fit(_texts(), 60, second, model=other, kept=first)[1].embedded == 60


@pytest.mark.parametrize("damage", ["missing", "model", "kept"])
def test_damage_is_said_and_trains_without(tmp_path: Path, damage: str) -> None:
    model, first, second = _folders(tmp_path)
    fit(_texts(), 60, first, model=model)
    if damage == "kept":
        (first / embeddings.KEYS_FILE).write_bytes(b"\x93NUMPY garbage")
        assert fit(_texts(), 60, second, model=model, kept=first)[1].embedded == 60
        return
    if damage == "model":
        (Path(model) / "model.onnx").write_bytes(b"no graph")
    vectors, facts = fit(_texts(), 60, second, model=model if damage == "model" else str(tmp_path / "nowhere"))
    assert vectors.shape == (60, 0)
    assert facts.problem
    assert Reduction.load(second) is None


def test_out_of_time_the_next_training_goes_on(tmp_path: Path) -> None:
    model, first, second = _folders(tmp_path)
    texts = [f"balo {'da ' * (n % 9)}{'vi ' * (n // 9)}" for n in range(600)]
    clock = iter([0.0, 1.0, *[embeddings.BUDGET_SECONDS + 1] * 99])
    vectors, facts = fit(texts, 600, first, model=model, now=lambda: next(clock))
    assert facts.embedded == facts.products == 256
    assert "344" in facts.problem
    assert not vectors[256:].any()
    _, facts = fit(texts, 600, second, model=model, kept=first)
    assert (facts.products, facts.problem) == (600, "")
    assert facts.embedded <= 344


def test_a_saved_reduction_gives_the_same_vectors(tmp_path: Path) -> None:
    model, out, _ = _folders(tmp_path)
    vectors, _ = fit(_texts(), 60, out, model=model)
    reduction = Reduction.load(out)
    assert reduction is not None
    raw = embeddings.Embedder(Path(model)).embed(_texts())
    assert reduction.project(raw) == pytest.approx(vectors, abs=2e-2)


def test_the_text_leads_with_what_the_product_is() -> None:
    item = product("p", "Balo da", "Túi > Balo", title_en="Leather backpack", description="Bền đẹp.")
    assert text_of(item) == "Balo da. Leather backpack. Balo. Bền đẹp."
    assert key_of("") == 0
    assert key_of("a") != key_of("b")
