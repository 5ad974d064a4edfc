"""Knobs chosen within the rows trained on, what is tested on, and the curve's figures, on tables made for the test."""

from __future__ import annotations

import csv
import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from features.errors import ConfigError
from features.taxonomy import flat_taxonomy
from training.config import TriageConfig, load_config
from training.data import Row, Table, content_key
from training.shots import run as few
from training.shots import tune as tuning
from training.shots.curve import Point, few_shot, learning_curve
from training.shots.draw import draw
from training.shots.tune import GRID, tune

SETTINGS = ["encoder=none", "landmarks=0", "folds=2", "min_df=1"]
WORDS = {
    "billing": ["invoice", "charged", "amount", "receipt", "payment", "price", "tax", "overpaid"],
    "delivery": ["parcel", "courier", "late", "tracking", "shipped", "arrive", "address", "doorstep"],
    "repair": ["screen", "broken", "battery", "crack", "charger", "noise", "heats", "technician"],
}


def rows(name: str, each: int, seed: int, words: int = 2) -> list[Row]:
    """Rows of every class whose texts hold some of its words among words that say nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for category, its in WORDS.items():
        for n in range(each):
            told = [*rng.choice(its, words, replace=False), *(f"{name}{category[:2]}{n}x{k}" for k in range(2))]
            found.append(Row(f"{name}-{category}-{n}", " ".join(told), name, category))
    return found


@pytest.fixture(scope="module")
def config() -> TriageConfig:
    return load_config(SETTINGS)


def written(path: Path, some: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "label"], *((r.text, r.category) for r in some)])
    return path


# --- draws


def test_what_is_drawn_is_not_left_for_the_test_in_other_letters() -> None:
    some = rows("t", 6, 0)
    copies = [replace(r, id=f"{r.id}-again", text=f"{r.text.upper()} !") for r in some]
    drawn, rest = draw([*some, *copies], 3, 0)
    assert len(drawn) == 9
    assert {r.id for r in drawn}.isdisjoint(r.id for r in copies)
    assert {content_key(r.text) for r in drawn}.isdisjoint(content_key(r.text) for r in rest)
    assert len(rest) == 2 * 9, "both copies of what was not drawn"


@pytest.mark.parametrize("shots", [1, 0, -3])
def test_one_row_a_class_is_too_few(shots: int) -> None:
    with pytest.raises(ConfigError, match="at least 2"):
        draw(rows("t", 4, 0), shots, 0)


# --- the curve


def test_more_rows_are_not_worse_on_an_easy_table(config: TriageConfig) -> None:
    table, test = Table("easy", tuple(rows("t", 30, 0)), "0" * 64), rows("u", 20, 1)
    points = learning_curve(table, test, flat_taxonomy(sorted(WORDS)), config, [2, 8, None], draws=3)
    means = [p.interval("category_accuracy")[0] for p in points]
    assert means == sorted(means)
    assert means[0] > 0.4
    assert means[-1] > 0.95
    assert [(p.name, p.rows, len(p.figures["seconds"])) for p in points] == [("2", 6, 3), ("8", 24, 3), ("all", 90, 1)]


def test_a_point_tells_its_interval() -> None:
    point = Point(10, 770.0, {"category_accuracy": (0.8, 0.9, 1.0), "seconds": (1.0,)})
    mean, low, high = point.interval("category_accuracy")
    assert mean == pytest.approx(0.9)
    assert high - mean == pytest.approx(mean - low) == pytest.approx(4.303 * 0.1 / np.sqrt(3), rel=1e-3)
    assert np.isnan(point.interval("seconds")[1:]).all()


def test_no_more_folds_than_rows_of_a_class() -> None:
    five = load_config(["folds=5"])
    assert [few_shot(five, n).folds for n in (2, 3, 10)] == [2, 3, 5]


# --- tuning


def test_tuning_chooses_what_held_out_rows_favour(config: TriageConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[TriageConfig] = []

    def accuracy(*given: Any) -> float:
        tried.append(given[3])
        return 1.0 - abs(given[3].ngram_share - 0.25) - abs(given[3].ridge - 1.0)

    monkeypatch.setattr(tuning, "accuracy", accuracy)
    best = tune(Table("t", tuple(rows("t", 6, 0)), ""), flat_taxonomy(sorted(WORDS)), config)
    assert (best.ngram_share, best.ridge) == (0.25, 1.0)
    changed = {k for k, v in best.as_dict().items() if v != getattr(config, k)}
    assert changed == {"ngram_share", "ridge"}, "ties stay where they started, and nothing but the grid is touched"
    assert {getattr(t, k) for t in tried for k in GRID} >= {v for values in GRID.values() for v in values}


def test_tuning_is_the_same_twice_and_not_worse_than_no_tuning(config: TriageConfig) -> None:
    table, taxonomy = Table("t", tuple(rows("t", 10, 0, words=1)), ""), flat_taxonomy(sorted(WORDS))
    seen = []
    best = tune(table, taxonomy, config)
    assert tune(table, taxonomy, config) == best
    for knobs in (config, best):
        data = tuning.gather(knobs, table)
        matrices = tuning.build([r.text for r in data.rows], knobs)
        seen.append(tuning.accuracy(data, matrices, taxonomy, knobs, calibrated=False))
    assert seen[1] >= seen[0]


@pytest.fixture
def asked(tmp_path: Path) -> Namespace:
    """What the command line would give, with a table to train on and one to test on."""
    return Namespace(
        data=written(tmp_path / "train.csv", rows("t", 10, 0, words=1)),
        test=written(tmp_path / "test.csv", rows("u", 4, 1)),
        text="text",
        label=None,
        shots=4,
        tune=True,
        draws=2,
    )


def own(asked: Namespace) -> Table:
    return few.read_csv_table(asked.data, asked.text, "label")


def test_tuning_does_not_look_at_the_test(asked: Namespace, config: TriageConfig) -> None:
    """Another test, of labels that are all wrong, changes neither the draw nor the knobs."""
    table, test, knobs = few.chosen(asked, own(asked), config)
    wrong = [replace(r, category={"billing": "repair"}.get(str(r.category), "billing")) for r in rows("v", 9, 5)]
    written(asked.test, wrong)
    again, other, same = few.chosen(asked, own(asked), config)
    assert (again, same) == (table, knobs)
    assert table is not None
    assert len(table.rows) == 12
    assert (len(test), len(other)) == (12, 27)


def test_what_is_not_drawn_is_the_test_where_there_is_none(asked: Namespace, config: TriageConfig) -> None:
    asked.test, asked.tune = None, False
    table, test, _ = few.chosen(asked, own(asked), config)
    assert table is not None
    assert (len(table.rows), len(test)) == (12, 18)
    assert {r.text for r in table.rows}.isdisjoint(r.text for r in test)
    assert few.chosen(Namespace(shots=None, test=None, tune=False), None, config) == (None, [], config)


@pytest.mark.parametrize("change", [{"shots": 4}, {"test": Path("x.csv")}, {"tune": True}])
def test_they_are_about_a_table(config: TriageConfig, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--data"):
        few.chosen(Namespace(**{"shots": None, "test": None, "tune": False, **change}), None, config)


# --- the commands


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


def command(*arguments: object) -> int:
    from training.__main__ import main

    return main([*map(str, arguments), *(a for s in SETTINGS for a in ("--set", s))])


def test_the_curve_is_a_table_and_a_plot_in_mlflow(
    asked: Namespace, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["curve", "triage", "--data", asked.data, "--test", asked.test, "--shots", "3,all", "--draws", 2]
    assert command(*given) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "shots"
    assert [line.split()[:3] for line in lines[1:3]] == [["3", "9", "2.000"], ["all", "30", "1.000"]]
    from training.track import client

    (experiment,) = [e for e in client().search_experiments() if e.name == "aftersight-train-curve"]
    (run,) = client().search_runs([experiment.experiment_id])
    assert run.data.params["shots"] == "3,all"
    assert run.data.params["tested"] == "12"
    metrics = run.data.metrics
    assert metrics["shots-3/n"] == 9
    assert metrics["shots-3/accuracy_low"] <= metrics["shots-3/category_accuracy"] <= metrics["shots-3/accuracy_high"]
    assert "shots-all/category_accuracy" in metrics
    assert "shots-all/accuracy_low" not in metrics, "one draw has no interval"
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    curve = json.loads((folder / "curve.json").read_text(encoding="utf-8"))
    assert {k: len(v["category_accuracy"]) for k, v in curve.items()} == {"3": 2, "all": 1}
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["curve", "triage"], "a curve is of a table: --data"),
        (["curve", "triage", "--data", "train.csv", "--shots", "1"], "--shots 1: numbers of rows a class from 2 on"),
        (["curve", "triage", "--data", "train.csv", "--draws", "0"], "--draws 0"),
        (["curve", "triage", "--data", "train.csv", "--test", "bare.csv"], "bare.csv has no column 'label'"),
        (["curve", "triage", "--data", "train.csv", "--test", "other.csv"], "no row to test on"),
        (["fit", "triage", "--data", "train.csv", "--shots", "0"], "shots must be at least 2, not 0"),
        (["fit", "triage", "--data", "train.csv", "--shots", "1"], "shots must be at least 2, not 1"),
        (["fit", "triage", "--data", "train.csv", "--test", "bare.csv"], "bare.csv has no column 'label'"),
        (["fit", "triage", "--data", "train.csv", "--test", "absent.csv"], "absent.csv cannot be read"),
        (["fit", "triage", "--shots", "3"], "--shots, --test and --tune are of a table: --data"),
    ],
)
def test_mistakes_are_told(
    asked: Namespace, database: Path, given: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (database / "bare.csv").write_text("text\nwhere is it\n", encoding="utf-8")
    (database / "other.csv").write_text("text,label\nwhere is it,warranty\n", encoding="utf-8")
    assert command(*given) == 2
    assert message in capsys.readouterr().err
