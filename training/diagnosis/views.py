"""The same photo as another hand would have taken it: another frame, angle, light and compression."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from training.render.geometry import Points, homography, project

__all__ = ["PAD", "frame", "laid", "lit"]

Bytes = npt.NDArray[np.uint8]
PAD: Final = 128
QUARTERS: Final = 0.25  # how often a phone lies another way round
UNIT: Final = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float64)


def _bounded(low: Points, high: Points) -> tuple[Points, Points]:
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def frame(
    rng: np.random.Generator, width: int, height: int, size: int, focus: Points | None = None, turn: bool = False
) -> Points:
    """Choose what of a photo is taken, and how it lies in the square.

    Parameters
    ----------
    width, height : int
        Of the photo.
    size : int
        Of the square.
    focus : ndarray (k, 2), optional
        What must stay in the picture, in shares: the frame then closes in on it as a customer would.
    turn : bool
        Whether it may lie on its side or upside down.

    Returns
    -------
    ndarray (3, 3)
        From shares of the photo to pixels of the square.
    """
    if focus is not None and rng.random() < 0.75:
        low, high = _bounded(focus.min(axis=0), focus.max(axis=0))
        spare = (high - low) * rng.uniform(0.0, 0.9, 2) * rng.random(2)
        low, high = _bounded(low - spare * rng.random(2), high + spare * rng.random(2))
    elif rng.random() < 0.25:
        low, high = np.zeros(2), np.ones(2)
    else:
        side = np.sqrt(rng.uniform(0.5, 1.0)) * np.exp(rng.uniform(-0.15, 0.15, 2))
        side = np.minimum(side, 1.0)
        low = rng.random(2) * (1 - side)
        high = low + side
        if focus is not None:
            low, high = (
                np.minimum(low, np.clip(focus.min(axis=0), 0, 1)),
                np.maximum(high, np.clip(focus.max(axis=0), 0, 1)),
            )
    span = (high - low) * [width, height]
    part = size * rng.uniform(0.86, 1.0) / max(span)
    if rng.random() < 0.35:  # fill the square: customers' photos have no borders
        part = size / min(span) if focus is None else size / (0.5 * (max(span) + min(span)))
    half = span * part / 2
    angle = np.deg2rad(rng.normal(0, 6) if rng.random() < 0.7 else rng.uniform(-25, 25))
    if turn and rng.random() < QUARTERS:
        angle += rng.integers(1, 4) * np.pi / 2
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (UNIT * 2 - 1) * half
    if rng.random() < 0.5:
        corners[:, 0] *= -1
    corners = corners @ spin.T + size / 2 + rng.normal(0, 0.02 * size, 2)
    corners += rng.normal(0, 0.015 * size, (4, 2))
    source = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    return homography(source, corners)


def plain(width: int, height: int, size: int) -> Points:
    """Give the homography of `models.places.letterbox`."""
    scale = size / max(width, height)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    x, y = (size - w) // 2, (size - h) // 2
    return np.array([[w, 0, x], [0, h, y], [0, 0, 1]], dtype=np.float64)


def laid(pixels: Bytes, matrix: Points, size: int, under: Bytes | None = None, outline: Points | None = None) -> Bytes:
    """Lay a photo, or what an outline cuts out of it, into the square, over a picture or a grey.

    Parameters
    ----------
    pixels : ndarray (h, w, 3)
    matrix : ndarray (3, 3)
        From shares of the photo to pixels of the square.
    under : ndarray (size, size, 3), optional
    outline : ndarray (k, 2), optional
        In shares.
    """
    image = Image.fromarray(pixels)
    corners = project(matrix, UNIT)
    side = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).max()
    shrink = side / max(image.size)
    if shrink < 0.8:  # perspective alone would skip pixels
        image = image.resize((max(1, round(image.width * shrink * 1.2)), max(1, round(image.height * shrink * 1.2))),
                             Image.Resampling.BOX)  # fmt: skip
    onto = np.diag([image.width, image.height, 1.0]) @ np.linalg.inv(matrix)
    onto /= onto[2, 2]
    way = (Image.Transform.PERSPECTIVE, tuple(onto.ravel()[:8]), Image.Resampling.BILINEAR)
    seen = image.transform((size, size), *way)
    if outline is None:
        cut = Image.new("L", image.size, 255)
    else:
        from PIL import ImageDraw

        cut = Image.new("L", image.size)
        ImageDraw.Draw(cut).polygon([(float(x * image.width), float(y * image.height)) for x, y in outline], fill=255)
    alpha = cut.transform((size, size), *way)
    if outline is not None:
        alpha = alpha.filter(ImageFilter.GaussianBlur(0.8))
    base = Image.new("RGB", (size, size), (PAD, PAD, PAD)) if under is None else Image.fromarray(under)
    base.paste(seen, (0, 0), alpha)
    return np.asarray(base)


def lit(rng: np.random.Generator, pixels: Bytes) -> Bytes:
    """Change light, colour, sharpness and compression; a quarter stays as it is."""
    if rng.random() < 0.25:
        return pixels
    x = pixels.astype(np.float32) / 255
    if rng.random() < 0.3:
        h, w = x.shape[:2]
        a, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.5)
        ramp = np.cos(a) * np.linspace(-1, 1, w)[None] + np.sin(a) * np.linspace(-1, 1, h)[:, None]
        x *= (1 + slope * ramp)[..., None].astype(np.float32)
    if rng.random() < 0.12:  # a reflection, on anything: it must not mean damage, nor its absence
        h, w = x.shape[:2]
        at, r = rng.uniform(0.1, 0.9, 2), rng.uniform(0.02, 0.12)
        d = np.hypot(*np.meshgrid(np.linspace(0, 1, w) - at[0], np.linspace(0, 1, h) - at[1]))
        x += (rng.uniform(0.3, 1.0) * np.exp(-((d / r) ** 2)))[..., None].astype(np.float32)
    x = np.clip(x, 0, None) ** np.float32(np.exp(rng.normal(0, 0.25)))
    x *= np.float32(np.exp(rng.normal(0, 0.18))) * np.exp(rng.normal(0, 0.06, 3)).astype(np.float32)
    grey = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * np.float32(rng.uniform(0.3, 1.4))
    x = x.mean() + (x - x.mean()) * np.float32(rng.uniform(0.75, 1.25))
    if rng.random() < 0.4:
        x += rng.normal(0, rng.uniform(0.005, 0.04), x.shape).astype(np.float32)
    image = Image.fromarray((np.clip(x, 0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 1.3))))
    if rng.random() < 0.2:
        small = rng.uniform(0.5, 0.9)
        less = image.resize((int(image.width * small), int(image.height * small)), Image.Resampling.BILINEAR)
        image = less.resize(image.size, Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=int(rng.integers(30, 95)))
        image = Image.open(out)
    return np.asarray(image)
