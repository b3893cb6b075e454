"""Runs a sentence encoder in ONNX form over product texts: a folder with ``model.onnx`` and ``tokenizer.json``.

The vector of a text is the mean of its token vectors over the attention mask, scaled to unit length (Reimers &
Gurevych 2019, Sentence-BERT): v = Σ_t m_t h_t / Σ_t m_t, then v / ‖v‖. Both packages it needs are optional and are
imported when an encoder is opened, never before.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from appliance.errors import ArtifactInvalid
from appliance.recsys.base import Floats, Longs

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
MAX_TOKENS = 128
"""Tokens of a text that are read; titles and categories come first in it."""
_BATCH = 32
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_PACKAGES = ("onnxruntime", "tokenizers")
_HINT = "Check recommender.embedding_model: a folder with model.onnx and the tokenizer.json of the same model."


def missing_packages() -> list[str]:
    """Return which of the optional packages are not installed; none is imported to find out."""
    return [name for name in _PACKAGES if importlib.util.find_spec(name) is None]


class Embedder:
    """One open encoder. ``embed`` may be called from any thread; ``dimensions`` is the length of its vectors."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Open the folder. Raises ``ArtifactInvalid`` when a file or package is missing or the model is no encoder."""
        missing = missing_packages()
        if missing:
            raise ArtifactInvalid(f"not installed: {', '.join(missing)}", hint="pip install shop-appliance[cpu]")
        for name in (MODEL_FILE, TOKENIZER_FILE):
            if not (folder / name).is_file():
                raise ArtifactInvalid(f"{folder} has no {name}", hint=_HINT)
        try:
            self._tokenizer = _tokenizer(folder / TOKENIZER_FILE)
            self._session = _session(folder / MODEL_FILE, threads)
            self._inputs = {entry.name: _dtype(entry.type) for entry in self._session.get_inputs()}
            self._output = _token_output(self._session)
            self.dimensions = self._probe()
        except ArtifactInvalid:
            raise
        except Exception as error:  # both packages raise bare Exceptions for a damaged file
            raise ArtifactInvalid(f"{folder} is no sentence encoder: {error}", hint=_HINT) from error

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return float32[n, dimensions], rows of unit length; zeros for a text without a token.

        Raises ``ArtifactInvalid`` when the model cannot read what the tokenizer makes of a text.
        """
        out = np.zeros((len(texts), self.dimensions), np.float32)
        # Texts of like length share a batch, so that little of it is padding.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            try:
                out[places] = self._batch([texts[place] for place in places])
            except Exception as error:  # the runtime raises bare Exceptions, for example for a token it does not know
                raise ArtifactInvalid(f"the sentence encoder failed: {error}", hint=_HINT) from error
        return out

    def _batch(self, texts: list[str]) -> Floats:
        encoded = self._tokenizer.encode_batch(texts)
        ids: Longs = np.array([entry.ids for entry in encoded], np.int64).reshape(len(texts), -1)
        mask: Longs = np.array([entry.attention_mask for entry in encoded], np.int64).reshape(ids.shape)
        if not ids.shape[1]:
            return np.zeros((len(texts), self.dimensions), np.float32)
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        feed = {name: known[name].astype(dtype) for name, dtype in self._inputs.items()}
        states = np.asarray(self._session.run([self._output], feed)[0], np.float32)
        return mean_pooled(states, mask)

    def _probe(self) -> int:
        unknown = set(self._inputs) - _INPUTS
        if unknown or "input_ids" not in self._inputs:
            raise ArtifactInvalid(f"{MODEL_FILE} asks for {', '.join(sorted(self._inputs))}", hint=_HINT)
        one = np.ones((1, 1), np.int64)
        feed = {name: one.astype(dtype) for name, dtype in self._inputs.items()}
        return int(np.asarray(self._session.run([self._output], feed)[0]).shape[-1])


def mean_pooled(states: Floats, mask: Longs) -> Floats:
    """Return unit vectors float32[n, d] of token states float32[n, t, d] under a mask int64[n, t] of ones and zeros."""
    weights = mask.astype(np.float32)
    sums: Floats = np.einsum("ntd,nt->nd", states, weights)
    sums /= np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
    lengths = np.sqrt((sums**2).sum(axis=1, keepdims=True))
    unit: Floats = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return unit


def fingerprint(folder: Path) -> str:
    """Return a name for exactly these weights and this tokenizer; vectors of one cannot be compared with another's.

    Raises ``OSError`` when a file cannot be read.
    """
    digest = hashlib.sha256(str(MAX_TOKENS).encode())
    for file in sorted([*folder.glob(f"{MODEL_FILE}*"), folder / TOKENIZER_FILE]):
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]


def _tokenizer(file: Path) -> Any:
    # The library must not look for anything in the network; it reads this when it is imported.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    tokenizer = importlib.import_module("tokenizers").Tokenizer.from_file(str(file))
    # Otherwise "[SEP]" in a product's title would be read as the control token.
    tokenizer.encode_special_tokens = True
    tokenizer.enable_truncation(max_length=MAX_TOKENS)
    padding = tokenizer.padding or {}
    tokenizer.enable_padding(pad_id=padding.get("pad_id", 0), pad_token=padding.get("pad_token", "[PAD]"))
    return tokenizer


def _session(file: Path, threads: int) -> Any:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Spinning threads would burn the cores that shoppers' requests share.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _token_output(session: Any) -> str:
    """Return the name of the output with a vector a token; some exports add pooled outputs beside it."""
    for entry in session.get_outputs():
        if len(entry.shape) == 3:
            return str(entry.name)
    raise ArtifactInvalid(f"{MODEL_FILE} gives no vector a token", hint=_HINT)


def _dtype(name: str) -> type[np.int64] | type[np.int32]:
    return np.int32 if name == "tensor(int32)" else np.int64
