"""Random fields and small picture arithmetic that the painters share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from training.render.geometry import Floats, shares

__all__ = ["blend", "blur", "fractal", "ramp", "shift", "smoothstep", "stretch", "to_bytes", "window"]


def stretch(grid: Floats, shape: tuple[int, int]) -> Floats:
    """Enlarge a small grid to ``shape`` without corners."""
    image = Image.fromarray(np.asarray(grid, dtype=np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), dtype=np.float32)


def fractal(
    rng: np.random.Generator, shape: tuple[int, int], cells: float = 3, octaves: int = 4, rough: float = 0.5
) -> Floats:
    """Give cloud-like noise ``(h, w)``, stretched to exactly 0..1."""
    total, weight = np.zeros(shape, dtype=np.float32), 1.0
    for octave in range(octaves):
        n = cells * 2**octave
        rows, columns = (max(2, min(side, int(np.ceil(n * side / max(shape))) + 1)) for side in shape)
        total += np.float32(weight) * stretch(rng.random((rows, columns), dtype=np.float32), shape)
        weight *= rough
    low, high = float(total.min()), float(total.max())
    return (total - np.float32(low)) / np.float32(max(1e-6, high - low))


def blur(field: Floats, radius: float) -> Floats:
    """Blur a field ``(h, w)`` in 0..1; eight bits are enough for what is soft."""
    if radius < 0.3:
        return field
    image = Image.fromarray((np.clip(field, 0, 1) * 255).astype(np.uint8))
    return shares(image.filter(ImageFilter.GaussianBlur(radius)))


def smoothstep(field: Floats, low: float, high: float) -> Floats:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    out: Floats = t * t * (3 - 2 * t)
    return out


def shift(field: Floats, dx: int, dy: int) -> Floats:
    """Move a field by whole pixels; nothing comes back in at the other side."""
    h, w = field.shape
    out = np.zeros_like(field)
    out[max(0, dy) : h + min(0, dy), max(0, dx) : w + min(0, dx)] = field[
        max(0, -dy) : h + min(0, -dy), max(0, -dx) : w + min(0, -dx)
    ]
    return out


def ramp(shape: tuple[int, int], angle: float) -> Floats:
    """Give a plane that rises from 0 to 1 across the picture in a direction."""
    across, down = float(np.cos(angle)), float(np.sin(angle))
    span = np.float32(abs(across) + abs(down))
    y, x = (np.linspace(-0.5, 0.5, side, dtype=np.float32) for side in shape)
    plane = np.float32(down) * y[:, None] + np.float32(across) * x
    return np.asarray(plane / span + np.float32(0.5), dtype=np.float32)


def window(alpha: Floats, margin: int = 0) -> tuple[slice, slice]:
    """Rows and columns that hold all of a coverage; working only there saves most of the time."""
    rows, columns = (np.flatnonzero(alpha.any(axis=k)) for k in (1, 0))
    if not rows.size:
        return slice(0, 1), slice(0, 1)
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )


def blend(canvas: Floats, colour: npt.ArrayLike, alpha: Floats) -> Floats:
    """Lay a colour ``(3,)`` or ``(h, w, 3)`` over the canvas with an opacity ``(h, w)``."""
    part, top = window(alpha), np.asarray(colour, dtype=np.float32)
    out, under = canvas.copy(), canvas[part]
    out[part] += ((top[part] if top.ndim == 3 else top) - under) * alpha[part][..., None]
    return out


def to_bytes(field: Floats) -> npt.NDArray[np.uint8]:
    """Round 0..1 to 0..255."""
    out = np.clip(field, 0, 1)
    out *= np.float32(255)
    out += np.float32(0.5)
    return out.astype(np.uint8)
