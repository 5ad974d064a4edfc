"""Fits boosted trees and a forest with scikit-learn on what `models.codes` makes of customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier

from models.codes import Coder, inputs, owners, safer
from models.trees import Codes
from training.churn.matrix import Floats, Matrix, blanked, coders
from training.config import ChurnConfig

__all__ = ["Fitted", "fit_trees", "forest_inputs"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learnt, as scikit-learn has it.

    Attributes
    ----------
    coders : tuple of Coder
    boosting : HistGradientBoostingClassifier
    forest : ExtraTreesClassifier or None
        It looks at `forest_inputs` only.
    """

    coders: tuple[Coder, ...]
    boosting: Any
    forest: Any

    def parts(self, x: Floats) -> Floats:
        """Say of rows ``(n, c)`` what calibration puts together, ``(n, 3)``.

        The boosting's margin, the forest's share of leavers, and the share of fields that are not known. The forest's
        is the highest of what it says of a row and of those that should be no riskier, as in `models.churn`.
        """
        codes = codes_of(x, self.coders)
        boosted = self.boosting.decision_function(inputs(codes, self.coders))
        gaps = np.isnan(x).mean(axis=1)
        if self.forest is None:
            return np.stack([boosted, np.zeros(len(x)), gaps], axis=1)
        seen = forest_inputs(self.coders)
        told = [
            self.forest.predict_proba(inputs(c, self.coders)[:, seen])[:, 1]
            for c in [codes, *safer(codes, self.coders)]
        ]
        return np.stack([boosted, np.max(told, axis=0), gaps], axis=1)


def codes_of(x: Floats, coders: Sequence[Coder]) -> Codes:
    """Give the codes of rows of a matrix, ``(n, c)``."""
    columns = [x[:, i] if c.levels else np.searchsorted(c.edges, x[:, i], side="left") for i, c in enumerate(coders)]
    known = np.nan_to_num(np.stack(columns, axis=1))
    return np.where(np.isnan(x), [c.missing for c in coders], known).astype(np.uint8)


def forest_inputs(coders: Sequence[Coder]) -> npt.NDArray[np.int64]:
    """Tell which inputs a forest may ask about: not those of a trend that `models.codes.safer` does not keep."""
    fine = np.array([c.field.trend == 0 or c.few for c in coders])
    return np.flatnonzero(fine[owners(coders)])


def fit_trees(matrix: Matrix, rows: Any, left: Floats, weight: Floats, config: ChurnConfig, seed: int) -> Fitted:
    """Fit on some rows of a matrix, some of them again with fields left out, and again as their copies would be.

    Parameters
    ----------
    matrix : Matrix
    rows : ndarray of int
        Which of its rows.
    left, weight : ndarray of float64, (n,)
        Of all rows of the matrix.
    config : ChurnConfig
    seed : int
    """
    how = coders(matrix, rows)
    x, again, counts = _shown(matrix, rows, weight, config, seed)
    seen, y = inputs(codes_of(x, how), how), left[again]
    boosting = HistGradientBoostingClassifier(
        learning_rate=config.rate,
        max_iter=config.trees,
        max_leaf_nodes=config.leaves,
        max_features=config.split_share,
        min_samples_leaf=config.min_rows,
        monotonic_cst=[how[i].field.trend for i in owners(how)],
        early_stopping=False,
        random_state=seed,
    ).fit(seen, y, counts)
    if not config.forest:
        return Fitted(how, boosting, None)
    # Half of the inputs at each split, and leaves of one customer: what is learnt by heart, the forest averages.
    forest = ExtraTreesClassifier(config.forest, max_features=0.5, random_state=seed)
    return Fitted(how, boosting, forest.fit(seen[:, forest_inputs(how)], y, counts))


def _shown(
    matrix: Matrix, rows: Any, weight: Floats, config: ChurnConfig, seed: int
) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
    """Give what is learnt from: values ``(k, c)``, whose they are, and what each counts, both ``(k,)``."""
    some = np.random.default_rng(seed).permutation(rows)[: round(config.blanked * len(rows))]
    shown = [(matrix.x[rows], rows, 1.0), (blanked(matrix.x[some], seed), some, config.blanked_weight)]
    if config.stepped and matrix.steps.any():
        shown += [(matrix.x[rows] + way * matrix.steps, rows, config.stepped) for way in (1, -1)]
    values, whose, share = zip(*shown, strict=True)
    counts = [weight[r] * s for r, s in zip(whose, share, strict=True)]
    return np.vstack(values), np.concatenate(whose), np.concatenate(counts)
