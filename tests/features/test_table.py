"""A shop's own table becomes customer records through a mapping; a bad row costs only itself."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.columns import SHIPPED, load_columns, parse_columns, recognise
from features.customer import record
from features.errors import ConfigError, InputError
from features.schema import Customer
from features.table import Reader
from training.data import data_root

ECOMMERCE = next(path for path in SHIPPED if "ecommerce" in path.name)
TELCO = next(path for path in SHIPPED if "telco" in path.name)
TEXT = ECOMMERCE.read_text(encoding="utf-8")
HEADER = ["CustomerID", "Tenure", "PreferredLoginDevice", "Complain", "CashbackAmount", "Churn"]
FINE = ["7", "8.0", "Mobile Phone", "1", "156.61", "0"]


COLUMNS = load_columns(ECOMMERCE)


def reader(header: list[str] = HEADER) -> Reader:
    return Reader(COLUMNS, header)


def read_or_refused(row: Sequence[str]) -> Customer | InputError:
    try:
        return reader().customer(row)
    except InputError as error:
        return error


def changed(name: str, text: str) -> list[str]:
    return [text if column == name else cell for column, cell in zip(HEADER, FINE, strict=True)]


def test_a_row_becomes_a_record() -> None:
    assert reader().customer(FINE) == Customer("7", tenure_months=8.0, device="phone", complaints=1.0, cashback=156.61)


@pytest.mark.parametrize("text", ["", "  ", "nan", "NA", "null"])
def test_what_says_nothing_is_missing(text: str) -> None:
    assert reader().customer(changed("Tenure", text)).tenure_months is None


@pytest.mark.parametrize(
    ("column", "text", "rule"),
    [
        ("Tenure", "-3", "range"),
        ("Tenure", "eight", "type"),
        ("Tenure", "1e400", "range"),
        ("Tenure", "-inf", "range"),
        ("CashbackAmount", "1000000000", "range"),
        ("CashbackAmount", "156,61", "type"),
        ("Complain", "0.5", "type"),
        ("PreferredLoginDevice", "x" * 101, "too_long"),
    ],
)
def test_an_error_names_the_shops_column(column: str, text: str, rule: str) -> None:
    with pytest.raises(InputError) as told:
        reader().customer(changed(column, text))
    assert (told.value.field, told.value.rule) == (column, rule)


def test_an_unknown_word_is_passed_on_for_the_model_to_flag() -> None:
    assert reader().customer(changed("PreferredLoginDevice", "Smart Fridge")).device == "Smart Fridge"


@pytest.mark.parametrize("row", [[], FINE[:-1], [*FINE, "more"]], ids=["empty", "short", "long"])
def test_a_row_of_another_width(row: list[str]) -> None:
    with pytest.raises(InputError, match="6 cells"):
        reader().customer(row)


def test_a_bad_row_costs_only_itself() -> None:
    batch = reader().batch([FINE, changed("Tenure", "-1"), FINE[:2], FINE])
    assert sorted(batch.errors) == [1, 2]
    assert batch.values["tenure_months"] == [8.0, None, None, 8.0]
    assert batch.values["cashback"] == [156.61, None, None, 156.61]
    assert batch.ids[0] == "7"


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(["1", "-1", "", "x", "3.5", "Phone"])] * len(HEADER)), max_size=12))
def test_many_rows_at_once_are_the_rows_one_by_one(rows: list[tuple[str, ...]]) -> None:
    together = reader()
    batch = together.batch(rows)
    for i, row in enumerate(rows):
        alone = read_or_refused(row)
        if isinstance(alone, InputError):
            assert batch.errors[i].as_dict() == alone.as_dict()
        else:
            assert i not in batch.errors
            assert all(batch.values[name][i] == alone.value(name) for name in batch.values)


def test_the_memory_of_a_column_is_bounded() -> None:
    one = reader()
    for start in range(0, 60_000, 6_000):
        one.batch([changed("CashbackAmount", f"{n / 100}") for n in range(start, start + 6_000)])
    assert max(len(memory) for memory in one._memory) < 20_000


def test_a_table_is_recognised() -> None:
    assert "e-commerce" in recognise(HEADER).about
    assert "telecom" in recognise(["customerID", "tenure", "Contract", "Partner"]).about
    assert recognise([" id", "tenure_months", "complaints "]).fields == dict(record())
    with pytest.raises(ConfigError, match="no column"):
        recognise(["a", "b"])


def test_what_the_record_has_not_is_the_tables_own() -> None:
    customer = Reader(load_columns(TELCO), ["Partner", "InternetService"]).customer(["Yes", "Fiber optic"])
    assert customer.own == {"partner": True, "internet": "fibre"}
    assert (customer.value("partner"), customer.value("vip"), customer.value("nothing")) == (True, None, None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Phone: phone", "Phone: toaster", "toaster"),
        ("tenure_months:", "tenure_weeks:", "no such field"),
        ("version: 1", "version: 2", "version"),
        ("id: CustomerID", "id: 5", "id"),
        ('["1", "Yes"]', "[1]", "in quotes"),
        ("Phone: phone", "Yes: phone", "quotes"),
        ("about:", "abuot:", "unknown keys"),
        ("  tenure_months:", "  orders: {column: X}\n  tenure_months:", "written twice"),
        ('["", nan, NaN, NA, "null"]', "[5]", "missing"),
    ],
)
def test_a_mapping_that_contradicts_itself(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=told):
        parse_columns(TEXT.replace(old, new, 1))


@pytest.mark.parametrize(
    "text",
    ["", "[", "[]", "version: 1", "{version: 1, own: {vip: {column: a}}}", "{version: 1, own: {x: {column: a}}}"],
)
def test_a_mapping_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_columns(text)


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_columns(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("path", "file", "gaps"),
    [(ECOMMERCE, "churn_ecommerce/ecommerce_churn.csv", 1503), (TELCO, "churn_telco/telco_churn.csv", 11)],
    ids=["ecommerce", "telco"],
)
def test_the_shared_tables_are_read_whole(path: Path, file: str, gaps: int) -> None:
    table = data_root() / "tables" / file
    if not table.exists():
        pytest.skip("the shared tables are not on this machine: set AFTERSIGHT_DATA")
    with table.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    assert recognise(header) is not None
    columns = load_columns(path)
    batch = Reader(columns, header).batch(rows)
    assert batch.errors == {}
    assert sum(cell is None for cells in batch.values.values() for cell in cells) == gaps
    for name, field in columns.fields.items():
        known = Counter(batch.values[name]) if field.kind == "category" else {}
        assert set(known) <= set(field.values), "every word of the table is mapped"
