"""Training from real stores through the real child process."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.domain import Interaction, Product, Variant
from appliance.errors import Conflict, DiskFull, StoreError
from appliance.metrics import Metrics
from appliance.ops import training
from appliance.ops.build import read_facts, read_products
from appliance.ops.builder import BuildCancelled, BuildFailed
from appliance.ops.training import Trainer
from appliance.settings import Settings
from appliance.store.analytics import Analytics
from appliance.store.artifacts import ArtifactStore
from appliance.store.catalogue import Catalogue
from appliance.store.interactions import InteractionLog
from appliance.store.journal_rows import JournalRow
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

TITLES = ("Balo da nam", "Balo vải nữ", "Túi đeo chéo", "Túi xách công sở", "Giày sneaker trắng", "Giày da nam")


def product(number: int) -> Product:
    return Product(
        id=f"p{number}",
        handle=f"p-{number}",
        title=f"{TITLES[number % len(TITLES)]} {number}",
        categories=("Túi" if number % 2 else "Giày",),
        variants=(Variant(id=f"v{number}", price=100_000 + number, stock=5),),
    )


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    catalogue = Catalogue(store)
    catalogue.upsert([product(number) for number in range(40)])
    yield catalogue
    store.close()


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "models")


@pytest.fixture
def trainer(tmp_path: Path, catalogue: Catalogue, artifacts: ArtifactStore) -> Trainer:
    return Trainer(tmp_path, catalogue, None, artifacts, Settings())


def test_every_model_is_built_published_and_announced(trainer: Trainer, artifacts: ArtifactStore) -> None:
    announced: dict[str, Path] = {}
    trainer.on_published = announced.__setitem__
    told: list[tuple[float, str]] = []
    report = trainer.run(progress=lambda share, stage: told.append((share, stage)))
    assert set(report.published) == {"recommender", "search"} == set(announced)
    assert (report.products, report.interactions) == (40, 0)
    for kind, version in report.published.items():
        current = artifacts.current(kind)
        assert current is not None
        assert (current.version, current.path) == (version, announced[kind])
        assert current.info["revision"] == 1
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert {"snapshot", "publish", "search", "text"} <= {stage for _, stage in told}


@pytest.fixture
def interactions(tmp_path: Path, catalogue: Catalogue) -> Iterator[InteractionLog]:
    """A log of shoppers of two tastes: odd and even products."""
    analytics = Analytics(tmp_path, Settings().analytics, Metrics())
    log = InteractionLog(analytics)
    dice = random.Random(7)
    events = [
        Interaction(
            event_id=f"e{number}",
            user_id=f"u{number % 60}",
            session_id=f"s{number % 60}",
            product_id=f"p{2 * dice.randrange(20) + number % 2}",
            product_handle="",
            interaction_type="view",
            weight=1.0,
            occurred_at=1_800_000_000.0 + number,
            received_at=1_800_000_000.0 + number,
        )
        for number in range(900)
    ]
    row = JournalRow(1, "events", len(events), msgspec.json.encode(events).decode())
    log.merge("journal", [row], catalogue.resolve)
    yield log
    log.close()
    analytics.close()


def test_the_log_gets_the_neighbours_and_tastes_that_were_learned(
    tmp_path: Path, catalogue: Catalogue, artifacts: ArtifactStore, interactions: InteractionLog
) -> None:
    report = Trainer(tmp_path, catalogue, interactions, artifacts, Settings()).run()
    assert report.interactions == report.info["recommender"]["interactions"] == 900
    neighbours = interactions.similar("p3", 5)
    assert len(neighbours) == 5
    assert {int(found.product_id[1:]) % 2 for found in neighbours} == {1}
    assert max(found.collaborative for found in neighbours) > 0
    assert interactions.preferences("u1") == [("Túi", pytest.approx(1.0))]


def test_who_opted_out_is_not_profiled(
    tmp_path: Path, catalogue: Catalogue, artifacts: ArtifactStore, interactions: InteractionLog
) -> None:
    subjects = {("user", "u1"), ("session", "s2")}
    Trainer(tmp_path, catalogue, interactions, artifacts, Settings(), opted_out=lambda: subjects).run()
    assert interactions.preferences("u1") == interactions.preferences("u2") == []
    assert interactions.preferences("u3") == [("Túi", pytest.approx(1.0))]


def test_a_log_that_is_off_does_not_cost_the_model(
    tmp_path: Path,
    catalogue: Catalogue,
    artifacts: ArtifactStore,
    interactions: InteractionLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def off(_rows: object) -> int:
        raise StoreError("DuckDB cannot be used")

    monkeypatch.setattr(interactions, "replace_similarities", off)
    report = Trainer(tmp_path, catalogue, interactions, artifacts, Settings()).run()
    assert set(report.published) == {"recommender", "search"}


def test_the_search_index_alone_leaves_the_recommender(trainer: Trainer, artifacts: ArtifactStore) -> None:
    report = trainer.run(search_only=True)
    assert list(report.published) == ["search"]
    assert artifacts.current("recommender") is None
    assert report.info["search"]["products"] == 40


def test_an_empty_shop_can_be_trained(tmp_path: Path, artifacts: ArtifactStore) -> None:
    store = SqliteStore(tmp_path / "empty.db", MIGRATIONS)
    report = Trainer(tmp_path, Catalogue(store), None, artifacts, Settings()).run()
    store.close()
    assert set(report.published) == {"recommender", "search"}


def test_the_scratch_folder_is_gone_afterwards_and_old_ones_are_removed(trainer: Trainer, tmp_path: Path) -> None:
    (tmp_path / "training" / "left-by-a-killed-process").mkdir(parents=True)
    trainer.run(search_only=True)
    assert not (tmp_path / "training").exists()


@pytest.mark.parametrize("code", ["os.kill(os.getpid(), 9)", "sys.exit('the disk is on fire')"])
def test_a_failed_build_replaces_nothing(
    trainer: Trainer, artifacts: ArtifactStore, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    before = trainer.run(search_only=True).published["search"]
    monkeypatch.setattr(training, "build_command", lambda *_: _script(code))
    with pytest.raises(BuildFailed):
        trainer.run(search_only=True)
    current = artifacts.current("search")
    assert current is not None
    assert current.version == before


def test_what_was_complete_before_another_failed_is_published(
    trainer: Trainer, artifacts: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(folder: Path, out: Path, _kinds: object) -> list[str]:
        code = f"""
from pathlib import Path
from appliance.ops.build import _say, BuildLine, build
build(Path({str(folder)!r}), Path({str(out)!r}), ["search"], _say)
Path({str(out)!r}, "recommender").mkdir()
_say(BuildLine(error="no memory"))
sys.exit(1)"""
        return _script(code)

    monkeypatch.setattr(training, "build_command", half)
    with pytest.raises(BuildFailed, match="no memory"):
        trainer.run()
    assert artifacts.current("search") is not None
    assert artifacts.current("recommender") is None


def test_cancelling_leaves_the_models(trainer: Trainer, artifacts: ArtifactStore) -> None:
    before = trainer.run(search_only=True).published["search"]
    begun = threading.Event()

    def note(_share: float, stage: str) -> None:
        if stage == "search":
            begun.set()

    with pytest.raises(BuildCancelled):
        trainer.run(search_only=True, progress=note, cancelled=begun.is_set)
    current = artifacts.current("search")
    assert current is not None
    assert current.version == before


def test_one_training_at_a_time(trainer: Trainer) -> None:
    refused: list[Conflict] = []

    def again(_share: float, stage: str) -> None:
        if stage == "snapshot":
            with pytest.raises(Conflict) as caught:
                trainer.run(search_only=True)
            refused.append(caught.value)

    trainer.run(search_only=True, progress=again)
    assert len(refused) == 1


def test_a_full_disk_is_named(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(training, "run_build", full)
    with pytest.raises(DiskFull):
        trainer.run(search_only=True)


def test_a_snapshot_carries_revision_settings_and_products(
    trainer: Trainer, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def look(folder: Path, _out: Path, _kinds: object) -> list[str]:
        facts = read_facts(folder)
        seen.extend([facts.revision, facts.products, facts.recommender, list(read_products(folder))])
        return _script("")

    monkeypatch.setattr(training, "build_command", look)
    trainer.run(search_only=True)
    assert seen == [catalogue.revision, 40, Settings().recommender, list(catalogue.iter_products())]


def _script(code: str) -> list[str]:
    import sys

    return [sys.executable, "-c", f"import os, sys\n{code}"]
