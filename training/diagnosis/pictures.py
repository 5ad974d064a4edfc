"""The plots and sheets of a diagnosis run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from features.photo import read_photo
from training.diagnosis.fit import Lesson
from training.diagnosis.judge import Floats, Held

__all__ = ["confusion_by_source", "curve_plot", "worst_errors"]

mpl.use("Agg")

CELL: Final = 240
COLUMNS: Final = 8


def curve_plot(curve: Sequence[dict[str, float]]) -> Figure:
    """Plot the losses over the pictures seen."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for name in ("decision", "heat"):
        axis.plot([c["pictures"] for c in curve], [c[name] for c in curve], label=name)
    axis.set(xlabel="pictures", ylabel="loss", yscale="log")
    axis.legend()
    return figure


def confusion_by_source(p: Floats, held: Held, at: Lesson) -> Figure:
    """Truth and source by row, answer by column, in photos."""
    truth, answer = at.truth[held.rows], p.argmax(axis=1)
    pairs = [(int(t), at.table.rows[r].source) for t, r in zip(truth, held.rows, strict=True)]
    rows = sorted(set(pairs))
    counts = np.zeros((len(rows), len(at.conditions)), int)
    np.add.at(counts, ([rows.index(pair) for pair in pairs], answer), 1)
    figure = Figure(figsize=(3 + 0.5 * len(at.conditions), 2.5 + 0.3 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), n in np.ndenumerate(counts):
        if n:
            axis.text(j, i, str(n), ha="center", va="center", fontsize=7)
    names = [f"{at.conditions[t]} / {source}" for t, source in rows]
    axis.set(xticks=range(len(at.conditions)), yticks=range(len(rows)), yticklabels=names, xlabel="answer")
    axis.set_xticklabels(at.conditions, rotation=90)
    return figure


def worst_errors(p: Floats, held: Held, at: Lesson, most: int = 40) -> tuple[Image.Image, list[dict[str, Any]]]:
    """Show the photos that were wrong with the most confidence, and list them by path."""
    truth, answer = at.truth[held.rows], p.argmax(axis=1)
    wrong = np.flatnonzero(answer != truth)
    wrong = wrong[np.argsort(-p[wrong].max(axis=1), kind="stable")][:most]
    sheet = Image.new("RGB", (CELL * COLUMNS, CELL * max(1, -(-len(wrong) // COLUMNS))), (60, 60, 60))
    pen = ImageDraw.Draw(sheet)
    listed = []
    for n, i in enumerate(wrong):
        x, y = n % COLUMNS * CELL, n // COLUMNS * CELL
        shown = Image.fromarray(read_photo(at.table.data(int(held.rows[i])), long_side=CELL).pixels)
        sheet.paste(shown, (x, y))
        said = {
            "path": at.table.rows[held.rows[i]].path,
            "truth": at.conditions[truth[i]],
            "answer": at.conditions[answer[i]],
            "probability": round(float(p[i].max()), 3),
        }
        pen.rectangle((x, y + CELL - 26, x + CELL, y + CELL), fill=(0, 0, 0))
        words = f"{said['truth']}\n-> {said['answer']} {said['probability']}"
        pen.text((x + 3, y + CELL - 25), words, fill=(255, 220, 0), font_size=10)
        listed.append(said)
    return sheet, listed
