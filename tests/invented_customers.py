"""Customers that nobody is: their outcome follows from what is known of them, with chance and gaps."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from features.customer import record
from models.release import save_release, set_current
from training.churn.copies import by_content, customer_weights
from training.churn.export import export
from training.churn.learn import fit_trees
from training.churn.matrix import build
from training.churn.run import OUTCOMES, describe
from training.churn.table import CustomerTable
from training.config import load_churn_config

NUMBERS = ["tenure_months", "complaints", "satisfaction", "orders"]
FIELDS = [*NUMBERS, "device", "vip"]


def invented(n: int = 800, seed: int = 0, gaps: float = 0.1) -> CustomerTable:
    """Make a table of customers with the fields `FIELDS`."""
    rng = np.random.default_rng(seed)
    tenure, complaints = rng.integers(0, 36, n), rng.poisson(0.4, n)
    satisfaction, orders = rng.integers(1, 6, n), rng.poisson(3, n)
    device, vip = rng.choice(["phone", "computer", "tablet"], n), rng.random(n) < 0.2
    pull = -0.5 - 0.12 * tenure + 1.2 * complaints - 0.3 * (satisfaction - 3) + 0.5 * (device == "computer")
    left = (rng.random(n) < 1 / (1 + np.exp(-pull))).astype(float)
    columns = {
        "tenure_months": tenure.astype(float).tolist(),
        "complaints": complaints.astype(float).tolist(),
        "satisfaction": satisfaction.astype(float).tolist(),
        "orders": orders.astype(float).tolist(),
        "device": device.tolist(),
        "vip": vip.tolist(),
    }
    for values in columns.values():
        for i in np.flatnonzero(rng.random(n) < gaps):
            values[i] = None
    known = tuple(record()[name] for name in FIELDS)
    return CustomerTable("invented", "0" * 64, known, columns, left, [str(i) for i in range(n)])


def write_csv(table: CustomerTable, path: Path) -> Path:
    """Write a table with the record's own names."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", *FIELDS, "churn"])
        for i in range(len(table)):
            cells = ["" if table.values[f][i] is None else table.values[f][i] for f in FIELDS]
            rows.writerow([table.ids[i], *cells, int(table.left[i])])
    return path


# Of a full record, and of an empty one.
CALIBRATION = np.array([[0.9, 1.5, -0.6], [0.7, 1.0, -0.4]])


def release_invented(table: CustomerTable, store: Path, trees: int = 60) -> tuple[Path, Any]:
    """Fit a small release on a table and make it current; gives its folder and scikit-learn's own model."""
    config, matrix = load_churn_config([f"trees={trees}", "rate=0.2", "forest=10"]), build(table, [])
    weight = customer_weights(by_content(table))
    model = fit_trees(matrix, np.arange(len(table)), table.left, weight, config, 0)
    tensors = {**export(model, matrix, weight), "calibration": CALIBRATION}
    facts = {"metrics": {"customers": {"n": float(len(table))}}, "data": []}
    folder = save_release("churn", tensors, OUTCOMES, describe(matrix), facts, "# small\n", {"run": "r"}, store)
    set_current("churn", folder.name, store)
    return folder, model
