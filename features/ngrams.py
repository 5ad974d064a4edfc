"""Normalised text -> hashed character and word n-grams.

Hashing needs no vocabulary: nothing to ship, nothing to look up, a new word has its place. All n-grams of one order
are hashed at once by numpy, so a ticket costs some ten microseconds and not one call an n-gram.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

__all__ = ["BITS", "CHAR_ORDERS", "WORD_ORDERS", "count", "hash_places", "latin_words"]

Buckets = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Whole = TypeVar("Whole", bound=np.signedinteger[Any])

# 2^20 buckets: the training texts hold some 250,000 different n-grams, of which a release keeps those seen twice.
BITS: Final = 20
# One Chinese character may be a word, four cover nearly all.
CHAR_ORDERS: Final = 4
WORD_ORDERS: Final = 2

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: odd, with well-mixed bits (Knuth, TAOCP 6.4)
_FINAL: Final = np.uint64(0xBF58476D1CE4E5B9)  # the multiplier of splitmix64's finaliser
_WORD_SALT: Final = 16  # sets word n-grams apart from character n-grams of the same order
_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")


def latin_words(normal: str) -> list[str]:
    """Give the Latin words and the numbers of a normalised text, in order."""
    return _WORD.findall(normal)


def _rolling(units: Hashes, orders: int, salt: int) -> list[Hashes]:
    """Hash all runs of 1, 2, … units; each order goes on from the one before. Arithmetic modulo 2^64."""
    hashes, found = units, []
    for order in range(1, orders + 1):
        if order > 1:
            hashes = hashes[:-1] * _BASE + units[order - 1 :]
        found.append(hashes + np.uint64(order + salt))
    return found


def hash_places(normal: str) -> tuple[Buckets, list[int]]:
    """Hash every n-gram of a normalised text, in the order of its place.

    Parameters
    ----------
    normal : str
        A text as `features.text.normalize` gives it; a space is put around it, so that its ends are marked.

    Returns
    -------
    buckets : ndarray of int64, (k,)
        Character n-grams of order 1, then 2, …, then word n-grams likewise.
    runs : list of int
        How many there are of each: `CHAR_ORDERS` entries, then `WORD_ORDERS`. Of characters, the i-th of order n
        covers characters i to i + n of the padded text.
    """
    if not normal:
        return np.empty(0, np.int64), [0] * (CHAR_ORDERS + WORD_ORDERS)
    units = np.frombuffer(f" {normal} ".encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    units += np.uint64(1)
    hashes = _rolling(units, CHAR_ORDERS, 0)
    words = latin_words(normal)
    if words:
        hashes += _rolling(np.array([crc32(w.encode()) for w in words], np.uint64), WORD_ORDERS, _WORD_SALT)
    runs = [len(h) for h in hashes] + [0] * (CHAR_ORDERS + WORD_ORDERS - len(hashes))
    mixed = np.concatenate(hashes)
    mixed *= _BASE
    mixed ^= mixed >> np.uint64(31)
    mixed *= _FINAL
    mixed >>= np.uint64(64 - BITS)
    return mixed.view(np.int64), runs


def count(places: npt.NDArray[Whole]) -> tuple[npt.NDArray[Whole], npt.NDArray[np.float32]]:
    """Count equal entries: distinct values, ascending, and how often each occurs."""
    distinct, counts = np.unique(places, return_counts=True)
    return distinct, counts.astype(np.float32)
