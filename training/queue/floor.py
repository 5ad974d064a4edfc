"""Agents who take tickets from a queue, one by one, in an order that is given: a discrete-event simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import simpy

from training.queue.day import Day, Floats

__all__ = ["Order", "work"]

# Of a ticket and the hour: the smallest goes first.
Order = Callable[[int, float], tuple[float, ...]]


class _Floor:
    """The queue of a day, and who works on it."""

    def __init__(self, day: Day, order: Order, opening: float) -> None:
        self.day, self.order = day, order
        self.env = simpy.Environment(initial_time=opening)
        self.queue: list[int] = []
        self.waited: Floats = np.full(len(day.came), np.nan)
        self.left = len(day.came)
        self.news = self.env.event()

    def tickets(self) -> Iterator[Any]:
        """Let tickets come."""
        for i, hour in enumerate(self.day.came):
            if hour > self.env.now:
                yield self.env.timeout(hour - self.env.now)
            self.queue.append(i)
            self._tell()

    def _tell(self) -> None:
        """Wake whoever has nothing to do."""
        self.news.succeed()
        self.news = self.env.event()

    def agent(self, start: float, end: float) -> Iterator[Any]:
        """Work a shift; a ticket that was begun is finished."""
        yield self.env.timeout(max(0.0, start - self.env.now))
        while self.env.now < end and self.left:
            if not self.queue:
                yield self.news | self.env.timeout(min(end, 1e6) - self.env.now)
                continue
            now = self.env.now
            ticket = min(self.queue, key=lambda i: self.order(i, now))
            self.queue.remove(ticket)
            self.waited[ticket] = now - self.day.came[ticket]
            self.left -= 1
            if not self.left:
                self._tell()
            yield self.env.timeout(self.day.minutes[ticket] / 60.0)


def work(day: Day, order: Order, shifts: Sequence[Mapping[str, float]]) -> Floats:
    """Let a day happen.

    Parameters
    ----------
    day : Day
    order : callable
    shifts : sequence of mapping
        ``start``, ``end`` (hours of the clock) and ``agents``; those who end last stay until all is answered.

    Returns
    -------
    ndarray of float64, (n,)
        The hours that each ticket waited for its answer to begin.
    """
    floor = _Floor(day, order, min(shift["start"] for shift in shifts))
    floor.env.process(floor.tickets())
    last = max(shift["end"] for shift in shifts)
    for shift in shifts:
        for _ in range(int(shift["agents"])):
            floor.env.process(floor.agent(shift["start"], np.inf if shift["end"] == last else shift["end"]))
    floor.env.run()
    return floor.waited
