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

__all__ = ["BITS", "CHAR_ORDERS", "hash_ngrams", "latin_words", "ngram_spans"]

Buckets = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

# 2^17 buckets: the training texts hold some 120,000 different n-grams, and the table must stay under 20 MB.
BITS: Final = 17
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


def _bucket(hashes: Hashes, salt: int, bits: int) -> Buckets:
    mixed = (hashes + np.uint64(salt)) * _BASE
    mixed ^= mixed >> np.uint64(31)
    mixed *= _FINAL
    return (mixed >> np.uint64(64 - bits)).astype(np.int64)


def _word_units(words: list[str]) -> Hashes:
    return np.array([crc32(w.encode()) for w in words], dtype=np.uint64)


def _orders(normal: str, bits: int) -> list[tuple[str, int, Buckets]]:
    units = _codes(f" {normal} ")
    found = [("char", n, _bucket(_rolling(units, n), n, bits)) for n in CHAR_ORDERS if n <= len(units)]
    words = latin_words(normal)
    if words:
        word_units = _word_units(words)
        found += [
            ("word", n, _bucket(_rolling(word_units, n), n + _WORD_SALT, bits))
            for n in WORD_ORDERS
            if n <= len(words)
        ]
    return found


def hash_ngrams(normal: str, bits: int = BITS) -> tuple[Buckets, npt.NDArray[np.float32]]:
    """Count the n-grams of a normalised text by bucket.

    Parameters
    ----------
    normal : str
        A text as `features.text.normalize` gives it; a space is put around it, so that its ends are marked.
    bits : int
        The table has ``2 ** bits`` buckets.

    Returns
    -------
    buckets : ndarray of int64, (k,)
        Distinct, ascending.
    counts : ndarray of float32, (k,)
        How many n-grams fell into each.
    """
    if not normal:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    buckets, counts = np.unique(np.concatenate([b for _, _, b in _orders(normal, bits)]), return_counts=True)
    return buckets, counts.astype(np.float32)


def ngram_spans(normal: str, bits: int = BITS) -> list[tuple[int, str]]:
    """Give every n-gram of at least two characters with its bucket, to explain a score by the text that made it.

    Returns
    -------
    list of (bucket, text)
        In no particular order; a word bigram's text has one space.
    """
    padded, words = f" {normal} ", latin_words(normal)
    spans: list[tuple[int, str]] = []
    for kind, n, buckets in _orders(normal, bits) if normal else []:
        texts = (padded[i : i + n] if kind == "char" else " ".join(words[i : i + n]) for i in range(len(buckets)))
        spans += [(int(b), t) for b, t in zip(buckets, texts, strict=True) if len(t.strip()) > 1]
    return spans
