"""Draws a day: tickets with what is true of them, and what the models say."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.schema import Customer
from models.priority import LEVELS
from training.config import QueueConfig

__all__ = ["OVERLOAD", "OVERLOAD_HOURS", "Day", "draw_day", "draw_overload"]

SAID: Final = Path(__file__).parents[1] / "data" / "queue_urgency.csv"
Floats = npt.NDArray[np.float64]
# Three days after a failed update, say: what urgent tickets alone take is more than there is, so that an order without
# a bound never comes to the others.
OVERLOAD: Final = 1.2
OVERLOAD_HOURS: Final = 72.0


@dataclass(frozen=True, slots=True)
class Day:
    """The n tickets of a day, by time.

    Attributes
    ----------
    came : ndarray of float64, (n,)
        The hour of the clock; not before opening.
    level : ndarray of int64, (n,)
        What each is: the place in `models.priority.LEVELS`.
    minutes : ndarray of float64, (n,)
        What the answer takes.
    leaves : ndarray of bool, (n,)
        Whether the customer is about to leave.
    value : ndarray of float64, (n,)
        What the customer is worth, yuan a year.
    said : list of dict
        Of each ticket the probability of every level, as triage gives it.
    risk : list of (float or None)
        As churn gives it; None where the customer is not known.
    customers : list of (Customer or None)
    """

    came: Floats
    level: npt.NDArray[np.int64]
    minutes: Floats
    leaves: npt.NDArray[np.bool_]
    value: Floats
    said: list[Mapping[str, float]]
    risk: list[float | None]
    customers: list[Customer | None]


@lru_cache(maxsize=1)
def _what_triage_said() -> dict[int, list[dict[str, float]]]:
    """Give by true level what triage said of real tickets that it did not learn from."""
    found: dict[int, list[dict[str, float]]] = {i: [] for i in range(len(LEVELS))}
    with SAID.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[LEVELS.index(row["level"])].append({key: float(row[f"said_{key}"]) for key in LEVELS})
    return found


def _arrivals(config: QueueConfig, opening: float, rng: np.random.Generator) -> Floats:
    """Draw a Poisson number for each hour, spread evenly in it; the night's tickets come at opening."""
    counts = rng.poisson(config.per_hour)
    hours = np.repeat(np.arange(24), counts) + rng.random(int(counts.sum()))
    closing = max(float(shift["end"]) for shift in config.shifts)
    # After closing they belong to the next morning, whose night lies before this opening.
    hours = np.where(hours >= closing, opening, np.maximum(hours, opening))
    return np.sort(hours)


def draw_day(config: QueueConfig, number: int) -> Day:
    """Draw one day; the same number gives the same day."""
    rng = np.random.default_rng([config.seed, number])
    opening = min(float(shift["start"]) for shift in config.shifts)
    return _tickets(config, _arrivals(config, opening, rng), rng)


def draw_overload(config: QueueConfig, number: int, agents: int) -> Day:
    """Draw `OVERLOAD_HOURS` around the clock in which more comes than `agents` can do."""
    rng = np.random.default_rng([config.seed, number, agents])
    minutes = sum(config.levels[key] * config.minutes[key] for key in LEVELS) * np.exp(config.spread**2 / 2)
    count = rng.poisson(OVERLOAD * agents * OVERLOAD_HOURS * 60 / minutes)
    return _tickets(config, np.sort(rng.random(count) * OVERLOAD_HOURS), rng)


def _tickets(config: QueueConfig, came: Floats, rng: np.random.Generator) -> Day:
    n = len(came)
    shares = np.array([config.levels[key] for key in LEVELS])
    level = rng.choice(len(LEVELS), n, p=shares / shares.sum())
    median = np.array([config.minutes[key] for key in LEVELS])[level]
    risk = np.interp(rng.random(n), np.linspace(0, 1, len(config.risks)), config.risks)
    value = config.value * np.exp(config.value_spread * rng.standard_normal(n))
    known = rng.random(n) < config.known
    said = _what_triage_said()
    pick: Any = rng.random(n)
    return Day(
        came,
        level,
        median * np.exp(config.spread * rng.standard_normal(n)),
        rng.random(n) < risk,
        value,
        [said[k][int(p * len(said[k]))] for k, p in zip(level, pick, strict=True)],
        [float(r) if k else None for r, k in zip(risk, known, strict=True)],
        [Customer("", yearly_value=float(v)) if k else None for v, k in zip(value, known, strict=True)],
    )
