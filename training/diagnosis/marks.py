"""What is known about places in a photo, and how it becomes a target for every cell of the heat map.

For each kind of damage (and for the screen and the device) a sample says how much it knows:

- ``ABSENT``: it is nowhere in the picture;
- ``DENSE``: a mask says where (rendered damage, outlined phones);
- ``BOXED``: it fills a box from side to side, somewhere (drawn by hand);
- ``SOMEWHERE``: it is in the picture (a label without a place);
- ``UNKNOWN``: nothing is learnt from it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from models.places import HEAT
from training.render.geometry import Points, project

__all__ = ["ABSENT", "BOXED", "DENSE", "SOMEWHERE", "UNKNOWN", "Marks", "Target", "blank", "read_marks", "target_of"]

ABSENT, DENSE, BOXED, SOMEWHERE, UNKNOWN = range(5)
# Cells of the heat map along a side of the network's input.
CELL: Final = 8
# Covered this much, a cell counts as fully damaged: cracks are thinner than cells.
FULL: Final = 0.15

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Marks:
    """Outlines in a photo, in shares of its width and height; what is not known is None or empty.

    ``screen`` and ``device`` are quadrilaterals ``(4, 2)``; ``damage`` names kinds of `models.diagnosis.HEAT`.
    """

    view: str = ""
    screen: Points | None = None
    device: Points | None = None
    damage: tuple[tuple[str, Points], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the outlines as JSON types."""
        quads = {"screen": self.screen, "device": self.device}
        known = {k: None if q is None else q.tolist() for k, q in quads.items()}
        return {"view": self.view, **known, "damage": [[k, q.tolist()] for k, q in self.damage]}


@dataclass(frozen=True, slots=True)
class Target:
    """What the heat map should say: ``state (k,)``, ``mask (k, h, w)`` from 0 to 100, ``box (k, 4)`` in shares."""

    state: Bytes
    mask: Bytes
    box: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((len(HEAT), 4), np.float32))


def _quad(box: list[float]) -> Points:
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)


def _grown(quad: Points, share: float) -> Points:
    middle = quad.mean(axis=0)
    out: Points = middle + (quad - middle) * (1 + share)
    return out


def read_marks(boxes: Path, corners: Path) -> dict[str, Marks]:
    """Read hand-drawn boxes of damaged phones (JSON) and corners of intact ones (CSV), by the photo's path."""
    marks: dict[str, Marks] = {}
    if corners.is_file():
        with corners.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if not row["x0"]:
                    continue
                quad = np.array([[float(row[f"{a}{i}"]) for a in "xy"] for i in range(4)])
                front = row["view"] in ("front", "several")
                marks[row["path"]] = Marks(row["view"], quad if front else None, _grown(quad, 0.06) if front else quad)
    if boxes.is_file():
        drawn: Mapping[str, dict[str, object]] = json.loads(boxes.read_text(encoding="utf-8"))
        for path, row in drawn.items():
            device = row.get("device")
            hurt = [(str(d["type"]), _quad(d["box"])) for d in row.get("damage") or ()]  # type: ignore[attr-defined]
            known = tuple(("crack" if k in ("crack", "shatter", "chip") else k, q) for k, q in hurt)
            kept = tuple((k, q) for k, q in known if k in HEAT)
            marks[path] = Marks(str(row.get("view") or ""), None, _quad(device) if device else None, kept)  # type: ignore[arg-type]
    return marks


def blank(size: int, state: int = ABSENT) -> Target:
    """Give a target that says one thing of every kind."""
    cells = size // CELL
    return Target(np.full(len(HEAT), state, np.uint8), np.zeros((len(HEAT), cells, cells), np.uint8))


def cells_of(mask: npt.NDArray[np.bool_]) -> Bytes:
    """Give how damaged every cell is, ``(h / CELL, w / CELL)`` from 0 to 100."""
    h, w = mask.shape
    share = mask.reshape(h // CELL, CELL, w // CELL, CELL).mean(axis=(1, 3))
    out: Bytes = (np.minimum(share / FULL, 1) * 100).astype(np.uint8)
    return out


def _filled(outline: Points, size: int) -> npt.NDArray[np.bool_]:
    image = Image.new("1", (size, size))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in outline], fill=1)
    return np.asarray(image)


def _somewhere(label: str, size: int) -> Target:
    """Say what the label alone tells."""
    out = blank(size)
    if label == "parcel_damaged":
        out.state[_PLACE["parcel_damage"]] = SOMEWHERE
    if label in PLACED:
        out.state[[_PLACE["screen"], _PLACE["device"], *(_PLACE[kind] for kind in MAYBE.get(label, ()))]] = UNKNOWN
        out.state[[_PLACE[kind] for kind in PLACED[label]]] = SOMEWHERE
    return out


def _outlined(out: Target, marks: Marks, matrix: Points, size: int) -> None:
    """Add where the screen and the device lie."""
    for kind, quad in (("screen", marks.screen), ("device", marks.device)):
        if quad is not None and marks.view != "several":  # of several phones one is outlined
            i = _PLACE[kind]
            out.state[i], out.mask[i] = DENSE, cells_of(_filled(project(matrix, quad), size))
    if marks.view == "back":
        out.state[_PLACE["screen"]] = ABSENT


def target_of(label: str, marks: Marks | None, matrix: Points, size: int) -> Target:
    """Say what is known of a real photo once it was laid into the network's square by a homography.

    Parameters
    ----------
    label : str
        The photo's condition.
    marks : Marks or None
    matrix : ndarray (3, 3)
        From shares of the photo to pixels of the square.
    size : int
        Side of the square.
    """
    out = _somewhere(label, size)
    if marks is None or label not in PLACED:
        return out
    _outlined(out, marks, matrix, size)
    if label in UNBOXED:
        return out
    kinds = [kind for kind, _ in marks.damage]
    for kind, quad in marks.damage:
        corners = np.clip(project(matrix, quad) / size, 0, 1)
        low, high = corners.min(axis=0), corners.max(axis=0)
        boxed = kinds.count(kind) == 1 and (high - low).min() > 2 * CELL / size  # of several pieces no box is true
        out.state[_PLACE[kind]] = BOXED if boxed else SOMEWHERE
        out.box[_PLACE[kind]] = (*low, *high) if boxed else 0
    return out


# What a photo of a phone of this condition shows somewhere.
PLACED: Final[dict[str, tuple[str, ...]]] = {
    "intact": (),
    "screen_broken": ("crack",),
    "display_fault": ("display_fault",),
    "body_damage": (),
    "scratch": ("scratch",),
    "stain": ("stain",),
    "liquid_damage": ("water",),
}
# What it may show beside: the display behind a broken screen has often suffered; a body is hurt in many ways.
MAYBE: Final[dict[str, tuple[str, ...]]] = {
    "screen_broken": ("display_fault",),
    "body_damage": ("crack", "dent", "scratch"),
}
# Conditions that no box was drawn for.
UNBOXED: Final = frozenset({"intact", "stain", "scratch"})
_PLACE: Final = {kind: i for i, kind in enumerate(HEAT)}
