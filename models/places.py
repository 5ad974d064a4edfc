"""Where damage lies and how far it reaches: from the network's map to boxes and a share of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["HEAT", "PAD", "Frame", "affected_share", "boxes", "letterbox", "outline"]

Floats = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]

# What the map tells of every cell.
HEAT: Final = (
    "crack", "display_fault", "scratch", "dent", "stain", "water", "parcel_damage", "screen", "device",
)  # fmt: skip
# Grey of the margins, the middle of the range: to the network it is nothing.
PAD: Final = 128
# Cells of a damage that stand for how sure its place is.
STRONGEST: Final = 4
# Probability from which on a cell belongs to the screen or the device.
SEEN: Final = 0.5
# Pieces of one kind nearer than this many cells are one damage: a crack's far ends are.
REACH: Final = 2
# Pieces smaller than this share of the largest are specks.
SPECK: Final = 0.1


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a photo lies in the network's square: offset and size in pixels."""

    x: int
    y: int
    width: int
    height: int
    size: int

    def inside(self, heat: Floats) -> Floats:
        """Give a copy of maps ``(k, h, w)`` with nothing in the margins."""
        cell = self.size / heat.shape[-1]
        out = np.zeros_like(heat)
        rows = slice(int(self.y / cell), int(np.ceil((self.y + self.height) / cell)))
        columns = slice(int(self.x / cell), int(np.ceil((self.x + self.width) / cell)))
        out[..., rows, columns] = heat[..., rows, columns]
        return out

    def shares(self, box: Box) -> Box:
        """Take a box from shares of the square to shares of the photo, six digits."""
        x0, y0, x1, y1 = (v * self.size for v in box)
        left, right = ((x - self.x) / self.width for x in (x0, x1))
        top, bottom = ((y - self.y) / self.height for y in (y0, y1))
        a, b, c, d = (round(min(max(float(v), 0.0), 1.0), 6) for v in (left, top, right, bottom))
        return a, b, c, d


def letterbox(pixels: npt.NDArray[np.uint8], size: int) -> tuple[npt.NDArray[np.uint8], Frame]:
    """Fit a photo ``(h, w, 3)`` into a grey square ``(size, size, 3)``, centred; a small one is enlarged."""
    h, w = pixels.shape[:2]
    scale = size / max(h, w)
    new = max(1, round(w * scale)), max(1, round(h * scale))
    image = Image.fromarray(pixels).resize(new, Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = np.full((size, size, 3), PAD, np.uint8)
    x, y = (size - new[0]) // 2, (size - new[1]) // 2
    out[y : y + new[1], x : x + new[0]] = np.asarray(image)
    return out, Frame(x, y, new[0], new[1], size)


def _pieces(on: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """Split cells into pieces that lie within `REACH`, each ``(n, 2)``."""
    left = {(int(y), int(x)) for y, x in np.argwhere(on)}
    near = [(dy, dx) for dy in range(-REACH, REACH + 1) for dx in range(-REACH, REACH + 1)]
    pieces = []
    while left:
        todo = [left.pop()]
        piece = []
        while todo:
            y, x = todo.pop()
            piece.append((y, x))
            for dy, dx in near:
                if (cell := (y + dy, x + dx)) in left:
                    left.remove(cell)
                    todo.append(cell)
        pieces.append(np.array(sorted(piece), np.intp))
    return sorted(pieces, key=lambda p: (-len(p), *p[0]))


def boxes(heat: Floats, threshold: float, most: int = 3) -> list[tuple[Box, float]]:
    """Give what of a map ``(h, w)`` of probabilities reaches a threshold, the largest first.

    Returns
    -------
    list of (box, float)
        In shares of the square, and how sure the strongest cells are.
    """
    h, w = heat.shape
    out: list[tuple[Box, float]] = []
    pieces = _pieces(heat >= threshold)
    for piece in pieces[:most]:
        if len(piece) < SPECK * len(pieces[0]):
            break
        y, x = piece.T
        sure = float(np.sort(heat[y, x])[-STRONGEST:].mean())
        out.append(((x.min() / w, y.min() / h, (x.max() + 1) / w, (y.max() + 1) / h), sure))
    return out


def outline(heat: Floats, threshold: float = 0.5) -> Box | None:
    """Give the box of the largest piece of a map, in shares of the square."""
    found = boxes(heat, threshold, most=1)
    return found[0][0] if found else None


def affected_share(damage: Floats, grounds: Sequence[Floats], threshold: float) -> float:
    """Give how much is damaged of the first ground that is seen at all, from 0 to 1; 0 where none is.

    Parameters
    ----------
    damage : ndarray (h, w)
        Probabilities.
    grounds : sequence of ndarray (h, w)
        Probabilities: of the screen, of the device, ….
    threshold : float
        From which on a cell is damaged.
    """
    hurt = damage >= threshold
    for ground in grounds:
        area = ground >= SEEN
        if area.sum() >= STRONGEST:
            return float((hurt & area).sum() / area.sum())
    return 0.0
