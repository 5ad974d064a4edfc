"""A churn release answers as what it was learnt with, adds up, keeps its promises, and survives any customer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.customer import Field, record
from features.errors import InputError, ReleaseError
from features.schema import Churn, Customer
from models.churn import ChurnModel, open_churn, sigmoid
from models.release import load_release
from tests.invented_customers import CALIBRATION, FIELDS
from training.churn.calibrate import calibrated
from training.churn.matrix import build

AVERAGE = Customer("c", tenure_months=6.0, complaints=0.0, satisfaction=3.0, orders=3.0, device="phone", vip=False)


def values(field: Field) -> st.SearchStrategy[Any]:
    if field.kind == "category":
        return st.sampled_from([*field.values, "toaster"])
    if field.kind == "flag":
        return st.booleans()
    top = min(field.high, 60)
    return st.integers(int(field.low), int(top)).map(float) | st.just(float(field.high))


CUSTOMERS = st.fixed_dictionaries({n: st.none() | values(record()[n]) for n in FIELDS}).map(
    lambda v: Customer("c", **v)
)


def answer(model: ChurnModel, customer: Customer, language: str = "en") -> Churn:
    return model.answer([customer], [language])[0]


def test_the_saved_release_is_scikit_learns_twin(small_churn: ChurnModel, churn_store: tuple[Path, Any, Any]) -> None:
    _, twin, table = churn_store
    said = small_churn.risk(small_churn.codes(table.values, len(table)))
    told = calibrated(twin.parts(build(table, []).x), CALIBRATION)
    np.testing.assert_allclose(said, told, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(CUSTOMERS)
def test_inv_reasons_add_up_to_the_risk(small_churn: ChurnModel, customer: Customer) -> None:
    told = answer(small_churn, customer)
    total = told.base + sum(told.contributions.values())
    assert 1 / (1 + np.exp(-total)) == pytest.approx(told.risk, abs=1e-3)  # of figures rounded to four digits
    codes = small_churn.codes({f: [customer.value(f)] for f in FIELDS}, 1)
    risk, shares = small_churn.explained(codes)
    assert sigmoid(np.array([small_churn.base + shares.sum()]))[0] == pytest.approx(risk[0], abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(CUSTOMERS, st.integers(0, 50), st.integers(1, 50))
def test_dir_more_complaints_never_lower_the_risk(
    small_churn: ChurnModel, customer: Customer, few: int, more: int
) -> None:
    before, after = (answer(small_churn, replace(customer, complaints=float(n))).risk for n in (few, few + more))
    assert after >= before


@settings(max_examples=100, deadline=None)
@given(CUSTOMERS, st.integers(0, 100), st.integers(1, 100))
def test_dir_a_longer_stay_never_raises_the_risk(
    small_churn: ChurnModel, customer: Customer, few: int, more: int
) -> None:
    before, after = (answer(small_churn, replace(customer, tenure_months=float(n))).risk for n in (few, few + more))
    assert after <= before


@settings(max_examples=60, deadline=None)
@given(st.lists(CUSTOMERS, max_size=6))
def test_inv_an_answer_does_not_depend_on_the_others(small_churn: ChurnModel, customers: list[Customer]) -> None:
    together = small_churn.answer(customers, ["en"] * len(customers))
    assert together == [answer(small_churn, c) for c in customers]


@settings(max_examples=60, deadline=None)
@given(CUSTOMERS)
def test_inv_the_language_changes_words_only(small_churn: ChurnModel, customer: Customer) -> None:
    zh, en = answer(small_churn, customer, "zh-CN"), answer(small_churn, customer, "en")
    assert (zh.risk, zh.contributions) == (en.risk, en.contributions)
    assert [r.code for r in zh.reasons] == [r.code for r in en.reasons]
    assert all(r.message for r in (*zh.reasons, *en.reasons, *zh.flags, *en.flags))


def test_mft_who_complains_and_is_new_is_at_risk(small_churn: ChurnModel) -> None:
    new = replace(AVERAGE, tenure_months=0.0, complaints=3.0)
    old = replace(AVERAGE, tenure_months=34.0)
    assert answer(small_churn, new).risk > 0.7 > 0.2 > answer(small_churn, old).risk
    told = answer(small_churn, new, "zh")
    assert {r.code for r in told.reasons} >= {"tenure_months", "complaints"}
    assert any(r.message.startswith("近一月投诉：3 次，流失几率 ×") for r in told.reasons)


def test_mft_of_whom_nothing_is_known_is_the_average(small_churn: ChurnModel, churn_store: Any) -> None:
    told = answer(small_churn, Customer("x"))
    assert [f.code for f in told.flags] == ["nothing_known"]
    assert told.risk == pytest.approx(churn_store[2].left.mean(), abs=0.08)


def test_a_value_that_was_never_learnt_is_flagged_and_taken_as_not_known(small_churn: ChurnModel) -> None:
    odd, unknown = (answer(small_churn, replace(AVERAGE, device=d)) for d in ("toaster", None))
    assert odd.risk == unknown.risk
    assert [(f.code, f.message) for f in odd.flags] == [
        ("unknown_value", "device: 'toaster' was never learnt, taken as not known")
    ]
    far = answer(small_churn, replace(AVERAGE, tenure_months=999_999.0))
    assert [f.code for f in far.flags] == ["beyond_training"]
    assert answer(small_churn, AVERAGE).flags == ()


def test_fields_the_model_does_not_know_change_nothing(small_churn: ChurnModel) -> None:
    more = replace(AVERAGE, cashback=5.0, gender="male", own={"points": 3.0})
    assert answer(small_churn, more) == answer(small_churn, AVERAGE)


def test_no_customers_no_answers(small_churn: ChurnModel) -> None:
    assert small_churn.answer([], []) == []
    assert len(small_churn.risk(np.zeros((0, len(FIELDS)), np.uint8))) == 0


def checked(field: Field, value: object) -> Any:
    try:
        return field.check(value)
    except InputError as error:
        return error


HOSTILE = [-1, 10**9, float("nan"), float("inf"), -float("inf"), "x", "", [], {}, True, 10**400, "1" * 200, b"1"]


@pytest.mark.parametrize("field", list(record().values()), ids=lambda f: f.name)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: str(v)[:12])
def test_hostile_values_are_refused_by_name_or_flagged(small_churn: ChurnModel, field: Field, value: object) -> None:
    taken = checked(field, value)
    if isinstance(taken, InputError):
        assert (taken.field, bool(taken.message("zh"))) == (field.name, True)
    else:
        assert 0 <= answer(small_churn, replace(Customer("c"), **{field.name: taken})).risk <= 1


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.tensors.pop("boosting.code"),
        lambda r: r.tensors.pop("forest.value"),
        lambda r: r.tensors.pop("calibration"),
        lambda r: r.tensors.update(calibration=np.array([1.0])),
        lambda r: r.tensors.update(calibration=np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])),
        lambda r: r.tensors.update(calibration=np.array([[1.0, 0.0, 0.0], [1.0, -0.1, 0.0]])),
        lambda r: r.tensors.update(calibration=np.zeros((2, 3))),
        lambda r: r.tensors.update(bounds=np.zeros((2, 2))),
        lambda r: r.tensors.update(edges=r.tensors["edges"][::-1]),
        lambda r: r.tensors.update(edges=r.tensors["edges"][1:]),
        lambda r: r.tensors.update({"boosting.no": r.tensors["boosting.no"][1:]}),
        lambda r: r.tensors.update({"boosting.no": r.tensors["boosting.no"] * 0}),
        lambda r: r.tensors.update({"forest.column": r.tensors["forest.column"] + 50}),
        lambda r: r.config["fields"][0].update(levels=[]),
        lambda r: r.config.pop("fields"),
        lambda r: r.config["fields"].pop(),
        lambda r: r.config["fields"][0].pop("levels"),
        lambda r: r.config["fields"][0].update(field={"kind": "colour"}),
        lambda r: r.config.update(fields=5),
    ],
)
def test_a_damaged_release_is_refused(churn_store: tuple[Path, Any, Any], change: Callable[[Any], Any]) -> None:
    release = load_release("churn", store=churn_store[0])
    change(release)
    with pytest.raises(ReleaseError):
        ChurnModel(release)


def released() -> ChurnModel:
    try:
        return open_churn()
    except ReleaseError as error:
        pytest.skip(f"no churn is released here: {error}")


def test_the_released_model_keeps_its_promises() -> None:
    model = released()
    size = sum(p.stat().st_size for p in (Path("models/store/churn") / model.release.version).iterdir())
    assert size < 5e6
    assert answer(model, Customer("c")).risk == pytest.approx(0.17, abs=0.05)


def test_dir_the_released_model_keeps_every_trend_whatever_else_is_known() -> None:
    model, rng = released(), np.random.default_rng(0)
    codes = np.stack([rng.integers(0, coder.missing + 1, 500) for coder in model.coders], axis=1).astype(np.uint8)
    trends = {coder.field.name: coder.field.trend for coder in model.coders if coder.field.trend}
    assert trends["complaints"] == 1
    for place, coder in enumerate(model.coders):
        for code in range(coder.missing - 1 if coder.field.trend else 0):
            below, above = codes.copy(), codes.copy()
            below[:, place], above[:, place] = code, code + 1
            assert ((model.risk(above) - model.risk(below)) * coder.field.trend >= -1e-12).all(), coder.field.name


def test_inv_the_released_models_reasons_add_up() -> None:
    model, rng = released(), np.random.default_rng(1)
    codes = np.stack([rng.integers(0, coder.missing + 1, 2000) for coder in model.coders], axis=1).astype(np.uint8)
    risk, shares = model.explained(codes)
    np.testing.assert_allclose(sigmoid(model.base + shares.sum(axis=1)), risk, atol=1e-12)
    np.testing.assert_allclose(model.risk(codes), risk, atol=1e-12)
