"""Where a phone is in the picture: a pinhole camera looks at a thin plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from training.render.geometry import Points, homography, project

__all__ = ["LAYERS", "Pose", "make_pose"]

LAYERS: Final = 4  # planes that make up the side of the plate
THICK: Final = 0.11  # thickness in widths: 8 mm of 73 mm
STEEPEST: Final = 1.5  # radians: beyond, gaps between the planes would show


@dataclass(frozen=True, slots=True)
class Pose:
    """Homographies (local to pixels) of the planes from the rear to the face we see."""

    planes: tuple[Points, ...]

    @property
    def face(self) -> Points:
        """The plane turned to the camera."""
        return self.planes[-1]


def _turn(rx: float, ry: float, rz: float) -> Points:
    cx, cy, cz = np.cos([rx, ry, rz])
    sx, sy, sz = np.sin([rx, ry, rz])
    x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    out: Points = z @ y @ x
    return out


def _long_side(rng: np.random.Generator) -> float:
    """Share of the picture's side that the phone's long side takes: mostly all of it, at times tiny or too close."""
    kind = float(rng.random())
    if kind < 0.08:
        return float(rng.uniform(0.15, 0.4))
    return float(rng.uniform(1.0, 1.9)) if kind > 0.75 else float(rng.uniform(0.55, 1.0))


def _tilt(rng: np.random.Generator, edge: bool) -> tuple[float, float]:
    """Draw how far the plate leans about its short and its long side, in radians; by its edge it all but stands."""
    tilt = float(rng.choice([0.12, 0.35, 0.75], p=[0.4, 0.4, 0.2]))
    lean = float(rng.normal(0, tilt)), float(rng.normal(0, 0.7 * tilt))
    if not edge:
        return lean
    steep, little = float(rng.choice([-1, 1]) * rng.uniform(1.1, STEEPEST)), 0.3 * lean[0]
    return (steep, little) if rng.random() < 0.4 else (little, steep)


def make_pose(rng: np.random.Generator, aspect: float, shape: tuple[int, int], held: bool, edge: bool = False) -> Pose:
    """Turn, tilt and place a plate of the given aspect in the picture; ``edge`` shows it from the side."""
    spin = float(rng.normal(0, 0.25)) if held or rng.random() < 0.6 else float(rng.uniform(0, 2 * np.pi))
    turn = _turn(*_tilt(rng, edge), spin)
    size = _long_side(rng) * min(shape)
    if held:
        size = max(size, 0.55 * min(shape))
    far = float(rng.uniform(1.8, 6)) * aspect
    slack = np.abs(np.array(shape[::-1]) - 0.7 * size) / 2  # larger than the picture: it may be cut off anywhere
    centre = np.array(shape[::-1]) / 2 + rng.uniform(-0.7, 0.7, 2) * slack
    flat = np.array([[0, 0], [1, 0], [1, aspect], [0, aspect]], dtype=np.float64)
    planes = []
    for z in np.linspace(THICK, 0, LAYERS):
        solid = np.column_stack([flat - [0.5, aspect / 2], np.full(4, z)]) @ turn.T
        depth = np.maximum(0.3 * far, far + solid[:, 2:])
        planes.append(homography(flat, centre + solid[:, :2] * (size / aspect) * far / depth))
    return Pose(tuple(planes))


def corners(matrix: Points, aspect: float) -> Points:
    """Give a plate's corners in pixels."""
    return project(matrix, np.array([[0, 0], [1, 0], [1, aspect], [0, aspect]], dtype=np.float64))
