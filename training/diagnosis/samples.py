"""What the network is shown: every photo in several views, damage painted onto intact phones, phones of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from features.photo import read_photo
from models.places import HEAT, letterbox
from training.diagnosis.manifest import PhotoTable
from training.diagnosis.marks import DENSE, UNKNOWN, Bytes, Marks, Target, blank, cells_of, target_of
from training.diagnosis.views import frame, laid, lit, plain
from training.render import Rendered, flat_picture, render
from training.render.geometry import Points, project

__all__ = ["Plan", "Sample", "Studio", "plan_generic", "plan_phones"]

# Photos are read at this size: enough for a closer frame, and small enough to keep decoding cheap.
READ: Final = 720
# Photos that are held decoded, 1.5 MiB each.
KEPT: Final = 256
# How many views of a photo of each condition are made; the fewer photos there are, the more.
VIEWS: Final = {
    "screen_broken": 28,
    "display_fault": 16,
    "body_damage": 10,
    "scratch": 1,
    "stain": 1,
    "parcel_intact": 3,
    "parcel_damaged": 18,
    "nothing_to_diagnose": 4,
}
INTACT_VIEWS: Final = {"web_phones": 14, "one_iphone": 7, "floor_phones": 5, "msd": 10}
# Pictures without any photo of a phone, by condition.
RENDERED: Final = {
    "intact": 900,
    "screen_broken": 800,
    "display_fault": 250,
    "body_damage": 200,
    "scratch": 130,
    "stain": 130,
    "liquid_damage": 200,
}
# Pictures that show neither phone nor parcel and look as if: see `training.render.flat`.
FLAT: Final = 260
# Damage painted onto a real photo of an intact phone whose screen is outlined, views of each.
PAINTED: Final = {"screen_broken": 6, "display_fault": 1, "scratch": 1, "stain": 0.5, "liquid_damage": 0.5}


@dataclass(frozen=True, slots=True)
class Plan:
    """One picture to make.

    Attributes
    ----------
    kind : str
        ``plain`` (as answering sees it), ``view``, ``swap`` (another background), ``paint``, ``render`` or ``flat``.
    label : str
    photo : int
        Row of the table; -1 for none.
    under : int
        Row of the photo that serves as background; -1 for none.
    """

    kind: str
    label: str
    photo: int = -1
    under: int = -1

    @property
    def uses(self) -> tuple[int, int]:
        """The photos that are seen in it: it may teach only where none of them is judged."""
        return self.photo, self.under


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture ``(size, size, 3)`` and what it should say."""

    pixels: Bytes
    target: Target


def plan_generic(table: PhotoTable, views: int) -> list[Plan]:
    """Plan several views of every photo of any table, and the plain one to judge by."""
    kinds = ["plain", *["view"] * views]
    return [Plan(kind, row.label, i) for i, row in enumerate(table.rows) for kind in kinds]


def _cut(marks: Marks | None) -> bool:
    return marks is not None and marks.device is not None


def plan_phones(table: PhotoTable, marks: Mapping[str, Marks], seed: int) -> list[Plan]:
    """Plan the pictures of phones and parcels, real and rendered."""
    rng = np.random.default_rng(seed)
    scenes = [i for i, r in enumerate(table.rows) if r.source == "imagenet_sample"]

    def scene() -> int:
        return int(rng.choice(scenes)) if scenes and rng.random() < 0.5 else -1

    plans = [Plan("plain", row.label, i) for i, row in enumerate(table.rows)]
    for i, row in enumerate(table.rows):
        known = marks.get(row.path)
        views = INTACT_VIEWS.get(row.source, 4) if row.label == "intact" else VIEWS.get(row.label, 4)
        if row.label == "nothing_to_diagnose" and row.source != "imagenet_sample":
            views = 12
        for v in range(views):
            swapped = _cut(known) and v % 2 == 1
            plans.append(Plan("swap" if swapped else "view", row.label, i, scene() if swapped else -1))
        if row.label == "intact" and known is not None and known.screen is not None:
            for label, times in PAINTED.items():
                plans += [Plan("paint", label, i)] * int(times + rng.random())
    for label, times in RENDERED.items():
        plans += [Plan("render", label, -1, scene()) for _ in range(times)]
    return plans + [Plan("flat", "nothing_to_diagnose")] * FLAT


class Studio:
    """Makes the pictures of a plan; each depends on the seed and its number alone.

    Parameters
    ----------
    table : PhotoTable
    marks : mapping or None
        `Marks` by path; None for a table of any other labels, where nothing is known of places.
    size : int
        Side of the network's input.
    seed : int
    """

    def __init__(self, table: PhotoTable, marks: Mapping[str, Marks] | None, size: int, seed: int) -> None:
        self.table, self.marks, self.size, self.seed = table, marks or {}, size, seed
        self.placed = marks is not None
        self._photos: dict[int, Bytes] = {}

    def _photo(self, i: int) -> Bytes:
        if i not in self._photos:
            if len(self._photos) >= KEPT:
                self._photos.clear()
            self._photos[i] = read_photo(self.table.data(i), long_side=READ).pixels
        return self._photos[i]

    def make(self, plan: Plan, number: int) -> Sample:
        """Make the picture."""
        rng = np.random.default_rng((self.seed, number))
        if plan.kind in ("render", "paint"):
            return self._rendered(rng, plan)
        if plan.kind == "flat":
            return Sample(lit(rng, flat_picture(rng, self.size)), blank(self.size))
        pixels, row = self._photo(plan.photo), self.table.rows[plan.photo]
        known = self.marks.get(row.path)
        h, w = pixels.shape[:2]
        if plan.kind == "plain":
            return Sample(letterbox(pixels, self.size)[0], self._target(row.label, known, plain(w, h, self.size)))
        focus = known.device if known is not None else None
        turn = row.label in _PHONES and row.source != "floor_phones"
        matrix = frame(rng, w, h, self.size, focus, turn)
        target = self._target(row.label, known, matrix)
        under, outline = None, None
        if plan.kind == "swap" and focus is not None:
            middle = focus.mean(axis=0)
            outline = middle + (focus - middle) * rng.uniform(1.0, 1.06)
            under = self._background(rng, plan.under)
        return Sample(lit(rng, laid(pixels, matrix, self.size, under, outline)), target)

    def _target(self, label: str, known: Marks | None, matrix: Points) -> Target:
        return target_of(label, known, matrix, self.size) if self.placed else blank(self.size, UNKNOWN)

    def _background(self, rng: np.random.Generator, i: int) -> Bytes:
        if i < 0:
            from training.render.backgrounds import make_background

            return (make_background(rng, (self.size, self.size)) * 255).astype(np.uint8)
        pixels = self._photo(i)
        h, w = pixels.shape[:2]
        return laid(pixels, frame(rng, w, h, self.size) if rng.random() < 0.5 else plain(w, h, self.size), self.size)

    def _rendered(self, rng: np.random.Generator, plan: Plan) -> Sample:
        if plan.photo < 0:
            under = None if plan.under < 0 else self._photo(plan.under)
            made = render(rng, plan.label, self.size, background=under)
            return Sample(lit(rng, made.pixels), _dense(made))
        pixels, known = self._photo(plan.photo), self.marks[self.table.rows[plan.photo].path]
        h, w = pixels.shape[:2]
        matrix = frame(rng, w, h, self.size, known.device, turn=True)
        base = laid(pixels, matrix, self.size)
        corners = project(matrix, known.screen) / self.size  # type: ignore[arg-type]  # planned only where known
        made = render(rng, plan.label, self.size, base=base, corners=corners)
        target = _dense(made)
        target.state[HEAT.index("device")] = UNKNOWN
        return Sample(lit(rng, made.pixels), target)


def _dense(made: Rendered) -> Target:
    out = blank(made.pixels.shape[0], DENSE)
    for i, kind in enumerate(HEAT):
        if kind == "crack":
            mask = made.masks["crack"] | made.masks["chip"]
        elif kind in ("screen", "device"):
            mask = made.screen if kind == "screen" else made.device
        elif kind in made.masks:
            mask = made.masks[kind]
        else:
            continue
        out.mask[i] = cells_of(mask)
    return out


_PHONES: Final[frozenset[str]] = frozenset(RENDERED)


def arrays(samples: Sequence[Sample]) -> tuple[Bytes, Bytes, Bytes, npt.NDArray[np.float32]]:
    """Stack samples: pixels, states, masks, boxes."""
    return (
        np.stack([s.pixels for s in samples]),
        np.stack([s.target.state for s in samples]),
        np.stack([s.target.mask for s in samples]),
        np.stack([s.target.box for s in samples]),
    )
