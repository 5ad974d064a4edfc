"""What light and a camera do: mirrored windows, glare, shadows, colour casts, blur, noise, JPEG."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from training.render.geometry import Floats, Pane, f32, project, shares
from training.render.noise import blur, fractal, ramp, shift, to_bytes

__all__ = ["camera", "drop_shadow", "dull", "reflect"]


def reflect(rng: np.random.Generator, canvas: Floats, pane: Pane) -> Floats:
    """Mirror a room in the glass: a sheen, and perhaps windows, lamps or streaks."""
    h, w = pane.shape
    light = np.float32(rng.uniform(0, 0.16)) * ramp(pane.shape, float(rng.uniform(0, 2 * np.pi)))
    if rng.random() < 0.25:
        light = light + np.float32(rng.uniform(0, 0.2)) * fractal(rng, pane.shape, cells=3, octaves=2)
    image = Image.new("L", (max(1, w // 2), max(1, h // 2)))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.poisson(0.9))):
        x, y = rng.uniform(0, 1, 2) * image.size
        tone, reach = int(rng.uniform(20, 200)), max(image.size) * float(rng.uniform(0.05, 0.5))
        if rng.random() < 0.5:
            a, lean = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.6, 2.4))
            turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
            box = np.array([[-1, -lean], [1, -lean], [1, lean], [-1, lean]]) @ turn.T * reach / 2 + [x, y]
            pen.polygon([(float(u), float(v)) for u, v in box], fill=tone)
            if rng.random() < 0.4:  # a bar across the window
                pen.line([(float(u), float(v)) for u, v in (box[:2] + box[2:][::-1]) / 2], fill=0, width=2)
        else:
            r = 0.3 * reach
            pen.ellipse((x - r, y - r, x + r, y + r), fill=min(255, tone + 60))
    image = image.filter(ImageFilter.GaussianBlur(float(rng.choice([1, 2, 6, 14]))))
    big = shares(image.resize((w, h), Image.Resampling.BILINEAR))
    light = np.clip(light + big * np.float32(rng.uniform(0.3, 1)), 0, 1) * pane.alpha
    tint = np.clip(1 + rng.normal(0, 0.06, 3), 0.7, 1.2).astype(np.float32)
    return f32(canvas + (1 - canvas) * light[..., None] * tint)


def dull(rng: np.random.Generator, canvas: Floats, pane: Pane) -> Floats:
    """Add what is no damage: smudges, a hair, the edge and the bubbles of a screen protector."""
    extra = np.zeros(pane.shape, dtype=np.float32)
    if rng.random() < 0.35:
        cloud = np.clip(fractal(rng, pane.shape, cells=6, octaves=3) - 0.45, 0, 1)
        extra += cloud * np.float32(rng.uniform(0.05, 0.3))
    image = Image.new("L", (pane.shape[1], pane.shape[0]))
    pen = ImageDraw.Draw(image)
    if rng.random() < 0.2:
        inset = float(rng.uniform(0.02, 0.06))
        x, y = 1 - inset, pane.aspect - inset
        ring = project(pane.matrix, np.array([[inset, inset], [x, inset], [x, y], [inset, y], [inset, inset]]))
        pen.line([(float(u), float(v)) for u, v in ring], fill=int(rng.uniform(40, 150)), width=1)
        for u, v in project(pane.matrix, rng.random((int(rng.integers(0, 9)), 2)) * [1, pane.aspect]):
            r = float(rng.uniform(1, 6))
            pen.ellipse((u - r, v - r, u + r, v + r), outline=int(rng.uniform(40, 130)))
    canvas = canvas + (1 - canvas) * ((extra + shares(image)) * pane.alpha)[..., None]
    if rng.random() < 0.08:
        t = np.linspace(0, 1, 20)[:, None]
        p = rng.random((3, 2)) * [1, pane.aspect]
        hair = project(pane.matrix, (1 - t) ** 2 * p[0] + 2 * t * (1 - t) * p[1] + t**2 * p[2])
        strand = Image.new("L", (pane.shape[1], pane.shape[0]))
        ImageDraw.Draw(strand).line([(float(u), float(v)) for u, v in hair], fill=190, width=1)
        canvas = canvas * (1 - shares(strand) * pane.alpha)[..., None]
    return canvas


def drop_shadow(rng: np.random.Generator, canvas: Floats, alpha: Floats, unit: float) -> Floats:
    """Darken what lies beside the phone, away from the light."""
    dx, dy = (int(v) for v in np.clip(rng.normal(0, 0.05, 2), -0.15, 0.15) * min(unit, min(alpha.shape)))
    shade = blur(shift(alpha, dx, dy), max(1.0, float(rng.uniform(0.02, 0.12)) * unit))
    return canvas * (1 - np.float32(rng.uniform(0.2, 0.7)) * shade)[..., None]


def _motion(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    kernel = np.zeros((5, 5))
    dx, dy = ((1, 0), (0, 1), (1, 1), (1, -1))[int(rng.integers(4))]
    for k in range(-2, 3):
        kernel[2 + k * dy, 2 + k * dx] = 1
    return image.filter(ImageFilter.Kernel((5, 5), kernel.ravel().tolist()))


def camera(rng: np.random.Generator, canvas: Floats) -> npt.NDArray[np.uint8]:
    """Take the photo: uneven light, a colour cast, contrast, blur, noise and JPEG; nothing moves."""
    shape = (canvas.shape[0], canvas.shape[1])
    cast = np.clip(rng.normal(1, 0.06, 3), 0.8, 1.2) * float(rng.uniform(0.6, 1.2))
    uneven = 1 + np.float32(rng.uniform(0, 0.5)) * (ramp(shape, float(rng.uniform(0, 2 * np.pi))) - np.float32(0.5))
    out = np.clip(canvas, 0, 1)
    out *= uneven[..., None]
    out *= cast.astype(np.float32)
    if rng.random() < 0.07:  # a flash or a lamp straight into the lens
        y, x = np.indices(shape, dtype=np.float32)
        far = np.hypot(x - np.float32(rng.random() * shape[1]), y - np.float32(rng.random() * shape[0]))
        out = out + np.exp(-far / np.float32(rng.uniform(0.02, 0.1) * max(shape)))[..., None]
    lift = np.float32(rng.uniform(0, 0.05))
    out *= 1 - lift
    out += lift
    image = Image.fromarray(to_bytes(out))
    kind = float(rng.random())
    if kind < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.3)) * max(shape) / 384))
    elif kind < 0.32:
        image = _motion(rng, image)
    if rng.random() < 0.6:
        grain = rng.standard_normal(shape, dtype=np.float32)[..., None] * np.float32(1 + 7 * rng.random() ** 2)
        noisy = np.asarray(image, dtype=np.float32) + grain
        image = Image.fromarray(np.clip(noisy, 0, 255, out=noisy).astype(np.uint8))
    if rng.random() < 0.6:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(40, 96)))
        image = Image.open(buffer)
    return np.array(image.convert("RGB"))
