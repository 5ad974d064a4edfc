"""``fit churn``: a table of customers in, a registered release out, with all that a run logs."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from mlflow.types import ColSpec, DataType, Schema

from features.customer import Field
from features.errors import ConfigError, ReleaseError
from features.taxonomy import Label, Taxonomy
from models.churn import ChurnModel
from models.release import load_release, save_release
from training import track
from training.churn.calibrate import calibrated
from training.churn.card import write_card
from training.churn.copies import by_content, by_customer, customer_weights
from training.churn.export import export
from training.churn.figures import FIGURES, figures
from training.churn.judge import Judged, judge
from training.churn.learn import Fitted, fit_trees
from training.churn.matrix import Matrix, build
from training.churn.plots import churn_plots
from training.churn.table import SHARED, CustomerTable, read_table, shared_table
from training.churn.worth import column_costs, gap_costs
from training.config import ChurnConfig, load_churn_config
from training.facts import made_by, rounded

__all__ = ["OUTCOMES", "check_release", "customers_kind", "describe", "evaluate_churn", "fit_churn", "own_table"]

log = logging.getLogger(__name__)

# A release has labels; these are its two.
OUTCOMES: Final = Taxonomy(1, (Label("stays", "留存", "stays"), Label("leaves", "流失", "leaves")))
DEFAULT: Final = "ecommerce"
# Of each outcome: with fewer, a fold holds ten, and no figure means anything.
FEWEST: Final = 50
# A release tells in singles what was learnt in doubles: risks may differ by this much, far below what is told of them.
TWINS: Final = 1e-5


def own_table(arguments: argparse.Namespace) -> CustomerTable:
    """Find the customers: the caller's, or a shared table.

    Raises
    ------
    ConfigError
    """
    if arguments.data:
        return read_table(arguments.data, arguments.mapping)
    source = arguments.source or DEFAULT
    table = shared_table(source)
    if table is None:
        raise ConfigError(f"the table {source} is not here: set AFTERSIGHT_DATA, or give --data")
    return table


def _groups(table: CustomerTable, config: ChurnConfig) -> dict[str, npt.NDArray[np.int64]]:
    """Deal rows in up to three ways, the honest one first; ways that come to the same are one."""
    known = SHARED.get(table.name)
    alike, steps = (known.alike, known.steps) if known else (config.alike, {})
    found = {
        "customers": by_customer(table, alike, steps),
        "content": by_content(table),
        "random": np.arange(len(table)),
    }
    different: dict[str, npt.NDArray[np.int64]] = {}
    for name, group in found.items():
        if all(len(np.unique(group)) != len(np.unique(other)) for other in different.values()):
            different[name] = group
    return different


def fit_churn(arguments: argparse.Namespace) -> tuple[str, Path]:
    """Judge, fit, export, log and register; gives the release's name and folder."""
    table = own_table(arguments)
    known = SHARED[table.name].knobs if table.name in SHARED else []
    config = load_churn_config([*known, *arguments.set])
    default = "churn" if table.name == DEFAULT and not arguments.data else track.name_of(f"churn-{table.name}")
    name = arguments.release_name or default
    if min(table.left.sum(), len(table) - table.left.sum()) < FEWEST:
        raise ConfigError(f"{table.name}: at least {FEWEST} customers who left and as many who stayed are needed")
    matrix, groups = build(table, config.leave_out, config.free), _groups(table, config)
    customers = groups["customers"]
    started = time.perf_counter()
    with track.run(name, {**config.as_dict(), "rows": len(table), "data": {table.name: table.digest}}) as run:
        judged = judge(matrix, table.left, groups, config)
        log.info("judged after %.0f s", time.perf_counter() - started)
        meant = groups.get(config.deal, customers)
        worth = column_costs(matrix, table.left, meant, config)
        judged.metrics.update(gap_costs(matrix, table.left, meant, config))
        folder = _save(name, table, matrix, customers, meant, judged, worth, config, run)
        _log(judged, worth, table, time.perf_counter() - started)
        kind = customers_kind(ChurnModel(load_release(name, folder=folder)).fields)
        number = track.log_release(name, folder, kind)
    log.info("release %s/%s, registered as version %s, run %s", name, folder.name, number, run)
    return name, folder


def _save(
    name: str,
    table: CustomerTable,
    matrix: Matrix,
    customers: npt.NDArray[np.int64],
    meant: npt.NDArray[np.int64],
    judged: Judged,
    worth: Mapping[str, dict[str, float]],
    config: ChurnConfig,
    run: str,
) -> Path:
    weight = customer_weights(meant)
    model = fit_trees(matrix, np.arange(len(table)), table.left, weight, config, config.seed)
    tensors = {**export(model, matrix, weight), "calibration": judged.calibration}
    facts = {
        "metrics": rounded(judged.metrics),
        "worth": rounded(worth),
        "data": [
            {"name": table.name, "rows": len(table), "customers": int(customers.max()) + 1, "sha256": table.digest}
        ],
        "knobs": config.as_dict(),
        "teaching": table.name in SHARED,
        "remarks": list(SHARED[table.name].remarks) if table.name in SHARED else [],
    }
    folder = save_release(
        name, tensors, OUTCOMES, describe(matrix), facts, write_card(name, facts), made_by(run), track.CANDIDATES
    )
    check_release(ChurnModel(load_release(name, folder=folder)), model, matrix, table, judged.calibration)
    return folder


def describe(matrix: Matrix) -> dict[str, Any]:
    """Give what the answering code needs besides the weights."""
    rows = [_field(f, levels) for f, levels in zip(matrix.fields, matrix.levels, strict=True)]
    return {"kind": "churn", "fields": rows}


def _field(field: Field, levels: tuple[str, ...]) -> dict[str, Any]:
    """Describe a field in the layout of ``features/customer.yaml``: a release explains itself."""
    row: dict[str, Any] = {"kind": field.kind, **field.names, "unit": dict(field.unit), "low": field.low,
                           "high": field.high, "means": field.means, "missing": field.missing}  # fmt: skip
    if field.kind == "category":
        row["values"] = {k: list(v) for k, v in field.values.items()}
    if field.trend:
        row["trend"] = "rises" if field.trend > 0 else "falls"
    return {"name": field.name, "levels": list(levels), "field": row}


def check_release(
    model: ChurnModel, twin: Fitted, matrix: Matrix, table: CustomerTable, calibration: npt.NDArray[np.float64]
) -> None:
    """See that the saved release, by the code that answers, says what scikit-learn says, row by row.

    Raises
    ------
    ReleaseError
        If a risk differs by more than `TWINS`.
    """
    said = model.risk(model.codes(table.values, len(table)))
    apart = float(np.abs(said - calibrated(twin.parts(matrix.x), calibration)).max())
    if apart > TWINS:
        raise ReleaseError(f"the saved release differs from what was fitted by {apart:.3g}")


def _log(judged: Judged, worth: Mapping[str, dict[str, float]], table: CustomerTable, seconds: float) -> None:
    told = {"ours": judged.held.p[0], **judged.rivals}
    tables = {"worth.json": rounded(worth), "metrics.json": rounded(judged.metrics)}
    metrics = {**judged.metrics, "run": {"seconds": seconds}}
    track.log_figures(metrics, tables, churn_plots(told, table.left))


def customers_kind(fields: tuple[Field, ...]) -> track.Kind:
    """Tell MLflow what customers a release takes: any of its fields may be left out."""
    types = {"number": DataType.double, "count": DataType.double, "flag": DataType.boolean, "category": DataType.string}
    columns = [ColSpec(DataType.string, "id", required=False)]
    columns += [ColSpec(types[f.kind], f.name, required=False) for f in fields]
    outputs = [ColSpec(DataType.string, "customer_id"), ColSpec(DataType.double, "churn_risk")]
    numbers = {f.name: [float(f.low)] for f in fields if f.kind in ("number", "count")}
    return track.Kind(
        code="pyfunc_churn.py",
        inputs=Schema(columns),
        outputs=Schema([*outputs, ColSpec(DataType.string, "answer")]),
        example={"id": ["1"], **numbers},
        requirements=["numpy", "onnxruntime", "pandas", "pyyaml", "safetensors"],
    )


def evaluate_churn(model: ChurnModel, table: CustomerTable) -> dict[str, dict[str, float]]:
    """Score a saved release with the code that answers."""
    p = model.risk(model.codes(table.values, len(table)))
    told = figures(p, table.left, np.ones(len(table)))
    return {"all": {"n": float(len(table)), **dict(zip(FIGURES, map(float, told), strict=True))}}
