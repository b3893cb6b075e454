"""Artifacts: only whole, unaltered versions are ever handed out, and a failed build changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import ArtifactInvalid
from appliance.store.artifacts import MANIFEST, POINTER, ArtifactStore, verify


def _publish(store: ArtifactStore, content: bytes = b"weights", kind: str = "recommender") -> str:
    scratch = store.begin(kind)
    (scratch / "model.npy").write_bytes(content)
    (scratch / "text").mkdir()
    (scratch / "text" / "words.npy").write_bytes(content * 2)
    return store.publish(kind, scratch, {"rows": len(content)})


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "models", now=lambda: 1000.0)


def test_nothing_published_is_none(store: ArtifactStore) -> None:
    assert store.current("recommender") is None
    assert store.candidates("recommender") == []


def test_published_version_comes_back_verified(store: ArtifactStore) -> None:
    version = _publish(store)
    artifact = store.current("recommender")
    assert artifact is not None
    assert (artifact.version, artifact.info, artifact.created_at) == (version, {"rows": 7}, 1000.0)
    assert (artifact.path / "text" / "words.npy").read_bytes() == b"weightsweights"
    assert artifact.rejected == ()


def test_scratch_folder_disappears_into_the_version(store: ArtifactStore, tmp_path: Path) -> None:
    _publish(store)
    assert not list((tmp_path / "models" / "recommender").glob(".building*"))


def test_kinds_do_not_mix(store: ArtifactStore) -> None:
    _publish(store)
    assert store.current("search") is None
    with pytest.raises(ArtifactInvalid, match="not a search"):
        verify(store.candidates("recommender")[0], "search")
    with pytest.raises(ValueError, match="artifact kind"):
        store.begin("../escape")


def test_last_three_versions_are_kept_and_numbers_grow(store: ArtifactStore) -> None:
    versions = [_publish(store, bytes([number])) for number in range(5)]
    kept = [path.name for path in store.candidates("recommender")]
    assert kept == versions[:1:-1]
    assert versions == sorted(versions)


def test_same_content_twice_gives_two_versions(tmp_path: Path) -> None:
    clock = iter(float(second) for second in range(100))
    store = ArtifactStore(tmp_path, now=lambda: next(clock))
    assert _publish(store) != _publish(store)


@pytest.mark.parametrize("damage", ["flip", "truncate", "missing", "manifest_text", "manifest_bit", "schema"])
def test_damaged_version_is_never_handed_out_and_the_previous_one_is(store: ArtifactStore, damage: str) -> None:
    good = _publish(store, b"good")
    _publish(store, b"to be damaged")
    _damage(store.candidates("recommender")[0], damage)
    artifact = store.current("recommender")
    assert artifact is not None
    assert artifact.version == good
    assert len(artifact.rejected) == 1


def test_when_every_version_is_damaged_it_says_so(store: ArtifactStore) -> None:
    _publish(store)
    _damage(store.candidates("recommender")[0], "flip")
    with pytest.raises(ArtifactInvalid, match=r"model\.npy differs"):
        store.current("recommender")


def _damage(path: Path, how: str) -> None:
    file = path / "model.npy"
    body = bytearray(file.read_bytes())
    manifest = path / MANIFEST
    if how == "flip":
        body[0] ^= 1
        file.write_bytes(body)
    elif how == "truncate":
        file.write_bytes(body[:-1])
    elif how == "missing":
        file.unlink()
    elif how == "manifest_text":
        manifest.write_text("{", encoding="utf-8")
    elif how == "manifest_bit":
        manifest.write_bytes(manifest.read_bytes().replace(b'"rows": 13', b'"rows": 14'))
    else:
        tree = json.loads(manifest.read_text(encoding="utf-8"))
        manifest.write_text(json.dumps(tree | {"schema": 99}), encoding="utf-8")


def test_file_outside_the_folder_is_refused(store: ArtifactStore) -> None:
    _publish(store)
    path = store.candidates("recommender")[0]
    (path / "text" / "words.npy").unlink()
    (path / "text" / "words.npy").symlink_to("/etc/hostname")
    with pytest.raises(ArtifactInvalid, match="outside itself"):
        verify(path, "recommender")


@pytest.mark.parametrize("pointer", [None, b"", b"000099-ffffffffffff\n", b"\xff\xfe"])
def test_lost_or_senseless_pointer_means_the_newest(
    store: ArtifactStore, tmp_path: Path, pointer: bytes | None
) -> None:
    _publish(store, b"old")
    newest = _publish(store, b"new")
    file = tmp_path / "models" / "recommender" / POINTER
    file.unlink()
    if pointer is not None:
        file.write_bytes(pointer)
    artifact = store.current("recommender")
    assert artifact is not None
    assert artifact.version == newest


def test_version_without_pointer_move_is_not_current(store: ArtifactStore, tmp_path: Path) -> None:
    old = _publish(store, b"old")
    _publish(store, b"new")
    (tmp_path / "models" / "recommender" / POINTER).write_text(old, encoding="ascii")
    artifact = store.current("recommender")
    assert artifact is not None
    assert artifact.version == old


def test_leftovers_of_dead_builders_go_and_living_ones_stay(store: ArtifactStore, tmp_path: Path) -> None:
    mine = store.begin("recommender")
    folder = tmp_path / "models" / "recommender"
    for name in (".building-1-5-x", ".building-999999999-1-x", ".building-nonsense"):
        (folder / name).mkdir()
    second = store.begin("recommender")
    assert sorted(folder.glob(".building*")) == sorted([mine, second])
    store.discard(mine)
    assert not mine.exists()


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 10**6), bit=st.integers(0, 7), which=st.integers(0, 2))
def test_any_flipped_bit_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int, which: int
) -> None:
    store = ArtifactStore(tmp_path_factory.mktemp("models"))
    _publish(store, bytes(range(256)))
    path = store.candidates("recommender")[0]
    file = [path / "model.npy", path / "text" / "words.npy", path / MANIFEST][which]
    body = bytearray(file.read_bytes())
    body[position % len(body)] ^= 1 << bit
    file.write_bytes(body)
    with pytest.raises(ArtifactInvalid):
        store.current("recommender")
