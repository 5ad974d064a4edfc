"""An encoder as it is, made ready for a release to carry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np

from features.errors import ConfigError
from features.text import normalize
from models.sentence_network import SentenceNetwork
from training.data import load_table
from training.textnet.backbone import open_backbone
from training.textnet.export import tokenizer_file, vectors_to_onnx

__all__ = ["pack"]

# A text is cut off after so many pieces; `models.text_network` cuts it to 240 characters before.
PIECES: Final = 160
# Texts of the embedded corpus that tell how far vectors lie from their mean.
SOME: Final = 300


def pack(name: str) -> SentenceNetwork:
    """Open a transformer by name, cut it to Chinese and English, and export it in eight bits.

    Parameters
    ----------
    name : str
        ``e5-small`` (packaged), or a folder or a hub's name that transformers can open.

    Raises
    ------
    ConfigError
        If it cannot be opened.
    """
    import torch

    torch.set_num_threads(1)
    backbone = open_backbone(name, None)
    files = vectors_to_onnx(backbone.model), tokenizer_file(backbone, PIECES)
    short = re.sub(r"[^A-Za-z0-9_.-]", "-", Path(name).name) + "-int8"
    dim = int(backbone.model.config.hidden_size)
    corpus = load_table("corpus")
    if corpus is None:
        raise ConfigError("the embedded corpus is missing")
    texts = [normalize(r.text) for r in corpus.rows[:: max(1, len(corpus.rows) // SOME)]]
    encoder = SentenceNetwork(short, *files, backbone.prefix, dim, spread=1.0)
    vectors = encoder.encode(texts)
    encoder.spread = round(float(np.sqrt(((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1).mean())), 2)
    return encoder
