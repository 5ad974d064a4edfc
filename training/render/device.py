"""Phones of our own make: the front with its glass, the back with its cameras, frames, cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from training.render.geometry import Floats, f32
from training.render.noise import fractal, ramp, to_bytes

__all__ = ["Phone", "make_phone", "texture_back", "texture_front"]

Colour = tuple[int, int, int]

_BODIES: Final[tuple[Colour, ...]] = (
    (22, 22, 25), (38, 40, 46), (232, 232, 230), (196, 198, 202), (212, 184, 150), (120, 128, 140),
    (60, 84, 120), (90, 70, 110), (150, 40, 44), (176, 200, 190), (228, 196, 190), (52, 70, 60),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phone:
    """How a phone is built; lengths in widths of the phone."""

    aspect: float
    radius: float
    frame: float
    side: float
    chin: float
    forehead: float
    hole: str
    body: Colour
    metal: Colour
    bezel: Colour
    case: float

    @property
    def display(self) -> tuple[float, float, float, float]:
        """Left, upper, right and lower end of what can shine."""
        f = self.frame
        return f + self.side, f + self.forehead, 1 - f - self.side, self.aspect - f - self.chin

    @property
    def display_radius(self) -> float:
        """Corner radius of what can shine: old displays are square."""
        return 0.0 if self.chin > 0.1 else max(0.01, self.radius - self.frame - self.side)


def make_phone(rng: np.random.Generator) -> Phone:
    """Invent a phone, old (home button, square display) or new (notch, island, hole)."""
    old = rng.random() < 0.3
    body = _BODIES[int(rng.integers(len(_BODIES)))]
    metal = body if rng.random() < 0.5 else _BODIES[int(rng.integers(len(_BODIES)))]
    side = float(rng.uniform(0.03, 0.06) if old else rng.uniform(0.012, 0.04))
    hole = str(rng.choice(["home", "keys"] if old else ["notch", "drop", "island", "punch", "none"]))
    return Phone(
        aspect=float(rng.uniform(1.85, 2.02) if old else rng.uniform(2.0, 2.22)),
        radius=float(rng.uniform(0.08, 0.16) if old else rng.uniform(0.1, 0.2)),
        frame=float(rng.uniform(0.012, 0.032)),
        side=side,
        chin=float(rng.uniform(0.2, 0.28)) if old else side * float(rng.uniform(1, 2)),
        forehead=float(rng.uniform(0.18, 0.25)) if old else side,
        hole=hole,
        body=body,
        metal=metal,
        bezel=(238, 238, 236) if old and rng.random() < 0.45 else (7, 7, 9),
        case=float(rng.uniform(0.02, 0.06)) if rng.random() < 0.25 else 0.0,
    )


def _hole(pen: ImageDraw.ImageDraw, phone: Phone, w: float) -> None:
    """Draw cameras, speaker and buttons into the glass."""
    dark, top, end = (4, 4, 5), phone.frame * w, phone.aspect * w
    faint = tuple(abs(v - 40) for v in phone.bezel)
    if phone.hole == "notch":
        pen.rounded_rectangle((0.27 * w, 0, 0.73 * w, top + 0.085 * w), 0.05 * w, fill=dark)
    elif phone.hole == "island":
        pen.rounded_rectangle((0.36 * w, top + 0.055 * w, 0.64 * w, top + 0.125 * w), 0.035 * w, fill=dark)
    elif phone.hole in ("drop", "punch"):
        y = top + (0.03 if phone.hole == "drop" else 0.07) * w
        pen.ellipse((0.47 * w, y - 0.03 * w, 0.53 * w, y + 0.03 * w), fill=dark)
    elif phone.hole in ("home", "keys"):
        pen.rounded_rectangle((0.42 * w, top + 0.1 * w, 0.58 * w, top + 0.12 * w), 0.01 * w, fill=faint)
        pen.ellipse((0.3 * w, top + 0.095 * w, 0.33 * w, top + 0.125 * w), fill=dark)
        y = end - top - phone.chin * w / 2
        r = 0.075 * w
        if phone.hole == "home":
            pen.ellipse((w / 2 - r, y - r, w / 2 + r, y + r), outline=faint, width=max(1, int(w / 90)))
        else:
            pen.rounded_rectangle((0.39 * w, y - 0.04 * w, 0.61 * w, y + 0.04 * w), 0.04 * w, outline=faint, width=2)


def texture_front(phone: Phone, content: Image.Image, width: int) -> Image.Image:
    """Draw the front of a phone that shows ``content``, ``width`` pixels wide."""
    image = Image.new("RGB", (width, int(width * phone.aspect)), phone.bezel)
    x0, y0, x1, y1 = (int(v * width) for v in phone.display)
    mask = Image.new("L", (x1 - x0, y1 - y0))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, x1 - x0, y1 - y0), phone.display_radius * width, fill=255)
    image.paste(content.resize(mask.size, Image.Resampling.BILINEAR), (x0, y0), mask)
    _hole(ImageDraw.Draw(image), phone, width)
    return image


def _lenses(rng: np.random.Generator, pen: ImageDraw.ImageDraw, phone: Phone, w: int) -> None:
    x, y, wide, tall = (float(rng.uniform(*r)) * w for r in ((0.05, 0.09), (0.05, 0.09), (0.2, 0.48), (0.2, 0.6)))
    if rng.random() < 0.25:
        x = (w - wide) / 2
    bump = tuple(int(np.clip(v + rng.integers(-25, 25), 0, 255)) for v in phone.body)
    pen.rounded_rectangle((x, y, x + wide, y + tall), 0.07 * w, fill=bump, outline=phone.metal, width=max(1, w // 80))
    r = float(rng.uniform(0.055, 0.08)) * w
    for k in range(int(rng.integers(1, 4))):
        cx = x + (wide / 2 if wide < 4.6 * r else (0.3 + 0.4 * (k % 2)) * wide)
        cy = y + 1.3 * r + k * (2.3 * r if wide < 4.6 * r else 1.5 * r)
        for size, tone in ((1.0, (10, 10, 12)), (0.62, (28, 30, 44)), (0.3, (6, 6, 10))):
            pen.ellipse((cx - size * r, cy - size * r, cx + size * r, cy + size * r), fill=tone, outline=(80, 80, 86))
        pen.ellipse((cx - 0.4 * r, cy - 0.4 * r, cx - 0.2 * r, cy - 0.2 * r), fill=(190, 195, 210))


def texture_back(rng: np.random.Generator, phone: Phone, width: int) -> Image.Image:
    """Draw the back of a phone: sheen, cameras, a mark."""
    shape = (int(width * phone.aspect), width)
    sheen: Floats = np.float32(0.75) + np.float32(rng.uniform(0.1, 0.5)) * ramp(shape, float(rng.uniform(0, 6.3)))
    sheen = sheen + np.float32(0.05) * fractal(rng, shape, cells=3, octaves=2)
    image = Image.fromarray(to_bytes(f32(phone.body) / np.float32(255) * sheen[..., None]))
    pen = ImageDraw.Draw(image)
    mark = tuple(int(np.clip(v + rng.choice([-35, 45]), 0, 255)) for v in phone.body)
    y = float(rng.uniform(0.4, 0.8)) * shape[0]
    if rng.random() < 0.5:
        pen.ellipse((0.42 * width, y, 0.58 * width, y + 0.17 * width), fill=mark)
    else:
        pen.rectangle((0.36 * width, y, 0.64 * width, y + 0.035 * width), fill=mark)
    _lenses(rng, pen, phone, width)
    return image.filter(ImageFilter.GaussianBlur(0.4))
