"""Sentence embeddings of products: made at training where an encoder is set, kept between trainings by text.

The encoder's vectors are centred and reduced to their principal directions, at most ``DIMENSIONS``: the texts of one
shop share a direction that says nothing of a single product and makes everything alike (Mu & Viswanath 2018). The raw
vectors are kept as half floats under the hash of their text, so the next training embeds what is new only.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import structlog

from appliance.domain import Product
from appliance.errors import ArtifactInvalid
from appliance.recsys import embedder
from appliance.recsys.base import Floats, mapped
from appliance.recsys.embedder import Embedder
from appliance.recsys.latent import unit

DIMENSIONS = 128
BUDGET_SECONDS = 1800.0
"""Time that one training may spend in the encoder; what is left over is embedded by the next one."""
FACTS_FILE = "embeddings.json"
KEYS_FILE, RAW_FILE, MEAN_FILE, AXES_FILE = (f"embedding_{name}.npy" for name in ("keys", "vectors", "mean", "axes"))
KEPT_FOLDER = "kept"
"""Where a snapshot has the ``KEPT_FILES`` of the model before."""
KEPT_FILES = (FACTS_FILE, KEYS_FILE, RAW_FILE)
"""What the next training needs of a model's folder."""
_MAX_CHARACTERS = 2000
_STEP = 256

Keys = npt.NDArray[np.uint64]
Halves = npt.NDArray[np.float16]

log = structlog.get_logger(__name__)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of ``embeddings.json``: which encoder, and what became of it."""

    folder: str
    fingerprint: str = ""
    products: int = 0
    """Products that have an embedding."""
    embedded: int = 0
    """Texts that went through the encoder in this training."""
    problem: str = ""
    """Why there are none or too few; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """From an encoder's vectors to the model's: minus ``mean`` float32[dim], times ``axes`` float32[dim, d]."""

    facts: Facts
    mean: Floats
    axes: Floats
    kept: Kept

    def project(self, vectors: Floats) -> Floats:
        """Return float32[n, d] of unit length from float32[n, dim]; a row of zeros stays one."""
        given = np.any(vectors != 0, axis=1, keepdims=True)
        reduced: Floats = unit(((vectors - self.mean) @ self.axes) * given)
        return reduced

    @classmethod
    def load(cls, folder: Path) -> Reduction | None:
        """Read that of a verified model; ``None`` when it was trained without an encoder."""
        if not (folder / AXES_FILE).exists():
            return None
        facts = msgspec.json.decode((folder / FACTS_FILE).read_bytes(), type=Facts)
        axes = mapped(folder / AXES_FILE)
        return cls(facts, mapped(folder / MEAN_FILE), axes, Kept.load(folder, facts.fingerprint, axes.shape[0]))

    def known(self, text: str) -> Floats | None:
        """Return the vector float32[d] of a text that the model was trained with, zeros for an empty one."""
        if not text:
            return np.zeros(self.axes.shape[1], np.float32)
        found, raw = self.kept.find(np.array([key_of(text)], np.uint64))
        vector: Floats | None = self.project(raw.astype(np.float32))[0] if found[0] else None
        return vector

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return float32[n, d] of new texts; opens the encoder and closes it again, so it takes a moment.

        Raises ``ArtifactInvalid`` when the encoder is not there any more, or is another one.
        """
        folder = Path(self.facts.folder)
        encoder = Embedder(folder)
        if embedder.fingerprint(folder) != self.facts.fingerprint:
            raise ArtifactInvalid(f"{folder} is not the encoder of the model", hint="Train again: appliance train.")
        return self.project(encoder.embed(texts))


class Kept:
    """Vectors by text of an earlier training: sorted ``keys`` uint64[n] and ``vectors`` float16[n, dim]."""

    def __init__(self, keys: Keys, vectors: Halves) -> None:
        self._keys, self._vectors = keys, vectors

    def find(self, keys: Keys) -> tuple[npt.NDArray[np.bool_], Halves]:
        """Return which keys are known, and the vectors of those."""
        if not len(self._keys):
            return np.zeros(len(keys), np.bool_), self._vectors[:0]
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        known = self._keys[places] == keys
        return known, self._vectors[places[known]]

    @classmethod
    def load(cls, folder: Path | None, fingerprint: str, dimensions: int) -> Kept:
        """Read what an earlier model kept; nothing when it is of other weights or cannot be read."""
        nothing = cls(np.empty(0, np.uint64), np.empty((0, dimensions), np.float16))
        if folder is None or not all((folder / name).exists() for name in KEPT_FILES):
            return nothing
        try:
            facts = msgspec.json.decode((folder / FACTS_FILE).read_bytes(), type=Facts)
            keys, vectors = mapped(folder / KEYS_FILE), mapped(folder / RAW_FILE)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("embeddings_not_kept", error=repr(error))
            return nothing
        fits = keys.ndim == 1 and keys.dtype == np.uint64 and vectors.shape == (len(keys), dimensions)
        return cls(keys, vectors) if fits and facts.fingerprint == fingerprint else nothing


def text_of(product: Product) -> str:
    """Return what the encoder reads of a product: titles, categories, then the description as far as it goes."""
    categories = ", ".join(path.split(">")[-1].strip() for path in product.categories)
    parts = (product.title, product.title_en, categories, product.description)
    return ". ".join(part.strip() for part in parts if part.strip())[:_MAX_CHARACTERS]


def key_of(text: str) -> int:
    """Return the name under which a text's vector is kept: 64 bits of its hash; 0 for no text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little") if text else 0


def fit(
    texts: Iterable[str],
    size: int,
    out: Path,
    *,
    model: str,
    kept: Path | None = None,
    threads: int = 1,
    progress: Callable[[float], None] = lambda _share: None,
    now: Callable[[], float] = time.monotonic,
) -> tuple[Floats, Facts]:
    """Return the reduced vectors of ``size`` texts, float32[size, d], and what was done; ``out`` takes what is kept.

    ``model`` is the encoder's folder, ``''`` for none: then d is 0 and nothing is written. So it is, with
    ``Facts.problem``, for an encoder that cannot be used: a training never fails for its sake. ``kept`` is a folder
    with the ``KEPT_FILES`` of an earlier model. A text that is empty, or was not reached in time, has a row of zeros.
    """
    nothing = np.zeros((size, 0), np.float32)
    if not model:
        return nothing, Facts(folder="")
    folder = Path(model).expanduser().absolute()
    try:
        encoder = Embedder(folder, threads)
        facts = Facts(folder=str(folder), fingerprint=embedder.fingerprint(folder))
        known = Kept.load(kept, facts.fingerprint, encoder.dimensions)
        work = _embed(texts, size, encoder, known, progress, now() + BUDGET_SECONDS, now)
    except (ArtifactInvalid, OSError) as error:
        problem = error.message if isinstance(error, ArtifactInvalid) else str(error)
        log.warning("embeddings_off", folder=model, error=problem)
        return nothing, _note(out, Facts(folder=str(folder), problem=problem))
    has = work.keys != 0
    facts = msgspec.structs.replace(
        facts,
        products=int(has.sum()),
        embedded=work.embedded,
        problem=f"{work.missed} products were not reached in time" if work.missed else "",
    )
    _save_kept(out, work)
    reduction = _reduction(facts, work)
    for name, array in ((MEAN_FILE, reduction.mean), (AXES_FILE, reduction.axes)):
        np.save(out / name, array, allow_pickle=False)
    log.info("embeddings", products=facts.products, embedded=facts.embedded, missed=work.missed)
    return reduction.project(work.vectors.astype(np.float32)), _note(out, facts)


class _Work(NamedTuple):
    """Keys uint64[n] and vectors float16[n, dim] by product, 0 and zeros where there is none."""

    keys: Keys
    vectors: Halves
    embedded: int
    missed: int


def _embed(
    texts: Iterable[str],
    size: int,
    encoder: Embedder,
    kept: Kept,
    progress: Callable[[float], None],
    deadline: float,
    now: Callable[[], float],
) -> _Work:
    keys, vectors = np.zeros(size, np.uint64), np.zeros((size, encoder.dimensions), np.float16)
    embedded = missed = 0
    stream = iter(texts)
    for start in range(0, size, _STEP):
        part = list(itertools.islice(stream, min(_STEP, size - start)))
        names = np.array([key_of(text) for text in part], np.uint64)
        known, found = kept.find(names)
        vectors[start : start + len(part)][known] = found
        new = np.flatnonzero(~known & (names != 0))
        if len(new) and now() < deadline:
            vectors[start + new] = encoder.embed([part[place] for place in new.tolist()])
            embedded += len(new)
        elif len(new):
            names[new] = 0
            missed += len(new)
        keys[start : start + len(part)] = names
        progress((start + len(part)) / size)
    return _Work(keys, vectors, embedded, missed)


def _reduction(facts: Facts, work: _Work) -> Reduction:
    """Return the mean and the principal directions (eigenvectors of the covariance, the largest first)."""
    vectors = work.vectors[work.keys != 0].astype(np.float32)
    dimensions = vectors.shape[1]
    mean: Floats = vectors.mean(axis=0) if len(vectors) > 1 else np.zeros(dimensions, np.float32)
    centred = (vectors - mean).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    axes: Floats = np.ascontiguousarray(directions[:, ::-1][:, :DIMENSIONS], np.float32)
    return Reduction(facts, mean, axes, Kept(work.keys[:0], work.vectors[:0]))


def _save_kept(out: Path, work: _Work) -> None:
    keys, first = np.unique(work.keys, return_index=True)
    used = keys != 0
    np.save(out / KEYS_FILE, keys[used], allow_pickle=False)
    np.save(out / RAW_FILE, work.vectors[first[used]], allow_pickle=False)


def _note(out: Path, facts: Facts) -> Facts:
    (out / FACTS_FILE).write_bytes(msgspec.json.encode(facts))
    return facts
