"""What comes first: danger, then who has waited too long, then the larger loss; with reasons, and always the same."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import ConfigError
from features.schema import Customer, Priority
from models.priority import DEFAULT_PATH, LEVELS, default_weights, expected_loss, parse_weights, prioritise

PAGE = DEFAULT_PATH.read_text(encoding="utf-8")
WEIGHTS = default_weights()
CHANCES = st.lists(st.floats(0.001, 1), min_size=4, max_size=4).map(
    lambda p: dict(zip(LEVELS, (x / sum(p) for x in p), strict=True))
)
CUSTOMERS = st.none() | st.builds(
    Customer,
    st.just("c"),
    yearly_value=st.none() | st.floats(0, 1e6),
    vip=st.none() | st.booleans(),
    tickets_30d=st.none() | st.integers(0, 10**6).map(float),
    unresolved=st.none() | st.integers(0, 10**6).map(float),
)
RISKS = st.none() | st.floats(0, 1)
HOURS = st.floats(0, 87_600)


def level(levels: dict[str, float]) -> str:
    return max(levels, key=lambda key: levels[key])


@given(CHANCES, RISKS, CUSTOMERS, HOURS)
def test_the_score_lies_between_0_and_1_with_reasons(
    levels: dict[str, float], risk: float | None, customer: Customer | None, waited: float
) -> None:
    told = prioritise(levels, risk, customer, waited)
    assert 0 < told.score <= 1
    assert told.reasons
    assert told == prioritise(levels, risk, customer, waited)


@given(CHANCES, st.floats(0, 1), st.floats(0, 1), CUSTOMERS, HOURS)
def test_dir_a_higher_risk_never_comes_later(
    levels: dict[str, float], one: float, two: float, customer: Customer | None, waited: float
) -> None:
    low, high = sorted((one, two))
    assert prioritise(levels, low, customer, waited).score <= prioritise(levels, high, customer, waited).score


@given(CHANCES, RISKS, CUSTOMERS, HOURS, HOURS)
def test_dir_waiting_never_moves_a_ticket_back(
    levels: dict[str, float], risk: float | None, customer: Customer | None, one: float, two: float
) -> None:
    early, late = sorted((one, two))
    assert prioritise(levels, risk, customer, early).score <= prioritise(levels, risk, customer, late).score


@given(CHANCES, RISKS, CUSTOMERS, st.floats(0, 1))
def test_dir_more_of_p1_never_comes_later(
    levels: dict[str, float], risk: float | None, customer: Customer | None, share: float
) -> None:
    worse = {k: p * (1 - share) + (share if k == "p1" else 0) for k, p in levels.items()}
    assert prioritise(worse, risk, customer).score >= prioritise(levels, risk, customer).score - 1e-4  # rounded


@given(CHANCES, RISKS, CUSTOMERS, HOURS, CHANCES, RISKS, CUSTOMERS, HOURS)
def test_danger_then_the_bound_then_loss(
    levels: dict[str, float],
    risk: float | None,
    customer: Customer | None,
    waited: float,
    other_levels: dict[str, float],
    other_risk: float | None,
    other_customer: Customer | None,
    other_waited: float,
) -> None:
    """Nobody who waits past the bound is overtaken but by danger, and by who has waited longer."""
    one = prioritise(levels, risk, customer, waited).score
    other = prioritise(other_levels, other_risk, other_customer, other_waited).score
    if level(levels) == "p1" != level(other_levels):
        assert one >= other
    if "p1" not in (level(levels), level(other_levels)) and waited > WEIGHTS.bound_hours and waited >= other_waited:
        assert one >= other


def test_mft_the_order_of_a_morning() -> None:
    risky = Customer("c", yearly_value=600.0)
    queue = {
        "smoke": prioritise({"p1": 0.98, "p3": 0.02}),
        "forgotten invoice": prioritise({"p3": 1.0}, waited=30),
        "angry": prioritise({"p1": 0.1, "p2": 0.9}),
        "refund": prioritise({"p2": 1.0}),
        "question of somebody about to leave": prioritise({"p3": 1.0}, risk=0.8, customer=risky),
        "question nearly late": prioritise({"p3": 1.0}, waited=7.8),
        "question": prioritise({"p3": 1.0}, risk=0.1),
        "thanks of somebody about to leave": prioritise({"p4": 1.0}, risk=0.9, customer=risky),
    }
    found = sorted(queue, key=lambda name: -queue[name].score)
    assert found == [
        "smoke",
        "forgotten invoice",
        "angry",
        "refund",
        "question nearly late",
        "question of somebody about to leave",
        "question",
        "thanks of somebody about to leave",
    ]


def codes(told: Priority) -> list[str]:
    return [reason.code for reason in told.reasons]


def test_reasons_say_what_counts_the_larger_first() -> None:
    assert codes(prioritise({"p1": 1.0}))[0] == "danger"
    assert codes(prioritise({"p3": 1.0}, waited=25))[0] == "bound"
    assert codes(prioritise({"p3": 1.0}, risk=0.9))[0] == "churn"
    assert "unknown_risk" in codes(prioritise({"p3": 1.0}))
    assert "repeats" in codes(prioritise({"p3": 1.0}, 0.1, Customer("c", tickets_30d=2.0, unresolved=1.0)))
    told = prioritise({"p3": 1.0}, 0.9, Customer("c", vip=True), 7.9, "zh").reasons
    assert [r.message for r in told] == [
        "已用去时限的 99%：加 ¥9.6", "流失风险 90%：预计损失 ¥4.8", "紧急程度 p3：每拖一小时预计损失 ¥2.0",
    ]  # fmt: skip
    english = prioritise({"p3": 1.0}, 0.9, None, 0.0, "en").reasons[0].message
    assert english == "risk of leaving 90%: may cost ¥2.4"


def test_parts_are_the_formula_of_the_page() -> None:
    parts = {p.code: p.loss for p in expected_loss({"p2": 0.5, "p3": 0.5}, 0.5, Customer("c", vip=True), 2.0, WEIGHTS)}
    assert parts["urgency"] == pytest.approx(0.5 * 20 + 0.5 * 2)
    assert parts["churn"] == pytest.approx(0.5 * 150 * 2 * 0.15 * (1 - math.exp(-1 / 8)))
    assert parts["clock"] == pytest.approx(10)
    assert parts["repeats"] == 0


def test_a_taxonomy_without_urgency_has_a_priority() -> None:
    assert prioritise({}, 0.9).score > prioritise({}, 0.1).score
    assert prioritise({"vague": 1.0}).reasons


def test_a_hundred_repeats_are_no_way_to_the_front() -> None:
    some, many = (prioritise({"p3": 1.0}, 0.1, Customer("c", tickets_30d=n)).score for n in (5.0, 1e6))
    assert some == many


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("value: 150", "value: -1", "value"),
        ("value: 150", "value: true", "value"),
        ("value: 150", "value: lots", "value"),
        ("value: 150", "value: .inf", "value"),
        ("value: 150", "valeu: 150", "exactly"),
        ("half: 20", "", "exactly"),
        ("half: 20", "half: 20\nhalf: 60", "written twice"),
        ("p4: 0.2}", "p5: 0.2}", "cost"),
        ("p4: 24}", "p4: 0}", "target_hours.p4"),
        ("version: 1", "version: 2", "version 1"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(old: str, new: str, told: str) -> None:
    assert old in PAGE
    with pytest.raises(ConfigError, match=told):
        parse_weights(PAGE.replace(old, new, 1))


def test_every_weight_has_its_reason() -> None:
    """Above each weight of the page stands a comment."""
    lines = PAGE.splitlines()
    bare = [line for before, line in pairwise(lines) if line[:1].isalpha() and before[:1] != "#"]
    assert bare == []
