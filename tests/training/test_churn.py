"""Churn training: copies stay together, figures are scikit-learn's, and what is taken apart says what was fitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from features.errors import ConfigError
from models.churn import sigmoid
from models.codes import inputs, load_coders, owners
from models.tree_runner import TreeRunner
from models.trees import Trees
from tests.invented_customers import FIELDS, invented, write_csv
from training.churn.calibrate import calibrate, calibrated
from training.churn.copies import by_content, by_customer, customer_weights
from training.churn.export import export
from training.churn.figures import FIGURES, figures, with_intervals
from training.churn.judge import deal, held_out, judge
from training.churn.learn import fit_trees
from training.churn.matrix import blanked, build, coders
from training.churn.run import describe
from training.churn.table import SHARED, CustomerTable, read_table, shared_table
from training.churn.worth import column_costs, gap_costs
from training.config import load_churn_config

SMALL = ["trees=30", "rate=0.2", "repeats=1", "folds=3", "draws=20", "shuffles=1"]


def repeated(table: CustomerTable, rows: list[int], **changes: Any) -> CustomerTable:
    """Give a table of some rows of another; `changes` raise numbers of the second half."""
    half = len(rows) // 2
    values = {name: [column[i] for i in rows] for name, column in table.values.items()}
    for name, step in changes.items():
        values[name][half:] = [None if v is None else v + step for v in values[name][half:]]
    left = table.left[rows]
    return CustomerTable("x", "0", table.fields, values, left, [str(i) for i in range(len(rows))])


def together(group: Any, n: int) -> list[bool]:
    return [group[i] == group[i + n] for i in range(n)]


def test_equal_rows_are_one_customer() -> None:
    twice = repeated(invented(30), [*range(30), *range(30)])
    assert all(together(by_content(twice), 30))
    assert customer_weights(by_content(twice)).sum() == pytest.approx(len(np.unique(by_content(twice))))


def test_rows_of_one_identifier_are_one_customer() -> None:
    table = invented(60)
    ids = [str(i % 20) for i in range(60)]
    months = CustomerTable("x", "0", table.fields, table.values, table.left, ids)
    assert len(np.unique(by_content(months))) <= 20


def test_raised_and_changed_copies_are_found_and_strangers_are_not() -> None:
    table = invented(100, gaps=0.0)
    copies = repeated(
        table, [*range(100), *range(100)], tenure_months=1.0, complaints=1.0, satisfaction=1.0, orders=1.0
    )
    steps = dict.fromkeys(("tenure_months", "complaints", "satisfaction", "orders"), 1.0)
    assert not any(together(by_content(copies), 100))
    assert all(together(by_customer(copies, 0.99, steps), 100))
    changed = repeated(table, [*range(100), *range(100)], tenure_months=7.0)
    assert all(together(by_customer(changed, 0.8, {}), 100))
    assert len(np.unique(by_customer(table, 0.99, {}))) == len(np.unique(by_content(table)))


def test_no_fold_holds_what_another_learns_from() -> None:
    rng = np.random.default_rng(0)
    group, left = rng.integers(0, 80, 300), (rng.random(300) < 0.3).astype(float)
    seen = np.zeros(300, int)
    for train, held in deal(left, group, 5, 0):
        assert set(group[train]).isdisjoint(group[held])
        seen[held] += 1
    assert (seen == 1).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_figures_are_scikit_learns(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(200), 1 if ties else 9)
    left = (rng.random(200) < 0.1 + 0.6 * p).astype(float)
    weight = rng.integers(0, 4, 200).astype(float)
    left[:2], weight[:2] = (0, 1), 1
    auc, ap, brier, *_ = figures(p, left, weight)
    assert auc == pytest.approx(roc_auc_score(left, p, sample_weight=weight))
    assert ap == pytest.approx(average_precision_score(left, p, sample_weight=weight))
    assert brier == pytest.approx(brier_score_loss(left, p, sample_weight=weight))


def test_lift_and_calibration_are_what_they_say() -> None:
    left = np.array([1.0] * 10 + [0.0] * 90)
    assert figures(np.linspace(1, 0, 100), left, np.ones(100))[4] == pytest.approx(10)
    assert figures(np.full(100, 0.1), left, np.ones(100))[3:] == pytest.approx([0, 1])
    assert figures(np.full(100, 0.35), left, np.ones(100))[3] == pytest.approx(0.25)


def test_intervals_hold_their_figures() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(400)
    left = (rng.random(400) < p).astype(float)
    told = with_intervals([p, p**1.1], left, np.arange(400), 100, 0)
    assert all(told[f"{f}_low"] <= told[f] <= told[f"{f}_high"] for f in FIGURES)


def test_categories_come_first_and_only_levels_that_occur() -> None:
    matrix = build(invented(200), ["orders"])
    assert [f.name for f in matrix.fields] == ["device", "tenure_months", "complaints", "satisfaction", "vip"]
    assert matrix.levels[0] == ("phone", "tablet", "computer")
    assert np.nanmax(matrix.x[:, 0]) == 2
    assert np.isnan(matrix.x).any()


def test_a_free_field_is_held_to_no_trend_and_the_others_are() -> None:
    trends = {f.name: f.trend for f in build(invented(200), [], ["satisfaction"]).fields}
    assert (trends["satisfaction"], trends["complaints"]) == (0, 1)
    assert {f.name: f.trend for f in build(invented(200), []).fields}["satisfaction"] == -1


def test_only_known_deals() -> None:
    assert load_churn_config(["deal=customers"]).deal == "customers"
    with pytest.raises(ConfigError, match="content, customers"):
        load_churn_config(["deal=random"])


def test_blanking_leaves_what_is_left() -> None:
    x = np.arange(600.0).reshape(100, 6)
    again = blanked(x, 0)
    kept = ~np.isnan(again)
    assert again.shape == (100, 6)
    assert (again[kept] == x[kept]).all()
    assert 0.4 < kept.mean() < 0.6
    assert kept.all(axis=1).any(), "some rows stay whole"


def test_edges_stand_between_neighbours_or_quantiles() -> None:
    table = invented(2000)
    table.values["orders"][:] = np.arange(2000.0).tolist()
    found = {c.field.name: c for c in coders(build(table, []), np.arange(2000))}
    assert found["satisfaction"].edges.tolist() == [1.5, 2.5, 3.5, 4.5]
    assert (found["satisfaction"].low, found["satisfaction"].high) == (1, 5)
    assert len(found["orders"].edges) == 254
    assert np.diff(found["orders"].edges).min() > 0


KNOBS = [[], ["leaves=31"], ["leaves=2"], ["blanked=0"], ["min_rows=300"], ["forest=5", "leaves=31"]]


@pytest.mark.parametrize("overrides", KNOBS, ids=str)
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_what_is_taken_apart_says_what_was_fitted(overrides: list[str], gaps: float) -> None:
    table = invented(500, seed=3, gaps=gaps)
    matrix, config = build(table, []), load_churn_config([*SMALL, *overrides])
    weight = np.random.default_rng(0).random(500)
    model = fit_trees(matrix, np.arange(500), table.left, weight, config, 0)
    tensors = export(model, matrix, weight)
    found = tuple(load_coders(describe(matrix)["fields"], tensors))
    kinds = ["boosting", "forest"][: 1 + config.forest // 5]
    runners = [TreeRunner(Trees.load(tensors, kind), owners(found), len(found)) for kind in kinds]
    for some in (table, invented(300, seed=4, gaps=0.4)):
        codes = np.stack([c.codes(some.values[c.field.name]) for c in found], axis=1)
        seen = inputs(codes, found)
        said = [runner.base + runner.shares(seen).sum(axis=1) for runner in runners]
        np.testing.assert_allclose(said[0], model.boosting.decision_function(seen), atol=1e-5)
        if model.forest:
            own = seen[:, [c.field.trend == 0 or c.few for c in found for _ in range(c.width)]]
            np.testing.assert_allclose(said[1], model.forest.predict_proba(own)[:, 1], atol=1e-5)
    at_home = inputs(np.stack([c.codes(table.values[c.field.name]) for c in found], axis=1), found)
    for runner in runners:
        mean = np.average(runner.base + runner.shares(at_home).sum(axis=1), weights=weight)
        assert runner.base == pytest.approx(mean, abs=1e-5), "the average customer"


def test_copies_are_learnt_from_where_the_tables_steps_are_known() -> None:
    table = invented(300, gaps=0.0)
    config = load_churn_config([*SMALL, "forest=20", "blanked=0"])
    # Free of trends, so that the forest sees every field.
    free = build(table, [], ["tenure_months", "satisfaction"])
    matrix = replace(free, steps=np.array([0.0, 3.0, 0.0, 0.0, 2.0, 0.0]))
    apart = []
    for stepped in (0.0, 1.0):
        fitted = fit_trees(matrix, np.arange(300), table.left, np.ones(300), replace(config, stepped=stepped), 0)
        apart.append(np.abs(fitted.parts(matrix.x + matrix.steps)[:, 1] - table.left).mean())
    assert apart[1] < 0.7 * apart[0]
    strangers = replace(matrix, steps=np.zeros(6))
    fitted = fit_trees(strangers, np.arange(300), table.left, np.ones(300), replace(config, stepped=1.0), 0)
    assert np.abs(fitted.parts(matrix.x + matrix.steps)[:, 1] - table.left).mean() == pytest.approx(apart[0])


def parts(margins: Any, unknown: float = 0.0) -> Any:
    return np.stack([margins, np.zeros(len(margins)), np.full(len(margins), unknown)], axis=1)


def test_calibration_mends_what_is_too_sure() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(0, 2, 4000)
    left = (rng.random(4000) < sigmoid(0.5 * margins - 1)).astype(float)
    found = calibrate(parts(margins), left, np.ones(4000))
    assert found[0] == pytest.approx([0.5, 0, -1], abs=0.15)
    turned = calibrate(parts(-margins), left, np.ones(4000))
    assert turned[:, :2].min() >= 0, "risks are never turned around"
    assert turned[0, 0] > 0


def test_calibration_knows_how_much_is_known() -> None:
    rng = np.random.default_rng(1)
    margins, unknown = rng.normal(0, 2, 20_000), rng.random(20_000)
    left = (rng.random(20_000) < sigmoid((1 - 0.8 * unknown) * margins - 1 + unknown)).astype(float)
    told = parts(margins)
    told[:, 2] = unknown
    found = calibrate(told, left, np.ones(20_000))
    assert found[:, 0] == pytest.approx([1, 0.2], abs=0.15)
    assert found[:, 2] == pytest.approx([-1, 0], abs=0.15)
    assert calibrated(told, found).mean() == pytest.approx(left.mean(), abs=0.01)


def test_a_judgement_has_every_deal_and_rival() -> None:
    table = invented(400)
    matrix, config = build(table, []), load_churn_config(SMALL)
    groups = {"customers": by_content(table), "random": np.arange(400)}
    judged = judge(matrix, table.left, groups, config)
    rivals = {"logistic", "boosting", "deep boosting", "copy finder"}
    assert set(judged.metrics) == {d + r for d in groups for r in ("", *(f"/{x}" for x in rivals))}
    assert judged.metrics["customers"]["auc"] > 0.75
    assert judged.held.p.shape == (1, 400)
    assert set(judged.rivals) == rivals


def test_a_round_is_the_same_again_and_another_is_not() -> None:
    table = invented(300)
    matrix, config = build(table, []), load_churn_config(SMALL)
    one, two, other = (held_out(matrix, table.left, np.arange(300), config, r).parts for r in (0, 0, 1))
    assert (one == two).all()
    assert (one != other).any()


def test_columns_that_matter_are_missed_and_gaps_cost_less_when_learnt_with() -> None:
    table = invented(800)
    matrix, config = build(table, []), load_churn_config([*SMALL, "trees=60"])
    costs = column_costs(matrix, table.left, by_content(table), config)
    assert set(costs) == set(FIELDS)
    assert costs["tenure_months"]["dropped_auc"] > 0.03 > costs["vip"]["dropped_auc"]
    assert costs["tenure_months"]["shuffled_auc"] > costs["orders"]["shuffled_auc"]
    gaps = gap_costs(matrix, table.left, by_content(table), config)
    assert gaps["half known"]["brier"] < gaps["half known/learnt without gaps"]["brier"] + 0.01


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    table = invented(300)
    read = read_table(write_csv(table, tmp_path / "own.csv"), None)
    assert read.name == "own"
    assert (read.left == table.left).all()
    assert all(list(read.values[f]) == list(table.values[f]) for f in FIELDS)
    assert {f.name for f in read.fields} == set(FIELDS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.replace("churn", "left"), "who left"),
        (lambda t: t.replace(",1\n", ",maybe\n"), "churn must be one of"),
        (lambda t: t + "9,-5,0,1,1,phone,True,0\n", "line 302: tenure_months"),
        (lambda t: t + "9,1\n", "line 302: row"),
        (lambda t: t.replace("tenure_months,complaints,satisfaction,orders,device,vip", "a,b,c,d,e,f"), "no column"),
        (lambda t: "", "header"),
        (lambda t: "x\x00,y", "no column"),
    ],
)
def test_a_table_that_cannot_be_learnt_from(tmp_path: Path, change: Any, told: str) -> None:
    path = write_csv(invented(300), tmp_path / "own.csv")
    path.write_text(change(path.read_text()))
    with pytest.raises(ConfigError, match=told):
        read_table(path, None)


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_tables_own_knobs_are_knobs(name: str) -> None:
    assert load_churn_config(list(SHARED[name].knobs)).folds == 5


@pytest.mark.parametrize("name", SHARED)
def test_what_is_known_of_the_shared_tables_holds(name: str) -> None:
    """4,501 rows are some 1,450 customers, whose copies always have the same outcome; nobody else is taken for one."""
    table = shared_table(name)
    if table is None:
        pytest.skip("the shared tables are not on this machine: set AFTERSIGHT_DATA")
    group = by_customer(table, SHARED[name].alike, SHARED[name].steps)
    size = np.bincount(group)
    assert len(size) == {"ecommerce": 1450, "telco": 7021}[name]
    assert size.max() <= 8
    of_each = np.bincount(group, table.left)
    agree = (of_each == 0) | (of_each == size)
    assert agree.mean() > 0.995
