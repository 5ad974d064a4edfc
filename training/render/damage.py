"""Which painter makes which condition, on a pane that may be our own or a real photo's."""

from __future__ import annotations

from typing import Final

import numpy as np

from training.render.cracks import fracture
from training.render.faults import paint_fault
from training.render.geometry import Floats, Pane
from training.render.glass import Coverage, paint_fracture
from training.render.surface import Dent, make_dents, paint_dents, paint_scratches, paint_stain
from training.render.water import paint_water

__all__ = ["CONDITIONS", "KINDS", "damage_behind", "damage_body", "damage_glass"]

CONDITIONS: Final = ("intact", "screen_broken", "display_fault", "body_damage", "scratch", "stain", "liquid_damage")
KINDS: Final = ("crack", "display_fault", "scratch", "dent", "stain", "water", "chip")


def merge(a: Coverage, b: Coverage) -> Coverage:
    """Join coverages: what either covers is covered."""
    return {k: np.maximum(a[k], b[k]) if k in a and k in b else a.get(k, b.get(k)) for k in {**a, **b}}  # type: ignore[misc]


def damage_behind(rng: np.random.Generator, condition: str, canvas: Floats, display: Pane) -> tuple[Floats, Coverage]:
    """Paint what is wrong with the shining layer, before the glass mirrors anything."""
    if condition == "display_fault":
        return paint_fault(rng, canvas, display)
    if condition == "screen_broken" and display.lit and rng.random() < 0.2:
        return paint_fault(rng, canvas, display, kinds=(int(rng.choice([0, 2])),))  # lines or ink
    if condition == "liquid_damage" and display.lit and rng.random() < 0.15:
        return paint_fault(rng, canvas, display, kinds=(5,))
    return canvas, {}


def damage_glass(rng: np.random.Generator, condition: str, canvas: Floats, glass: Pane) -> tuple[Floats, Coverage]:
    """Paint what is wrong with the glass or lies on it."""
    if condition == "screen_broken":
        return paint_fracture(rng, canvas, fracture(rng, glass.aspect), glass)
    painter = {"scratch": paint_scratches, "stain": paint_stain, "liquid_damage": paint_water}.get(condition)
    return painter(rng, canvas, glass) if painter else (canvas, {})


def damage_body(
    rng: np.random.Generator, canvas: Floats, body: Pane, dents: list[Dent] | None, back: bool
) -> tuple[Floats, Coverage]:
    """Paint dents and worn rims, and on a back of glass often cracks."""
    if back and rng.random() < 0.45:
        canvas, cracks = paint_fracture(rng, canvas, fracture(rng, body.aspect), body)
        if rng.random() < 0.6:
            return canvas, cracks
    else:
        cracks = {}
    chosen = make_dents(rng, body.aspect, inner=back) if dents is None else dents
    canvas, seen = paint_dents(rng, canvas, body, chosen)
    return canvas, merge(cracks, seen)
