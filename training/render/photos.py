"""Find the corners of a phone in a real photo, as far as that goes without a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from training.render.geometry import Points

__all__ = ["corners_in", "corners_of"]


def corners_of(box: Sequence[float]) -> Points:
    """Give the corners of a box (x0, y0, x1, y1): right for a phone that stands straight in the picture."""
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)


def _thing(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
    """Give the largest connected area that is unlike the picture's border."""
    grey = pixels.astype(np.float32)
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    unlike = np.abs(grey - np.median(rim, axis=0)).max(axis=-1) > 40
    labels, count = ndimage.label(ndimage.binary_fill_holes(ndimage.binary_opening(unlike, iterations=2)))
    if not count:
        return None
    out: npt.NDArray[np.bool_] = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return out


def corners_in(pixels: npt.NDArray[np.uint8], inset: float = 0.05) -> Points | None:
    """Find one phone before an even background, turned as it may be.

    Parameters
    ----------
    pixels : ndarray (h, w, 3) of uint8
        A product picture, or the surroundings of a phone cut out of a floor photo.
    inset : float
        Share of the phone's width to leave at every side: its frame.

    Returns
    -------
    ndarray (4, 2) or None
        Corners for `render`; None where what was found is no filled rectangle of a phone's shape.
    """
    thing = _thing(pixels)
    if thing is None or thing.sum() < 400 or thing[:, [0, -1]].mean() > 0.3:  # the last: a part of the background
        return None
    y, x = np.nonzero(thing)
    points = np.column_stack([x, y]).astype(np.float64)
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in np.deg2rad(np.arange(-45, 45, 1.5))]
    ends = [((points @ turn).min(axis=0), (points @ turn).max(axis=0) + 1) for turn in turns]
    areas = [float(np.prod(high - low)) for low, high in ends]
    best = int(np.argmin(areas))  # the smallest turned box
    area, turn, (low, high) = areas[best], turns[best], ends[best]
    sides = np.sort(high - low)
    if thing.sum() < 0.85 * area or not 1.6 < sides[1] / sides[0] < 2.5:
        return None
    low, high = low + inset * sides[0], high - inset * sides[0]
    box = corners_of((low[0], low[1], high[0], high[1]))
    if (high - low)[0] > (high - low)[1]:
        box = np.roll(box, -1, axis=0)  # the short side is the phone's upper one
    out: Points = (box @ turn.T) / [pixels.shape[1], pixels.shape[0]]
    return out
