"""From photos to what a release needs: held-out networks to judge by, and the one that is released."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError
from features.photo import read_photo
from models.places import HEAT
from training.config import DiagnosisConfig
from training.diagnosis.alike import fingerprint, folds, groups
from training.diagnosis.cache import Cache, code_digest, fill
from training.diagnosis.judge import Held
from training.diagnosis.manifest import PhotoTable
from training.diagnosis.marks import Marks
from training.diagnosis.samples import Plan, Studio, plan_generic, plan_phones

__all__ = ["Fits", "Lesson", "chances", "fit_all", "fold_masks", "lesson", "source_masks"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]
MADE: Final = ("paint", "render")
# Damaged cells of the map, 8 by 8 pixels, from which on a made picture shows its condition to a careful eye.
FEWEST_CELLS: Final = 12


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that networks learn from.

    Attributes
    ----------
    table : PhotoTable
    conditions : list of str
    plans : list of Plan
    cache : Cache
    group : ndarray (photos,)
        Photos of one object, and near copies, share a number.
    label : ndarray (plans,)
        -1 where a picture teaches places alone.
    phones : bool
        Whether these are the phones and parcels of the contract, and not a table of any other labels.
    """

    table: PhotoTable
    conditions: list[str]
    plans: list[Plan]
    cache: Cache
    group: Ints
    label: Ints
    phones: bool

    @property
    def truth(self) -> Ints:
        """The condition of every photo, as its place in `conditions`."""
        return np.array([self.conditions.index(r.label) for r in self.table.rows])


def lesson(
    table: PhotoTable, marks: Mapping[str, Marks] | None, conditions: Sequence[str], config: DiagnosisConfig, root: Path
) -> Lesson:
    """Prepare pictures; ``marks`` None stands for a table of any other labels.

    Raises
    ------
    InputError
        If a photo cannot be read; its field is the photo's path. No picture is made before all were read.
    """
    rows = table.rows
    prints = [fingerprint(read_photo(table.data(i), long_side=64, field=r.path).pixels) for i, r in enumerate(rows)]
    group = groups(np.stack(prints), [f"{r.source}/{r.group}" if r.group else "" for r in rows])
    plans = plan_generic(table, config.views) if marks is None else plan_phones(table, marks, config.seed)
    studio = Studio(table, marks, config.size, config.seed)
    cache = fill(studio, plans, root, config.workers)
    place = {c: i for i, c in enumerate(conditions)}
    label = np.array([place[p.label] for p in plans])
    label[_unseen(plans, cache)] = -1
    return Lesson(table, list(conditions), plans, cache, group, label, marks is not None)


def _unseen(plans: Sequence[Plan], cache: Cache) -> npt.NDArray[np.bool_]:
    """Tell which made pictures show too little of their damage to be called by it: they teach places alone."""
    hurt = cache.mask[:, : len(HEAT) - 2].sum(axis=(1, 2, 3), dtype=np.int64) / 100  # damaged cells of each picture
    made = np.array([p.kind in MADE and p.label != "intact" for p in plans])
    out: npt.NDArray[np.bool_] = made & (hurt < FEWEST_CELLS)
    return out


def chances(at: Lesson, config: DiagnosisConfig, shares: Mapping[str, float] | None) -> npt.NDArray[np.float64]:
    """Tell how often every picture is drawn.

    Each condition has its share; within it real pictures have theirs, and a source counts by the root of its size, so
    that no source stands for a condition by its number alone.
    """
    out = np.zeros(len(at.plans))
    made = np.array([p.kind in MADE for p in at.plans])
    source = np.array(
        [at.table.rows[p.photo].source if p.photo >= 0 and p.kind != "paint" else p.kind for p in at.plans]
    )
    meant = np.array([at.conditions.index(p.label) for p in at.plans])
    for c, name in enumerate(at.conditions):
        here = meant == c
        share = shares[name] if shares else here.mean()
        parts = [(here & ~made, config.real if (here & made).any() else 1.0)]
        parts.append((here & made, 1 - config.real if (here & ~made).any() else 1.0))
        for part, of_it in parts:
            counts = {s: int((part & (source == s)).sum()) for s in np.unique(source[part])}
            total = sum(np.sqrt(n) for n in counts.values())
            for s, n in counts.items():
                out[part & (source == s)] = share * of_it * np.sqrt(n) / total / n
    return out


def _kept(at: Lesson, held: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which pictures show nothing of the photos held out, nor of anything alike."""
    away = np.isin(at.group, np.unique(at.group[held]))
    away = np.append(away, False)
    return ~np.array([away[list(p.uses)].any() for p in at.plans])


def _code() -> str:
    return code_digest(Path(__file__).parent / f for f in ("learn.py", "network.py", "fit.py"))


@dataclass(frozen=True, slots=True)
class _Work:
    """One network to fit: without some photos; by the code as it was when the work was given out."""

    at: Lesson
    config: DiagnosisConfig
    shares: Mapping[str, float] | None
    held: npt.NDArray[np.bool_]
    number: int
    name: str
    code: str = field(default_factory=_code)

    @property
    def file(self) -> Path:
        """Where its result is kept: named after all that it depends on, so that a fit that was stopped goes on."""
        at = self.at
        alike = [at.group.tolist(), [r.source for r in at.table.rows]]  # which decide what is drawn, and how often
        said = [at.cache.folder.name, self.config.as_dict(), self.shares, self.number, at.conditions, alike]
        digest = hashlib.sha256(json.dumps([said, self.code]).encode() + self.held.tobytes()).hexdigest()[:16]
        return at.cache.folder / f"network-{digest}.pt"


def _fit(work: _Work) -> Path:
    """Fit it, unless it was; give the file of its result."""
    kept = work.file
    if kept.exists():
        return kept
    import torch

    from training.diagnosis.learn import Schedule, averaged, fit_network, say

    torch.set_num_threads(1)
    at, config = work.at, work.config
    schedule = Schedule(config.pictures, config.batch, config.rate, config.rate_backbone, config.decay,
                        config.smoothing, config.heat, config.memory)  # fmt: skip
    curve: list[dict[str, float]] = []

    def watch(pictures: int, losses: dict[str, float]) -> None:  # of the first member
        curve.append({"pictures": pictures, **losses})
        if len(curve) % 4 == 0:
            log.info("%s: %d pictures, %s", work.name, pictures, {k: round(v, 3) for k, v in losses.items()})

    chance = chances(at, config, work.shares) * _kept(at, work.held)
    args = at.cache, at.label, chance, len(at.conditions), schedule, config.seed + work.number
    network = averaged([fit_network(*args, None if i else watch, i) for i in range(config.members)])
    plain = {p.photo: i for i, p in enumerate(at.plans) if p.kind == "plain"}
    rows = np.flatnonzero(work.held)
    logits, heat = say(network, at.cache, np.array([plain[int(r)] for r in rows], np.int64))
    said = {"rows": rows, "logits": logits, "heat": heat, "fold": np.full(len(rows), work.number)}
    unfinished = kept.with_name("unfinished-" + kept.name)
    torch.save({"weights": network.state_dict(), "curve": curve, **{k: torch.from_numpy(v) for k, v in said.items()}},
               unfinished)  # fmt: skip
    unfinished.rename(kept)
    return kept


def _quiet() -> None:
    os.nice(5)
    logging.basicConfig(level=logging.INFO, format="%(message)s")


@dataclass(frozen=True, slots=True)
class Fits:
    """What `fit_all` made: what held-out networks say, by name, and the released network's weights and curve."""

    held: dict[str, Held]
    weights: dict[str, Any]
    curve: list[dict[str, float]]


def fit_all(
    at: Lesson,
    masks: Mapping[str, npt.NDArray[np.bool_]],
    release: npt.NDArray[np.bool_],
    config: DiagnosisConfig,
    shares: Mapping[str, float] | None,
) -> Fits:
    """Fit a network without each set of photos and ask it about them; and fit the one that is released.

    Parameters
    ----------
    at : Lesson
    masks : mapping of str to ndarray (photos,)
        Which photos are kept from each network.
    release : ndarray (photos,)
        Which are kept from the released one: those of an official test.
    config : DiagnosisConfig
    shares : mapping or None
        How often each condition is shown; None: as often as it occurs.
    """
    import torch

    wanted = [_Work(at, config, shares, mask, i + 1, name) for i, (name, mask) in enumerate(masks.items())]
    same = [w for w in wanted if (w.held == release).all()]
    wanted.append(same[0] if same else _Work(at, config, shares, release, 0, "release"))
    folds_first = sorted(wanted, key=lambda w: w.number > config.folds)  # then the released one, sources left out last
    once = {w.file: w for w in folds_first}
    with multiprocessing.get_context("spawn").Pool(min(config.workers, len(once)), _quiet) as pool:
        list(pool.imap(_fit, once.values(), chunksize=1))
    saved = [torch.load(w.file, weights_only=True) for w in wanted]
    held = {
        name: Held(*(s[k].numpy() for k in ("rows", "logits", "heat", "fold")))
        for name, s in zip(masks, saved, strict=False)
    }
    return Fits(held, saved[-1]["weights"], saved[-1]["curve"])


def fold_masks(at: Lesson, config: DiagnosisConfig) -> dict[str, npt.NDArray[np.bool_]]:
    """Deal the photos into folds that share no object, by condition and source.

    Raises
    ------
    ConfigError
        If a fold gets none, as where there are fewer objects than folds: another may then leave nothing to learn from.
    """
    strata = [f"{r.label}/{r.source}" for r in at.table.rows]
    fold = folds(at.group, strata, config.folds, config.seed)
    if len(np.unique(fold)) < config.folds:
        raise ConfigError(f"{at.table.name}: too few objects for {config.folds} folds; near copies count as one")
    return {f"fold {k}": fold == k for k in range(config.folds)}


def source_masks(at: Lesson, labels: Sequence[str]) -> dict[str, npt.NDArray[np.bool_]]:
    """Hold out, whole, every source that is there for these labels: most of its photos have one of them."""
    source = np.array([r.source for r in at.table.rows])
    of = np.array([r.label in labels for r in at.table.rows])
    return {f"without {s}": source == s for s in sorted(set(source[of])) if of[source == s].mean() > 0.5}
