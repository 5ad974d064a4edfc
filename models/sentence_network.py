"""A sentence encoder that a release carries itself: any transformer, frozen, in eight bits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from features.encoder import Encoder, Joined, open_encoder
from features.errors import ReleaseError
from features.text import for_reader
from models.space import Floats
from models.text_network import TextNetwork

__all__ = ["SentenceNetwork", "encoder_of"]


class SentenceNetwork:
    """The mean of a transformer's last layer, of unit length; see `features.encoder.Encoder`.

    Parameters
    ----------
    name : str
    network : bytes
        ONNX: ``input_ids`` and ``attention_mask`` ``(n, length)`` in, ``vector`` ``(n, dim)`` out.
    tokenizer : bytes
        As the library tokenizers writes it.
    prefix : str
        What the network expects before every text.
    dim : int
    spread : float
        How far its vectors typically lie from their mean.

    Attributes
    ----------
    files : tuple of bytes
        The network and the tokenizer, for a release to carry.

    Raises
    ------
    ReleaseError
        If they do not load or do not fit together.
    """

    def __init__(self, name: str, network: bytes, tokenizer: bytes, prefix: str, dim: int, spread: float) -> None:
        self.name, self.prefix, self.dim, self.spread = name, prefix, dim, spread
        self.files = network, tokenizer
        self.digest = hashlib.sha256(network + tokenizer + prefix.encode()).hexdigest()
        self._network = TextNetwork(network, tokenizer, prefix, dim, "vector")

    def encode(self, normal: list[str]) -> Floats:
        """Encode normalised texts, ``(n, dim)``; a text without letters gives the zero vector."""
        vectors = np.zeros((len(normal), self.dim), np.float32)
        told = [i for i, n in enumerate(normal) if for_reader(n).strip()]
        if told:
            vectors[told] = self._network.read([normal[i] for i in told])
        return vectors

    def as_dict(self) -> dict[str, Any]:
        """Give what a release's config says of it."""
        return {"name": self.name, "prefix": self.prefix, "dim": self.dim, "spread": self.spread}


def encoder_of(told: Mapping[str, Any], network: bytes = b"", tokenizer: bytes = b"") -> Encoder:
    """Open the encoder that a release was made with: a packaged one, the one that it carries, or both side by side.

    Parameters
    ----------
    told : mapping
        ``name`` and ``digest``; of a carried one also ``carried``: its own name, prefix, dim and spread.
    network, tokenizer : bytes
        The release's own.

    Raises
    ------
    ReleaseError
        If it is missing, or its weights are others.
    """
    carried = told.get("carried")
    own = SentenceNetwork(network=network, tokenizer=tokenizer, **carried) if carried else None
    parts = [own if own and part == own.name else open_encoder(part) for part in str(told["name"]).split("+")]
    encoder = parts[0] if len(parts) == 1 else Joined(parts)
    if encoder.digest != told["digest"]:
        raise ReleaseError(f"made with other weights of {encoder.name}")
    return encoder
