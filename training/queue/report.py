"""What an order of answering is worth: a table with intervals over days, and a plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from models.priority import LEVELS, Weights, default_weights
from training.config import QueueConfig
from training.facts import markdown
from training.queue.day import OVERLOAD, OVERLOAD_HOURS, Day, Floats, draw_day, draw_overload
from training.queue.floor import work
from training.queue.orders import ORDERS

__all__ = ["FIGURES", "Report", "compare_orders", "day_figures", "simulate", "write_table"]

mpl.use("Agg")

FIGURES: Final = ("late_p1", "late_p2", "wait_p1", "wait_p2", "wait_p3", "wait_p4", "longest", "loss")
_SAID: Final = {
    "late_p1": "late p1, %",
    "late_p2": "late p2, %",
    "wait_p1": "mean wait p1, h",
    "wait_p2": "p2, h",
    "wait_p3": "p3, h",
    "wait_p4": "p4, h",
    "longest": "longest wait, h",
    "loss": "loss, ¥ a day",
}
_RESAMPLED: Final = 2000
# Who work around the clock where there is too much to do.
AGENTS: Final = 3


def loss(day: Day, waited: Floats, weights: Weights) -> Floats:
    """Give what each ticket's waiting cost in truth, in yuan: by what it is, not by what the models say, ``(n,)``.

    Every hour costs what its level costs, a missed target its penalty; and of the value of who is about to leave, the
    part that an answer at once would have kept fades.
    """
    target = np.array([weights.target_hours[key] for key in LEVELS])[day.level]
    cost = np.array([weights.cost[key] for key in LEVELS])[day.level]
    kept = day.leaves * day.value * weights.swayed * (day.level < LEVELS.index("p4"))
    out: Floats = cost * waited + weights.late * (waited > target) + kept * -np.expm1(-waited / weights.fades_hours)
    return out


def day_figures(day: Day, waited: Floats, weights: Weights) -> dict[str, float]:
    """Give `FIGURES` of a day; NaN where a level did not occur."""
    out = {"longest": float(waited.max()), "loss": float(loss(day, waited, weights).sum())}
    for place, key in enumerate(LEVELS):
        mine = waited[day.level == place]
        out[f"wait_{key}"] = float(mine.mean()) if len(mine) else np.nan
        out[f"late_{key}"] = float((mine > weights.target_hours[key]).mean()) * 100 if len(mine) else np.nan
    return {name: out[name] for name in FIGURES}


def compare_orders(
    config: QueueConfig, weights: Weights, truth: Weights | None = None, *, overload: bool = False
) -> dict[str, dict[str, Floats]]:
    """Let every order meet the same days.

    Parameters
    ----------
    config : QueueConfig
    weights : Weights
        What the orders believe.
    truth : Weights or None
        What waiting costs in truth; by default the same.
    overload : bool
        Three days around the clock in which more comes than can be done, instead of a day.

    Returns
    -------
    dict of str to dict of str to ndarray of float64, (days,)
        Every figure of every day, by order.
    """
    found: dict[str, dict[str, list[float]]] = {name: {f: [] for f in FIGURES} for name in ORDERS}
    for number in range(config.days):
        day = draw_overload(config, number, AGENTS) if overload else draw_day(config, number)
        shifts = [{"start": 0.0, "end": OVERLOAD_HOURS, "agents": AGENTS}] if overload else config.shifts
        for name, make in ORDERS.items():
            waited = work(day, make(day, config, weights), shifts)
            for figure, value in day_figures(day, waited, truth or weights).items():
                found[name][figure].append(value)
    return {name: {f: np.array(v) for f, v in rows.items()} for name, rows in found.items()}


def interval(days: Floats, seed: int = 0) -> tuple[float, float, float]:
    """Give the mean over days and its 95 % interval, by resampling days; days without a value do not count."""
    days = days[~np.isnan(days)]
    drawn = np.random.default_rng(seed).choice(days, (_RESAMPLED, len(days))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(days.mean()), float(low), float(high)


def write_table(found: Mapping[str, Mapping[str, Floats]], against: str = "first in, first out") -> str:
    """Write all figures as Markdown, and the loss against another order day by day."""
    head = ["order", *(_SAID[f] for f in FIGURES), "loss saved, ¥ a day"]
    rows = []
    for name, row in found.items():
        cells = ["{:.1f} ({:.1f}–{:.1f})".format(*interval(row[f])) for f in FIGURES]
        saved = (
            "" if name == against else "{:.0f} ({:.0f}–{:.0f})".format(*interval(found[against]["loss"] - row["loss"]))
        )
        rows.append([name, *cells, saved])
    return markdown(head, rows)


def plot(found: Mapping[str, Mapping[str, Floats]]) -> Figure:
    """Draw late p1, mean waits and loss, each with its interval."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    late, waits, lost = figure.subplots(1, 3, width_ratios=[1, 2, 1])
    for place, (name, row) in enumerate(found.items()):
        for axis, figures in ((late, ["late_p1"]), (waits, [f"wait_{k}" for k in LEVELS]), (lost, ["loss"])):
            told = [interval(row[f]) for f in figures]
            at = np.arange(len(figures)) + place * 0.2
            error = [[t[0] - t[1] for t in told], [t[2] - t[0] for t in told]]
            axis.bar(at, [t[0] for t in told], 0.18, yerr=error, capsize=2, label=name)
    late.set(title="late p1, %", xticks=[])
    waits.set(title="mean wait, hours", xticks=np.arange(len(LEVELS)) + 0.3, xticklabels=LEVELS)
    lost.set(title="loss, ¥ a day", xticks=[])
    waits.legend(fontsize=8)
    return figure


def _wrong(weights: Weights, factor: float) -> dict[str, Weights]:
    """Give truths that are not what the orders believe."""
    costs = {"what churn costs": replace(weights, swayed=weights.swayed * factor)}
    costs["what urgency costs"] = replace(weights, cost={k: v * factor for k, v in weights.cost.items()})
    return costs


@dataclass(frozen=True, slots=True)
class Report:
    """What a simulation told: Markdown, mean figures by order, and a plot."""

    text: str
    metrics: dict[str, dict[str, float]]
    plot: Figure


def simulate(config: QueueConfig, out: Path) -> Report:
    """Compare all orders, and write ``queue.md`` and ``queue.png`` into a folder."""
    weights = default_weights()
    found = compare_orders(config, weights)
    text = [f"{config.days} days; in brackets 95 % intervals over days.\n", write_table(found)]
    few, fewer = (replace(config, days=max(2, config.days // k)) for k in (8, 4))
    text.append(f"\nThree days around the clock with {OVERLOAD - 1:.0%} too much to do ({few.days} times):\n")
    text.append(write_table(compare_orders(few, weights, overload=True)))
    for factor in (1 / 3, 3.0):
        for name, truth in _wrong(weights, factor).items():
            text.append(f"\nIf {name} is {factor:.2g} times what the page of weights says ({fewer.days} days):\n")
            text.append(write_table(compare_orders(fewer, weights, truth)))
    out.mkdir(parents=True, exist_ok=True)
    (out / "queue.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    figure = plot(found)
    figure.savefig(out / "queue.png", dpi=110)
    metrics = {name: {f: interval(row[f])[0] for f in FIGURES} for name, row in found.items()}
    return Report("\n".join(text), metrics, figure)
