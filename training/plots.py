"""The plots of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from models.heads import Probabilities
from training.matrices import Targets
from training.metrics import reliability
from training.shots.curve import Point

__all__ = ["confusion_plot", "curve_plot", "reliability_plot"]

mpl.use("Agg")


def reliability_plot(p: Probabilities, target: Targets, rows: Any) -> Figure:
    """Probability against share right, on held-out tickets; the diagonal is perfect."""
    c, _, u = target.sizes
    truth = target.values[rows]
    fields = {"category": (p.category, truth[:, :c].argmax(axis=1))}
    if u:
        fields["urgency"] = (p.urgency, u - np.nan_to_num(truth[:, -u:]).sum(axis=1).astype(int))
    figure = Figure(figsize=(4 * len(fields), 4), layout="constrained")
    for axis, (name, (chance, labels)) in zip(np.ravel(figure.subplots(1, len(fields))), fields.items(), strict=True):
        bins = reliability(chance.max(axis=1), chance.argmax(axis=1) == labels)
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axis.plot([b[0] for b in bins], [b[1] for b in bins], marker="o")
        for mean, share, n in bins:
            axis.annotate(str(n), (mean, share), textcoords="offset points", xytext=(4, -10), fontsize=7)
        axis.set(title=name, xlabel="probability", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    return figure


def confusion_plot(p: Probabilities, target: Targets, rows: Any, names: Sequence[str]) -> Figure:
    """Truth by row, answer by column, in tickets."""
    c = target.sizes[0]
    counts = np.zeros((c, c), int)
    np.add.at(counts, (target.values[rows][:, :c].argmax(axis=1), p.category.argmax(axis=1)), 1)
    side = 3 + 0.25 * c
    figure = Figure(figsize=(side, side), layout="constrained")
    axis = figure.subplots()
    axis.imshow(counts / np.maximum(1, counts.sum(axis=1, keepdims=True)), cmap="Blues", vmin=0, vmax=1)
    if c <= 20:  # more numbers cannot be read
        for (i, j), n in np.ndenumerate(counts):
            axis.text(j, i, str(n), ha="center", va="center", fontsize=8)
    axis.set(xticks=range(c), yticks=range(c), yticklabels=names, xlabel="answer", ylabel="truth")
    axis.set_xticklabels(names, rotation=90)
    return figure


def curve_plot(points: Sequence[Point]) -> Figure:
    """Accuracy on the test by rows trained on: mean of the draws, its 95 % interval, and every draw."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    x = [p.rows for p in points]
    for name, colour in (("category_accuracy", "C0"), ("category_macro_f1", "C1")):
        told = [p.interval(name) for p in points]
        axis.plot(x, [mean for mean, _, _ in told], color=colour, marker="o", label=name.removeprefix("category_"))
        if name == "category_accuracy":
            axis.fill_between(x, [t[1] for t in told], [t[2] for t in told], color=colour, alpha=0.2, linewidth=0)
            for point in points:
                values = point.figures[name]
                axis.plot([point.rows] * len(values), values, ".", color=colour, alpha=0.5)
    axis.set(xscale="log", xticks=x, xlabel="rows a class (and in all)", ylabel="on the test")
    axis.set_xticklabels([f"{p.name}\n({p.rows:.0f})" for p in points])
    axis.minorticks_off()
    axis.legend()
    return figure
