"""Sentence vectors that are computed once: every text once a process, and those of a slow encoder once a machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

import numpy as np

from features.encoder import E5, Encoder, Joined, open_encoder
from models.space import Floats
from training.track import ROOT

__all__ = ["FOLDER", "Remembered", "remembered"]

FOLDER: Final = ROOT / "var" / "vectors"
# Encoders of tens of milliseconds a text, whose vectors do not depend on the texts beside it.
_SLOW: Final = (E5.name,)
_PIECE: Final = 500  # texts between two saves, so that a run that was stopped goes on
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
        if self.name not in _KNOWN:
            _KNOWN[self.name] = _read(file) if file else {}
        self._known = _KNOWN[self.name]

    def encode(self, normal: list[str]) -> Floats:
        """Encode normalised texts, ``(n, dim)``."""
        keys = [_key(n) for n in normal]
        new = {k: n for k, n in zip(keys, normal, strict=True) if k not in self._known}
        step = _PIECE if self._file else max(1, len(new))
        for start in range(0, len(new), step):
            some = list(new)[start : start + step]
            self._known.update(zip(some, self._encoder.encode([new[k] for k in some]), strict=True))
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


def remembered(name: str, folder: Path = FOLDER) -> Encoder:
    """Open an encoder by name, as `features.encoder.open_encoder` does, with a memory."""
    if "+" in name:
        return Joined([remembered(part, folder) for part in name.split("+")])
    encoder = open_encoder(name)
    return Remembered(encoder, folder / f"{name}-{encoder.digest[:12]}.npz" if name in _SLOW else None)
