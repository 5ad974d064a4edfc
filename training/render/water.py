"""Water behind the glass: tide marks, drops between the layers, fog."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from training.render.geometry import Floats, Pane, f32, local_grid, project, scale_of, shares
from training.render.glass import Coverage
from training.render.noise import blend, blur, fractal, smoothstep

__all__ = ["paint_water"]


def _tide(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Floats]:
    """Soak the layers from a rim inwards: a paler, duller area that ends in nested wavy lines."""
    x, y = local_grid(pane)
    a, reach = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.15, 0.75))
    span = abs(np.cos(a)) + pane.aspect * abs(np.sin(a))
    along = (
        (x - 0.5) * np.float32(np.cos(a)) + (y - np.float32(pane.aspect / 2)) * np.float32(np.sin(a))
    ) / np.float32(span)
    level = (
        along + np.float32(0.5) + np.float32(rng.uniform(0.3, 0.9)) * (fractal(rng, pane.shape, 5, 3) - np.float32(0.5))
    )
    wet = 1 - smoothstep(level, reach - 0.03, reach)
    rings = np.zeros(pane.shape, dtype=np.float32)
    sharp = np.float32(rng.uniform(20, 60))
    for k in range(int(rng.integers(1, 4))):
        rings = np.maximum(
            rings, np.clip(1 - np.abs(level - np.float32(reach - 0.05 * k)) * sharp, 0, 1) * np.float32(0.8**k)
        )
    grey = canvas.mean(axis=-1, keepdims=True)
    murk = (
        np.float32(rng.uniform(0.4, 0.9))
        * (0.6 + 0.4 * fractal(rng, pane.shape, cells=9, octaves=3))
        * wet
        * pane.alpha
    )
    tone = np.float32(rng.uniform(0.35, 0.7)) if pane.lit else np.float32(rng.uniform(0.15, 0.4))
    out = blend(canvas, 0.45 * grey + 0.55 * tone * np.array([0.97, 1.0, 1.0], dtype=np.float32), murk)
    edge = rings * pane.alpha * np.float32(rng.uniform(0.12, 0.5))
    return blend(out, f32([0.85, 0.88, 0.86]) * (0.4 if pane.lit and rng.random() < 0.5 else 0.9), edge), np.maximum(
        2 * murk, edge
    )


def _drops(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Floats]:
    """Put drops into the phone: a dark rim on one side, a bright spot on the other."""
    unit, fine = scale_of(pane), 2
    layers = [Image.new("L", (pane.shape[1] * fine, pane.shape[0] * fine)) for _ in range(3)]
    body, shade, spark = (ImageDraw.Draw(layer) for layer in layers)
    n, spread = int(rng.integers(12, 110)), float(rng.choice([0.2, 1.0]))
    middle = rng.random(2) * [1, pane.aspect]
    places = middle + rng.normal(0, 1, (n, 2)) * 0.22 if spread < 1 else rng.random((n, 2)) * [1, pane.aspect]
    a = float(rng.uniform(0, 2 * np.pi))
    for u, v in project(pane.matrix, places) * fine:
        r = float(np.clip(rng.lognormal(-3.9, 0.6), 0.008, 0.09)) * unit * fine
        dx, dy = 0.35 * r * np.cos(a), 0.35 * r * np.sin(a)
        body.ellipse((u - r, v - r, u + r, v + r), fill=255)
        shade.ellipse((u - r + dx, v - r + dy, u + r + dx, v + r + dy), fill=255)
        q = max(1.0, 0.3 * r)
        spark.ellipse((u - q - dx, v - q - dy, u + q - dx, v + q - dy), fill=255)
    b, s, p = (shares(layer.reduce(fine)) * pane.alpha for layer in layers)
    out = blend(canvas, canvas * np.float32(0.85) + np.float32(0.1), b)
    out = out * (1 - np.float32(0.45) * b * (1 - s))[..., None]
    return blend(out, (0.95, 0.97, 1.0), p * b * np.float32(rng.uniform(0.5, 0.95))), b


def _fog(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Floats]:
    """Cloud the glass from inside, thickest somewhere, with tiny beads in it."""
    x, y = local_grid(pane)
    cx, cy = rng.random(2) * [1, pane.aspect]
    far = np.hypot(x - np.float32(cx), y - np.float32(cy)) / np.float32(rng.uniform(0.3, 1.0))
    cloud = np.clip(1.1 - far + fractal(rng, pane.shape, cells=5, octaves=3) - np.float32(0.5), 0, 1)
    beads = fractal(rng, pane.shape, cells=90, octaves=1)
    alpha = cloud * (np.float32(0.35) + np.float32(0.5) * beads) * pane.alpha
    soft = np.stack([blur(canvas[..., k], 2.0) for k in range(3)], axis=-1)
    return blend(canvas, 0.5 * soft + 0.5 * f32([0.72, 0.75, 0.76]), alpha), 2 * alpha


def paint_water(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Coverage]:
    """Let water in: one or two of tide marks, drops and fog; gives the coverage of ``water``."""
    seen = np.zeros(pane.shape, dtype=np.float32)
    kinds = (_tide, _drops, _fog)
    for k in rng.choice(3, 1 + int(rng.random() < 0.4), replace=False, p=[0.45, 0.35, 0.2]):
        canvas, part = kinds[int(k)](rng, canvas, pane)
        seen = np.maximum(seen, np.minimum(1, part))
    return canvas, {"water": seen}
