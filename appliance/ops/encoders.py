"""What a training needs of sentence encoders: where the encoder is, and what the model before has embedded already."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.recsys.embeddings import KEPT_FILES, KEPT_FOLDER
from appliance.settings import Recommender

OWN_FOLDER = Path("models", "embeddings")
"""Where the encoder of a data directory is, when the settings name none."""


def with_encoder(settings: Recommender, data_dir: Path) -> Recommender:
    """Return the settings with the encoder's folder in them: the one set, or the data directory's own."""
    own = data_dir / OWN_FOLDER
    if settings.embedding_model or not own.is_dir():
        return settings
    return msgspec.structs.replace(settings, embedding_model=str(own.absolute()))


def keep_embeddings(models: Sequence[Path], snapshot: Path) -> None:
    """Hand the embeddings of the current model, the first of ``models``, on with a snapshot.

    Only changed texts are then embedded again. Raises ``OSError`` where they cannot be copied.
    """
    for model in models[:1]:
        if all((model / name).is_file() for name in KEPT_FILES):
            (snapshot / KEPT_FOLDER).mkdir()
            for name in KEPT_FILES:
                shutil.copyfile(model / name, snapshot / KEPT_FOLDER / name)
