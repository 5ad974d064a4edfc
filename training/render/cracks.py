"""How glass breaks: rays from an impact, branches, polygon arcs between rays, edge cracks, fans and mosaics.

Everything here is geometry in the pane's own coordinates (x in 0..1, y in 0..aspect); `glass` paints it. The
shapes follow photographs: rays run straight with rare kinks or bend together as a fan, a crack that meets an older
one stops there, branches leave at 20 to 60 degrees, arcs join neighbouring rays close to the impact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import Voronoi

from training.render.geometry import Points

__all__ = ["STYLES", "Fracture", "Stroke", "fracture", "run"]

STEP: Final = 0.02  # length of one straight piece, in widths of the pane
CELL: Final = 0.02  # a crack stops in a cell of this size that another one crossed
STYLES: Final = ("hairline", "edge", "corner", "spider", "shattered")


@dataclass(frozen=True, slots=True)
class Stroke:
    """One crack: its points ``(n, 2)``, and its width at the start and at the end (1 is usual)."""

    points: Points
    width: float
    tip: float


@dataclass(slots=True)
class Fracture:
    """What broke: cracks, crushed places (x, y, radius), missing chips and tilted shards (outlines)."""

    aspect: float
    strokes: list[Stroke] = field(default_factory=list)
    crushed: list[tuple[float, float, float]] = field(default_factory=list)
    chips: list[Points] = field(default_factory=list)
    shards: list[Points] = field(default_factory=list)
    _crossed: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._crossed = np.zeros((int(self.aspect / CELL) + 2, int(1 / CELL) + 2), dtype=bool)

    def add(self, points: Points, width: float, tip: float, stop: bool = True) -> Points:
        """Keep what of a crack lies in the glass and before an older crack; return that part."""
        inside = (points >= 0).all(axis=1) & (points[:, 0] <= 1) & (points[:, 1] <= self.aspect)
        end = len(points) if inside.all() else int(np.argmin(inside)) + 1  # one point beyond: it reaches the rim
        high = np.array(self._crossed.shape[::-1]) - 1
        x, y = np.clip(points[:end] / CELL, 0, high).astype(int).T
        met = self._crossed[y, x][3:]  # the first pieces lie on the crack it leaves from
        if stop and met.any():
            end = int(np.argmax(met)) + 4
        kept = points[:end]
        self._crossed[y[:end], x[:end]] = True
        if len(kept) > 1:
            self.strokes.append(Stroke(kept, width, tip))
        return kept


def run(rng: np.random.Generator, start: Points, angle: float, length: float, bend: float) -> Points:
    """Walk from a point: a steady bend, a slight tremble, a rare kink; ``(n, 2)``."""
    n = max(2, int(length / STEP))
    kinks = rng.normal(0, 0.25, n) * (rng.random(n) < 0.06)
    tremble = rng.normal(0, 0.1, n)
    heading = angle + bend * STEP * np.arange(n) + np.cumsum(kinks) * 0.6 + tremble
    steps = STEP * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    return np.concatenate([start[None], start + np.cumsum(steps, axis=0)])


def branch(rng: np.random.Generator, out: Fracture, stem: Points, width: float, rate: float, depth: int = 0) -> None:
    """Let side cracks leave a crack at 20 to 60 degrees, and theirs again."""
    length = STEP * len(stem)
    if depth > 2 or len(stem) < 6:
        return
    for _ in range(min(9, int(rng.poisson(rate * length)))):
        at = int(rng.integers(2, len(stem) - 2))
        dx, dy = stem[at + 1] - stem[at - 1]
        side = float(rng.choice([-1, 1])) * np.deg2rad(rng.uniform(20, 60))
        reach = length * float(rng.uniform(0.15, 0.7))
        points = run(rng, stem[at], float(np.arctan2(dy, dx)) + side, reach, float(rng.normal(0, 0.8)))
        kept = out.add(points, 0.7 * width, 0.2 * width)
        branch(rng, out, kept, 0.6 * width, 0.8 * rate, depth + 1)


def crush(rng: np.random.Generator, out: Fracture, at: Points, radius: float) -> None:
    """Grind the glass at the impact: short cracks every way, and perhaps a chip that fell out."""
    out.crushed.append((float(at[0]), float(at[1]), radius))
    for _ in range(int(rng.integers(20, 70))):
        r, a = radius * float(rng.random()) ** 0.7 * 1.3, float(rng.uniform(0, 2 * np.pi))
        start = at + r * np.array([np.cos(a), np.sin(a)])
        turn = a + (np.pi / 2 if rng.random() < 0.5 else 0.0) + float(rng.normal(0, 0.5))
        points = run(rng, start, turn, radius * float(rng.uniform(0.3, 1.0)), float(rng.normal(0, 3)))
        out.add(points, 0.6, 0.3, stop=False)
    if rng.random() < 0.35:
        chip(rng, out, at + rng.normal(0, 0.5 * radius, 2), radius * float(rng.uniform(0.25, 0.7)))


def chip(rng: np.random.Generator, out: Fracture, at: Points, radius: float) -> None:
    """Take out a small angular piece."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 8))))
    radii = radius * rng.uniform(0.5, 1.1, len(angles))
    outline = at + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    out.chips.append(outline)
    out.add(np.concatenate([outline, outline[:1]]), 0.8, 0.8, stop=False)


def arcs(rng: np.random.Generator, out: Fracture, rays: list[Points], reach: float, density: float) -> None:
    """Join neighbouring rays by polygon arcs, thickly near the impact and hardly far away; tilt some shards."""
    levels = np.cumsum(rng.uniform(0.025, 0.09, 24)) * (1 + 1.2 * np.linspace(0, 1, 24))
    for left, right in zip(rays, rays[1:] + rays[:1], strict=True):
        before: tuple[int, int] | None = None
        for level in levels[levels < reach]:
            i, j = (int(level * float(rng.uniform(0.85, 1.15)) / STEP) for _ in range(2))
            if max(i, j) >= min(len(left), len(right)):
                break
            gap = float(np.linalg.norm(left[i] - right[j]))
            if gap > 0.45 or rng.random() > density * float(np.exp(-1.6 * level / reach)):
                continue
            bow = rng.normal(0, 0.05 * gap, 2)
            out.add(np.array([left[i], (left[i] + right[j]) / 2 + bow, right[j]]), 0.8, 0.6, stop=False)
            if before and rng.random() < 0.4:
                out.shards.append(np.array([left[before[0]], left[i], right[j], right[before[1]]]))
            before = (i, j)


def star(rng: np.random.Generator, out: Fracture, at: Points, rays: int, reach: float, density: float) -> None:
    """Break the glass around an impact: rays, their branches, arcs between them, and the crushed middle."""
    offset, bend = float(rng.uniform(0, 2 * np.pi)), float(rng.normal(0, 0.5))
    angles = offset + (np.arange(rays) + rng.uniform(-0.4, 0.4, rays)) * 2 * np.pi / rays
    kept = []
    for angle in angles:
        length = reach * float(np.clip(rng.lognormal(-0.2, 0.5), 0.2, 2.5))
        points = run(rng, at + rng.normal(0, 0.008, 2), float(angle), length, bend + float(rng.normal(0, 0.5)))
        width = float(rng.uniform(0.7, 1.3))
        kept.append(out.add(points, width, 0.25 * width))
        branch(rng, out, kept[-1], width, float(rng.uniform(0.5, 3.0)))
    arcs(rng, out, kept, reach * float(rng.uniform(0.5, 1.1)), density)
    if rng.random() < 0.85:
        crush(rng, out, at, float(np.clip(rng.lognormal(-3.0, 0.5), 0.015, 0.13)) * min(1.6, 0.5 + density))


def fan(rng: np.random.Generator, out: Fracture, at: Points, angle: float) -> None:
    """Spread long cracks that all bend the same way, as a pane does that was hit at its rim."""
    bend, spread = float(rng.choice([-1, 1]) * rng.uniform(0.4, 1.6)), float(rng.uniform(0.5, 1.4))
    for turn in np.linspace(-spread, spread, int(rng.integers(5, 16))):
        points = run(rng, at, angle + float(turn) + float(rng.normal(0, 0.04)), float(rng.uniform(0.4, 1.8)), bend)
        branch(rng, out, out.add(points, 0.9, 0.3), 0.8, float(rng.uniform(0.1, 1.0)))


def mosaic(rng: np.random.Generator, out: Fracture, impacts: list[Points], pieces: int) -> None:
    """Break the pane into pieces that are small at the impacts, along trembling Voronoi edges."""
    near = [at + rng.normal(0, 1, (pieces // (2 * len(impacts)), 2)) * rng.uniform(0.1, 0.3) for at in impacts]
    # Splinters are longer than wide: cells are made in a stretched and turned pane.
    a, lean = float(rng.uniform(0, np.pi)), float(rng.uniform(1.0, 2.2))
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) * [lean, 1.0]
    sites = np.concatenate([rng.random((pieces // 2, 2)) * [1, out.aspect], *near])
    cells = Voronoi(sites @ turn)
    corners = cells.vertices @ np.linalg.inv(turn)
    keep = float(rng.uniform(0.5, 0.95))  # not every edge opens: closed polygons everywhere look like a drawing
    for i, j in cells.ridge_vertices:
        if i < 0 or j < 0 or rng.random() > keep:
            continue
        start, end = corners[i], corners[j]
        if not (np.abs(np.stack([start, end])) < 4).all():
            continue
        n = int(np.clip(np.linalg.norm(end - start) / (2 * STEP), 1, 30))
        points = start + np.linspace(0, 1, n + 1)[:, None] * (end - start)
        points[1:-1] += rng.normal(0, 0.006, (max(0, n - 1), 2))
        out.add(points, float(rng.uniform(0.3, 1.0)), float(rng.uniform(0.3, 1.0)), stop=False)
    for region in (r for r in cells.regions if len(r) > 2 and -1 not in r and rng.random() < 0.25):
        if np.ptp(corners[region], axis=0).max() < 0.25:
            out.shards.append(corners[region])


def rim(rng: np.random.Generator, aspect: float) -> tuple[Points, float]:
    """Pick a place on the rim and the direction that leads inwards."""
    side, t = int(rng.integers(4)), float(rng.uniform(0.04, 0.96))
    at = [(t, 0.0), (1.0, t * aspect), (t, aspect), (0.0, t * aspect)][side]
    return np.array(at), float([np.pi / 2, np.pi, -np.pi / 2, 0.0][side] + rng.uniform(-0.9, 0.9))


def corner(rng: np.random.Generator, aspect: float) -> tuple[Points, float]:
    """Pick a place just inside a corner and the direction to the middle."""
    far = rng.uniform(0.02, 0.16, 2)
    x, y = float(rng.integers(2)), float(rng.integers(2))
    at = np.array([abs(x - far[0]), abs(y * aspect - far[1])])
    middle = np.array([0.5, aspect / 2]) - at
    return at, float(np.arctan2(middle[1], middle[0]))


def _hairline(rng: np.random.Generator, out: Fracture) -> None:
    at, angle = rim(rng, out.aspect) if rng.random() < 0.75 else corner(rng, out.aspect)
    width = float(rng.uniform(0.35, 0.7))
    out.add(run(rng, at, angle, float(rng.uniform(0.15, 1.1)), float(rng.normal(0, 0.35))), width, 0.2)


def _edge(rng: np.random.Generator, out: Fracture) -> None:
    for _ in range(int(rng.integers(1, 4))):
        at, angle = rim(rng, out.aspect)
        width = float(rng.uniform(0.7, 1.3))
        stem = out.add(run(rng, at, angle, float(rng.uniform(0.5, 2.4)), float(rng.normal(0, 0.6))), width, 0.4 * width)
        branch(rng, out, stem, width, float(rng.uniform(0.2, 2.0)))
        if rng.random() < 0.5:
            crush(rng, out, at, float(rng.uniform(0.012, 0.04)))


def _corner(rng: np.random.Generator, out: Fracture) -> None:
    at, angle = corner(rng, out.aspect)
    if rng.random() < 0.45:
        fan(rng, out, at, angle)
    star(rng, out, at, int(rng.integers(7, 18)), float(rng.uniform(0.2, 0.9)), float(rng.uniform(0.3, 1.0)))


def _spider(rng: np.random.Generator, out: Fracture) -> None:
    at = rng.uniform([0.12, 0.12], [0.88, out.aspect - 0.12])
    star(rng, out, at, int(rng.integers(8, 24)), float(rng.uniform(0.3, 1.2)), float(rng.uniform(0.3, 1.1)))


def _shattered(rng: np.random.Generator, out: Fracture) -> None:
    impacts = [rng.uniform([0, 0], [1, out.aspect]) for _ in range(int(rng.integers(2, 6)))]
    for at in impacts:
        star(rng, out, at, int(rng.integers(8, 18)), float(rng.uniform(0.35, 1.0)), float(rng.uniform(0.3, 1.1)))
    if rng.random() < 0.5:
        fan(rng, out, *corner(rng, out.aspect))
    if rng.random() < 0.6:
        mosaic(rng, out, impacts, int(rng.integers(50, 350)))


_BREAKS: Final = dict(zip(STYLES, (_hairline, _edge, _corner, _spider, _shattered), strict=True))


def fracture(rng: np.random.Generator, aspect: float, style: str | None = None) -> Fracture:
    """Break a pane.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of chance.
    aspect : float
        Height over width of the pane.
    style : str, optional
        One of `STYLES`; drawn evenly where it is not given, so that every severity is equally common.

    Returns
    -------
    Fracture
        Geometry in the pane's coordinates.
    """
    out = Fracture(aspect)
    _BREAKS[style or str(rng.choice(STYLES))](rng, out)
    return out
