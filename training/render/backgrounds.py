"""What a phone lies on or is held before: tables, floors, cloth, paper, rooms out of focus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from training.render.geometry import Floats, shares
from training.render.noise import blend, blur, fractal, ramp

__all__ = ["background_from", "make_background"]

Shape = tuple[int, int]


def _colour(rng: np.random.Generator, low: float = 0.05, high: float = 0.95, spread: float = 0.06) -> Floats:
    return np.clip(rng.uniform(low, high) + rng.normal(0, spread, 3), 0, 1).astype(np.float32)


def studio(rng: np.random.Generator, shape: Shape) -> Floats:
    """One colour and a gradient; often the white of a product picture."""
    colour = np.ones(3, dtype=np.float32) if rng.random() < 0.5 else _colour(rng, spread=0.12)
    return colour * (1 - np.float32(rng.uniform(0, 0.35)) * ramp(shape, float(rng.uniform(0, 2 * np.pi))))[..., None]


def wood(rng: np.random.Generator, shape: Shape) -> Floats:
    """Planks with grain along them."""
    grain = fractal(rng, (shape[0], max(2, shape[1] // 16)), cells=24, octaves=4, rough=0.8)
    grain = np.asarray(Image.fromarray(grain).resize((shape[1], shape[0]), Image.Resampling.BICUBIC), dtype=np.float32)
    dark, light = np.array([0.22, 0.13, 0.08], np.float32), np.array([0.78, 0.6, 0.42], np.float32)
    tone = np.float32(rng.uniform(0, 1))
    out = (dark + (light - dark) * tone) * (np.float32(0.65) + np.float32(0.6) * grain)[..., None]
    for y in range(int(rng.integers(20, 90)), shape[0], int(rng.integers(60, 160))):
        out[y : y + 2] *= np.float32(0.45)
    return out if rng.random() < 0.5 else np.ascontiguousarray(out.transpose(1, 0, 2)) if shape[0] == shape[1] else out


def cloth(rng: np.random.Generator, shape: Shape) -> Floats:
    """Cloth: a weave or a pile, with folds."""
    period = np.float32(rng.uniform(3, 7))
    down, along = (np.sin(np.arange(side, dtype=np.float32) * (2 * np.pi / period)) for side in shape)
    weave = np.outer(down, along * np.float32(rng.uniform(0, 0.12)))
    folds = fractal(rng, shape, cells=3, octaves=2) * np.float32(rng.uniform(0.1, 0.5))
    fibres = rng.standard_normal(shape, dtype=np.float32) * np.float32(rng.uniform(0.01, 0.06))
    return _colour(rng, spread=0.09) * (np.float32(0.75) + folds + weave + fibres)[..., None]


def stone(rng: np.random.Generator, shape: Shape) -> Floats:
    """Concrete, terrazzo or asphalt; now and then with a crack of its own."""
    speckle = rng.standard_normal(shape, dtype=np.float32) * np.float32(rng.uniform(0.01, 0.12))
    tone = np.float32(0.8) + np.float32(0.3) * fractal(rng, shape, cells=4, octaves=5, rough=0.7) + speckle
    out = _colour(rng, 0.25, 0.85, 0.03) * tone[..., None]
    if rng.random() < 0.3:
        vein = np.clip(1 - np.abs(fractal(rng, shape, cells=2, octaves=5) - 0.5) * 90, 0, 1)
        out = blend(out, (0.1, 0.1, 0.1), vein * np.float32(0.7))
    return out


def tiles(rng: np.random.Generator, shape: Shape) -> Floats:
    """Tiles with joints, turned a little."""
    a, side, gap = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(50, 180)), float(rng.uniform(1.5, 5))
    y, x = (np.arange(length, dtype=np.float32) / np.float32(side) for length in shape)
    across, down = np.float32(np.cos(a)), np.float32(np.sin(a))
    u, v = x * across - (y * down)[:, None], x * down + (y * across)[:, None]  # in tiles
    joint = (np.minimum(u - np.floor(u), v - np.floor(v)) < gap / side).astype(np.float32)
    base = _colour(rng, 0.3, 0.95) * (np.float32(0.85) + np.float32(0.2) * fractal(rng, shape, 4, 4))[..., None]
    return blend(base, _colour(rng, 0.1, 0.9), blur(joint, 0.6))


def room(rng: np.random.Generator, shape: Shape) -> Floats:
    """Things behind the phone, out of focus."""
    image = Image.new("RGB", (shape[1] // 4, shape[0] // 4), tuple((_colour(rng) * 255).astype(int).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 22))):
        x, y = rng.uniform(-0.2, 1.0, 2) * image.size
        w, h = rng.uniform(0.05, 0.7, 2) * image.size
        fill = tuple((_colour(rng, spread=0.12) * 255).astype(int).tolist())
        (pen.rectangle if rng.random() < 0.65 else pen.ellipse)((x, y, x + w, y + h), fill=fill)
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 5))))
    return shares(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _cable(rng: np.random.Generator, canvas: Floats) -> Floats:
    """Lay a cable across: a line that is no crack."""
    t = np.linspace(0, 1, 30)[:, None]
    p = rng.uniform(-0.2, 1.2, (4, 2)) * [canvas.shape[1], canvas.shape[0]]
    curve = (1 - t) ** 3 * p[0] + 3 * (1 - t) ** 2 * t * p[1] + 3 * (1 - t) * t**2 * p[2] + t**3 * p[3]
    image = Image.new("L", (canvas.shape[1], canvas.shape[0]))
    ImageDraw.Draw(image).line([(float(x), float(y)) for x, y in curve], fill=255, width=int(rng.integers(1, 7)))
    return blend(canvas, _colour(rng, 0.0, 1.0, 0.02), blur(shares(image), 0.7))


_KINDS: Final[tuple[Callable[[np.random.Generator, Shape], Floats], ...]] = (studio, wood, cloth, stone, tiles, room)

_OFTEN: Final = (0.25, 0.15, 0.15, 0.15, 0.15, 0.15)


def make_background(rng: np.random.Generator, shape: Shape) -> Floats:
    """Make a background ``(h, w, 3)`` in 0..1."""
    canvas = _KINDS[int(rng.choice(len(_KINDS), p=_OFTEN))](rng, shape)
    return np.clip(_cable(rng, canvas) if rng.random() < 0.12 else canvas, 0, 1)


def background_from(rng: np.random.Generator, pixels: npt.NDArray[np.uint8], shape: Shape) -> Floats:
    """Cut a background of the wanted size out of any picture ``(h, w, 3)``."""
    h, w = pixels.shape[:2]
    side = float(rng.uniform(0.6, 1.0)) * min(h / shape[0], w / shape[1])
    x, y = (float(rng.uniform(0, max(0.0, full - side * part))) for full, part in ((w, shape[1]), (h, shape[0])))
    box = (x, y, min(w, x + side * shape[1]), min(h, y + side * shape[0]))
    image = Image.fromarray(pixels).resize((shape[1], shape[0]), Image.Resampling.BILINEAR, box=box)
    return shares(image)
