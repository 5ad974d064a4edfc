"""Paint a fracture: a dark core, a bright refracting flank, glitter, chips and tilted shards."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from training.render.cracks import Fracture, Stroke
from training.render.geometry import FINE, Floats, Pane, Points, cover, f32, project, scale_of, shares
from training.render.noise import blend, blur, fractal, shift

__all__ = ["HAIR", "Coverage", "draw_lines", "paint_fracture", "segments"]

Coverage = dict[str, Floats]

HAIR: Final = 0.0052  # width of a usual crack in widths of the pane: 1 pixel on a pane of 190 pixels


def segments(strokes: list[Stroke], pane: Pane) -> tuple[Points, Points, Points]:
    """Cut strokes into straight pieces: ends in pixels ``(n, 4)``, relative widths and local middles."""
    starts = np.concatenate([s.points[:-1] for s in strokes])
    ends = np.concatenate([s.points[1:] for s in strokes])
    width = np.concatenate([np.linspace(s.width, s.tip, len(s.points) - 1) for s in strokes])
    return (
        np.concatenate([project(pane.matrix, starts), project(pane.matrix, ends)], axis=1),
        width,
        (starts + ends) / 2,
    )


def _glint(rng: np.random.Generator, lines: Points, middles: Points, aspect: float) -> Points:
    """Say how brightly each piece shines: cracks across the light do, in patches, and each a little otherwise."""
    direction = np.arctan2(lines[:, 3] - lines[:, 1], lines[:, 2] - lines[:, 0])
    across = np.abs(np.sin(direction - rng.uniform(0, np.pi))) ** 1.5
    patches = fractal(rng, (24, 12), cells=4, octaves=2)
    row, column = (np.clip(middles[:, k] / s * n, 0, n - 1).astype(int) for k, s, n in ((1, aspect, 24), (0, 1.0, 12)))
    light = (0.25 + 0.75 * across) * (0.3 + 1.1 * patches[row, column]) * rng.lognormal(-0.1, 0.35, len(lines))
    return np.asarray(np.clip(light, 0.05, 1.0), dtype=np.float64)


def draw_lines(lines: Points, widths: Points, values: Points, shape: tuple[int, int]) -> Floats:
    """Draw pieces with their own width (pixels) and brightness (0..1); brighter ones lie on top."""
    fine = Image.new("L", (shape[1] * FINE, shape[0] * FINE))
    pen = ImageDraw.Draw(fine)
    # A line cannot be thinner than one fine pixel: what is thinner is drawn fainter instead.
    fat = np.maximum(1, np.rint(widths * FINE)).astype(int)
    ink = np.clip(255 * values * np.minimum(1, widths * FINE), 0, 255).astype(int)
    order = np.argsort(ink, kind="stable")
    for (x0, y0, x1, y1), w, v in zip(
        (lines[order] * FINE).tolist(), fat[order].tolist(), ink[order].tolist(), strict=True
    ):
        pen.line((x0, y0, x1, y1), fill=v, width=w)
    return shares(fine.reduce(FINE))


def _glitter(rng: np.random.Generator, broken: Fracture, pane: Pane) -> tuple[Floats, Floats]:
    """Give the milky ground glass at the impacts, and bright specks scattered around them."""
    haze, specks = (np.zeros(pane.shape, dtype=np.float32) for _ in range(2))
    unit = scale_of(pane)
    y, x = np.indices(pane.shape, dtype=np.float32)
    cloud = np.float32(0.9) * (fractal(rng, pane.shape, cells=40, octaves=1) - np.float32(0.5))
    for cx, cy, radius in broken.crushed:
        (px, py), r = project(pane.matrix, np.array([[cx, cy]]))[0], max(1.5, radius * unit)
        far = np.hypot(x - np.float32(px), y - np.float32(py)) / np.float32(r)
        haze = np.maximum(haze, np.clip(np.float32(1.15) - far - cloud, 0, 1) * np.float32(rng.uniform(0.2, 0.7)))
        n = int(rng.integers(10, 60))
        away, turn = r * rng.exponential(0.8, n), rng.uniform(0, 2 * np.pi, n)
        sx = np.clip(px + away * np.cos(turn), 0, pane.shape[1] - 1).astype(int)
        sy = np.clip(py + away * np.sin(turn), 0, pane.shape[0] - 1).astype(int)
        specks[sy, sx] = np.maximum(specks[sy, sx], rng.uniform(0.3, 1.0, n).astype(np.float32))
    return haze, specks


def _tilt(rng: np.random.Generator, canvas: Floats, shards: list[Points], pane: Pane) -> tuple[Floats, Floats]:
    """Let some shards mirror more of the room, or none of it."""
    touched = np.zeros(pane.shape, dtype=np.float32)
    image = Image.new("L", (pane.shape[1], pane.shape[0]), 128)
    pen = ImageDraw.Draw(image)
    for shard in shards:
        tone = 128 + int(np.clip(rng.normal(0, 15), -40, 60))
        pen.polygon([(float(x), float(y)) for x, y in project(pane.matrix, shard)], fill=tone)
    change = (np.asarray(image, dtype=np.float32) - 128) / 255 * pane.alpha
    touched = np.clip(np.abs(change) * 6, 0, 1)
    return f32(canvas + f32(change * np.where(change > 0, 0.7, 1.0))[..., None]), f32(touched)


def _tint(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    return np.clip(np.array([0.93, 0.96, 1.0]) + rng.normal(0, 0.04, 3), 0.7, 1).astype(np.float32)


def paint_fracture(rng: np.random.Generator, canvas: Floats, broken: Fracture, pane: Pane) -> tuple[Floats, Coverage]:
    """Paint a fracture on a pane of the picture.

    Parameters
    ----------
    rng : numpy.random.Generator
        Light and glitter.
    canvas : ndarray (h, w, 3)
        The picture in 0..1; it is not changed.
    broken : Fracture
        Geometry from `fracture` for a pane of the same aspect.
    pane : Pane
        Where the glass lies; nothing is painted outside its ``alpha``.

    Returns
    -------
    tuple
        The new picture, and coverage ``(h, w)`` of ``crack`` and, where a piece is missing, of ``chip``.
    """
    lines, width, middles = segments(broken.strokes, pane)
    pixels = np.clip(HAIR * scale_of(pane) * float(rng.uniform(0.85, 1.9)) * width, 0.3, 3.0)
    glint = _glint(rng, lines, middles, pane.aspect) * float(rng.uniform(0.9, 1.6))
    core = draw_lines(lines, pixels, np.full(len(lines), 1.0), pane.shape) * pane.alpha
    shine = draw_lines(lines, 0.85 * pixels, np.minimum(1, glint), pane.shape)
    dx, dy = (int(v) for v in rng.integers(-1, 2, 2))
    haze, specks = _glitter(rng, broken, pane)
    shine = np.maximum(shine if pane.lit else np.maximum(shine, 0.4 * blur(shine, 0.8)), specks) * pane.alpha
    haze = haze * pane.alpha
    chips = np.zeros(pane.shape, dtype=np.float32)
    for outline in broken.chips:
        chips = np.maximum(chips, cover(project(pane.matrix, outline), pane.shape))
    chips = chips * pane.alpha

    out, tilted = _tilt(rng, canvas, broken.shards, pane) if broken.shards else (canvas, np.zeros_like(core))
    if pane.lit:  # the display lies under the glass: the crack throws a faint second line on it
        out = out * (1 - 0.25 * (blur(shift(core, 2 * dx, 2 * dy), 0.7) * pane.alpha))[..., None]
    out = blend(out, (0.03, 0.03, 0.035), chips * np.float32(0.92))
    out = blend(out, _tint(rng) * np.float32(0.75), haze * np.float32(0.6))
    out = out * (1 - np.float32(rng.uniform(0.45, 0.85)) * core)[..., None]
    out = blend(out, _tint(rng), (shift(shine, dx, dy) * pane.alpha) * np.float32(rng.uniform(0.7, 1.0)))
    seen = np.maximum.reduce([core, shine, 2 * haze * (haze > 0.05), tilted])
    coverage = {"crack": np.minimum(seen, pane.alpha)}
    return np.clip(out, 0, 1), coverage | ({"chip": chips} if broken.chips else {})
