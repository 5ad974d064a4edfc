"""A contact sheet: every condition in a row of pictures, the masks outlined if wanted."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from training.render.damage import CONDITIONS
from training.render.scene import Rendered, render

__all__ = ["contact_sheet"]

COLOURS: Final = {
    "crack": (255, 60, 60), "display_fault": (255, 0, 255), "scratch": (255, 170, 0), "dent": (0, 200, 255),
    "stain": (160, 255, 0), "water": (60, 120, 255), "chip": (255, 255, 0),
}  # fmt: skip


def _rim(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    inner = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= np.roll(mask, step, axis=axis)
    return mask & ~inner


def outlined(made: Rendered) -> npt.NDArray[np.uint8]:
    """Give the picture with the rim of every mask in the colour of its kind, the screen's in white."""
    out = made.pixels.copy()
    out[_rim(made.screen)] = (255, 255, 255)
    for kind, mask in made.masks.items():
        out[_rim(mask)] = COLOURS[kind]
    return out


def contact_sheet(seed: int, rows: int, size: int = 256, outline: bool = False) -> Image.Image:
    """Render ``rows`` pictures of every condition; a column is a condition."""
    sheet = Image.new("RGB", (size * len(CONDITIONS), size * rows))
    pen = ImageDraw.Draw(sheet)
    for column, condition in enumerate(CONDITIONS):
        for row in range(rows):
            made = render(np.random.default_rng((seed, column, row)), condition, size)
            x, y = column * size, row * size
            sheet.paste(Image.fromarray(outlined(made) if outline else made.pixels), (x, y))
            pen.text((x + 4, y + 3), f"{condition} {made.severity:.2f}", fill=(255, 40, 40))
    return sheet
