"""The orders of answering that are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from features.schema import Customer
from models.priority import LEVELS, Weights, prioritise
from training.config import QueueConfig
from training.queue.day import Day
from training.queue.floor import Order

__all__ = ["ORDERS"]


def _fifo(day: Day, _config: QueueConfig, _weights: Weights) -> Order:
    """First in, first out."""
    return lambda i, _now: (float(day.came[i]),)


def _buckets(day: Day, _config: QueueConfig, _weights: Weights) -> Order:
    """All p1 first, then all p2, …; inside, first in, first out."""
    level = [LEVELS.index(max(said, key=lambda key: said[key])) for said in day.said]
    return lambda i, _now: (float(level[i]), float(day.came[i]))


def _scored(day: Day, config: QueueConfig, weights: Weights, *, churn: bool) -> Order:
    """Follow `models.priority`, scored anew every few minutes as a desk would."""
    every = config.rescore / 60.0
    memory: dict[tuple[int, int], float] = {}

    def order(i: int, now: float) -> tuple[float, ...]:
        age = int((now - day.came[i]) / every)
        if (i, age) not in memory:
            customer: Customer | None = day.customers[i] if churn else None
            risk = day.risk[i] if churn else None
            memory[i, age] = -prioritise(day.said[i], risk, customer, age * every, "en", weights).score
        return memory[i, age], float(day.came[i])

    return order


def _ours(day: Day, config: QueueConfig, weights: Weights) -> Order:
    """Go by expected loss, clock and bound."""
    return _scored(day, config, weights, churn=True)


def _without_churn(day: Day, config: QueueConfig, weights: Weights) -> Order:
    """Take all customers for the average one."""
    return _scored(day, config, weights, churn=False)


ORDERS: Final[dict[str, Callable[[Day, QueueConfig, Weights], Order]]] = {
    "first in, first out": _fifo,
    "urgency buckets": _buckets,
    "ours without churn": _without_churn,
    "ours": _ours,
}
