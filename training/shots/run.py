"""``curve``, and what ``fit --shots --test`` adds: from arguments to draws, a test, a plot and a table in MLflow."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from features.errors import ConfigError
from features.taxonomy import flat_taxonomy
from features.text import normalize
from training import track
from training.config import TriageConfig
from training.data import Row, Table, read_csv_table
from training.plots import curve_plot
from training.shots.curve import Point, few_shot, learning_curve
from training.shots.draw import draw, known, set_apart
from training.shots.tune import tune
from training.vectors import remembered

__all__ = ["chosen", "curve", "sizes"]

log = logging.getLogger(__name__)


def sizes(text: str) -> list[int | None]:
    """Read ``10,20,all``.

    Raises
    ------
    ConfigError
        If it is anything else.
    """
    parts = [p.strip() for p in text.split(",")]
    if not all(p == "all" or (p.isdecimal() and int(p) > 1) for p in parts):
        raise ConfigError(f"--shots {text}: numbers of rows a class from 2 on, or all, with commas between")
    return [None if p == "all" else int(p) for p in parts]


def _test_rows(arguments: argparse.Namespace) -> list[Row]:
    return list(read_csv_table(arguments.test, arguments.text, arguments.label or "label").rows)


def _categories(rows: Sequence[Row]) -> set[str]:
    return {str(r.category) for r in rows}


def chosen(
    arguments: argparse.Namespace, table: Table | None, config: TriageConfig
) -> tuple[Table | None, list[Row], TriageConfig]:
    """Do what ``--shots``, ``--test`` and ``--tune`` of a fit ask for.

    Returns
    -------
    Table or None
        What to train on.
    list of Row
        What to test on: the test table, or what was not drawn; empty where nothing asks for it.
    TriageConfig

    Raises
    ------
    ConfigError
        If there is no table that they could be about.
    """
    if table is None:
        if arguments.shots is not None or arguments.test or arguments.tune:
            raise ConfigError("--shots, --test and --tune are of a table: --data")
        return None, [], config
    test: list[Row] = _test_rows(arguments) if arguments.test else []
    if arguments.shots is not None:
        drawn, rest = draw(table.rows, arguments.shots, config.seed)
        table, test, config = replace(table, rows=tuple(drawn)), test or rest, few_shot(config, arguments.shots)
    categories = _categories(table.rows)
    if arguments.tune:
        config = tune(table, flat_taxonomy(sorted(categories)), config)
    return table, known(test, categories) if test else [], config


def curve(arguments: argparse.Namespace, table: Table, config: TriageConfig) -> list[Point]:
    """Take a table's learning curve and log it: every draw, the table of means, the plot.

    Raises
    ------
    ConfigError
        If the sizes or the number of draws are none.
    """
    shots = sizes(arguments.shots)
    if arguments.draws < 1:
        raise ConfigError(f"--draws {arguments.draws}: at least one")
    rows = list(table.rows)
    if arguments.test:
        test = _test_rows(arguments)
    else:
        rows, test = set_apart(rows, config.folds, config.seed)
    taxonomy = flat_taxonomy(sorted(_categories(rows)))
    test = known(test, _categories(rows))
    about = {"shots": arguments.shots, "draws": arguments.draws, "tune": arguments.tune, "tested": len(test)}
    with track.run(f"{track.name_of(table.name)}-curve", {**config.as_dict(), **about, "data": table.digest}):
        started = time.perf_counter()
        remembered(config.encoder).encode([normalize(r.text) for r in [*rows, *test]])
        encoding = time.perf_counter() - started
        log.info("%d texts encoded in %.0f s; the seconds of a fit are without it", len(rows) + len(test), encoding)
        points = learning_curve(
            replace(table, rows=tuple(rows)), test, taxonomy, config, shots, arguments.draws, arguments.tune
        )
        files = {"curve.json": {p.name: {k: list(v) for k, v in p.figures.items()} for p in points}}
        figures = {f"shots-{p.name}": {k: v for k, v in p.as_row().items() if v == v} for p in points}
        track.log_figures({**figures, "run": {"encoding_seconds": encoding}}, files, {"curve.png": curve_plot(points)})
    return points
