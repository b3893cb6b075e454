"""A tiny sentence encoder in ONNX form: each token's vector is a row of a table that the test knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "balo", "da", "giay", "vi", "leather", "backpack", "shoe", "tui")


def table(dimensions: int = 6) -> np.ndarray:
    """Return the token vectors, float32[words, dimensions]; Vietnamese and English words for one thing are close."""
    vectors = np.random.default_rng(3).standard_normal((len(WORDS), dimensions)).astype(np.float32)
    for vi, en in (("balo", "backpack"), ("da", "leather"), ("giay", "shoe")):
        vectors[WORDS.index(en)] = vectors[WORDS.index(vi)] + 0.05
    return vectors


def write_encoder(folder: Path, dimensions: int = 6, *, pooled_too: bool = False) -> Path:
    """Write ``model.onnx`` and ``tokenizer.json``; skips the test where the packages are missing."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    tokenizers = pytest.importorskip("tokenizers")
    helper, kinds = onnx.helper, onnx.TensorProto
    folder.mkdir(parents=True, exist_ok=True)
    weights = onnx.numpy_helper.from_array(table(dimensions), "table")
    shapes = {name: helper.make_tensor_value_info(name, kinds.INT64, ["n", "t"]) for name in ("input_ids",)}
    shapes["attention_mask"] = helper.make_tensor_value_info("attention_mask", kinds.INT64, ["n", "t"])
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
    outputs = [helper.make_tensor_value_info("last_hidden_state", kinds.FLOAT, ["n", "t", dimensions])]
    if pooled_too:
        nodes.append(helper.make_node("ReduceMax", ["last_hidden_state"], ["pooled"], axes=[1], keepdims=0))
        outputs.insert(0, helper.make_tensor_value_info("pooled", kinds.FLOAT, ["n", dimensions]))
    graph = helper.make_graph(nodes, "tiny", list(shapes.values()), outputs, [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Sequence(
        [tokenizers.normalizers.NFD(), tokenizers.normalizers.StripAccents(), tokenizers.normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
