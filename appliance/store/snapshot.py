"""The interaction log as arrays: what training reads, in a file without pickle."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.errors import ArtifactInvalid

_LISTS = ("visitors", "sessions", "product_ids")
_TYPES: dict[str, type[np.generic]] = {
    "visitor": np.int32,
    "session": np.int32,
    "product": np.int32,
    "type": np.int8,
    "weight": np.float32,
    "occurred_at": np.float64,
}


@dataclass(frozen=True, slots=True)
class InteractionArrays:
    """Events with a known product, sorted by ``occurred_at`` and then by arrival; all arrays have one length."""

    visitor: NDArray[np.int32]
    """Index into ``visitors``: the user (through the session's link where the event has none), else the session; -1 for
    neither, and for who opted out."""
    session: NDArray[np.int32]
    """Index into ``sessions``; -1 for none."""
    product: NDArray[np.int32]
    """Index into ``product_ids``."""
    type: NDArray[np.int8]
    """Index into ``list(InteractionType)``."""
    weight: NDArray[np.float32]
    occurred_at: NDArray[np.float64]
    """Unix seconds."""
    visitors: list[str]
    """Names with their kind before them, as ``ownership.visitor_name`` makes them."""
    sessions: list[str]
    product_ids: list[str]

    def __len__(self) -> int:
        return len(self.product)

    @classmethod
    def empty(cls) -> InteractionArrays:
        """Return the arrays of a log without events."""
        arrays: dict[str, Any] = {name: np.empty(0, kind) for name, kind in _TYPES.items()}
        return cls(**arrays, visitors=[], sessions=[], product_ids=[])

    def save(self, path: Path) -> None:
        """Write one ``.npz`` file; the lists travel in it as JSON bytes."""
        arrays: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in _LISTS:
            arrays[name] = np.frombuffer(msgspec.json.encode(arrays[name]), np.uint8)
        with path.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> InteractionArrays:
        """Read what ``save`` wrote. Raises ``ArtifactInvalid`` for anything else, pickles included."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays: dict[str, Any] = {name: file[name].astype(kind, copy=False) for name, kind in _TYPES.items()}
                for name in _LISTS:
                    arrays[name] = msgspec.json.decode(file[name].tobytes(), type=list[str])
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, msgspec.DecodeError) as error:
            raise ArtifactInvalid(f"{path.name} does not hold interaction arrays: {error}") from error
        if len({len(arrays[name]) for name in _TYPES}) != 1:
            raise ArtifactInvalid(f"the arrays in {path.name} differ in length")
        return cls(**arrays)
