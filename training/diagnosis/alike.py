"""Which photos show the same: near copies never stand on both sides of a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["fingerprint", "folds", "groups"]

_SIDE: Final = 12
# Bits of 264 in which two photos may differ and still be one: re-encoded and rescaled copies differ in up to 12.
NEAR: Final = 14

Ints = npt.NDArray[np.int64]


def fingerprint(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell where a photo grows brighter to the right and downwards (a difference hash), ``(264,)``."""
    grey = Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    luma = np.asarray(grey, np.int16)
    return np.concatenate([(luma[:, 1:] > luma[:, :-1] + 1).ravel(), (luma[1:] > luma[:-1] + 1).ravel()])


def groups(prints: npt.NDArray[np.bool_], names: Sequence[str]) -> Ints:
    """Give every object a number, which photos of one name and near copies share.

    Parameters
    ----------
    prints : ndarray (n, bits)
    names : sequence of str
        An object's name where the table gives one; empty otherwise.
    """
    parent = np.arange(len(prints))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    first: dict[str, int] = {}
    for i, name in enumerate(names):
        if name:
            parent[root(i)] = root(first.setdefault(name, i))
    ones = prints.astype(np.float32)
    for i in range(len(prints)):
        apart = np.abs(ones[i + 1 :] - ones[i]).sum(axis=1)
        for j in np.flatnonzero(apart <= NEAR):
            parent[root(int(j) + i + 1)] = root(i)
    return np.array([root(i) for i in range(len(prints))])


def folds(group: Ints, stratum: Sequence[str], n: int, seed: int) -> Ints:
    """Deal groups into n folds, each stratum as evenly as its groups allow: ``(rows,)``."""
    rng = np.random.default_rng(seed)
    size = np.bincount(group, minlength=int(group.max()) + 1)
    strata = sorted(set(stratum))
    load = {s: np.zeros(n) for s in strata}
    of = np.full(len(size), -1)
    order = rng.permutation(np.unique(group))
    rows_of: dict[int, list[int]] = {}
    for i, g in enumerate(group):
        rows_of.setdefault(int(g), []).append(i)
    for g in sorted(order, key=lambda g: -size[g]):  # the largest first; ties stay shuffled
        here = [stratum[i] for i in rows_of[int(g)]]
        need = np.sum([load[s] for s in here], axis=0)
        of[g] = int(np.argmin(need + rng.random(n) * 1e-3))
        for s in here:
            load[s][of[g]] += 1
    out: Ints = of[group]
    return out
