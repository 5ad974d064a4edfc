"""Every label's threshold keeps its promise on what was held out, and says how."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from features.taxonomy import default_taxonomy, flat_taxonomy
from models.decide import NO_TAGS
from models.heads import Probabilities
from models.triage_decide import Policy
from training.autonomy import FEWEST, autonomy, thresholds
from training.calibrate import NEVER
from training.config import load_config
from training.matrices import Targets

N = 1500


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, float]]:
    """Of three categories: one is always right, one is right as often as it says, one is always wrong."""
    rng = np.random.default_rng(0)
    answer = rng.integers(0, 3, N)
    sure = rng.uniform(0.5, 1.0, N).astype(np.float32)
    right = np.where(answer == 0, True, np.where(answer == 1, rng.random(N) < sure, False))
    truth = np.where(right, answer, (answer + 1) % 3)
    category = np.full((N, 3), 0.0, np.float32)
    category[np.arange(N), answer] = sure
    category += (1 - category.sum(axis=1, keepdims=True)) / 3
    p = Probabilities(category, np.zeros((N, 0), np.float32), np.ones((N, 1), np.float32))
    target = Targets(np.eye(3, dtype=np.float32)[truth], (3, 0, 0))
    taxonomy = flat_taxonomy(["honest", "right", "wrong"])
    order = [["right", "honest", "wrong"].index(c.key) for c in taxonomy.categories]
    shuffled = Probabilities(p.category[:, order], p.tags, p.urgency)
    moved = Targets(target.values[:, order], target.sizes)
    return autonomy(shuffled, moved, np.arange(N), np.zeros((N, 0), bool), taxonomy, load_config())


def test_a_label_that_is_always_right_acts_and_one_that_is_never_does_not(table: dict[str, dict[str, float]]) -> None:
    assert table["category/right"]["coverage"] > 0.9
    assert table["category/wrong"]["automate"] == NEVER
    assert table["category/wrong"]["coverage"] == 0
    assert table["category/honest"]["automate"] > table["category/right"]["automate"]


def test_bounds_are_what_was_asked_for(table: dict[str, dict[str, float]]) -> None:
    wanted = load_config().precision["category"]
    for row in table.values():
        if row["coverage"]:
            assert row["precision"] >= row["bound"] >= wanted - 1e-9


def test_a_field_alone_is_all_its_labels_together(table: dict[str, dict[str, float]]) -> None:
    parts = [row for name, row in table.items() if "/" in name]
    assert table["category"]["answers"] == sum(row["answers"] for row in parts) == N
    automated = sum(row["answers"] * row["coverage"] for row in parts)
    assert table["category"]["coverage"] == pytest.approx(automated / N)


def whole(rows: int) -> Any:
    """All fields of the default taxonomy, answered at random."""
    rng, taxonomy = np.random.default_rng(1), default_taxonomy()
    sizes = (len(taxonomy.categories), len(taxonomy.tags), len(taxonomy.urgency) - 1)
    p = Probabilities(
        rng.dirichlet(np.ones(sizes[0]), rows).astype(np.float32),
        rng.random((rows, sizes[1])).astype(np.float32),
        rng.dirichlet(np.ones(sizes[2] + 1), rows).astype(np.float32),
    )
    truth = (rng.random((rows, sum(sizes))) < 0.3).astype(np.float32)
    return autonomy(p, Targets(truth, sizes), np.arange(rows), p.tags > 0.5, taxonomy, load_config()), taxonomy


def test_a_release_can_answer_by_it() -> None:
    found, taxonomy = whole(200)
    policy = Policy.load(taxonomy, thresholds(found))
    assert set(policy.thresholds) == {"category", "tags", "urgency"}
    assert NO_TAGS in policy.thresholds["tags"]


def test_a_label_that_was_hardly_ever_answered_never_acts() -> None:
    found, _ = whole(FEWEST - 1)
    assert all(row["automate"] == NEVER for name, row in found.items() if "/" in name)
