"""Weighted kernel ridge by conjugate gradients: no matrix of rows by rows, so that time grows with the rows alone."""

from __future__ import annotations

import logging
from typing import Any, Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from models.space import Floats

__all__ = ["dual_weights"]

log = logging.getLogger(__name__)

# Where the residual of every output is this share of its target's length: scores then differ in the fourth digit. A
# tenth of it costs four steps more than the thirteen that suffice.
TOLERANCE: Final = 1e-4
MOST: Final = 300


def dual_weights(wide: Any, deep: Floats, goal: Floats, weight: Floats, ridge: float) -> Floats:
    """Solve ``(K + ridge / weight) a = goal`` for ``K = wide wide' + deep deep'``.

    Parameters
    ----------
    wide : csr_matrix, (n, features)
    deep : ndarray of float32, (n, m)
        Few columns beside rows.
    goal : ndarray of float32, (n, outputs)
    weight : ndarray of float32, (n,)
        All above 0.
    ridge : float

    Returns
    -------
    ndarray of float32, (n, outputs)

    Notes
    -----
    Preconditioned conjugate gradients (Golub & Van Loan, 4th ed., 11.5), all outputs side by side. The preconditioner
    is the system without `wide`, which the Woodbury identity inverts; what is left has few large eigenvalues. Rows are
    scaled by the root of their weight, so that the system is symmetric with 1 on the diagonal's ridge.
    """
    scale = np.sqrt(weight / np.float32(ridge))[:, None].astype(np.float32)
    scaled_deep = scale * deep
    scaled_wide = wide.multiply(scale).tocsr().astype(np.float32)
    back = scaled_wide.T.tocsr()
    core = cho_factor(np.eye(deep.shape[1], dtype=np.float64) + (scaled_deep.T @ scaled_deep).astype(np.float64))

    def apply(v: Floats) -> Floats:
        out: Floats = v + scaled_deep @ (scaled_deep.T @ v) + scaled_wide @ (back @ v)
        return out

    def undo(r: Floats) -> Floats:
        inner = cho_solve(core, (scaled_deep.T @ r).astype(np.float64), check_finite=False).astype(np.float32)
        out: Floats = r - scaled_deep @ inner
        return out

    residual = (scale * goal).astype(np.float32)
    goals = np.maximum(np.linalg.norm(residual, axis=0), 1e-12)
    solution = np.zeros_like(residual)
    direction = steered = undo(residual)
    rho = (residual * steered).sum(axis=0)
    for step in range(MOST):
        if (np.linalg.norm(residual, axis=0) <= TOLERANCE * goals).all():
            log.debug("%d rows: %d steps", len(goal), step)
            break
        moved = apply(direction)
        length = rho / np.maximum((direction * moved).sum(axis=0), 1e-30)
        solution += length * direction
        residual = residual - length * moved
        steered = undo(residual)
        before, rho = rho, (residual * steered).sum(axis=0)
        direction = steered + (rho / np.maximum(before, 1e-30)) * direction
    else:
        log.warning("%d rows: not solved to %.0e in %d steps", len(goal), TOLERANCE, MOST)
    out: Floats = scale * solution
    return out
