"""What held-out networks say, turned into figures and into what a release needs beside its network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.photo import read_photo
from models.places import HEAT, Box, affected_share, letterbox
from training.calibrate import NEVER, pick_threshold
from training.config import DiagnosisConfig
from training.diagnosis.fit import Lesson
from training.diagnosis.judge import (
    Calibration,
    Floats,
    Held,
    calibrate,
    cross_calibrated,
    figures,
    place_figures,
)

__all__ = ["Drawn", "Verdict", "joined", "read_drawn", "verdict"]

# A condition needs this many real photos, and two sources that could contradict one another, to act without a person.
FEWEST_PHOTOS: Final = 20
FEWEST_SOURCES: Final = 2
# From which share of the screen on damage is moderate, and severe, where no drawn photo says otherwise.
LEVELS: Final = (0.1, 0.3)
MAP_THRESHOLDS: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
DEGREES: Final = {"light": 0, "minor": 0, "moderate": 1, "severe": 2}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn by hand on a photo of a broken screen."""

    boxes: tuple[Box, ...]
    shattered: bool
    degree: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is said of a fit.

    Attributes
    ----------
    p : ndarray (n, conditions)
        Held out, calibrated across folds.
    held : Held
    metrics, autonomy : dict
    places : dict
        Empty where nothing was drawn.
    calibration : Calibration
        On all held-out photos: the release's.
    config : dict
        What the answering code needs beside the weights.
    """

    p: Floats
    held: Held
    metrics: dict[str, dict[str, float]]
    autonomy: dict[str, dict[str, float]]
    places: dict[str, float]
    calibration: Calibration
    config: dict[str, Any]


def read_drawn(path: Path) -> dict[str, Drawn]:
    """Read hand-drawn cracks by the photo's path."""
    if not path.is_file():
        return {}
    out = {}
    for name, row in json.loads(path.read_text(encoding="utf-8")).items():
        cracks = [d for d in row.get("damage") or () if d["type"] in ("crack", "shatter")]
        if cracks:
            boxes = tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in (x["box"] for x in cracks))
            shattered = any(x["type"] == "shatter" for x in cracks)
            out[name] = Drawn(boxes, shattered, DEGREES.get(str(row.get("severity"))))
    return out


def joined(parts: Sequence[Held]) -> Held:
    """Join what several networks say of photos of their own."""
    return Held(*(np.concatenate([getattr(h, k) for h in parts]) for k in ("rows", "logits", "heat", "fold")))


def rare(at: Lesson) -> list[str]:
    """Name the conditions with too few real photos, or of one source alone."""
    out = []
    for name in at.conditions:
        rows = [r for r in at.table.rows if r.label == name]
        if len(rows) < FEWEST_PHOTOS or len({r.source for r in rows}) < FEWEST_SOURCES:
            out.append(name)
    return out


def _autonomy(
    p: Floats, truth: npt.NDArray[np.int64], at: Lesson, few: Sequence[str], config: DiagnosisConfig
) -> dict[str, dict[str, float]]:
    """Choose from which probability on each answer may stand alone, and be suggested at all."""
    answer, sure = p.argmax(axis=1), p.max(axis=1)
    out = {}
    for c, name in enumerate(at.conditions):
        said = answer == c
        right = truth[said] == c
        auto = pick_threshold(sure[said], right, config.precision, config.confidence) if said.sum() else None
        hint = pick_threshold(sure[said], right, config.suggest_precision, config.confidence) if said.sum() else None
        acts = auto is not None and name not in few and auto.coverage > 0
        out[name] = {
            "answers": float(said.sum()),
            "automate": auto.threshold if acts and auto else NEVER,
            "precision": auto.precision if acts and auto else float("nan"),
            "bound": auto.bound if acts and auto else float("nan"),
            "coverage": auto.coverage if acts and auto else 0.0,
            "suggest": hint.threshold if hint and hint.coverage else 0.5,
        }
    return out


def _place(held: Held, at: Lesson, drawn: Mapping[str, Drawn], size: int) -> tuple[dict[str, float], float, Any]:
    """Judge places on drawn photos; choose the map's threshold by mean overlap."""
    some = [i for i, r in enumerate(held.rows) if at.table.rows[r].path in drawn]
    if not some:
        return {}, 0.5, LEVELS
    truths = [drawn[at.table.rows[held.rows[i]].path] for i in some]
    frames = []
    for i in some:
        pixels = read_photo(at.table.data(int(held.rows[i])), long_side=size).pixels
        frames.append(letterbox(pixels, size)[1])
    args = held.heat[some], frames, [t.boxes for t in truths], [t.shattered for t in truths]
    best = max(MAP_THRESHOLDS, key=lambda t: place_figures(*args, t)["iou"])
    shares, degrees = [], []
    for maps, frame, t in zip(held.heat[some], frames, truths, strict=True):
        p = frame.inside(1 / (1 + np.exp(-maps.astype(np.float32))))
        damage, screen, device = (p[HEAT.index(k)] for k in ("crack", "screen", "device"))
        shares.append(affected_share(damage, (screen, device), best))
        degrees.append(-1 if t.degree is None else t.degree)
    levels = _levels(np.array(shares), np.array(degrees))
    told = place_figures(*args, best)
    known = np.array(degrees) >= 0
    given = np.digitize(shares, levels)
    told["severity_agreement"] = float((given == degrees)[known].mean()) if known.any() else float("nan")
    told["map_threshold"] = best
    return told, best, levels


def _levels(shares: npt.NDArray[np.float64], degrees: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Choose the edges between light, moderate and severe that agree best with how a person judged."""
    known = degrees >= 0
    edges = np.round(np.arange(0.02, 0.8, 0.02), 2)
    best, levels = -1.0, LEVELS
    for a in edges:
        for b in edges[edges > a]:
            agree = float((np.digitize(shares[known], (a, b)) == degrees[known]).mean()) if known.any() else 0.0
            nearer = agree - 1e-3 * (abs(a - LEVELS[0]) + abs(b - LEVELS[1]))  # ties: the usual edges
            if nearer > best:
                best, levels = nearer, (float(a), float(b))
    return levels


def verdict(at: Lesson, parts: Sequence[Held], drawn: Mapping[str, Drawn], config: DiagnosisConfig) -> Verdict:
    """Judge held-out networks and fix what a release needs beside its weights.

    Parameters
    ----------
    at : Lesson
    parts : sequence of Held
        One for each network. A single one of an official split is calibrated on its validation part and judged on its
        test part.
    drawn : mapping
        Hand-drawn cracks by path.
    config : DiagnosisConfig
    """
    held = joined(parts)
    truth = at.truth[held.rows]
    if len(parts) > 1:
        p = cross_calibrated(held, truth)
        judged = np.ones(len(truth), bool)
    else:
        judged = np.array([at.table.rows[r].split == "test" for r in held.rows])
        own = ~judged if (~judged).any() else judged
        p = calibrate(held.logits[own], truth[own]).apply(held.logits)
    sources = [at.table.rows[r].source for r in held.rows[judged]]
    metrics = figures(p[judged], truth[judged], at.conditions, sources)
    few = rare(at) if at.phones else []
    autonomy = _autonomy(p[judged], truth[judged], at, few, config)
    places, threshold, levels = _place(held, at, drawn, config.size)
    release = {
        "size": config.size,
        "maps": list(HEAT),
        "thresholds": {k: {x: round(v[x], 4) for x in ("automate", "suggest")} for k, v in autonomy.items()},
        "rare": few,
        "map_threshold": {k: threshold if k == "crack" else 0.5 for k in HEAT},
        "severity": list(levels),
    }
    return Verdict(p, held, metrics, autonomy, places, calibrate(held.logits, truth), release)
