"""Two runs' held-out answers side by side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from features.errors import ConfigError
from features.taxonomy import default_taxonomy
from models.heads import Probabilities
from training.data import Row, load_table
from training.held import FILE, Told, markdown, side_by_side
from training.matrices import targets

TAXONOMY = default_taxonomy()


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    table = load_table("corpus")
    assert table is not None
    return list(table.rows[::12])


def answers(rows: list[Row], wrong: float, seed: int = 0) -> Told:
    """Answers of which this share names the next category, the other tags and the next level."""
    target = targets(rows, TAXONOMY)
    c, t, u = target.sizes
    values = target.values.copy()
    off = np.random.default_rng(seed).random(len(rows)) < wrong
    level = u - values[:, c + t :].sum(axis=1).astype(int)
    category = np.where(off[:, None], np.roll(values[:, :c], 1, axis=1), values[:, :c])
    tags = np.where(off[:, None], 1 - values[:, c : c + t], values[:, c : c + t])
    urgency = np.eye(u + 1, dtype=np.float32)[np.where(off, (level + 1) % (u + 1), level)]
    return Told(
        [r.id for r in rows], [r.source for r in rows], Probabilities(category, tags, urgency), target, tags > 0.5
    )


def test_they_survive_the_file(rows: list[Row], tmp_path: Path) -> None:
    told = answers(rows, 0.3)
    (tmp_path / FILE).write_text(json.dumps(told.as_dict()))
    again = Told.read(tmp_path / FILE)
    assert again.figures(TAXONOMY, ["repair"]) == told.figures(TAXONOMY, ["repair"])
    assert again.ids == told.ids


def test_a_better_run_is_better_beyond_chance(rows: list[Row]) -> None:
    found = dict(side_by_side(answers(rows, 0.4), answers(rows, 0.1, seed=1), TAXONOMY, draws=60))
    for name in ("all category_accuracy", "all category_macro_f1", "all urgency_accuracy", "all tags_micro_f1"):
        before, low, high, after, _, _, change, least, most = found[name]
        assert low <= before <= high
        assert change == pytest.approx(after - before)
        assert 0 < least <= change <= most


def test_the_same_run_does_not_change(rows: list[Row]) -> None:
    told = answers(rows, 0.3)
    shuffled = told.take(np.random.default_rng(3).permutation(len(rows)))
    for name, values in side_by_side(told, shuffled, TAXONOMY, draws=20):
        # ECE sums its bins in another order.
        assert values[6:] == pytest.approx([0, 0, 0], abs=1e-6), name


def test_a_table_has_a_line_for_every_source_and_every_common_label(rows: list[Row]) -> None:
    table = markdown(answers(rows, 0.3), answers(rows, 0.2), TAXONOMY, draws=10)
    for source in {r.source for r in rows}:
        assert f"| {source} category_accuracy |" in table
    assert "| F1 repair |" in table


def test_what_cannot_be_compared(rows: list[Row], tmp_path: Path) -> None:
    told = answers(rows, 0.3)
    half = len(rows) // 2
    with pytest.raises(ConfigError, match="no ticket in common"):
        next(side_by_side(told.take(np.arange(half)), told.take(np.arange(half, len(rows))), TAXONOMY))
    (tmp_path / FILE).write_text("[]")
    with pytest.raises(ConfigError, match=FILE):
        Told.read(tmp_path / FILE)
