"""The customer record: what a field may hold, and what is said of a value that it may not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.customer import DEFAULT_PATH, MAX_AMOUNT, Field, Value, parse_field, parse_record, record
from features.errors import ConfigError, InputError
from features.schema import Customer

FIELDS = list(record().values())
NUMBERS = [f for f in FIELDS if f.kind in ("number", "count")]


def or_rule(read: Callable[[], Value]) -> Value:
    """Give the value, or the rule that refused it."""
    try:
        return read()
    except InputError as error:
        return error.rule


def test_the_value_has_the_fields_of_the_page() -> None:
    assert [f.name for f in fields(Customer)] == ["id", *record(), "own"]


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.name)
def test_every_field_says_what_it_means_and_what_missing_means(field: Field) -> None:
    assert field.means
    assert field.missing
    assert all(field.names.values())


def test_more_complaints_and_less_satisfaction_never_lower_the_risk() -> None:
    assert record()["complaints"].trend == 1
    assert record()["satisfaction"].trend == -1
    assert all(record()[name].trend == 1 for name in ("urgency", "dissatisfaction", "tickets_30d", "unresolved"))


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("tenure_months", -1, "range"),
        ("tenure_months", True, "type"),
        ("tenure_months", "8", "type"),
        ("tenure_months", [8], "type"),
        ("tenure_months", math.nan, "range"),
        ("tenure_months", math.inf, "range"),
        ("cashback", 10**9, "range"),
        ("cashback", 10**400, "range"),
        ("orders", 2.5, "type"),
        ("satisfaction", 0, "range"),
        ("satisfaction", 6, "range"),
        ("city_tier", 0, "range"),
        ("vip", 1, "type"),
        ("vip", "yes", "type"),
        ("device", 5, "type"),
        ("device", "x" * 101, "too_long"),
    ],
)
def test_what_a_field_may_not_hold_is_named(name: str, value: object, rule: str) -> None:
    with pytest.raises(InputError) as told:
        record()[name].check(value, f"customer.{name}")
    assert (told.value.field, told.value.rule) == (f"customer.{name}", rule)
    assert told.value.message("zh") != told.value.message("en")


def test_a_category_that_nobody_knows_is_passed_on() -> None:
    assert record()["device"].check("toaster") == "toaster"


@given(st.sampled_from(NUMBERS), st.floats(allow_nan=True) | st.integers())
def test_a_number_is_taken_as_it_is_or_refused(field: Field, value: float) -> None:
    taken = or_rule(lambda: field.check(value))
    assert taken in ("range", "type") or (taken == value and field.low <= value <= field.high <= MAX_AMOUNT)


@given(st.sampled_from(FIELDS), st.text(max_size=30))
def test_a_cell_is_read_or_refused(field: Field, text: str) -> None:
    assert or_rule(lambda: field.read(text)) is not None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("tenure_months", "8", 8.0), ("tenure_months", " 8.50 ", 8.5), ("orders", "2.0", 2.0), ("vip", "Yes", True),
        ("vip", "否", False), ("vip", "0", False), ("device", " phone ", "phone"), ("order_growth", "-12", -12.0),
    ],
)  # fmt: skip
def test_cells(name: str, text: str, value: object) -> None:
    assert record()[name].read(text) == value


@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        ("tenure_months", 8.0, "8 个月", "8 months"),
        ("complaints", 2.0, "2 次", "2"),
        ("cashback", 123456.5, "123,456.5 元", "123,456.5"),
        ("device", "phone", "手机", "phone"),
        ("device", "toaster", "toaster", "toaster"),
        ("vip", True, "是", "yes"),
    ],
)
def test_values_in_words(name: str, value: float | bool | str, zh: str, en: str) -> None:
    assert (record()[name].said(value, "zh-CN"), record()[name].said(value, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"kind": "colour", "zh": "a", "en": "a"}, "kind"),
        ({"kind": "number", "zh": "a"}, "both languages"),
        ({"kind": "number", "zh": "a", "en": "a", "low": 5, "high": 1}, "low < high"),
        ({"kind": "number", "zh": "a", "en": "a", "low": math.nan}, "low < high"),
        ({"kind": "number", "zh": "a", "en": "a", "trend": "up"}, "trend"),
        ({"kind": "category", "zh": "a", "en": "a", "values": {"x": ["a", "b"]}, "trend": "rises"}, "trend"),
        ({"kind": "category", "zh": "a", "en": "a"}, "values"),
        ({"kind": "category", "zh": "a", "en": "a", "values": {True: ["a", "b"]}}, "values"),
        ({"kind": "number", "zh": "a", "en": "a", "colour": 1}, "keys"),
        (None, "mapping"),
    ],
)
def test_a_page_that_contradicts_itself(row: object, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_field("thing", row)


@pytest.mark.parametrize("text", ["[", "1", "fields: 3", "fields: {A: {}}", "fields: {a: {}, a: {}}"])
def test_a_page_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_record(text)


def test_the_page_reads_as_it_is_written() -> None:
    assert parse_record(DEFAULT_PATH.read_text(encoding="utf-8")) == dict(record())
