"""Put a scene together: background, hand, phone, damage, light, camera, and the masks that are known to be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from training.render.backgrounds import background_from, make_background
from training.render.damage import CONDITIONS, KINDS, damage_behind, damage_body, damage_glass, merge
from training.render.device import Phone, make_phone, texture_back, texture_front
from training.render.geometry import Floats, Pane, Points, cover, f32, pane_on, project, rounded, scale_of, shares, warp
from training.render.glass import Coverage
from training.render.hand import fingers_over, palm_behind, skin
from training.render.light import camera, drop_shadow, dull, reflect
from training.render.noise import blend, window
from training.render.pose import Pose, make_pose
from training.render.screens import screen_off, screen_on
from training.render.surface import Dent, dented, make_dents

__all__ = ["Rendered", "render"]

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

SEEN: Final = 0.2  # coverage from which a pixel counts as damaged: below it even a careful eye finds nothing
REACH: Final = 0.03  # screen this near to a crack, chip or scratch (in screen widths) is affected by it
THIN: Final = ("crack", "chip", "scratch")
FEWEST: Final = 12  # damaged pixels below which the picture does not show its condition
TRIES: Final = 6
EDGEWISE: Final = 0.15  # how often a whole phone is seen from the side, as customers show a frame


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture and the truth about it.

    ``pixels (h, w, 3)``; ``masks`` ``(h, w)`` for each kind of `KINDS`, empty ones too; ``screen`` is the visible
    front glass, ``device`` the visible phone, ``affected`` the screen that is damaged or within `REACH` of a thin
    damage; ``severity`` is the share of ``screen`` in ``affected``; ``boxes`` bound the masks that are not empty
    (x0, y0, x1, y1 in shares of the picture).
    """

    pixels: Bytes
    masks: dict[str, Mask]
    screen: Mask
    device: Mask
    affected: Mask
    severity: float
    boxes: dict[str, tuple[float, float, float, float]]
    condition: str


def _box(mask: Mask) -> tuple[float, float, float, float]:
    rows, columns = (np.flatnonzero(mask.any(axis=k)) for k in (1, 0))
    h, w = mask.shape
    return float(columns[0] / w), float(rows[0] / h), float((columns[-1] + 1) / w), float((rows[-1] + 1) / h)


def _affected(masks: dict[str, Mask], screen: Mask, unit: float) -> Mask:
    thin = np.logical_or.reduce([masks[k] for k in THIN])
    radius = max(1, round(REACH * unit))
    near = Image.fromarray(thin.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(radius))
    # A box blur reaches a square; any trace of light in it means that a thin damage is near.
    close = np.asarray(near) > 0
    out: Mask = (np.logical_or.reduce([m for k, m in masks.items() if k not in THIN]) | thin | close) & screen
    return out


def _truth(pixels: Bytes, seen: Coverage, screen: Mask, device: Mask, unit: float, condition: str) -> Rendered:
    none = np.zeros(screen.shape, dtype=np.float32)
    masks: dict[str, Mask] = {k: (seen.get(k, none) > SEEN) & device for k in KINDS}
    affected = _affected(masks, screen, unit)
    severity = float(affected.sum() / screen.sum()) if screen.any() else 0.0
    boxes = {k: _box(m) for k, m in masks.items() if m.any()}
    return Rendered(pixels, masks, screen, device, affected, severity, boxes, condition)


def _spread(seen: Coverage, shape: tuple[int, int], part: tuple[slice, slice]) -> Coverage:
    """Put coverages of a part of the picture into the whole."""
    out: Coverage = {kind: np.zeros(shape, dtype=np.float32) for kind in seen}
    for kind, alpha in seen.items():
        out[kind][part] = alpha
    return out


def _face_pane(
    pose: Pose, shape: tuple[int, int], lit: bool, box: tuple[float, float, float, float], radius: float
) -> Pane:
    """Make the pane of a rectangle (x0, y0, x1, y1) of the phone's face."""
    x0, y0, x1, y1 = box
    wide = x1 - x0
    matrix = pose.face @ np.array([[wide, 0, x0], [0, wide, y0], [0, 0, 1]])
    alpha = cover(project(pose.face, rounded(x0, y0, x1, y1, radius)), shape)
    return Pane(matrix, (y1 - y0) / wide, alpha, lit)


def _body(
    rng: np.random.Generator, canvas: Floats, phone: Phone, pose: Pose, dents: list[Dent], held: bool
) -> tuple[Floats, Pane]:
    """Paint shadow, case and the metal side; give the plate's pane."""
    shape = (canvas.shape[0], canvas.shape[1])
    flat = dented(rounded(0, 0, 1, phone.aspect, phone.radius), dents, phone.aspect)
    planes = [cover(project(plane, flat), shape) for plane in pose.planes]
    pane = Pane(pose.face, phone.aspect, planes[-1], lit=False)
    unit = scale_of(pane)
    if not held:
        canvas = drop_shadow(rng, canvas, planes[0], unit)
    if phone.case:
        m, c = phone.case, np.clip(rng.uniform(0, 0.9) + rng.normal(0, 0.12, 3), 0, 1).astype(np.float32)
        around = rounded(-m, -m, 1 + m, phone.aspect + m, phone.radius + m)
        for plane, tone in zip(pose.planes[::2], (0.6, 1.0), strict=True):
            canvas = blend(canvas, c * np.float32(tone), cover(project(plane, around), shape))
    metal = f32(phone.metal) / np.float32(255)
    shade = np.zeros(shape, dtype=np.float32)
    for alpha, tone in zip(planes, rng.uniform(0.45, 1.15, len(planes)), strict=True):
        shade += (np.float32(tone) - shade) * (alpha > 0)
    solid = np.maximum.reduce(planes)
    part = window(solid)
    canvas[part] = blend(canvas[part], np.minimum(1, metal * shade[part][..., None]), solid[part])
    return canvas, pane


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a scene has to show."""

    condition: str
    front: bool
    lit: bool
    held: bool
    edge: bool


def _wish(rng: np.random.Generator, condition: str) -> _Wish:
    back = {"body_damage": 0.55, "scratch": 0.2, "stain": 0.12, "intact": 0.25, "liquid_damage": 0.0}.get(
        condition, 0.0
    )
    lit = 0.97 if condition == "display_fault" else 0.5
    front, shining, held = (bool(rng.random() < p) for p in (1 - back, lit, 0.35))
    # Only what is whole is seen by its edge: no damage could be.
    edge = condition == "intact" and bool(rng.random() < EDGEWISE)
    return _Wish(condition, front, shining, held or (edge and bool(rng.random() < 0.6)), edge)


def _scene(rng: np.random.Generator, wish: _Wish, shape: tuple[int, int], background: Bytes | None) -> Rendered:
    phone = make_phone(rng)
    canvas = make_background(rng, shape) if background is None else background_from(rng, background, shape).copy()
    pose, colour = make_pose(rng, phone.aspect, shape, wish.held, wish.edge), skin(rng)
    box = (phone.frame, phone.frame, 1 - phone.frame, phone.aspect - phone.frame)
    glass = _face_pane(pose, shape, wish.lit, box, max(0.01, phone.radius - phone.frame))
    unit = scale_of(glass)
    if wish.held:
        canvas = palm_behind(rng, canvas, pose.face, phone.aspect, unit, colour)
    hurt = wish.condition == "body_damage"
    dents = make_dents(rng, phone.aspect, inner=not wish.front) if hurt else []
    canvas, plate = _body(rng, canvas, phone, pose, dents, wish.held)
    glass = Pane(glass.matrix, glass.aspect, glass.alpha * plate.alpha, glass.lit)
    seen: Coverage = {}

    width = int(np.clip(1.15 * unit, 64, 640))
    x0, y0, x1, y1 = phone.display
    if wish.front:
        size = (max(8, int((y1 - y0) * width)), max(8, int((x1 - x0) * width)))
        texture = texture_front(phone, (screen_on if wish.lit else screen_off)(rng, size), width)
    else:
        texture = texture_back(rng, phone, width)
    solid = plate.alpha
    part = window(solid)  # all of the painting happens on the phone: nothing else need be touched
    plate, pane = plate.crop(part), glass.crop(part)
    face = blend(canvas[part], warp(np.asarray(texture), plate), pane.alpha)
    if wish.front:
        display = _face_pane(pose, shape, wish.lit, phone.display, phone.display_radius).crop(part)
        display = Pane(display.matrix, display.aspect, display.alpha * pane.alpha, wish.lit)
        face, seen = damage_behind(rng, wish.condition, face, display)
    face = dull(rng, reflect(rng, face, pane), pane)
    face, more = damage_glass(rng, wish.condition, face, pane)
    seen = merge(seen, more)
    if hurt:
        face, more = damage_body(rng, face, plate, dents, back=not wish.front)
        seen = merge(seen, more)
    canvas[part] = face
    hidden = np.zeros(shape, dtype=np.float32)
    if wish.held:
        canvas, hidden = fingers_over(rng, canvas, pose.face, phone.aspect, unit, colour)
    free = hidden < 0.5
    device = (solid > 0.5) & free
    screen = (glass.alpha > 0.5) & device if wish.front else np.zeros(shape, dtype=bool)
    return _truth(camera(rng, canvas), _spread(seen, shape, part), screen, device, unit, wish.condition)


def _on_photo(rng: np.random.Generator, condition: str, base: Bytes, corners: Points) -> Rendered:
    """Paint onto a real photo; only the quadrilateral's pixels change."""
    canvas = shares(base)
    shape = (canvas.shape[0], canvas.shape[1])
    whole = pane_on(corners * [shape[1], shape[0]], shape, lit=False, radius=0.04)
    part = window(whole.alpha)
    inside = whole.alpha > 0.5
    lit = bool(inside.any() and canvas[inside].mean() > 0.22)
    pane = Pane(whole.matrix, whole.aspect, whole.alpha, lit).crop(part)
    out, seen = damage_behind(rng, condition, canvas[part], pane)
    out, more = damage_glass(rng, condition, out, pane)
    seen = merge(seen, more)
    if condition == "body_damage":
        out, more = damage_body(rng, out, pane, None, back=False)
        seen = merge(seen, more)
    changed = np.abs(out - canvas[part]).max(axis=-1, keepdims=True) > 0.5 / 255
    pixels = base.copy()  # rounding must not touch what no damage touched
    pixels[part] = np.where(changed, np.clip(out * 255 + 0.5, 0, 255).astype(np.uint8), base[part])
    return _truth(pixels, _spread(seen, shape, part), inside, inside, scale_of(whole), condition)


def _shows(made: Rendered) -> bool:
    return made.condition == "intact" or sum(int(m.sum()) for m in made.masks.values()) >= FEWEST


def render(
    rng: np.random.Generator,
    condition: str,
    size: int = 384,
    base: Bytes | None = None,
    background: Bytes | None = None,
    corners: npt.ArrayLike | None = None,
) -> Rendered:
    """Render a phone of our own, or paint damage onto a real photo of an intact one.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of chance: the same state gives the same pixels.
    condition : str
        One of `CONDITIONS`.
    size : int
        Side of the picture in pixels; a given ``base`` keeps its own size.
    base : ndarray (h, w, 3) of uint8, optional
        A photo of an intact phone to damage. Needs ``corners``.
    background : ndarray (h, w, 3) of uint8, optional
        Any picture to lay our own phone on, instead of a background of our own.
    corners : array-like (4, 2), optional
        Left upper, right upper, right lower, left lower corner of the screen in ``base``, as shares of its width
        and height; they may lie outside of it. `corners_of` makes them from a box, `corners_in` finds them
        in a product picture.

    Returns
    -------
    Rendered
        The picture and its masks.

    Raises
    ------
    ValueError
        Where the condition is unknown, the size is below 48 or a base has no corners.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"condition must be one of {', '.join(CONDITIONS)}, not {condition!r}")
    if size < 48:
        raise ValueError(f"size must be at least 48, not {size}")
    if base is not None and corners is None:
        raise ValueError("a base needs the corners of its screen")
    for _ in range(TRIES):
        if base is not None:
            made = _on_photo(rng, condition, base, np.asarray(corners, dtype=np.float64))
        else:
            made = _scene(rng, _wish(rng, condition), (size, size), background)
        if _shows(made):  # damage may lie beyond the picture's edge or under a finger
            break
    return made
