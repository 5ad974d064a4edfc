"""Display faults: lines, bands, bleeding ink, dead areas, tints, pressure spots. They live in the shining layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from training.render.geometry import Floats, Pane, warp
from training.render.noise import blend, blur, fractal, smoothstep, to_bytes

__all__ = ["ink", "paint_fault"]

Layer = tuple[Floats, Floats]  # colour (th, tw, 3) and opacity (th, tw)
Shape = tuple[int, int]

WIDE: Final = 160  # columns of the layer: a line of one column is about a pixel on a usual phone


def _empty(shape: Shape) -> Layer:
    return np.zeros((*shape, 3), dtype=np.float32), np.zeros(shape, dtype=np.float32)


def _neon(rng: np.random.Generator) -> Floats:
    """Pick what a driver gives that lost its signal: full or no red, green, blue."""
    rgb = rng.integers(0, 2, 3).astype(np.float32)
    return rgb if rgb.any() else np.ones(3, dtype=np.float32) * np.float32(rng.integers(0, 2))


def lines(rng: np.random.Generator, shape: Shape) -> Layer:
    """Give bright or dark lines through the whole display, mostly upright, at times in a cluster."""
    colour, alpha = _empty(shape)
    flat = rng.random() < 0.2
    side = shape[0] if flat else shape[1]
    middle, spread = float(rng.random()), float(rng.choice([0.02, 0.1, 1.0]))
    for _ in range(int(rng.choice([1, 2, 3, 6, 14, 30], p=[0.28, 0.2, 0.16, 0.14, 0.12, 0.1]))):
        at, thick = (
            int((middle + rng.normal(0, spread)) % 1 * side),
            int(rng.choice([1, 2, 3, 5], p=[0.5, 0.3, 0.15, 0.05])),
        )
        part = np.s_[at : at + thick, :] if flat else np.s_[:, at : at + thick]
        colour[part], alpha[part] = _neon(rng), np.float32(rng.uniform(0.55, 1))
    return colour, alpha


def band(rng: np.random.Generator, shape: Shape) -> Layer:
    """Give a band of stripes, of the width of one driver."""
    colour, alpha = _empty(shape)
    flat = rng.random() < 0.3
    side = shape[0] if flat else shape[1]
    a = int(rng.uniform(0, 0.85) * side)
    b = min(side, a + max(4, int(rng.uniform(0.04, 0.6) * side)))
    few = np.repeat(rng.random((b - a, 3), dtype=np.float32), int(rng.integers(1, 4)), axis=0)[: b - a]
    stripes = few[:, None] if flat else few[None]
    part = np.s_[a:b, :] if flat else np.s_[:, a:b]
    colour[part], alpha[part] = stripes * np.float32(rng.uniform(0.3, 1)), np.float32(rng.uniform(0.5, 1))
    return colour, alpha


def ink(rng: np.random.Generator, shape: Shape) -> Layer:
    """Let the liquid crystal bleed: black blots with a violet or blue rim, from a corner, a rim or a point."""
    y, x = np.mgrid[0 : shape[0] / shape[1] : shape[0] * 1j, 0 : 1 : shape[1] * 1j].astype(np.float32)
    far = np.full(shape, 9, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        cx, cy = float(rng.random()), float(rng.random()) * shape[0] / shape[1]
        if rng.random() < 0.6:
            cx = float(round(cx))
        far = np.minimum(far, np.hypot(x - cx, y - cy) / np.float32(rng.uniform(0.08, 0.75)))
    edge = far + np.float32(rng.uniform(0.2, 1.2)) * (fractal(rng, shape, cells=5, octaves=3) - np.float32(0.5))
    alpha = 1 - smoothstep(edge, 0.75, 1.0)
    rim = np.array([0.35, 0.05, 0.5], np.float32) * rng.uniform(0.3, 1.6, 3).astype(np.float32)
    colour = rim * smoothstep(edge, 0.55, 0.95)[..., None] + np.float32(0.01)
    return colour.astype(np.float32), alpha


def dead(rng: np.random.Generator, shape: Shape) -> Layer:
    """Leave a part black (or white, or one colour), with a straight end."""
    colour, alpha = _empty(shape)
    cut = float(rng.uniform(0.15, 0.85))
    axis = int(rng.random() < 0.4)
    along = np.linspace(0, 1, shape[axis], dtype=np.float32)
    part = (along < cut) if rng.random() < 0.5 else (along > cut)
    alpha += np.float32(rng.uniform(0.85, 1)) * (part[:, None] if axis == 0 else part[None])
    if rng.random() < 0.35:
        colour += _neon(rng) * np.float32(rng.uniform(0.5, 0.95))
    return colour, alpha


def tint(rng: np.random.Generator, shape: Shape) -> Layer:
    """Colour everything green or pink, or flicker in rows."""
    colour, alpha = _empty(shape)
    hue = np.array([[0.1, 0.9, 0.25], [0.85, 0.2, 0.75], [0.75, 0.85, 0.2]], np.float32)[int(rng.integers(3))]
    alpha += np.float32(rng.uniform(0.35, 0.7))
    if rng.random() < 0.5:
        waves = np.sin(np.arange(shape[0]) * rng.uniform(0.05, 1.2) + rng.uniform(0, 6))
        alpha *= (0.65 + 0.35 * waves).astype(np.float32)[:, None]
    return colour + hue, alpha


def spots(rng: np.random.Generator, shape: Shape) -> Layer:
    """Give pressure marks: pale or dark soft spots."""
    colour, alpha = _empty(shape)
    points = np.zeros(shape, dtype=np.float32)
    for _ in range(int(rng.integers(1, 7))):
        y, x, r = int(rng.integers(shape[0])), int(rng.integers(shape[1])), int(rng.integers(3, 16))
        points[max(0, y - r) : y + r, max(0, x - r) : x + r] = 1
    alpha = blur(points, float(rng.uniform(2, 6))) * np.float32(rng.uniform(0.55, 0.95))
    return colour + np.float32(rng.choice([0.02, 0.97])), alpha


_KINDS: Final[tuple[Callable[[np.random.Generator, Shape], Layer], ...]] = (lines, band, ink, dead, tint, spots)
_OFTEN: Final = (0.36, 0.14, 0.2, 0.14, 0.08, 0.08)


def paint_fault(
    rng: np.random.Generator, canvas: Floats, display: Pane, kinds: tuple[int, ...] | None = None
) -> tuple[Floats, dict[str, Floats]]:
    """Paint one fault, often with a second one, into the shining layer ``(h, w, 3)``.

    ``kinds`` narrows the choice (as indices of the kinds above); also gives the coverage of ``display_fault``.
    """
    shape = (int(WIDE * display.aspect), WIDE)
    chosen = kinds or tuple(rng.choice(len(_KINDS), 1 + int(rng.random() < 0.35), replace=False, p=_OFTEN))
    seen = np.zeros(display.shape, dtype=np.float32)
    for kind in chosen:
        colour, alpha = _KINDS[kind](rng, shape)
        layer = warp(to_bytes(np.concatenate([colour, alpha[..., None]], axis=-1)), display)
        opaque = layer[..., 3] * display.alpha
        canvas = blend(canvas, layer[..., :3], opaque)
        seen = np.maximum(seen, opaque)
    return canvas, {"display_fault": seen}
