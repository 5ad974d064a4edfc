"""Scoring a million customers: our trees beside scikit-learn's own predict, and the whole way from CSV to CSV.

    python -m tests.bench.bench_churn [ROWS]

(a) risk alone, from codes or the matrix in memory; (b) risk and every contribution; (c) a CSV file in, a CSV file with
risk, reasons and flags out, with the memory it takes. One core; customers drawn from invented ones, the release that
answers in this checkout. The twin of the release is fitted anew on the shared table where that is present.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import csv
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from features.customer import record
from models.churn import ChurnModel, open_churn


def customers(model: ChurnModel, n: int) -> dict[str, list[Any]]:
    """Draw values for the fields of a release, a tenth of them missing."""
    rng = np.random.default_rng(0)
    out: dict[str, list[Any]] = {}
    for coder in model.coders:
        if coder.levels:
            drawn: list[Any] = rng.choice(coder.levels, n).tolist()
        else:
            drawn = np.floor(rng.uniform(coder.low, coder.high + 1, n)).clip(coder.low, coder.high).tolist()
        gaps = rng.random(n) < 0.1
        out[coder.field.name] = [None if gap else v for v, gap in zip(drawn, gaps, strict=True)]
    return out


def rate(job: Callable[[], Any], rows: int, rounds: int = 3) -> float:
    """Rows a second of processor time, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        job()
        best = min(best, time.process_time() - started)
    return rows / best


def twin(model: ChurnModel, values: dict[str, list[Any]]) -> tuple[Any, Any] | None:
    """Fit scikit-learn's own model with the release's knobs, and give it the same customers as a matrix."""
    from training.churn.copies import by_content, customer_weights
    from training.churn.learn import fit_trees
    from training.churn.matrix import build
    from training.churn.table import SHARED, shared_table
    from training.config import load_churn_config

    table = shared_table("ecommerce")
    if table is None:
        return None
    config = load_churn_config(list(SHARED["ecommerce"].knobs))
    matrix = build(table, config.leave_out, config.free)
    fitted = fit_trees(matrix, np.arange(len(table)), table.left, customer_weights(by_content(table)), config, 0)
    columns = []
    for field, levels in zip(matrix.fields, matrix.levels, strict=True):
        place = {v: float(i) for i, v in enumerate(levels)}
        columns.append([np.nan if v is None else place.get(v, v) for v in values[field.name]])
    return fitted, np.array(columns, float).T


def from_csv_to_csv(model: ChurnModel, values: dict[str, list[Any]], rows: int) -> None:
    """Write the customers as a file, score it, and say how fast and with how much memory."""
    from serving.bulk_churn import churn_file

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.csv", Path(folder) / "out.csv"
        drawn = len(next(iter(values.values())))
        with source.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["id", *values])
            cells = ["" if v is None else v for column in values.values() for v in column]
            table = list(zip(*[cells[i * drawn : (i + 1) * drawn] for i in range(len(values))], strict=True))
            for start in range(0, rows, drawn):
                lines.writerows([start + i, *row] for i, row in enumerate(table[: rows - start]))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        churn_file(model, source, target)
        seconds = time.process_time() - started
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        sizes = [p.stat().st_size / 1e6 for p in (source, target)]
    print(f"CSV to CSV, with reasons          {rows / seconds:12,.0f} rows/s  ({seconds:.1f} s for {rows:,} rows)")
    print(f"memory                            {before / 1024:.0f} MB before, {grown / 1024:+.0f} MB while "
          f"{sizes[0]:.0f} MB were read and {sizes[1]:.0f} MB written")  # fmt: skip


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    model = open_churn()
    drawn = min(rows, 100_000)
    values = customers(model, drawn)
    assert set(values) <= set(record())
    codes = model.codes(values, drawn)
    from_csv_to_csv(model, values, rows)
    ours = rate(lambda: model.risk(codes), drawn)
    print(f"ours, values to codes             {rate(lambda: model.codes(values, drawn), drawn):12,.0f} rows/s")
    print(f"ours, risk                        {ours:12,.0f} rows/s")
    print(f"ours, risk and contributions      {rate(lambda: model.explained(codes), drawn):12,.0f} rows/s")
    found = twin(model, values)
    if found is None:
        print("the shared tables are not on this machine: no twin to compare with")
        return
    fitted, x = found
    theirs = rate(lambda: fitted.parts(x), drawn, 1)
    print(f"scikit-learn's predict_proba      {theirs:12,.0f} rows/s; ours is {ours / theirs:.1f} times as fast")


if __name__ == "__main__":
    main()
