"""Which words of a ticket carried a score."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from features.ngrams import CHAR_ORDERS
from features.text import for_reader
from models.space import Sparse

__all__ = ["carrying_words", "ngram_words", "saliency"]

Floats = npt.NDArray[np.floating]

_TOP: Final = 3  # more words explain less
_MAX_WIDTH: Final = 12
_INSIDE: Final = 0.45  # a neighbour belongs to a phrase if it carries this share of the peak
_WORDY: Final = re.compile(r"[\w\ue001-\ue005]")


def saliency(length: int, spans: list[tuple[int, Floats]]) -> npt.NDArray[np.float64]:
    """Spread what every n-gram contributed over its characters.

    Parameters
    ----------
    length : int
        Characters of the text.
    spans : list of (order, contributions)
        For every order n, the contribution of each n-gram in the order of its place, ``(length - n + 1,)``.

    Returns
    -------
    ndarray of float64, (length,)
        Sums to the sum of all contributions.
    """
    total = np.zeros(length + 1)
    for order, contributions in spans:
        share = np.asarray(contributions, np.float64) / order
        total[: len(share)] += share
        total[order : order + len(share)] -= share
    return np.cumsum(total)[:length]


def _grow(carried: npt.NDArray[np.float64], peak: int, wordy: npt.NDArray[np.bool_]) -> tuple[int, int]:
    floor = carried[peak] * _INSIDE
    start, end = peak, peak + 1
    while start > 0 and wordy[start - 1] and carried[start - 1] >= floor and end - start < _MAX_WIDTH:
        start -= 1
    while end < len(carried) and wordy[end] and carried[end] >= floor and end - start < _MAX_WIDTH:
        end += 1
    return (start, end) if end - start > 1 else _paired(carried, peak, wordy)


def _paired(carried: npt.NDArray[np.float64], peak: int, wordy: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Take a lone character with its stronger neighbour: 退 says little, 退货 and 退款 say it all."""
    before = carried[peak - 1] if peak > 0 and wordy[peak - 1] else -np.inf
    after = carried[peak + 1] if peak + 1 < len(carried) and wordy[peak + 1] else -np.inf
    return peak - int(before > after), peak + 1 + int(after >= before and after > -np.inf)


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Do not cut a Latin word."""
    while start > 0 and text[start].isascii() and text[start - 1].isascii() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isascii() and text[end].isascii() and text[end].isalnum():
        end += 1
    return start, end


def carrying_words(normal: str, carried: npt.NDArray[np.float64]) -> tuple[str, ...]:
    """Give up to three phrases that spoke for the decision, the strongest first.

    Parameters
    ----------
    normal : str
        The normalised text.
    carried : ndarray of float64, (len(normal),)
        As `saliency` gives it.
    """
    wordy = np.array([bool(_WORDY.match(c)) for c in normal], dtype=np.bool_)
    left = np.where(wordy, carried, 0.0)
    first = left.max(initial=0.0)
    words: list[str] = []
    while len(words) < _TOP and left.max(initial=0.0) > max(first * 0.3, 1e-9):
        start, end = _grow(left, int(left.argmax()), wordy)
        start, end = _whole_words(normal, start, end)
        left[start:end] = 0.0
        word = for_reader(normal[start:end]).strip()
        if len(word) > 1 and word not in words:
            words.append(word)
    return tuple(words)


def ngram_words(normal: str, sparse: Sparse, favour: npt.NDArray[np.float32]) -> tuple[str, ...]:
    """Give the phrases whose n-grams favoured a label.

    Parameters
    ----------
    normal : str
    sparse : Sparse
        Its n-grams.
    favour : ndarray of float32, (k,)
        What each of ``sparse.rows`` adds to the label beyond the average one.
    """
    rows = sparse.rows  # ascending
    if not len(rows):
        return ()
    spans, start = [], 0
    for order, run in enumerate(sparse.runs[:CHAR_ORDERS], 1):
        at = sparse.places[start : start + run]
        spans.append((order, np.where(at >= 0, favour[np.searchsorted(rows, np.maximum(at, rows[0]))], 0.0)))
        start += run
    return carrying_words(normal, saliency(len(normal) + 2, spans)[1:-1])
