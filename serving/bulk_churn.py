"""Scores a CSV file of customers: the same rows, in the same order, with the risk and what speaks for it."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from features.columns import Columns, load_columns, recognise
from features.customer import Value
from features.errors import ConfigError
from features.table import Batch, Reader
from models.churn import LEAST, REASONS, ChurnModel
from serving.bulk import STANDARD, open_target

__all__ = ["ADDED", "CHUNK", "churn_file", "score_rows"]

# Rows in memory at once: large enough that numpy's fixed costs do not count, some megabytes.
CHUNK: Final = 4096
# Of one cell: no record has longer ones, and a quote that is never closed would swallow the file.
MAX_CELL_CHARS: Final = 10_000
ADDED: Final = ("churn_risk", "churn_reasons", "churn_flags", "churn_error")


def _said(name: str, value: Value | None, share: float) -> str:
    """Say a value with its contribution in log-odds: ``tenure_months=1 (+1.32)``; unknown is ``?``."""
    shown = "?" if value is None else f"{value:.10g}" if isinstance(value, float) else value
    return f"{name}={shown} ({share:+.2f})"


def score_rows(model: ChurnModel, batch: Batch) -> Iterator[list[str]]:
    """Give the `ADDED` cells of rows that were read, in order.

    Parameters
    ----------
    model : ChurnModel
    batch : Batch
    """
    n = len(batch.ids)
    codes = model.codes(batch.values, n)
    risk, shares = model.explained(codes)
    flags = model.flagged(batch.values, codes)
    order = np.argsort(-np.abs(shares), axis=1, kind="stable")[:, :REASONS]
    largest = np.take_along_axis(shares, order, axis=1).tolist()
    nothing: Sequence[Value | None] = [None] * n
    columns = [batch.values.get(field.name, nothing) for field in model.fields]
    names = [field.name for field in model.fields]
    for i, (p, places, moved) in enumerate(zip(risk.tolist(), order.tolist(), largest, strict=True)):
        if i in batch.errors:
            yield ["", "", "", batch.errors[i].message("en")]
            continue
        told = [_said(names[c], columns[c][i], x) for c, x in zip(places, moved, strict=True) if abs(x) >= LEAST]
        yield [f"{p:.4f}", "; ".join(told), "; ".join(flags.get(i, ())), ""]


@contextmanager
def _lines(path: Path, encoding: str) -> Iterator[TextIO]:
    try:
        if path == STANDARD:
            yield io.TextIOWrapper(sys.stdin.buffer, encoding=encoding, newline="")
        else:
            with path.open(encoding=encoding, newline="") as text:
                yield text
    except LookupError as error:
        raise ConfigError(f"there is no encoding {encoding}") from error


def _columns(header: Sequence[str], mapping: Path | None, model: ChurnModel) -> Columns:
    columns = load_columns(mapping) if mapping else recognise(header)
    known = {field.name for field in model.fields} & set(columns.places(header))
    if not known:
        raise ConfigError("the table has no column that the release looks at: give a mapping that names them")
    return columns


def churn_file(
    model: ChurnModel, source: Path, target: Path, mapping: Path | None = None, encoding: str = "utf-8-sig"
) -> tuple[int, int]:
    """Score a file into another; ``-`` stands for the standard streams.

    Parameters
    ----------
    model : ChurnModel
    source, target : Path
        CSV with a header. The target has all of the source's columns and `ADDED`; it may be the source.
    mapping : Path or None
        By default the shipped mapping that fits the header best, or the record's own names.
    encoding : str
        Of the source; the target is in UTF-8.

    Returns
    -------
    tuple of int
        How many rows were answered, and how many could not be read: their error stands in ``churn_error``.

    Raises
    ------
    ConfigError
        If it is no table in that encoding, or no column is known; the target is then as it was.
    OSError
        If a file cannot be read or written; the target is then as it was.
    """
    csv.field_size_limit(MAX_CELL_CHARS)
    answered = bad = 0
    with _lines(source, encoding) as lines, open_target(target) as raw:
        rows = csv.reader(lines)
        try:
            for text, fine, wrong in _scored(model, rows, mapping):
                raw.write(text.encode())
                answered, bad = answered + fine, bad + wrong
        except (csv.Error, UnicodeError) as error:
            raise ConfigError(f"line {rows.line_num + 1}: not a table in {encoding}: {error}") from error
    return answered, bad


def _scored(model: ChurnModel, rows: Iterator[list[str]], mapping: Path | None) -> Iterator[tuple[str, int, int]]:
    """Give chunks of the target's text, and how many rows of each were answered and not."""
    header = next(rows, [])
    reader = Reader(_columns(header, mapping, model), header)
    yield _text([[*header, *ADDED]]), 0, 0
    filled, width = (row for row in rows if row), len(header)
    while chunk := list(islice(filled, CHUNK)):
        batch = reader.batch(chunk)
        # A row of another width is cut or filled up, so that what is added stands below its heading.
        cells = (row if len(row) == width else (row + [""] * width)[:width] for row in chunk)
        added = score_rows(model, batch)
        text = _text([*row, *more] for row, more in zip(cells, added, strict=True))
        yield text, len(chunk) - len(batch.errors), len(batch.errors)


def _text(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
