"""The plots of a churn run: reliability, lift and ROC, ours beside the rivals, on customers held out."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from training.churn.figures import reliability, roc
from training.churn.matrix import Floats

__all__ = ["churn_plots"]

mpl.use("Agg")


def churn_plots(told: Mapping[str, Floats], left: Floats) -> dict[str, Figure]:
    """Draw all three.

    Parameters
    ----------
    told : mapping of str to ndarray of float64, each (n,)
        Held-out probabilities by model; the first is ours.
    left : ndarray of float64, (n,)
    """
    return {
        "reliability.png": _reliability(told, left),
        "lift.png": _lift(told, left),
        "roc.png": _roc(told, left),
    }


def _reliability(told: Mapping[str, Floats], left: Floats) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for place, (name, p) in enumerate(told.items()):
        bins = reliability(p, left, np.ones(len(p)))
        axis.plot([b[0] for b in bins], [b[1] for b in bins], marker="o", label=name, linewidth=2 if not place else 1)
        for mean, share, n in bins if not place else ():
            axis.annotate(f"{n:.0f}", (mean, share), textcoords="offset points", xytext=(4, -10), fontsize=7)
    axis.set(xlabel="risk", ylabel="share who left", xlim=(0, 1), ylim=(0, 1))
    axis.legend(fontsize=8)
    return figure


def _lift(told: Mapping[str, Floats], left: Floats) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axis = figure.subplots()
    axis.axhline(1.0, color="0.7", linewidth=1)
    part = np.arange(1, len(left) + 1) / len(left)
    for place, (name, p) in enumerate(told.items()):
        caught = np.cumsum(left[np.argsort(-p, kind="stable")]) / left.sum()
        axis.plot(part[20:], (caught / part)[20:], label=name, linewidth=2 if not place else 1)
    axis.set(xlabel="share of customers, riskiest first", ylabel="lift", xlim=(0, 1))
    axis.legend(fontsize=8)
    return figure


def _roc(told: Mapping[str, Floats], left: Floats) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for place, (name, p) in enumerate(told.items()):
        false, true = roc(p, left, np.ones(len(p)))
        axis.plot(false / false[-1], true / true[-1], label=name, linewidth=2 if not place else 1)
    axis.set(xlabel="false alarms", ylabel="found", xlim=(0, 1), ylim=(0, 1))
    axis.legend(fontsize=8)
    return figure
