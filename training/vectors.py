"""Sentence vectors that are computed once: every text once a process, and those of a transformer once a machine."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from features.encoder import ENCODERS, Encoder, Joined, open_encoder
from features.errors import ConfigError
from models.sentence_network import SentenceNetwork
from models.space import Floats
from training.track import ROOT

__all__ = ["FOLDER", "Remembered", "for_release", "opened", "remembered"]

FOLDER: Final = ROOT / "var" / "vectors"
_PIECE: Final = 1000  # texts between two saves, so that a run that was stopped goes on
# ONNX Runtime answers several callers at once, each on one thread.
_THREADS: Final = 2
_KNOWN: dict[str, dict[bytes, Floats]] = {}


class Remembered:
    """An encoder that is asked about every text once.

    Parameters
    ----------
    encoder : Encoder
    file : Path, optional
        Where its vectors are kept from run to run.
    """

    def __init__(self, encoder: Encoder, file: Path | None = None) -> None:
        self.name, self.digest, self.dim, self.spread = encoder.name, encoder.digest, encoder.dim, encoder.spread
        self._encoder, self._file = encoder, file
        if self.digest not in _KNOWN:
            _KNOWN[self.digest] = _read(file) if file else {}
        self._known = _KNOWN[self.digest]

    def encode(self, normal: list[str]) -> Floats:
        """Encode normalised texts, ``(n, dim)``."""
        keys = [_key(n) for n in normal]
        new = {k: n for k, n in zip(keys, normal, strict=True) if k not in self._known}
        left, step = list(new), _PIECE if self._file else max(1, len(new))
        pieces = [left[start : start + step] for start in range(0, len(left), step)]
        with ThreadPoolExecutor(_THREADS) as pool:
            told = pool.map(lambda some: self._encoder.encode([new[k] for k in some]), pieces)
            for some, vectors in zip(pieces, told, strict=True):
                self._known.update(zip(some, vectors, strict=True))
                if self._file:
                    _write(self._file, self._known)
        return np.array([self._known[k] for k in keys], np.float32).reshape(len(normal), self.dim)


def _key(text: str) -> bytes:
    """Name a text: what is kept on disk must not tell what customers wrote."""
    return hashlib.sha256(text.encode()).digest()


def _read(file: Path) -> dict[bytes, Floats]:
    if not file.exists():
        return {}
    with np.load(file, allow_pickle=False) as kept:
        return {k.tobytes(): v for k, v in zip(kept["keys"], kept["vectors"], strict=True)}


def _write(file: Path, known: dict[bytes, Floats]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}.npz")
    keys = np.frombuffer(b"".join(known), np.uint8).reshape(len(known), -1)
    np.savez(unfinished, keys=keys, vectors=np.stack(list(known.values())))
    unfinished.replace(file)


def opened(name: str) -> Encoder:
    """Open an encoder.

    Parameters
    ----------
    name : str
        Of an installed package, see `features.encoder`; ``e5-small``, or a folder or a hub's name that transformers can
        open; ``a+b`` stands for two side by side.

    Raises
    ------
    ConfigError
        If it cannot be opened.
    """
    if "+" in name:
        return Joined([opened(part) for part in name.split("+")])
    return open_encoder(name) if name in ENCODERS else _packed(name)


def remembered(name: str, folder: Path = FOLDER) -> Encoder:
    """Open an encoder with a memory; what a transformer says is kept in a folder from run to run."""
    if "+" in name:
        return Joined([remembered(part, folder) for part in name.split("+")])
    encoder = opened(name)
    return Remembered(encoder, None if name in ENCODERS else folder / f"{encoder.name}-{encoder.digest[:12]}.npz")


def for_release(encoder: Encoder) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Give what a release's config says of an encoder, and the files that it must carry where no package does.

    Raises
    ------
    ConfigError
        If that is more than one network.
    """
    parts = encoder.parts if isinstance(encoder, Joined) else [encoder]
    carried = [p for p in parts if isinstance(p, SentenceNetwork)]
    if len(carried) > 1:
        raise ConfigError(f"encoder {encoder.name}: a release carries one network")
    told = {"name": encoder.name, "digest": encoder.digest}
    return ({**told, "carried": carried[0].as_dict()}, carried[0].files) if carried else (told, ())


@lru_cache(maxsize=2)
def _packed(name: str) -> SentenceNetwork:
    from training.textnet.pack import pack  # torch and transformers take seconds to import

    return pack(name)
