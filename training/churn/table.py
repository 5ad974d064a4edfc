"""Tables of customers whose outcome is known, read through a mapping as answering reads them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import yaml

from features.columns import Columns, load_columns, recognise
from features.customer import Field, Value
from features.errors import ConfigError, InputError
from features.table import Reader
from training.data import data_root

__all__ = ["SHARED", "CustomerTable", "Shared", "read_table", "shared_table"]

HERE: Final = Path(__file__).parents[1] / "data"


@dataclass(frozen=True, slots=True)
class CustomerTable:
    """Customers of one origin.

    Attributes
    ----------
    name, digest : str
        The digest is the SHA-256 of the file.
    fields : tuple of Field
        Those that the table has columns for and at least one value in.
    values : dict of str to list of (Value or None), each (n,)
    left : ndarray of float64, (n,)
        1 for those who left.
    ids : list of str
    """

    name: str
    digest: str
    fields: tuple[Field, ...]
    values: Mapping[str, Sequence[Value | None]]
    left: npt.NDArray[np.float64]
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class Shared:
    """Where a shared table lies, and what is known of it: see ``data/churn_tables.yaml``."""

    path: str
    alike: float
    steps: Mapping[str, float]
    remarks: tuple[str, ...] = ()
    knobs: tuple[str, ...] = ()


SHARED: Final[dict[str, Shared]] = {
    name: Shared(**row) for name, row in yaml.safe_load((HERE / "churn_tables.yaml").read_text("utf-8")).items()
}


def shared_table(name: str) -> CustomerTable | None:
    """Read a shared table; ``None`` where it is not on this machine.

    Raises
    ------
    ConfigError
        If there is no shared table of that name.
    """
    if name not in SHARED:
        raise ConfigError(f"table {name!r} is unknown, there are: {', '.join(SHARED)}")
    path = data_root() / SHARED[name].path
    return read_table(path, None, name) if path.exists() else None


def read_table(path: Path, mapping: Path | None, name: str = "") -> CustomerTable:
    """Read a CSV file of customers.

    Parameters
    ----------
    path : Path
    mapping : Path or None
        By default the shipped mapping that fits the columns best, or the record's own names.
    name : str
        By default the file's.

    Raises
    ------
    ConfigError
        If the file cannot be read, tells no outcome, or a row is at fault; the message names line and column.
    """
    try:
        data = path.read_bytes()
        header, *rows = csv.reader(data.decode("utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise ConfigError(f"{path.name} cannot be read as a table in UTF-8 with a header: {error}") from error
    columns = load_columns(mapping) if mapping else recognise(header)
    batch = Reader(columns, header).batch(rows)
    if batch.errors:
        first = min(batch.errors)
        raise ConfigError(f"{path.name}, line {first + 2}: {batch.errors[first]}")
    fields = [f for f in columns.fields.values() if any(v is not None for v in batch.values.get(f.name, ()))]
    if not fields:
        raise ConfigError(f"{path.name} holds no value in any known column")
    left = _outcomes(columns, header, rows, path)
    digest = hashlib.sha256(data).hexdigest()
    return CustomerTable(name or path.stem, digest, tuple(fields), batch.values, left, batch.ids)


def _outcomes(columns: Columns, header: Sequence[str], rows: Sequence[Sequence[str]], path: Path) -> Any:
    outcome = columns.churn
    if outcome is None or outcome.column not in header:
        raise ConfigError(f"{path.name}: no column tells who left (churn, or that of the mapping)")
    place = header.index(outcome.column)
    try:
        left = np.array([outcome.read(row[place]) for row in rows], np.float64)
    except InputError as error:
        raise ConfigError(f"{path.name}: {error}") from error
    return left
