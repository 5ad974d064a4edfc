"""A hand around a phone: a palm behind it, fingertips and a thumb over its rims."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from training.render.geometry import FINE, Floats, Points, f32, project, shares
from training.render.noise import blend, blur, fractal, smoothstep, window

__all__ = ["fingers_over", "palm_behind", "skin"]

Bone = tuple[float, float, float, float, float]  # x, y, x, y, thickness; local coordinates


def skin(rng: np.random.Generator) -> Floats:
    """Pick a colour of skin, from pale to dark, or rarely a glove."""
    if rng.random() < 0.04:
        return f32(rng.uniform(0.1, 0.9, 3))
    pale, dark = np.array([0.96, 0.78, 0.68]), np.array([0.33, 0.2, 0.14])
    tone = pale + (dark - pale) * float(rng.beta(1.2, 2.0))
    return f32(np.clip(tone + rng.normal(0, 0.03, 3), 0.05, 1))


def _bones(bones: list[Bone], matrix: Points, shape: tuple[int, int], unit: float) -> Floats:
    """Cover the picture with thick round-ended lines."""
    fine = Image.new("L", (shape[1] * FINE, shape[0] * FINE))
    pen = ImageDraw.Draw(fine)
    for x0, y0, x1, y1, thick in bones:
        ends = project(matrix, np.array([[x0, y0], [x1, y1]])) * FINE
        width = max(2.0, thick * unit * FINE)
        pen.line([(float(x), float(y)) for x, y in ends], fill=255, width=int(width))
        for x, y in ends:
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return shares(fine.reduce(FINE))


def _flesh(rng: np.random.Generator, canvas: Floats, alpha: Floats, colour: Floats, soft: float) -> Floats:
    """Fill with skin: darker and redder towards the rim, mottled, with a soft shadow beside it; changes ``canvas``."""
    part = window(alpha, margin=int(2 * soft))
    under, body = canvas[part], alpha[part]
    depth = blur(body, soft)
    under = under * (1 - np.float32(0.35) * depth * (1 - body))[..., None]
    round_ = smoothstep(depth * body, 0.35, 1.0)
    mottled = fractal(rng, body.shape, cells=10, octaves=3, rough=0.8)
    light = np.float32(0.5) + np.float32(0.45) * round_ + np.float32(0.16) * (mottled - np.float32(0.5))
    warm = colour * np.array([0.95, 0.8, 0.75], dtype=np.float32)
    tone = warm + (colour - warm) * round_[..., None]
    canvas[part] = blend(under, tone * light[..., None], body)
    return canvas


def palm_behind(
    rng: np.random.Generator, canvas: Floats, matrix: Points, aspect: float, unit: float, colour: Floats
) -> Floats:
    """Paint the palm and the forearm that leaves the picture below."""
    y, x = aspect * float(rng.uniform(0.55, 0.85)), float(rng.uniform(0.35, 0.65))
    away = float(rng.normal(0, 0.7))
    bones = [(x - 0.2, y, x + 0.2, y + 0.1, 1.0), (x, y, x + away, y + 3.5, float(rng.uniform(0.6, 0.9)))]
    alpha = _bones(bones, matrix, (canvas.shape[0], canvas.shape[1]), unit)
    return _flesh(rng, canvas.copy(), alpha, colour, 0.12 * unit)


def fingers_over(
    rng: np.random.Generator, canvas: Floats, matrix: Points, aspect: float, unit: float, colour: Floats
) -> tuple[Floats, Floats]:
    """Paint fingertips over one long rim and a thumb over the other; also give what they hide, ``(h, w)``."""
    shape = (canvas.shape[0], canvas.shape[1])
    hidden = np.zeros(shape, dtype=np.float32)
    mirror = rng.random() < 0.5
    start, thick = aspect * float(rng.uniform(0.25, 0.5)), float(rng.uniform(0.17, 0.24))
    bones: list[Bone] = []
    for k in range(int(rng.integers(2, 5))):
        y = start + k * thick * 1.15
        bones.append((-0.2, y + 0.1, float(rng.uniform(-0.01, 0.1)), y, thick * float(rng.uniform(0.85, 1.0))))
    y = aspect * float(rng.uniform(0.45, 0.75))
    bones.append((1.25, y + 0.45, float(rng.uniform(0.9, 1.02)), y, thick * 1.2))
    light = canvas.copy()
    for x0, y0, x1, y1, t in bones:
        bone = (1 - x0, y0, 1 - x1, y1, t) if mirror else (x0, y0, x1, y1, t)
        alpha = _bones([bone], matrix, shape, unit)
        light = _flesh(rng, light, alpha, colour * np.float32(rng.uniform(0.92, 1.05)), 0.07 * unit)
        if rng.random() < 0.5:
            x, y, u, v, _ = bone
            away = np.array([u - x, v - y]) / max(1e-6, float(np.hypot(u - x, v - y)))
            tip = (u + 0.02 * away[0], v + 0.02 * away[1], u + 0.05 * away[0], v + 0.05 * away[1], 0.5 * t)
            nail = _bones([tip], matrix, shape, unit) * alpha
            light = blend(light, np.minimum(1, colour * f32([1.08, 1.0, 1.0]) + np.float32(0.06)), 0.7 * nail)
        hidden = np.maximum(hidden, alpha)
    return light, hidden
