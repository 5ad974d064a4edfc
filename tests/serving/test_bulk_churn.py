"""``python -m serving churn``: the rows as they came, with what ``/churn`` says, whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import ConfigError
from models.churn import ChurnModel
from serving import bulk_churn
from serving.bulk_churn import ADDED, churn_file
from tests.invented_customers import FIELDS, invented, write_csv
from training.data import data_root

Run = Callable[..., Any]
ECOMMERCE = "CustomerID,Tenure,PreferredLoginDevice,SatisfactionScore,Complain,CashbackAmount,MaritalStatus,Nonsense"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def test_a_table_with_the_shared_tables_columns_works_as_it_is(
    run_cli: Run, tmp_path: Path, http: httpx.Client
) -> None:
    lines = ["1,0.0,Phone,1,2,120.5,Single,a", '2,30.0,Computer,5,0,300,Married,"with, comma"', "3,,,,,,,"]
    source = write(tmp_path / "in.csv", "\ufeff" + "\n".join([ECOMMERCE, *lines]) + "\n")
    target = tmp_path / "out.csv"
    done = run_cli("churn", source, "--out", target)
    assert (done.returncode, done.stderr) == (0, "")
    told = rows(target)
    assert list(told[0]) == [*ECOMMERCE.split(","), *ADDED]
    assert [row["Nonsense"] for row in told] == ["a", "with, comma", ""]
    customer = {"tenure_months": 0, "device": "phone", "satisfaction": 1, "complaints": 2, "cashback": 120.5,
                "marital_status": "single"}  # fmt: skip
    entries = http.post("/churn", json={"customers": [customer, {}]}).json()
    assert [float(row["churn_risk"]) for row in (told[0], told[2])] == [entry["risk"] for entry in entries]
    assert "tenure_months=0 (+" in told[0]["churn_reasons"]
    assert told[2]["churn_flags"] == "nothing_known"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_a_bad_row_costs_only_its_own_cells(run_cli: Run, tmp_path: Path) -> None:
    lines = [
        "1,-5,Phone,1,0,1,Single,",
        "2,many,Phone,1,0,1,Single,",
        "3,5,Phone,1,0,1000000000,Single,",
        "4,5,Toaster,1,0,1,Single,",
        "5,5",
        "6,5,Phone,1,0,1,Single,,,,",
        "7,5,Phone,1,0,1,Single,",
        "8,nan,Phone,7,0,1,Single,",
    ]
    target = tmp_path / "out.csv"
    done = run_cli("churn", write(tmp_path / "in.csv", "\n".join([ECOMMERCE, *lines])), "--out", target)
    assert done.returncode == 1
    assert "2 answered, 6 could not be read" in done.stderr
    told = rows(target)
    assert [bool(row["churn_risk"]) for row in told] == [False, False, False, True, False, False, True, False]
    assert [row["churn_error"].split()[0] for row in told if row["churn_error"]] == [
        "Tenure", "Tenure", "CashbackAmount", "row", "row", "SatisfactionScore",
    ]  # fmt: skip
    assert told[3]["churn_flags"] == "unknown_value:device"
    assert [row["CustomerID"] for row in told] == list("12345678")


def test_standard_streams_and_the_records_own_names(run_cli: Run) -> None:
    done = run_cli("churn", "-", "--out", "-", stdin="id,tenure_months,complaints\na,1,3\n\nb,30,0\n")
    assert (done.returncode, done.stderr) == (0, "")
    told = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["id"] for row in told] == ["a", "b"]
    assert float(told[0]["churn_risk"]) > float(told[1]["churn_risk"])


def test_a_mapping_and_an_encoding_of_ones_own(run_cli: Run, tmp_path: Path) -> None:
    mapping = write(
        tmp_path / "own.yaml",
        "version: 1\nid: 会员号\nfields:\n  tenure_months: {column: 入会月数}\n  vip: {column: 大客户}\n"
        "  device: {column: 设备, values: {苹果手机: phone}}\n",
    )
    source = write(tmp_path / "in.csv", "会员号,入会月数,设备,大客户\n甲,1,苹果手机,是\n乙,30,苹果手机,否\n", "gbk")
    target = tmp_path / "out.csv"
    done = run_cli("churn", source, "--out", target, "--mapping", mapping, "--encoding", "gbk")
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["会员号"] for row in rows(target)] == ["甲", "乙"]
    assert all(row["churn_risk"] for row in rows(target))


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        ("a,b\n1,2\n", [], "no column"),
        ("", [], "no column"),
        ("\x00\x01", [], "column"),
        ("id,vip\n1,yes\n", [], "no column that the release looks at"),
        ("id,tenure_months\n1,2\n", ["--release", "f" * 12], "no release"),
        ("id,tenure_months\n1,2\n", ["--mapping", "nowhere.yaml"], "nowhere.yaml"),
        ("id,tenure_months\n1,2\n", ["--encoding", "morse"], "morse"),
        ('id,tenure_months\n1,"' + "x" * 20_000, [], "line"),
    ],
)
def test_what_cannot_be_done_says_so(run_cli: Run, tmp_path: Path, text: str, more: list[str], told: str) -> None:
    target = write(tmp_path / "out.csv", "before")
    done = run_cli("churn", write(tmp_path / "in.csv", text), "--out", target, *more)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert target.read_text() == "before"


def test_what_is_not_utf_8_says_so(small_churn: ChurnModel, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("id,tenure_months\n甲,1\n".encode("gbk"))
    with pytest.raises(ConfigError, match="not a table in utf-8"):
        churn_file(small_churn, source, tmp_path / "out.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


def test_inv_chunks_change_nothing(small_churn: ChurnModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_csv(invented(50, seed=5), tmp_path / "in.csv")
    assert churn_file(small_churn, source, tmp_path / "whole.csv") == (50, 0)
    monkeypatch.setattr(bulk_churn, "CHUNK", 7)
    churn_file(small_churn, source, tmp_path / "parts.csv")
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "parts.csv").read_bytes()


def test_a_row_says_what_the_model_says_of_the_customer(small_churn: ChurnModel, tmp_path: Path) -> None:
    from features.columns import recognise
    from features.table import Reader

    source = write_csv(invented(40, seed=6), tmp_path / "in.csv")
    churn_file(small_churn, source, tmp_path / "out.csv")
    with source.open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    reader = Reader(recognise(header), header)
    answers = small_churn.answer([reader.customer(line) for line in lines], ["en"] * len(lines))
    told = rows(tmp_path / "out.csv")
    assert [float(row["churn_risk"]) for row in told] == [a.risk for a in answers]
    for row, a in zip(told, answers, strict=True):
        named = [part.partition("=")[0] for part in row["churn_reasons"].split("; ") if part]
        assert named == [reason.code for reason in a.reasons if reason.code in FIELDS]


def test_memory_is_bounded_by_the_chunk(small_churn: ChurnModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_churn, "CHUNK", 10)
    taken = 0

    def lines() -> Any:
        nonlocal taken
        yield ["id", "tenure_months"]
        for _ in range(1000):
            taken += 1
            yield ["a", "3"]

    parts = bulk_churn._scored(small_churn, lines(), None)
    next(parts)
    next(parts)
    assert taken == 10


def test_the_shared_table_as_it_is(run_cli: Run, tmp_path: Path) -> None:
    source = data_root() / "tables" / "churn_ecommerce" / "ecommerce_churn.csv"
    if not source.exists():
        pytest.skip("the shared tables are not on this machine: set AFTERSIGHT_DATA")
    target = tmp_path / "out.csv"
    done = run_cli("churn", source, "--out", target)
    assert (done.returncode, done.stderr) == (0, "")
    told = rows(target)
    assert len(told) == 4501
    left, stayed = ([float(r["churn_risk"]) for r in told if r["Churn"] == c] for c in "10")
    assert sum(left) / len(left) > 0.4 > 0.2 > sum(stayed) / len(stayed)
