"""Normalised text -> hashed character and word n-grams.

Hashing needs no vocabulary: nothing to ship, nothing to look up, a new word has its place. All n-grams of one order
are hashed at once by numpy, so a ticket costs some ten microseconds and not one call an n-gram.
"""

from __future__ import annotations

import re
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

__all__ = ["BITS", "CHAR_ORDERS", "WORD_ORDERS", "char_buckets", "hash_ngrams", "latin_words", "word_buckets"]

Buckets = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

# 2^20 buckets: the training texts hold some 250,000 different n-grams, of which a release keeps those seen twice.
BITS: Final = 20
# One Chinese character may be a word, four cover nearly all.
CHAR_ORDERS: Final = (1, 2, 3, 4)
WORD_ORDERS: Final = (1, 2)

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: odd, with well-mixed bits (Knuth, TAOCP 6.4)
_FINAL: Final = np.uint64(0xBF58476D1CE4E5B9)  # the multiplier of splitmix64's finaliser
_WORD_SALT: Final = 16  # sets word n-grams apart from character n-grams of the same order
_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")


def latin_words(normal: str) -> list[str]:
    """Give the Latin words and the numbers of a normalised text, in order."""
    return _WORD.findall(normal)


def _codes(text: str) -> Hashes:
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.uint64) + np.uint64(1)


def _rolling(units: Hashes, order: int) -> Hashes:
    """Hash all runs of `order` units, ``(n - order + 1,)``; arithmetic modulo 2^64."""
    n = len(units) - order + 1
    hashes = units[:n].copy()
    for k in range(1, order):
        hashes *= _BASE
        hashes += units[k : k + n]
    return hashes


def _bucket(hashes: Hashes, salt: int) -> Buckets:
    mixed = (hashes + np.uint64(salt)) * _BASE
    mixed ^= mixed >> np.uint64(31)
    mixed *= _FINAL
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)


def _hash(units: Hashes, orders: tuple[int, ...], salt: int) -> list[Buckets]:
    return [_bucket(_rolling(units, n), n + salt) for n in orders if n <= len(units)]


def char_buckets(normal: str) -> list[Buckets]:
    """Hash the character n-grams of ``" " + normal + " "``.

    Returns
    -------
    list of ndarray of int64
        For every order in `CHAR_ORDERS` that fits, the buckets by place: entry i covers characters i to i + order.
    """
    return _hash(_codes(f" {normal} "), CHAR_ORDERS, 0)


def word_buckets(normal: str) -> list[Buckets]:
    """Hash the n-grams of Latin words and numbers, by order and place."""
    units = np.array([crc32(w.encode()) for w in latin_words(normal)], dtype=np.uint64)
    return _hash(units, WORD_ORDERS, _WORD_SALT)


def hash_ngrams(normal: str) -> tuple[Buckets, npt.NDArray[np.float32]]:
    """Count the n-grams of a normalised text by bucket.

    Parameters
    ----------
    normal : str
        A text as `features.text.normalize` gives it; a space is put around it, so that its ends are marked.

    Returns
    -------
    buckets : ndarray of int64, (k,)
        Distinct, ascending.
    counts : ndarray of float32, (k,)
        How many n-grams fell into each.
    """
    if not normal:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    buckets, counts = np.unique(np.concatenate(char_buckets(normal) + word_buckets(normal)), return_counts=True)
    return buckets, counts.astype(np.float32)
