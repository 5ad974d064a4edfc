"""What lies on or in the outer surface: scratches, stains, dents and scuffs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from training.render.cracks import Stroke, run
from training.render.geometry import Floats, Pane, Points, f32, local_grid, project, scale_of, shares
from training.render.glass import HAIR, Coverage, draw_lines, segments
from training.render.noise import blend, blur, fractal, shift, smoothstep

__all__ = ["Dent", "dented", "make_dents", "paint_dents", "paint_scratches", "paint_stain"]


@dataclass(frozen=True, slots=True)
class Dent:
    """A place that was pushed in: middle, radius and depth in widths; ``rim`` moves the outline too."""

    x: float
    y: float
    radius: float
    depth: float
    rim: bool


def _few(rng: np.random.Generator, aspect: float) -> list[Stroke]:
    """Single fine scratches, straight or in a shallow bow."""
    n = int(rng.integers(1, 8))
    return [
        Stroke(
            run(rng, rng.random(2) * [1, aspect], float(rng.uniform(0, 6.3)), length, bend)[:: int(rng.integers(1, 3))],
            w,
            w / 3,
        )
        for length, bend, w in zip(
            rng.uniform(0.08, 0.9, n), rng.normal(0, 0.8, n), rng.uniform(0.4, 1.1, n), strict=True
        )
    ]


def _scuff(rng: np.random.Generator, aspect: float) -> list[Stroke]:
    """Many short scratches that run nearly the same way, as from a pavement."""
    centre, angle, n = rng.random(2) * [1, aspect], float(rng.uniform(0, 6.3)), int(rng.integers(12, 70))
    starts = centre + rng.normal(0, float(rng.uniform(0.04, 0.2)), (n, 2))
    turns, lengths = angle + rng.normal(0, 0.15, n), rng.exponential(0.12, n) + 0.03
    return [
        Stroke(run(rng, at, float(turn), float(length), 0.0), float(rng.uniform(0.3, 0.9)), 0.2)
        for at, turn, length in zip(starts, turns, lengths, strict=True)
    ]


def _swirl(rng: np.random.Generator, aspect: float) -> list[Stroke]:
    """Hair-fine scratches everywhere, as from keys in a pocket."""
    n = int(rng.integers(20, 110))
    return [
        Stroke(
            run(
                rng,
                rng.random(2) * [1, aspect],
                float(rng.uniform(0, 6.3)),
                float(rng.uniform(0.05, 0.5)),
                float(rng.normal(0, 1)),
            ),
            0.35,
            0.25,
        )
        for _ in range(n)
    ]


_SCRATCHES: Final = (_few, _scuff, _swirl)


def paint_scratches(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Coverage]:
    """Scratch the surface: pale lines without branches, hardly dark at all, that do not shift the light."""
    kind = _SCRATCHES[int(rng.choice(3, p=[0.5, 0.32, 0.18]))]
    strokes = [s for s in kind(rng, pane.aspect) if len(s.points) > 1]
    lines, width, _ = segments(strokes, pane)
    pixels = np.clip(HAIR * scale_of(pane) * float(rng.uniform(0.8, 1.7)) * width, 0.3, 2.5)
    # A scratch is interrupted: the tool jumps.
    strength = np.clip(rng.normal(0.75, 0.25, len(lines)), 0, 1) * float(rng.uniform(0.55, 1.0))
    alpha = draw_lines(lines, pixels, strength, pane.shape) * pane.alpha
    colour = np.clip(np.array([0.82, 0.86, 0.95]) + rng.normal(0, 0.05, 3), 0, 1).astype(np.float32)
    dark = shift(alpha, 1, 1) * pane.alpha * np.float32(rng.uniform(0.1, 0.4))
    return blend(canvas * (1 - dark)[..., None], colour, alpha), {"scratch": np.maximum(alpha, dark)}


def _blob(rng: np.random.Generator, pane: Pane, radius: float, rough: float) -> Floats:
    """Give a ragged distance to a random place: below 1 inside."""
    x, y = local_grid(pane)
    cx, cy = rng.random(2) * [1, pane.aspect]
    lean = float(rng.uniform(0.5, 1))
    far = np.hypot(x - np.float32(cx), (y - np.float32(cy)) * np.float32(lean)) / np.float32(radius)
    return f32(far + np.float32(rough) * (fractal(rng, pane.shape, cells=7, octaves=3) - np.float32(0.5)))


def oil(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Floats]:
    """Drop something clear and thick: a lens, darker inside, that shines along a part of its rim."""
    seen = np.zeros(pane.shape, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        far = _blob(rng, pane, float(rng.uniform(0.06, 0.22)), float(rng.uniform(0.3, 1.6)))
        body = (1 - smoothstep(far, 0.92, 1.0)) * pane.alpha
        gy, gx = (f32(g) for g in np.gradient(blur(body, 2.0)))
        a = float(rng.uniform(0, 6.3))
        slope = (gx * np.float32(np.cos(a)) + gy * np.float32(np.sin(a))) * np.float32(7)
        canvas = blend(canvas, canvas * np.float32(0.8) + np.float32(0.04), body)
        canvas = np.clip(canvas + np.clip(slope, -0.25, 1)[..., None] * body[..., None], 0, 1)
        seen = np.maximum(seen, body)
    return canvas, seen


def specks(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Floats]:
    """Crumbs and dried splashes: small pale dots."""
    image = Image.new("L", (pane.shape[1] * 2, pane.shape[0] * 2))
    pen, unit = ImageDraw.Draw(image), scale_of(pane) * 2
    for u, v in project(pane.matrix, rng.random((int(rng.choice([2, 5, 12, 40])), 2)) * [1, pane.aspect]) * 2:
        r, s = unit * rng.uniform(0.006, 0.03, 2) + 1
        pen.ellipse((u - r, v - s, u + r, v + s), fill=int(rng.uniform(140, 255)))
    alpha = shares(image.reduce(2)) * pane.alpha
    colour = np.clip(np.array([0.9, 0.88, 0.8]) * rng.uniform(0.6, 1.1, 3), 0, 1)
    return blend(canvas, colour, alpha), alpha


def splash(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Floats]:
    """Let a liquid or glue dry: half clear, with a stronger rim."""
    far = _blob(rng, pane, float(rng.uniform(0.12, 0.5)), float(rng.uniform(0.4, 1.6)))
    inside = 1 - smoothstep(far, 0.9, 1.0)
    rim = np.clip(1 - np.abs(far - np.float32(0.93)) * 14, 0, 1)
    body = np.float32(rng.uniform(0.2, 0.6)) * (0.5 + fractal(rng, pane.shape, cells=14, octaves=3)) * inside
    alpha = np.clip(np.maximum(body, rim * np.float32(rng.uniform(0.4, 0.9))), 0, 0.95) * pane.alpha
    hues = (
        (0.4, 0.25, 0.1),
        (0.75, 0.72, 0.65),
        (0.55, 0.15, 0.1),
        (0.9, 0.9, 0.88),
        (0.5, 0.5, 0.3),
        (0.1, 0.15, 0.4),
    )
    return blend(canvas, hues[int(rng.integers(len(hues)))], alpha), np.minimum(1, 2 * alpha)


_STAINS: Final[tuple[Callable[[np.random.Generator, Floats, Pane], tuple[Floats, Floats]], ...]] = (oil, specks, splash)


def paint_stain(rng: np.random.Generator, canvas: Floats, pane: Pane) -> tuple[Floats, Coverage]:
    """Soil the surface with oil, specks or something that dried."""
    canvas, seen = _STAINS[int(rng.choice(3, p=[0.3, 0.3, 0.4]))](rng, canvas, pane)
    return canvas, {"stain": seen}


def make_dents(rng: np.random.Generator, aspect: float, inner: bool) -> list[Dent]:
    """Choose where the body was hit: corners and rims, and the back's sheet where ``inner``."""
    dents = []
    for _ in range(int(rng.integers(1, 5))):
        x, y = float(rng.integers(2)), float(rng.integers(2)) * aspect
        if rng.random() < 0.45:  # a rim rather than a corner
            x, y = (
                (x, float(rng.uniform(0.1, 0.9)) * aspect) if rng.random() < 0.7 else (float(rng.uniform(0.1, 0.9)), y)
            )
        dents.append(Dent(x, y, float(rng.uniform(0.05, 0.14)), float(rng.uniform(0.02, 0.06)), rim=True))
    if inner and rng.random() < 0.6:
        x, y = float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.2, 0.8)) * aspect
        dents.append(Dent(x, y, float(rng.uniform(0.05, 0.16)), 0.03, rim=False))
    return dents


def dented(outline: Points, dents: list[Dent], aspect: float) -> Points:
    """Push an outline inwards where it was hit; it is made dense enough to show that."""
    closed = np.concatenate([outline, outline[:1]])
    steps = np.linspace(0, 1, 12, endpoint=False)[:, None]
    dense = np.concatenate([a + steps * (b - a) for a, b in pairwise(closed)])
    for dent in (d for d in dents if d.rim):
        away = np.hypot(dense[:, 0] - dent.x, dense[:, 1] - dent.y)
        inward = np.array([0.5, aspect / 2]) - dense
        inward /= np.maximum(1e-6, np.linalg.norm(inward, axis=1, keepdims=True))
        dense = dense + inward * (dent.depth * np.exp(-((away / dent.radius) ** 2)))[:, None]
    return dense


def paint_dents(rng: np.random.Generator, canvas: Floats, pane: Pane, dents: list[Dent]) -> tuple[Floats, Coverage]:
    """Shade dents as hollows under one light, and rub the coating off where they sit on the rim."""
    x, y = local_grid(pane)
    ground, light = fractal(rng, pane.shape, cells=20, octaves=3, rough=0.8), float(rng.uniform(0, 6.3))
    dent_seen, chip_seen = (np.zeros(pane.shape, dtype=np.float32) for _ in range(2))
    bare = np.clip(np.array([0.75, 0.75, 0.77]) * rng.uniform(0.5, 1.2), 0, 1).astype(np.float32)
    for dent in dents:
        dx, dy = (x - np.float32(dent.x)) / np.float32(dent.radius), (y - np.float32(dent.y)) / np.float32(dent.radius)
        far = np.hypot(dx, dy) + np.float32(0.5) * (ground - np.float32(0.5))
        bowl = np.exp(-(far**4)) * pane.alpha  # steep walls: a soft hollow looks like a smudge
        slope = (dx * np.float32(np.cos(light)) + dy * np.float32(np.sin(light))) * bowl
        canvas = np.clip(canvas * (1 + 0.45 * slope)[..., None] + (0.2 * slope)[..., None], 0, 1)
        dent_seen = np.maximum(dent_seen, (np.abs(slope) > 0.1).astype(np.float32))
        if dent.rim:
            rim = np.minimum(np.minimum(x, 1 - x), np.minimum(y, np.float32(pane.aspect) - y))
            worn = smoothstep(bowl * (0.4 + ground) - rim * 9, 0.25, 0.45) * pane.alpha
            canvas = blend(canvas, bare, worn * (0.5 + 0.5 * ground))
            chip_seen = np.maximum(chip_seen, worn)
    return canvas, {"dent": dent_seen, "chip": chip_seen}
