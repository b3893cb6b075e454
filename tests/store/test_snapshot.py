"""Interaction arrays survive the file, and nothing but them is read from it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import ArtifactInvalid
from appliance.store.snapshot import InteractionArrays


def arrays() -> InteractionArrays:
    return InteractionArrays(
        visitor=np.array([0, -1], np.int32),
        session=np.array([-1, 0], np.int32),
        product=np.array([0, 1], np.int32),
        type=np.array([0, 5], np.int8),
        weight=np.array([1.0, 5.0], np.float32),
        occurred_at=np.array([1.5, 2.5]),
        visitors=["đ"],
        sessions=["s1"],
        product_ids=["p1", "p2"],
    )


@pytest.mark.parametrize("original", [arrays(), InteractionArrays.empty()])
def test_what_is_saved_is_loaded(tmp_path: Path, original: InteractionArrays) -> None:
    original.save(tmp_path / "i.npz")
    loaded = InteractionArrays.load(tmp_path / "i.npz")
    assert len(loaded) == len(original)
    for name in ("visitor", "session", "product", "type", "weight", "occurred_at"):
        assert np.array_equal(getattr(loaded, name), getattr(original, name))
        assert getattr(loaded, name).dtype == getattr(original, name).dtype
    assert (loaded.visitors, loaded.sessions, loaded.product_ids) == (
        original.visitors,
        original.sessions,
        original.product_ids,
    )


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    class Planted:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    np.savez(tmp_path / "i.npz", visitor=np.array([Planted()], dtype=object))
    with pytest.raises(ArtifactInvalid):
        InteractionArrays.load(tmp_path / "i.npz")
    (tmp_path / "p.npz").write_bytes(pickle.dumps(Planted()))
    with pytest.raises(ArtifactInvalid):
        InteractionArrays.load(tmp_path / "p.npz")
    assert not (tmp_path / "ran").exists()


def test_a_damaged_or_uneven_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "i.npz"
    arrays().save(file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ArtifactInvalid):
        InteractionArrays.load(file)
    with pytest.raises(ArtifactInvalid):
        InteractionArrays.load(tmp_path / "missing.npz")
    uneven = {name: np.zeros(2) for name in ("visitor", "session", "product", "type", "weight")}
    lists = {name: np.frombuffer(b"[]", np.uint8) for name in ("visitors", "sessions", "product_ids")}
    np.savez(file, **uneven, occurred_at=np.zeros(3), **lists)
    with pytest.raises(ArtifactInvalid, match="differ in length"):
        InteractionArrays.load(file)
