"""What a display shows: nothing, a lock screen, icons, lists, a chat, a keyboard, a picture, a starting logo."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.render.wallpapers import wallpaper

__all__ = ["screen_off", "screen_on"]

Colour = tuple[int, int, int]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _colour(rng: np.random.Generator, low: int = 0, high: int = 255) -> Colour:
    r, g, b = (int(v) for v in rng.integers(low, high, 3))
    return r, g, b


def screen_off(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Give black glass; rarely a grey glow."""
    level = int(rng.integers(2, 22)) if rng.random() < 0.85 else int(rng.integers(22, 60))
    return Image.new("RGB", (shape[1], shape[0]), (level, level, level + int(rng.integers(0, 5))))


def _status(rng: np.random.Generator, pen: ImageDraw.ImageDraw, w: int, ink: Colour) -> None:
    pen.text((0.07 * w, 0.02 * w), f"{rng.integers(24)}:{rng.integers(60):02d}", fill=ink, font=_font(max(6, w // 20)))
    pen.rectangle((0.86 * w, 0.03 * w, 0.93 * w, 0.06 * w), fill=ink)


def lock(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Show a big clock, the date and perhaps notifications."""
    image, w = wallpaper(rng, shape), shape[1]
    pen = ImageDraw.Draw(image, "RGBA")
    clock = f"{rng.integers(24):02d}:{rng.integers(60):02d}"
    pen.text((w / 2, 0.5 * w), clock, fill=(255, 255, 255), font=_font(int(w * rng.uniform(0.2, 0.32))), anchor="mm")
    pen.text((w / 2, 0.28 * w), "Monday, 12 May", fill=(255, 255, 255), font=_font(w // 16), anchor="mm")
    for k in range(int(rng.integers(0, 4))):
        top = (0.8 + 0.27 * k) * w
        pen.rounded_rectangle((0.05 * w, top, 0.95 * w, top + 0.23 * w), 0.05 * w, fill=(240, 240, 240, 150))
        pen.rectangle((0.2 * w, top + 0.06 * w, rng.uniform(0.4, 0.9) * w, top + 0.09 * w), fill=(40, 40, 40, 200))
    return image


def home(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Show a grid of icons."""
    image, w = wallpaper(rng, shape, tricky=0.1), shape[1]
    pen, size, ink = ImageDraw.Draw(image), float(rng.uniform(0.12, 0.17)) * w, _colour(rng, 230)
    _status(rng, pen, w, ink)
    rows = [r for r in range(1, int(shape[0] / (0.26 * w)) - 1) if rng.random() < 0.75] + [shape[0] / (0.26 * w) - 0.9]
    for row in rows:
        for column in range(4):
            x, y = (0.08 + 0.23 * column) * w, row * 0.26 * w
            pen.rounded_rectangle((x, y, x + size, y + size), size * 0.24, fill=_colour(rng))
            pen.ellipse((x + size * 0.3, y + size * 0.3, x + size * 0.7, y + size * 0.7), fill=_colour(rng, 150))
    return image


def page(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Show an application: a bar, rows of text, pictures."""
    dark = rng.random() < 0.3
    paper = _colour(rng, 10, 40) if dark else _colour(rng, 225)
    ink, w = (_colour(rng, 150, 220) if dark else _colour(rng, 20, 120)), shape[1]
    image = Image.new("RGB", (w, shape[0]), paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, w, 0.22 * w), fill=_colour(rng) if rng.random() < 0.5 else paper)
    _status(rng, pen, w, ink)
    y = 0.3 * w
    while y < shape[0]:
        if rng.random() < 0.2:
            tall = float(rng.uniform(0.2, 0.6)) * w
            image.paste(wallpaper(rng, (max(2, int(tall)), int(0.9 * w)), 0), (int(0.05 * w), int(y)))
            y += tall
        for _ in range(int(rng.integers(1, 4))):
            pen.rectangle((0.06 * w, y + 0.03 * w, rng.uniform(0.3, 0.94) * w, y + 0.055 * w), fill=ink)
            y += 0.06 * w
        y += float(rng.uniform(0.04, 0.12)) * w
    return image


def chat(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Show bubbles and, below, a keyboard."""
    w, h = shape[1], shape[0]
    image = Image.new("RGB", (w, h), _colour(rng, 200))
    pen, mine = ImageDraw.Draw(image), _colour(rng, 60, 220)
    y = 0.25 * w
    while y < h - 0.7 * w:
        wide, tall, right = rng.uniform(0.25, 0.7) * w, rng.uniform(0.08, 0.25) * w, rng.random() < 0.5
        x = 0.96 * w - wide if right else 0.04 * w
        pen.rounded_rectangle((x, y, x + wide, y + tall), 0.04 * w, fill=mine if right else (250, 250, 250))
        y += tall + 0.05 * w
    pen.rectangle((0, h - 0.62 * w, w, h), fill=(205, 208, 214))
    for row in range(4):
        for key in range(10 - row):
            x, y = (0.01 + 0.049 * row + 0.098 * key) * w, h - (0.6 - 0.14 * row) * w
            pen.rounded_rectangle((x, y, x + 0.085 * w, y + 0.12 * w), 0.015 * w, fill=(252, 252, 252))
    return image


def picture(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Show nothing but a picture, often one full of lines."""
    return wallpaper(rng, shape, tricky=0.45)


def plain(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Show one colour, as a test pattern or an empty page does."""
    return Image.new("RGB", (shape[1], shape[0]), (250, 250, 250) if rng.random() < 0.5 else _colour(rng))


def logo(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Show a starting logo on black."""
    image, w, y = Image.new("RGB", (shape[1], shape[0]), (4, 4, 5)), shape[1], shape[0] * float(rng.uniform(0.35, 0.55))
    ink, r = _colour(rng, 170), float(rng.uniform(0.06, 0.14)) * w
    ImageDraw.Draw(image).ellipse(
        (w / 2 - r, y - r, w / 2 + r, y + r), fill=ink if rng.random() < 0.5 else None, outline=ink
    )
    return image


_SHOWN: Final[tuple[Callable[[np.random.Generator, tuple[int, int]], Image.Image], ...]] = (
    lock,
    home,
    page,
    chat,
    picture,
    plain,
    logo,
)


def screen_on(rng: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    """Give a shining display of any kind, bright or dimmed."""
    kind = int(rng.choice(len(_SHOWN), p=[0.2, 0.2, 0.18, 0.1, 0.2, 0.07, 0.05]))
    image = _SHOWN[kind](rng, shape)
    gain = float(rng.uniform(0.45, 1.0))
    return image.point([int(v * gain) for v in range(256)] * 3)
