"""Planes in perspective: homographies, outlines and their coverage in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

__all__ = [
    "Floats",
    "Pane",
    "Points",
    "cover",
    "f32",
    "homography",
    "local_grid",
    "pane_on",
    "project",
    "rounded",
    "scale_of",
    "shares",
    "warp",
]

Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

FINE: Final = 2  # supersampling of every outline: enough for smooth edges, four times the pixels


@dataclass(frozen=True, slots=True)
class Pane:
    """A flat sheet of glass in the picture.

    ``matrix`` takes local coordinates (x in 0..1, y in 0..``aspect``) to pixels; ``alpha`` ``(h, w)`` is what of
    the sheet the picture shows; ``lit`` says that a display shines behind it.
    """

    matrix: Points
    aspect: float
    alpha: Floats
    lit: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        return int(self.alpha.shape[0]), int(self.alpha.shape[1])

    def crop(self, window: tuple[slice, slice]) -> Pane:
        """Give the same pane in a part of the picture."""
        move = np.array([[1, 0, -window[1].start], [0, 1, -window[0].start], [0, 0, 1]], dtype=np.float64)
        return Pane(move @ self.matrix, self.aspect, self.alpha[window], self.lit)


def f32(values: npt.ArrayLike) -> Floats:
    """Give an array of 32-bit floats; free where it is one already."""
    return np.asarray(values, dtype=np.float32)


def shares(image: Image.Image | npt.NDArray[np.uint8]) -> Floats:
    """Give the bytes of a picture as 0..1."""
    return f32(np.asarray(image, dtype=np.float32) * np.float32(1 / 255))


def homography(source: Points, target: Points) -> Points:
    """Give the 3x3 matrix that takes four points to four points."""
    (x, y), (u, v) = source.T, target.T
    one, nil = np.ones(4), np.zeros(4)
    rows = np.concatenate(
        [
            np.stack([x, y, one, nil, nil, nil, -u * x, -u * y], axis=1),
            np.stack([nil, nil, nil, x, y, one, -v * x, -v * y], axis=1),
        ]
    )  # (8, 8)
    return np.append(np.linalg.solve(rows, np.concatenate([u, v])), 1.0).reshape(3, 3)


def project(matrix: Points, points: Points) -> Points:
    """Take points ``(n, 2)`` through a homography."""
    flat = points @ matrix[:, :2].T + matrix[:, 2]  # (n, 3)
    out: Points = flat[:, :2] / np.maximum(flat[:, 2:], 1e-6)
    return out


def rounded(x0: float, y0: float, x1: float, y1: float, radius: float, steps: int = 8) -> Points:
    """Give the outline of a rectangle with round corners, ``(4 * steps, 2)``, clockwise from the right upper one."""
    turn = np.linspace(0, np.pi / 2, steps)
    corners = [(x1 - radius, y0 + radius), (x1 - radius, y1 - radius), (x0 + radius, y1 - radius)]
    corners.append((x0 + radius, y0 + radius))
    arcs = [
        np.stack([cx + radius * np.cos(turn + a), cy + radius * np.sin(turn + a)], axis=1)
        for (cx, cy), a in zip(corners, np.array([-1, 0, 1, 2]) * np.pi / 2, strict=True)
    ]
    return np.concatenate(arcs)


def cover(outline: Points, shape: tuple[int, int]) -> Floats:
    """Give how much of each pixel an outline covers, ``(h, w)`` in 0..1."""
    out = np.zeros(shape, dtype=np.float32)
    size = np.array(shape[::-1])
    low = np.clip(np.floor(outline.min(axis=0)) - 1, 0, size).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, size).astype(int)
    if (high <= low).any():
        return out
    wide, tall = (int(v) for v in high - low)
    fine = Image.new("L", (wide * FINE, tall * FINE))
    ImageDraw.Draw(fine).polygon([(float(x), float(y)) for x, y in (outline - low) * FINE], fill=255)
    out[low[1] : high[1], low[0] : high[0]] = shares(fine.reduce(FINE))
    return out


def warp(texture: npt.NDArray[np.uint8], pane: Pane) -> Floats:
    """Lay a texture ``(th, tw)`` or ``(th, tw, c)`` that fills the pane into the picture, in 0..1, black around."""
    rows, columns = texture.shape[:2]
    onto = np.diag([columns, rows / pane.aspect, 1.0]) @ np.linalg.inv(pane.matrix)
    onto /= onto[2, 2]
    image = Image.fromarray(texture).transform(
        (pane.shape[1], pane.shape[0]),
        Image.Transform.PERSPECTIVE,
        tuple(onto.ravel()[:8]),
        resample=Image.Resampling.BILINEAR,
    )
    return shares(image)


def pane_on(corners: Points, shape: tuple[int, int], lit: bool, radius: float = 0.0) -> Pane:
    """Make a pane from its four corners in pixels: left upper, right upper, right lower, left lower."""
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    aspect = float(sides[1] + sides[3]) / max(1e-6, float(sides[0] + sides[2]))
    flat = np.array([[0, 0], [1, 0], [1, aspect], [0, aspect]], dtype=np.float64)
    matrix = homography(flat, corners)
    outline = project(matrix, rounded(0, 0, 1, aspect, radius)) if radius else corners
    return Pane(matrix, aspect, cover(outline, shape), lit)


def scale_of(pane: Pane) -> float:
    """Give the pixels of one local unit (the width of the sheet), at its middle."""
    x, y = 0.5, pane.aspect / 2
    here = project(pane.matrix, np.array([[x, y], [x + 0.05, y], [x, y + 0.05]]))
    area = abs(float(np.linalg.det(np.stack([here[1] - here[0], here[2] - here[0]]))))
    return float(np.sqrt(area)) / 0.05


def local_grid(pane: Pane) -> tuple[Floats, Floats]:
    """Give the local coordinates x and y of every pixel, ``(h, w)`` each."""
    back = np.linalg.inv(pane.matrix).astype(np.float32)
    v, u = np.indices(pane.shape, dtype=np.float32)
    depth = back[2, 0] * u + back[2, 1] * v + back[2, 2]
    x, y = (back[k, 0] * u + back[k, 1] * v + back[k, 2] for k in (0, 1))
    return x / depth, y / depth
