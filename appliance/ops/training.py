"""Training: a snapshot of the stores, a child process that builds from it, and the swap to what it built."""

from __future__ import annotations

import errno
import itertools
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog

from appliance.errors import ApplianceError, Conflict, DiskFull
from appliance.ops.build import EVALUATION, FACTS_FILE, KINDS, PRODUCTS_FILE, BuildLine, SnapshotFacts
from appliance.ops.builder import TIMEOUT_SECONDS, BuildCancelled, build_command, run_build
from appliance.ops.encoders import keep_embeddings, with_encoder
from appliance.recsys.exports import preference_rows, similarity_rows
from appliance.settings import Settings
from appliance.store.artifacts import ArtifactStore
from appliance.store.catalogue import Catalogue
from appliance.store.interactions import InteractionLog

INTERACTIONS_FILE = "interactions.npz"
_SCRATCH = "training"
_BUILD_FROM, _BUILD_TO = 0.1, 0.9

log = structlog.get_logger(__name__)

Progress = Callable[[float, str], None]
"""Told the share done, from 0 to 1, and the stage."""


class TrainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a training did."""

    published: dict[str, str]
    """Artefact kind and the version that is now current."""
    info: dict[str, dict[str, object]]
    """What each builder says of its result, by kind."""
    products: int
    interactions: int
    seconds: float


class Trainer:
    """Builds the models of one data directory, one training at a time.

    ``opted_out`` tells who must not be profiled. ``on_published(kind, path)`` is called after each swap, so that the
    running services load what is new.
    """

    def __init__(
        self,
        data_dir: Path,
        catalogue: Catalogue,
        interactions: InteractionLog | None,
        artifacts: ArtifactStore,
        settings: Settings,
        *,
        on_published: Callable[[str, Path], None] | None = None,
        timeout: float = TIMEOUT_SECONDS,
        opted_out: Callable[[], Collection[tuple[str, str]]] = frozenset,
    ) -> None:
        self.on_published = on_published
        self._data_dir = data_dir
        self._scratch = data_dir / _SCRATCH
        self._catalogue = catalogue
        self._interactions = interactions
        self._artifacts = artifacts
        self._settings = settings
        self._timeout = timeout
        self._opted_out = opted_out
        self._busy = threading.Lock()

    def run(
        self,
        *,
        search_only: bool = False,
        tune: bool = True,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> TrainReport:
        """Build and publish every model, or the search index alone; without ``tune`` a first model, ready in seconds.

        Raises ``Conflict`` while another training runs here, ``BuildFailed`` and ``BuildCancelled`` when the child
        does not end well, ``DiskFull`` and ``StoreError``. A model whose build is not complete is never published; one
        that was completed before another failed is.
        """
        with self._alone():
            return self._run(("search",) if search_only else KINDS, tune, progress or _silent, cancelled)

    def evaluate(
        self, *, k: int = 20, progress: Progress | None = None, cancelled: Callable[[], bool] = lambda: False
    ) -> dict[str, Any]:
        """Judge the recommender on the last visits of the log; nothing is published.

        Returns ``report`` and ``predictions`` (``evaluation.shop``). Raises as ``run`` does.
        """
        report = progress or _silent
        with self._alone():
            folder = Path(tempfile.mkdtemp(dir=self._scratch))
            report(0.0, "snapshot")
            self._export(folder, True, cancelled, answer_length=k)
            found: dict[str, Any] = {}

            def follow(line: BuildLine) -> None:
                if line.progress is not None:
                    report(_BUILD_FROM + line.progress * (1.0 - _BUILD_FROM), line.message)
                found.update(line.info)

            command = build_command(folder, folder / "out", (EVALUATION,))
            run_build(command, folder / "errors.log", follow, cancelled=cancelled, timeout=self._timeout)
            return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the scratch folder while a block runs. Raises ``Conflict`` while another training runs here."""
        if not self._busy.acquire(blocking=False):
            raise Conflict("A training is running already.", hint="Wait for it: its job shows how far it is.")
        try:
            # One process owns the data directory: whatever lies here was left by one that was killed.
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch.mkdir(parents=True, mode=0o700)
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull("There is no room to train.", hint="Free some disk space and train again.") from error
            raise
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._busy.release()

    def _run(
        self, kinds: tuple[str, ...], tune: bool, progress: Progress, cancelled: Callable[[], bool]
    ) -> TrainReport:
        started = time.monotonic()
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        progress(0.0, "snapshot")
        facts = self._export(folder, "recommender" in kinds, cancelled, tune=tune)
        built: dict[str, dict[str, object]] = {}

        def follow(line: BuildLine) -> None:
            if line.progress is not None:
                progress(_BUILD_FROM + line.progress * (_BUILD_TO - _BUILD_FROM), line.message)
            if line.built in kinds:
                built[line.built] = dict(line.info)

        out, published = folder / "out", dict[str, str]()
        try:
            command = build_command(folder, out, kinds)
            run_build(command, folder / "errors.log", follow, cancelled=cancelled, timeout=self._timeout)
        finally:
            for kind, info in built.items():
                published[kind] = self._publish(kind, out / kind, info, progress)
        progress(1.0, "done")
        report = TrainReport(
            published=published,
            info=built,
            products=facts.products,
            interactions=facts.interactions,
            seconds=round(time.monotonic() - started, 3),
        )
        log.info("trained", published=published, products=report.products, seconds=report.seconds)
        return report

    def _export(
        self,
        folder: Path,
        with_interactions: bool,
        cancelled: Callable[[], bool],
        *,
        tune: bool = True,
        answer_length: int = 20,
    ) -> SnapshotFacts:
        revision, products, interactions = self._catalogue.revision, 0, 0
        encoder = msgspec.json.Encoder()
        with (folder / PRODUCTS_FILE).open("wb") as file:
            for product in self._catalogue.iter_products():
                file.write(encoder.encode(product) + b"\n")
                products += 1
                if cancelled():
                    raise BuildCancelled("The training was stopped.", hint="Train again.")
        if with_interactions and self._interactions is not None:
            arrays = self._interactions.export_arrays(self._opted_out())
            arrays.save(folder / INTERACTIONS_FILE)
            interactions = len(arrays.product)
        if with_interactions:
            keep_embeddings(self._artifacts.candidates("recommender"), folder)
        facts = SnapshotFacts(
            revision=revision,
            products=products,
            interactions=interactions,
            recommender=with_encoder(self._settings.recommender, self._data_dir),
            tune=tune,
            answer_length=answer_length,
        )
        (folder / FACTS_FILE).write_bytes(msgspec.json.encode(facts))
        return facts

    def _publish(self, kind: str, folder: Path, info: dict[str, object], progress: Progress) -> str:
        progress(_BUILD_TO, "publish")
        version = self._artifacts.publish(kind, folder, info)
        path = next(path for path in self._artifacts.candidates(kind) if path.name == version)
        if self.on_published is not None:
            self.on_published(kind, path)
        if kind == "recommender" and self._interactions is not None:
            self._tabulate(path, self._interactions)
        return version

    def _tabulate(self, model: Path, interactions: InteractionLog) -> None:
        try:
            interactions.replace_similarities(itertools.chain.from_iterable(similarity_rows(model)))
            # Somebody may have opted out since the snapshot was taken.
            gone = {subject_id for subject, subject_id in self._opted_out() if subject == "user"}
            tastes = itertools.chain.from_iterable(preference_rows(model))
            interactions.replace_preferences(row for row in tastes if row[0] not in gone)
        except ApplianceError as error:
            # The model serves without these tables; the log reports its own trouble.
            log.warning("training_tables_not_written", error=error.message)


def _silent(_share: float, _stage: str) -> None:
    """Tell nobody."""
