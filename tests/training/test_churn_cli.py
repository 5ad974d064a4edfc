"""``python -m training fit churn`` from a shop's own table to a release that answers, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.churn import ChurnModel
from models.release import current_version, list_versions, load_release
from tests.invented_customers import invented, write_csv
from tests.training.own_store import own_store

KNOBS = ["trees=20", "forest=5", "rate=0.3", "folds=2", "repeats=1", "draws=10", "shuffles=1"]
SETTINGS = [x for knob in KNOBS for x in ("--set", knob)]


def run(*arguments: object) -> int:
    from training.__main__ import main

    return main([str(a) for a in arguments])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store, an MLflow database and a folder for candidates of our own, while this module runs."""
    with own_store(tmp_path_factory.mktemp("churn-cli")) as store:
        yield store


@pytest.fixture(scope="module")
def version(store: Path) -> str:
    """A release fitted from a table by the command, and promoted."""
    table = write_csv(invented(400), store.parent / "Our Customers.csv")
    assert run("fit", "churn", "--data", table, "--promote", "first of our own", *SETTINGS) == 0
    [found] = list_versions("churn-our-customers", store)
    assert current_version("churn-our-customers", store) == found
    return found


def test_a_run_is_logged_whole(store: Path, version: str) -> None:
    from training.track import client

    [registered] = client().search_model_versions("name='churn-our-customers'")
    logged = client().get_run(registered.run_id)
    assert {"rows", "data.Our Customers", "trees"} <= set(logged.data.params)
    assert {"customers/auc", "customers/brier_low", "customers_logistic/auc", "seconds"} <= {
        key.removeprefix("run/") for key in logged.data.metrics
    }
    files = {a.path for a in client().list_artifacts(registered.run_id)}
    assert {"reliability.png", "lift.png", "roc.png", "worth.json", "metrics.json"} <= files


def test_the_card_says_what_the_release_is(store: Path, version: str) -> None:
    card = (store / "churn-our-customers" / version / "card.md").read_text(encoding="utf-8")
    assert "It holds for customers like those of its table" in card
    assert "nan" not in card
    for heading in ("customers", "What each field is worth", "Where less is known", "tenure_months", "logistic"):
        assert heading in card


def test_the_registered_model_answers_as_the_release(store: Path, version: str) -> None:
    import mlflow
    import pandas as pd

    table = invented(20, seed=9)
    rows = {name: table.values[name] for name in table.values}
    frame = pd.DataFrame({"id": table.ids, **rows})
    told = mlflow.pyfunc.load_model("models:/churn-our-customers@champion").predict(frame)
    model = ChurnModel(load_release("churn-our-customers", store=store))
    risk = model.risk(model.codes(table.values, 20))
    np.testing.assert_allclose(told["churn_risk"], risk, atol=1e-4)
    assert json.loads(told["answer"][0])["contributions"]
    assert told["customer_id"].tolist() == table.ids
    less = mlflow.pyfunc.load_model("models:/churn-our-customers@champion").predict(frame[["tenure_months"]])
    assert len(less) == 20


def test_evaluate_and_compare(store: Path, version: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_csv(invented(300, seed=7), store.parent / "later.csv")
    assert run("evaluate", "churn-our-customers", "--version", version, "--data", table) == 0
    assert "auc" in capsys.readouterr().out
    assert run("compare", "churn-our-customers", version, version) == 0
    assert "customers auc" in capsys.readouterr().out


def test_a_mapping_of_ones_own(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_csv(invented(300, seed=8), store.parent / "named.csv")
    text = table.read_text()
    table.write_text(text.replace("tenure_months", "入会月数").replace("orders", "points").replace("churn", "流失"))
    mapping = store.parent / "named.yaml"
    mapping.write_text(
        'version: 1\nid: id\nchurn: {column: 流失, leaves: ["1"], stays: ["0"]}\n'
        "fields:\n  tenure_months: {column: 入会月数}\n  complaints: {column: complaints}\n"
        "own:\n  points: {column: points, kind: number, zh: 积分, en: points}\n",
        encoding="utf-8",
    )
    assert run("fit", "churn", "--data", table, "--mapping", mapping, "--as", "churn-named", *SETTINGS) == 0
    [found] = list_versions("churn-named", store.parent / "candidates")
    model = ChurnModel(load_release("churn-named", store=store.parent / "candidates", version=found))
    assert {f.name for f in model.fields} == {"tenure_months", "complaints", "points"}
    assert model.fields[-1].names == {"zh": "积分", "en": "points"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "churn", "--data", "nowhere.csv"],
        ["fit", "churn", "--source", "nobody"],
        ["fit", "churn", "--set", "leaves=256"],
        ["fit", "churn", "--set", "treees=3"],
        ["fit", "churn", "--data", "nowhere.csv", "--mapping", "nowhere.yaml"],
        ["simulate", "--set", "days=1"],
        ["simulate", "--set", "shifts=[]"],
    ],
)
def test_a_mistake_is_one_sentence(store: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "Traceback" not in told


def test_too_few_who_left_are_no_table(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit", "churn", "--data", write_csv(invented(100), store.parent / "few.csv"), *SETTINGS) == 2
    assert "at least 50 customers who left" in capsys.readouterr().err


def test_without_the_shared_tables_it_says_so(
    store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AFTERSIGHT_DATA", str(tmp_path))
    assert run("fit", "churn") == 2
    assert "AFTERSIGHT_DATA" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["churn", "queue"])
def test_knobs_are_a_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("knobs", name) == 0
    assert len(capsys.readouterr().out) > 500


def test_simulate_writes_table_and_plot(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quiet = ["--set", "days=2", "--set", "per_hour=[" + ",".join(["4"] * 24) + "]"]
    assert run("simulate", "--out", store.parent / "queue", *quiet) == 0
    assert "| ours |" in capsys.readouterr().out
    assert (store.parent / "queue" / "queue.png").stat().st_size > 10_000
    assert "late p1" in (store.parent / "queue" / "queue.md").read_text(encoding="utf-8")
