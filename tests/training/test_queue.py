"""The simulated desk does what a queue does, and the orders are what they are called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ConfigError
from models.priority import LEVELS, Weights, default_weights, prioritise
from training.config import QueueConfig, load_queue_config
from training.queue.day import Day, draw_day, draw_overload
from training.queue.floor import work
from training.queue.orders import ORDERS
from training.queue.report import FIGURES, compare_orders, day_figures, interval, loss, write_table

CONFIG = load_queue_config(["days=2", "per_hour=[" + ",".join(["5"] * 24) + "]"])
ONE = [{"start": 0.0, "end": 24.0, "agents": 1}]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return default_weights()


def hand_made(came: list[float], minutes: list[float], level: list[int]) -> Day:
    n = len(came)
    said = [{key: float(key == LEVELS[k]) for key in LEVELS} for k in level]
    return Day(np.array(came), np.array(level), np.array(minutes), np.zeros(n, bool), np.full(n, 100.0), said,
               [None] * n, [None] * n)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), st.floats(1, 90)), min_size=1, max_size=30))
def test_one_agent_in_order_is_lindleys_recursion(tickets: list[tuple[float, float]]) -> None:
    tickets.sort()
    day = hand_made([t[0] for t in tickets], [t[1] for t in tickets], [2] * len(tickets))
    free, expected = 0.0, []
    for came, minutes in tickets:
        begins = max(came, free)
        expected.append(begins - came)
        free = begins + minutes / 60
    waited = work(day, lambda i, _now: (float(i),), ONE)
    np.testing.assert_allclose(waited, expected, atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_every_ticket_is_answered_once_whatever_the_order(order: str, weights: Weights) -> None:
    day = draw_day(CONFIG, 0)
    waited = work(day, ORDERS[order](day, CONFIG, weights), CONFIG.shifts)
    assert not np.isnan(waited).any()
    assert (waited >= 0).all()


def test_nobody_works_before_the_shift_and_no_ticket_begins_after_it() -> None:
    day = hand_made([9.0, 9.0, 9.0], [90.0, 90.0, 90.0], [2, 2, 2])
    shifts = [{"start": 10.0, "end": 11.0, "agents": 1}, {"start": 12.0, "end": 13.0, "agents": 1}]
    waited = work(day, lambda i, _now: (float(i),), shifts)
    assert waited.tolist() == [1.0, 3.0, 4.5]  # the last shift stays until all is answered


def test_a_day_is_the_same_again_and_another_is_not() -> None:
    one, two, other = draw_day(CONFIG, 1), draw_day(CONFIG, 1), draw_day(CONFIG, 2)
    assert (one.came == two.came).all()
    assert one.said == two.said
    assert len(one.came) != len(other.came) or (one.came != other.came).any()
    assert (np.diff(one.came) >= 0).all()
    assert one.came.min() >= 9


def test_buckets_and_fifo_are_what_they_are_called(weights: Weights) -> None:
    day = hand_made([9.0, 9.1, 9.2, 9.3], [60.0] * 4, [2, 3, 2, 0])
    fifo, buckets = (
        work(day, ORDERS[o](day, CONFIG, weights), ONE) for o in ("first in, first out", "urgency buckets")
    )
    assert fifo.argsort().tolist() == [0, 1, 2, 3]
    assert (day.came + buckets).argsort().tolist() == [0, 3, 2, 1]


def test_ours_is_the_priority(weights: Weights) -> None:
    day = draw_day(CONFIG, 0)
    order = ORDERS["ours"](day, CONFIG, weights)
    now = float(day.came[10] + 2)
    every = CONFIG.rescore / 60
    for i in range(10):
        waited = int((now - day.came[i]) / every) * every
        told = prioritise(day.said[i], day.risk[i], day.customers[i], waited, "en", weights)
        assert order(i, now)[0] == -told.score


def test_no_order_with_a_bound_starves_anybody(weights: Weights) -> None:
    """Where far too much comes, a bucket lets the least urgent lie to the end; ours comes to them after the bound."""
    short = replace(weights, bound_hours=4.0)
    day = draw_overload(CONFIG, 0, agents=1)
    keep = day.came < 20
    n = int(keep.sum())
    day = Day(day.came[:n], day.level[:n], day.minutes[:n] * 1.5, day.leaves[:n], day.value[:n], day.said[:n],
              day.risk[:n], day.customers[:n])  # fmt: skip
    shifts = [{"start": 0.0, "end": 20.0, "agents": 1}]
    buckets, ours, fifo = (
        work(day, ORDERS[o](day, CONFIG, short), shifts) for o in ("urgency buckets", "ours", "first in, first out")
    )
    calm = day.level == LEVELS.index("p4")
    assert buckets[calm].max() > 1.5 * ours[calm].max()
    # Past the bound it is first in, first out: nobody waits much longer than there.
    assert ours[calm].max() <= max(4.0, fifo.max()) + 2


def test_loss_is_what_waiting_costs_in_truth(weights: Weights) -> None:
    day = hand_made([9.0, 9.0], [5.0, 5.0], [0, 2])
    assert loss(day, np.zeros(2), weights).tolist() == [0, 0]
    told = loss(day, np.array([1.0, 1.0]), weights)
    assert told.tolist() == [400 + 10, 2]
    leaving = replace(day, leaves=np.array([False, True]))
    assert loss(leaving, np.array([0.0, 1e6]), weights)[1] == pytest.approx(2e6 + 10 + 100 * 0.15)
    assert set(day_figures(day, np.ones(2), weights)) == set(FIGURES)


def test_a_table_has_every_order_and_figure(weights: Weights) -> None:
    table = write_table(compare_orders(CONFIG, weights))
    assert all(f"| {name} |" in table for name in ORDERS)
    assert len({line.count("|") for line in table.splitlines()}) == 1


def test_an_interval_holds_its_mean() -> None:
    mean, low, high = interval(np.array([1.0, 2.0, np.nan, 6.0]))
    assert (mean, low < 3 < high) == (3.0, True)


@pytest.mark.parametrize("knob", ["days=1", "per_hour=[1.0]", "shifts=[{start: 9, end: 8, agents: 1}]", "known=2.0"])
def test_days_that_cannot_be(knob: str) -> None:
    with pytest.raises(ConfigError):
        load_queue_config([knob])


def test_knobs_are_a_config() -> None:
    assert isinstance(load_queue_config(), QueueConfig)
    assert sum(load_queue_config().levels.values()) == pytest.approx(1, abs=0.01)
