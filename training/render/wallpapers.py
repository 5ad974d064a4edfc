"""Pictures for a display: soft colours, and the patterns of lines that a careless eye takes for cracks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from training.render.geometry import Floats, f32
from training.render.noise import fractal, ramp, stretch

__all__ = ["wallpaper"]

Line = list[tuple[float, float]]


def colours(rng: np.random.Generator, n: int) -> Floats:
    """Pick ``n`` colours of one mood, ``(n, 3)``."""
    base = rng.random(3)
    return np.clip(base + rng.normal(0, 0.28, (n, 3)), 0, 1).astype(np.float32) * np.float32(rng.uniform(0.4, 1.0))


def soft(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Flow a few colours into each other."""
    few = colours(rng, 12).reshape(4, 3, 3)
    return np.clip(np.stack([stretch(few[..., k], shape) for k in range(3)], axis=-1), 0, 1)


def photo(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Make something with the statistics of a landscape: a sky, a ridge, textured ground."""
    a, b, c = colours(rng, 3)
    sky = a + (b - a) * ramp(shape, np.pi / 2)[..., None]
    ridge = fractal(rng, (1, shape[1]), cells=4, octaves=5)[0] * rng.uniform(0.1, 0.4) + rng.uniform(0.3, 0.6)
    ground = (np.arange(shape[0])[:, None] / shape[0] > ridge)[..., None]
    grass = c * fractal(rng, shape, cells=6, octaves=5, rough=0.8)[..., None] * 1.3
    return f32(np.where(ground, grass, sky))


def _bolt(rng: np.random.Generator, pen: ImageDraw.ImageDraw, x: float, y: float, end: float, width: int) -> None:
    line: Line = [(x, y)]
    while y < end:
        x, y = x + float(rng.normal(0, 7)), y + float(rng.uniform(4, 12))
        line.append((x, y))
        if width > 1 and rng.random() < 0.12:
            _bolt(rng, pen, x, y, y + float(rng.uniform(20, 90)), width - 1)
    pen.line(line, fill=(235, 235, 255), width=width)


def lightning(rng: np.random.Generator, image: Image.Image) -> None:
    """Strike once to three times."""
    for _ in range(int(rng.integers(1, 4))):
        x = float(rng.uniform(0.2, 0.8)) * image.width
        _bolt(rng, ImageDraw.Draw(image), x, 0, image.height * float(rng.uniform(0.5, 1)), int(rng.integers(2, 4)))


def _twig(rng: np.random.Generator, pen: ImageDraw.ImageDraw, x: float, y: float, turn: float, size: float) -> None:
    if size < 7:
        return
    u, v = x + size * float(np.cos(turn)), y + size * float(np.sin(turn))
    pen.line([(x, y), (u, v)], fill=(20, 16, 14), width=max(1, int(size / 12)))
    for side in (-1, 1):
        _twig(rng, pen, u, v, turn + side * float(rng.uniform(0.2, 0.6)), size * float(rng.uniform(0.6, 0.82)))


def tree(rng: np.random.Generator, image: Image.Image) -> None:
    """Grow bare branches."""
    x, size = image.width * float(rng.uniform(0.2, 0.8)), image.height * float(rng.uniform(0.15, 0.22))
    _twig(rng, ImageDraw.Draw(image), x, float(image.height), -np.pi / 2, size)


def spider_web(rng: np.random.Generator, image: Image.Image) -> None:
    """Draw a real spider's web: even rays, a regular spiral."""
    pen, centre = ImageDraw.Draw(image), rng.uniform(0.2, 0.8, 2) * [image.width, image.height]
    turns = np.linspace(0, 2 * np.pi, int(rng.integers(10, 18)))[:-1] + rng.normal(0, 0.05)
    tone = int(rng.integers(150, 255))
    for a in turns:
        pen.line([(centre[0], centre[1]), (centre[0] + 400 * np.cos(a), centre[1] + 400 * np.sin(a))], fill=(tone,) * 3)
    for r in np.arange(8, float(rng.uniform(60, 200)), float(rng.uniform(7, 13))):
        ring = [
            (centre[0] + r * float(np.cos(a)), centre[1] + r * float(np.sin(a))) for a in np.append(turns, turns[0])
        ]
        pen.line(ring, fill=(tone,) * 3)


def facets(rng: np.random.Generator, image: Image.Image) -> None:
    """Cross the picture with straight lines, as geometric wallpapers do."""
    pen, tone = ImageDraw.Draw(image), tuple(int(v) for v in rng.integers(120, 255, 3))
    for _ in range(int(rng.integers(6, 20))):
        ends = rng.uniform(-0.2, 1.2, (2, 2)) * [image.width, image.height]
        pen.line([(float(x), float(y)) for x, y in ends], fill=tone, width=int(rng.integers(1, 3)))


def veins(rng: np.random.Generator, image: Image.Image) -> None:
    """Marble: wandering veins where two clouds meet."""
    cloud = fractal(rng, (image.height, image.width), cells=3, octaves=5)
    vein = np.clip(1 - np.abs(cloud - 0.5) * rng.uniform(25, 60), 0, 1)[..., None]
    pixels = np.asarray(image, dtype=np.float32)
    image.paste(Image.fromarray((pixels + (rng.uniform(0, 255) - pixels) * vein * 0.7).astype(np.uint8)))


_LINES: Final[tuple[Callable[[np.random.Generator, Image.Image], None], ...]] = (
    lightning,
    tree,
    spider_web,
    facets,
    veins,
)


def wallpaper(rng: np.random.Generator, shape: tuple[int, int], tricky: float = 0.2) -> Image.Image:
    """Make a wallpaper; with probability ``tricky`` one full of lines that are no cracks."""
    pixels = soft(rng, shape) if rng.random() < 0.6 else photo(rng, shape)
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    if rng.random() < tricky:
        dark = Image.fromarray((np.clip(pixels * np.float32(rng.uniform(0.1, 1)), 0, 1) * 255).astype(np.uint8))
        image.paste(dark)
        _LINES[int(rng.integers(len(_LINES)))](rng, image)
    return image
