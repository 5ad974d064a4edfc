"""Reads the rows of a shop's table into customer records: strictly, and a bad row costs only itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from features.columns import Column, Columns
from features.customer import Value, record
from features.errors import InputError
from features.schema import Customer

__all__ = ["Batch", "Reader"]

# Different texts of one column that are remembered with their value; a column of numbers has some hundreds.
_MEMORY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows read column by column.

    Attributes
    ----------
    ids : list of str, (n,)
    values : dict of str to list of (Value or None), each (n,)
    errors : dict of int to InputError
        What is wrong with a row, if something is; its values are ``None``.
    """

    ids: list[str]
    values: dict[str, list[Value | None]]
    errors: dict[int, InputError]


class Reader:
    """Reads rows of a table.

    Parameters
    ----------
    columns : Columns
    header : sequence of str

    Attributes
    ----------
    absent : tuple of str
        Fields of the mapping that the table has no column for.
    """

    def __init__(self, columns: Columns, header: Sequence[str]) -> None:
        header = [name.strip() for name in header]
        self._header, self._missing = header, columns.missing
        places = columns.places(header)
        self._columns = [(c, places[c.fills.name]) for c in columns.columns if c.fills.name in places]
        self._memory: list[dict[str, Value | InputError | None]] = [{} for _ in self._columns]
        self._id = next((header.index(name) for name in columns.id if name in header), None)
        self.absent = tuple(c.fills.name for c in columns.columns if c.fills.name not in places)

    def _cell(self, column: Column, place: int, text: str) -> Value | InputError | None:
        try:
            return column.read(text, self._header[place], self._missing)
        except InputError as error:
            return error

    def customer(self, row: Sequence[str]) -> Customer:
        """Read one row.

        Raises
        ------
        InputError
            The message names the table's column.
        """
        batch = self.batch([row])
        if batch.errors:
            raise batch.errors[0]
        values = {name: column[0] for name, column in batch.values.items()}
        known: dict[str, Any] = {k: v for k, v in values.items() if k in record()}
        own = {k: v for k, v in values.items() if k not in known and v is not None}
        return Customer(batch.ids[0], **known, own=own)

    def batch(self, rows: Sequence[Sequence[str]]) -> Batch:
        """Read many rows; a bad one costs only itself."""
        width, errors = len(self._header), {}
        for i, row in enumerate(rows):
            if len(row) != width:
                errors[i] = InputError("row", "invalid", expected=f"{width} cells, as in the header")
        if errors:
            rows = [[""] * width if i in errors else row for i, row in enumerate(rows)]
        values: dict[str, list[Value | None]] = {}
        for (column, place), memory in zip(self._columns, self._memory, strict=True):
            texts = [row[place] for row in rows]
            if len(memory) > _MEMORY:
                memory.clear()
            # A table says the same few hundred things again and again: each is read once.
            different = set(texts)
            memory.update({t: self._cell(column, place, t) for t in different - memory.keys()})
            found = [memory[t] for t in texts]
            fine = not any(isinstance(memory[t], InputError) for t in different)
            told = cast("list[Value | None]", found) if fine else _without_errors(found, errors)
            values[column.fills.name] = told
        for i in errors:
            for cells in values.values():
                cells[i] = None
        return Batch([row[self._id].strip() if self._id is not None else "" for row in rows], values, errors)


def _without_errors(cells: list[Value | InputError | None], errors: dict[int, InputError]) -> list[Value | None]:
    for i, cell in enumerate(cells):
        if isinstance(cell, InputError):
            errors.setdefault(i, cell)
    return [None if isinstance(cell, InputError) else cell for cell in cells]
