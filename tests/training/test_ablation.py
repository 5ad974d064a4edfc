"""Variants of a recipe are judged on the same rows, and each tells what it would cost where it answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mlflow", reason="training needs the train extra")

from models.release import load_release
from models.triage import TriageModel
from training import ablation
from training.costs import costs
from training.data import load_table
from training.dataset import Dataset


def test_a_short_ticket_is_timed_and_the_folder_weighed(small_store: Path, small_model: TriageModel) -> None:
    folder = load_release("triage", store=small_store).path
    told = costs(small_model, folder, ["什么时候发货呀"] * 12 + ["太长的工单" * 20])
    assert set(told) == {"ms", "megabytes"}
    assert told["ms"] > 0
    assert told["megabytes"] == pytest.approx(sum(f.stat().st_size for f in folder.iterdir()) / 1e6)


def test_without_short_tickets_nothing_is_timed(small_store: Path, small_model: TriageModel) -> None:
    folder = load_release("triage", store=small_store).path
    assert set(costs(small_model, folder, ["太长的工单" * 20] * 40)) == {"megabytes"}


def test_variants_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = load_table("corpus")
    assert table is not None
    rows = table.rows[::12]
    data = Dataset(rows, np.ones(len(rows), np.float32), np.arange(len(rows)), (table,))
    (tmp_path / "two.yaml").write_text("rare n-grams: []\ncommon n-grams: [min_df=20]\n", encoding="utf-8")
    monkeypatch.setattr(ablation, "HERE", tmp_path)
    monkeypatch.setattr(ablation, "gather", lambda config: data)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    told = ablation.ablation("two", ["encoder=none", "landmarks=0", "folds=2"])
    assert list(told) == ["rare n-grams", "common n-grams"]
    assert all({"category_accuracy", "tags_micro_f1", "minutes", "megabytes"} <= set(row) for row in told.values())
    assert all(row["n"] == len(rows) for row in told.values())
    assert told["common n-grams"]["megabytes"] < told["rare n-grams"]["megabytes"]
