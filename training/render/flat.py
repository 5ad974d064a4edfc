"""Pictures that speak of phones and show none: drawings, cracks on nothing, screenshots; nothing to diagnose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from training.render.cracks import STYLES, fracture
from training.render.screens import screen_on

__all__ = ["flat_picture"]

Bytes = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
MARGIN: Final = 128  # the grey that surrounds what does not fill the square


def _colour(rng: np.random.Generator) -> Colour:
    """Draw a colour; black and white are the usual ones of drawings."""
    if rng.random() < 0.4:
        return ((255, 255, 255), (0, 0, 0))[int(rng.random() < 0.4)]
    r, g, b = (int(v) for v in rng.integers(0, 256, 3))
    return r, g, b


def _unlike(rng: np.random.Generator, colour: Colour) -> Colour:
    """Draw a colour that can be seen on another one."""
    for _ in range(20):
        other = _colour(rng)
        if abs(sum(other) - sum(colour)) > 220:
            return other
    return (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)


def _cracks(rng: np.random.Generator, pen: ImageDraw.ImageDraw, box: Box, ink: Colour, style: str, line: int) -> None:
    """Draw cracks as lines of even ink in a rectangle."""
    x0, y0, x1, y1 = box
    wide = x1 - x0
    for stroke in fracture(rng, (y1 - y0) / wide, style).strokes:
        pen.line([(x0 + float(x) * wide, y0 + float(y) * wide) for x, y in stroke.points], ink, line)


def _phone(rng: np.random.Generator, pen: ImageDraw.ImageDraw, box: Box, paper: Colour) -> None:
    """Draw a phone as an outline, with or without cracks."""
    x0, y0, x1, y1 = box
    wide = x1 - x0
    body, glass = (paper if rng.random() < 0.4 else _colour(rng)), _colour(rng)
    ink = _unlike(rng, body)
    line = max(1, round(wide * float(rng.uniform(0.008, 0.04))))
    pen.rounded_rectangle(box, wide * float(rng.uniform(0.05, 0.18)), body, ink, line)
    top = float(rng.choice([0.05, 0.16])) * wide
    inner = (x0 + 0.06 * wide, y0 + top, x1 - 0.06 * wide, y1 - top)
    pen.rounded_rectangle(inner, 0.04 * wide, glass, ink if rng.random() < 0.6 else None, line)
    if top > 0.1 * wide:
        pen.ellipse((x0 + 0.45 * wide, y1 - 0.13 * wide, x0 + 0.55 * wide, y1 - 0.03 * wide), None, ink, line)
    if rng.random() < 0.75:
        _cracks(rng, pen, inner, _unlike(rng, glass), str(rng.choice(STYLES[:4])), max(1, line // 2))


def _ornaments(rng: np.random.Generator, pen: ImageDraw.ImageDraw, size: int, paper: Colour) -> None:
    """Add what surrounds such drawings: dots, bars, a word."""
    for _ in range(int(rng.integers(0, 6))):
        x, y, r = (float(v) * size for v in (*rng.uniform(0, 1, 2), rng.uniform(0.02, 0.09)))
        (pen.ellipse if rng.random() < 0.6 else pen.rectangle)((x - r, y - r, x + r, y + r), _colour(rng))
    if rng.random() < 0.6:
        word = str(rng.choice(["REPAIR", "FIX YOUR PHONE", "BEFORE  AFTER", "1  2  3", "SALE", "stock image"]))
        at = (float(rng.uniform(0.05, 0.5)) * size, float(rng.choice([0.03, 0.9])) * size)
        pen.text(at, word, _unlike(rng, paper), ImageFont.load_default(int(rng.uniform(0.04, 0.09) * size)))


def drawing(rng: np.random.Generator, size: int) -> Image.Image:
    """Draw one to three phones as icons do."""
    paper = _colour(rng)
    image = Image.new("RGB", (size, size), paper)
    pen = ImageDraw.Draw(image)
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
    slot = size / count
    for k in range(count):
        wide = min(0.48 * size, 0.8 * slot) * float(rng.uniform(0.6, 1))
        tall = min(0.92 * size, wide * float(rng.uniform(1.7, 2.2)))
        x, y = (k + 0.5) * slot - wide / 2, (size - tall) * float(rng.uniform(0.3, 0.7))
        _phone(rng, pen, (x, y, x + wide, y + tall), paper)
    _ornaments(rng, pen, size, paper)
    return image.rotate(float(rng.normal(0, 8)), Image.Resampling.BILINEAR, fillcolor=paper)


def texture(rng: np.random.Generator, size: int) -> Image.Image:
    """Draw cracks on nothing, in one panel or several, as overlays are sold."""
    paper = (0, 0, 0) if rng.random() < 0.55 else (255, 255, 255) if rng.random() < 0.5 else _colour(rng)
    image = Image.new("RGB", (size, size), paper)
    pen = ImageDraw.Draw(image)
    across, down = int(rng.choice([1, 1, 2, 4])), int(rng.choice([1, 1, 1, 2]))
    gap = 0.02 * size
    for i in range(across):
        for j in range(down):
            box = (i * size / across + gap, j * size / down + gap, (i + 1) * size / across, (j + 1) * size / down)
            _cracks(rng, pen, box, _unlike(rng, paper), str(rng.choice(STYLES[2:])), int(rng.integers(1, 3)))
    return image


def screenshot(rng: np.random.Generator, size: int) -> Image.Image:
    """Show what a display shows, from edge to edge and without a phone around it."""
    wide = int(size / float(rng.uniform(1.6, 2.2)))
    image = Image.new("RGB", (size, size), (MARGIN, MARGIN, MARGIN))
    shown = screen_on(rng, (size, wide))
    image.paste(shown.resize((wide, size)), ((size - wide) // 2, 0))
    return image


_KINDS: Final[tuple[Callable[[np.random.Generator, int], Image.Image], ...]] = (drawing, texture, screenshot)


def flat_picture(rng: np.random.Generator, size: int) -> Bytes:
    """Make one, ``(size, size, 3)``.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of chance.
    size : int
        Side in pixels.
    """
    kind = _KINDS[int(rng.choice(len(_KINDS), p=[0.5, 0.2, 0.3]))]
    return np.asarray(kind(rng, size))
