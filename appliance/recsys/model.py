"""A trained model as it is served: arrays mapped from a verified artifact, immutable, swapped as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from appliance.errors import ArtifactInvalid
from appliance.recsys.base import Floats, Ints, ModelInfo, mapped
from appliance.recsys.codes import ProductCodes
from appliance.recsys.embeddings import Reduction
from appliance.recsys.hybrid import SimilarTable
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.sessions.model import SessionModel
from appliance.recsys.similarity import ContentSpace
from appliance.recsys.tfidf import SparseRows, Vectoriser, load_rows
from appliance.recsys.trending import DailyCounts
from appliance.recsys.vectors import VectorIndex
from appliance.store.artifacts import verify

KIND = "recommender"
"""The artifact kind under which models are published."""
FORMAT = 2
"""Grows when the files of a model change their meaning; an older one is not loaded but built again."""
INFO_FILE = "model.json"
IDS_FILE = "products.json"


class ModelFile(msgspec.Struct, frozen=True):
    """The contents of ``model.json``."""

    format: int
    info: ModelInfo


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that serving needs, by model row; ``code_of_row`` and ``row_of_code`` translate to products."""

    info: ModelInfo
    code_of_row: Ints
    row_of_code: Ints
    """-1 where the model does not know the product; codes beyond its end are newer than the model."""
    vectoriser: Vectoriser
    sparse: SparseRows
    axes: Floats
    index: VectorIndex
    content: NeighbourTable
    collaborative: NeighbourTable
    sequential: NeighbourTable
    sessions: SessionModel
    together: NeighbourTable
    similar: SimilarTable
    support: Ints
    daily: DailyCounts
    """Keyed by code."""
    reduction: Reduction | None = None
    """How embeddings became part of the vectors; ``None`` without an encoder."""

    @property
    def space(self) -> ContentSpace:
        """The products by what they are; the embeddings are the part of the vectors behind the latent space."""
        return ContentSpace(self.sparse, self.vectoriser.size, self.index.vectors[:, self.axes.shape[1] :])

    def row(self, code: int) -> int:
        """Return the model's row of a product, -1 when it has none."""
        return int(self.row_of_code[code]) if 0 <= code < len(self.row_of_code) else -1

    def rows(self, codes: Ints) -> Ints:
        """Return the rows of several products."""
        inside = (codes >= 0) & (codes < len(self.row_of_code))
        found: Ints = np.where(inside, self.row_of_code[np.where(inside, codes, 0)], -1).astype(np.int32)
        return found


def load(path: Path, codes: ProductCodes) -> Model:
    """Verify a published model and map it; raises ``ArtifactInvalid`` before any of its arrays is touched."""
    artifact = verify(path, KIND)
    try:
        file = msgspec.json.decode((path / INFO_FILE).read_bytes(), type=ModelFile)
        ids = msgspec.json.decode((path / IDS_FILE).read_bytes(), type=list[str])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArtifactInvalid(f"{path.name} is not a model: {error}", hint="Build it again: appliance train") from error
    if file.format != FORMAT:
        raise ArtifactInvalid(
            f"{path.name} has model format {file.format}, this version reads {FORMAT}",
            hint="Build it again: appliance train",
        )
    try:
        return _map(path, msgspec.structs.replace(file.info, version=artifact.version), ids, codes)
    except (OSError, ValueError) as error:
        raise ArtifactInvalid(f"{path.name} cannot be read: {error}", hint="Build it again: appliance train") from error


def _map(path: Path, info: ModelInfo, ids: list[str], codes: ProductCodes) -> Model:
    code_of_row = np.array(codes.number(ids), np.int32)
    row_of_code = np.full(max(1, len(codes)), -1, np.int32)
    row_of_code[code_of_row] = np.arange(len(ids), dtype=np.int32)
    daily = DailyCounts.load(path)
    model = Model(
        info=info,
        code_of_row=code_of_row,
        row_of_code=row_of_code,
        vectoriser=Vectoriser.load(path),
        sparse=load_rows(path),
        axes=mapped(path / "axes.npy"),
        index=VectorIndex.load(path),
        content=NeighbourTable.load(path, "content"),
        collaborative=NeighbourTable.load(path, "collaborative"),
        sequential=NeighbourTable.load(path, "sequential"),
        sessions=SessionModel.load(path),
        together=NeighbourTable.load(path, "together"),
        similar=SimilarTable.load(path),
        support=mapped(path / "support.npy"),
        daily=daily._replace(rows=code_of_row[daily.rows] if len(ids) else np.asarray(daily.rows)),
        reduction=Reduction.load(path),
    )
    neighbours = (model.content, model.collaborative, model.sequential, model.together, model.similar)
    tables = (model.sparse.columns, *(table.ids for table in neighbours))
    if any(len(table) != len(ids) for table in (*tables, model.index.vectors, model.support)):
        raise ValueError("its parts are of different sizes")
    return model
