"""The learning curve of a table: how good the recipe is with 10, 20, 50, 100 rows a class, and with all."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.stats import t as student

from features.taxonomy import Taxonomy
from features.text import normalize
from models.heads import Probabilities
from models.silence import hushed
from training.calibrate import apply_calibration, fit_calibration
from training.config import TriageConfig
from training.data import Row, Table
from training.dataset import gather
from training.heads import fit_heads
from training.judge import Score, hold_out, together
from training.matrices import build, targets
from training.metrics import score
from training.shots.draw import draw
from training.shots.tune import tune
from training.triage import fine_tuned
from training.vectors import remembered

__all__ = ["FIGURES", "Point", "few_shot", "learn_and_answer", "learning_curve"]

log = logging.getLogger(__name__)

FIGURES = ("category_accuracy", "category_macro_f1", "category_ece")


@dataclass(frozen=True, slots=True)
class Point:
    """One size of a draw.

    Attributes
    ----------
    shots : int or None
        Rows of a class; None for all.
    rows : float
        Trained on, mean of the draws.
    figures : dict of str to tuple of float
        A value for each draw, of `FIGURES` and of ``seconds`` (training, and answering the test).
    """

    shots: int | None
    rows: float
    figures: dict[str, tuple[float, ...]]

    @property
    def name(self) -> str:
        """How it is written in a table."""
        return "all" if self.shots is None else str(self.shots)

    def interval(self, figure: str, confidence: float = 0.95) -> tuple[float, float, float]:
        """Give the mean over draws and its t-interval; NaN bounds for a single draw."""
        values = np.array(self.figures[figure])
        mean, n = float(values.mean()), len(values)
        if n < 2:
            return mean, float("nan"), float("nan")
        half = float(student.ppf(0.5 + confidence / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
        return mean, mean - half, mean + half

    def as_row(self) -> dict[str, float]:
        """Give the figures of a table's line: means, and the bounds of the accuracy."""
        out = {"n": float(round(self.rows)), "draws": float(len(self.figures["seconds"]))}
        out |= {k: self.interval(k)[0] for k in FIGURES}
        out["accuracy_low"], out["accuracy_high"] = self.interval("category_accuracy")[1:]
        return {**out, "seconds": self.interval("seconds")[0]}


def few_shot(config: TriageConfig, shots: int) -> TriageConfig:
    """Give the knobs for a draw: no more folds than there are rows of a class."""
    return replace(config, folds=max(2, min(config.folds, shots)))


def learn_and_answer(table: Table, taxonomy: Taxonomy, config: TriageConfig, texts: Sequence[str]) -> Probabilities:
    """Fit and calibrate as `training.triage.fit` does, and answer texts; no thresholds, no slices, nothing saved."""
    data = gather(config, table)
    matrices, target = build([r.text for r in data.rows], config), targets(data.rows, taxonomy)
    network, beside = fine_tuned(data, target, config)
    held = hold_out(matrices, target, data, config, beside)
    everyone = np.arange(len(data.rows))
    heads = fit_heads(matrices, target, everyone, data.weight, config.ridge, config.ngram_share)
    space = replace(matrices.space, encoder=remembered(config.encoder))
    say: Score = partial(heads.score_texts, space)
    if network:
        say = partial(together, say, network.read)
    calibration = fit_calibration(held.scores, target, held.rows, config.freedom)
    return hushed(apply_calibration(say(texts), target, calibration), [normalize(t) for t in texts], taxonomy)


def learning_curve(
    table: Table,
    test: Sequence[Row],
    taxonomy: Taxonomy,
    config: TriageConfig,
    shots: Sequence[int | None],
    draws: int,
    tuned: bool = False,
) -> list[Point]:
    """Fit draws of every size and answer the test; draw k of a size is that of seed ``config.seed + k``.

    Parameters
    ----------
    table : Table
    test : sequence of Row
    taxonomy : Taxonomy
    config : TriageConfig
    shots : sequence of int or None
        None for all rows, of which there is one draw.
    draws : int
    tuned : bool
        Choose knobs on every draw, by cross-validation within it.
    """
    points, truth = [], targets(test, taxonomy)
    nothing = np.zeros((len(test), 0), np.bool_)
    for size in shots:
        found: list[dict[str, float]] = []
        rows: list[int] = []
        for k in range(draws if size else 1):
            part, knobs = table, replace(config, seed=config.seed + k)
            if size:
                part, knobs = replace(table, rows=tuple(draw(table.rows, size, knobs.seed)[0])), few_shot(knobs, size)
            started = time.perf_counter()
            knobs = tune(part, taxonomy, knobs) if tuned else knobs
            p = learn_and_answer(part, taxonomy, knobs, [r.text for r in test])
            seconds = time.perf_counter() - started
            figures = score(p, truth, np.arange(len(test)), [r.source for r in test], nothing)["all"]
            found.append({**{f: figures[f] for f in FIGURES}, "seconds": seconds})
            rows.append(len(part.rows))
            log.info("%s a class, draw %d: %s", size or "all", k, {n: round(v, 4) for n, v in found[-1].items()})
        points.append(Point(size, float(np.mean(rows)), {n: tuple(f[n] for f in found) for n in found[0]}))
    return points
