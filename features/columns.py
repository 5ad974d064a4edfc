"""How a shop's own table becomes customer records: a mapping file names its columns, its words and what is missing.

Two mappings are shipped, ``columns_ecommerce.yaml`` and ``columns_telco.yaml``; a table whose columns have the names of
the record needs none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from features.customer import Field, Value, parse_field, record
from features.errors import ConfigError, InputError
from features.strict_yaml import known_keys, read_page

__all__ = ["SHIPPED", "Column", "Columns", "Outcome", "load_columns", "parse_columns", "recognise"]

SHIPPED: Final = tuple(sorted(Path(__file__).parent.glob("columns_*.yaml")))
_MISSING: Final = ("", "nan", "NaN", "NA", "null", "None")
_KEYS: Final = {
    "columns": {"version", "about", "missing", "id", "churn", "fields", "own"},
    "churn": {"column", "leaves", "stays"},
    "field": {"column", "values"},
    "own": {"column", "values", "kind", "low", "high", "zh", "en", "unit", "trend", "means", "missing"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the names it may have, the field it fills, and the table's words for the field's values."""

    names: tuple[str, ...]
    fills: Field
    words: Mapping[str, str] = field(default_factory=dict)

    def read(self, text: str, where: str, missing: Collection[str]) -> Value | None:
        """Take a cell; ``None`` if it says nothing."""
        text = text.strip()
        return None if text in missing else self.fills.read(self.words.get(text, text), where)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The column that tells who left, and its words for it."""

    column: str
    leaves: tuple[str, ...]
    stays: tuple[str, ...]

    def read(self, text: str) -> bool:
        """Tell whether the customer left.

        Raises
        ------
        InputError
        """
        if text.strip() in self.leaves:
            return True
        if text.strip() in self.stays:
            return False
        raise InputError(self.column, "choice", expected=", ".join((*self.leaves, *self.stays)))


@dataclass(frozen=True, slots=True)
class Columns:
    """A mapping file, checked."""

    about: str
    id: tuple[str, ...]
    columns: tuple[Column, ...]
    missing: frozenset[str]
    churn: Outcome | None = None

    @property
    def fields(self) -> dict[str, Field]:
        """The fields that such a table can fill, by name: the record's, and its own."""
        return {c.fills.name: c.fills for c in self.columns}

    def places(self, header: Sequence[str]) -> dict[str, int]:
        """Tell for each field where in the header its column stands, if it does."""
        found: dict[str, int] = {}
        for column in self.columns:
            here = [header.index(name) for name in column.names if name in header]
            found |= {column.fills.name: here[0]} if here else {}
        return found


def _names(where: str, row: object) -> tuple[str, ...]:
    names = row if isinstance(row, list) else [row]
    if not names or not all(isinstance(n, str) and n for n in names):
        raise ConfigError(f"{where}: expected the name of a column, or a list of names")
    return tuple(names)


def _words(where: str, row: object) -> dict[str, str]:
    if not isinstance(row, Mapping) or not all(isinstance(x, str) for pair in row.items() for x in pair):
        raise ConfigError(f"{where}.values: expected the table's word: the record's (write quotes around yes and no)")
    return dict(row)


def _column(name: str, row: object) -> Column:
    row = known_keys(f"fields.{name}", row, _KEYS["field"])
    if name not in record():
        raise ConfigError(f"fields.{name}: the record has no such field; write it under own")
    words, known = _words(f"fields.{name}", row.get("values", {})), record()[name]
    if unknown := set(words.values()) - set(known.values) if known.kind == "category" else set():
        raise ConfigError(f"fields.{name}.values: the record has no {sorted(unknown)}")
    return Column(_names(f"fields.{name}.column", row.get("column")), known, words)


def _own(name: str, row: object) -> Column:
    row = known_keys(f"own.{name}", row, _KEYS["own"])
    if name in record():
        raise ConfigError(f"own.{name}: the record has this field; write it under fields")
    words = _words(f"own.{name}", row.get("values", {}))
    said: dict[str, Any] = {k: v for k, v in row.items() if k not in ("column", "values")}
    if row.get("kind") == "category":
        said["values"] = {value: [word, word] for word, value in reversed(words.items())}
    return Column(_names(f"own.{name}.column", row.get("column")), parse_field(name, said), words)


def _outcome(row: object) -> Outcome:
    row = known_keys("churn", row, _KEYS["churn"])
    words = [row.get("leaves"), row.get("stays")]
    if not isinstance(row.get("column"), str) or not all(
        isinstance(w, list) and w and all(isinstance(x, str) for x in w) for w in words
    ):
        raise ConfigError("churn: needs its column, and lists of words for leaves and stays, in quotes")
    return Outcome(row["column"], tuple(row["leaves"]), tuple(row["stays"]))


def parse_columns(text: str) -> Columns:
    """Read and check a mapping.

    Parameters
    ----------
    text : str
        YAML in the layout of ``features/columns_ecommerce.yaml``.

    Raises
    ------
    ConfigError
        On unknown or repeated keys, fields or values that the record has not; the message names the place.
    """
    root = known_keys("mapping", read_page(text, "mapping"), _KEYS["columns"])
    if root.get("version") != 1:
        raise ConfigError("version: expected 1")
    fields, own = (root.get(part) or {} for part in ("fields", "own"))
    if not isinstance(fields, Mapping) or not isinstance(own, Mapping) or not (fields or own):
        raise ConfigError("fields: expected a mapping from fields to columns")
    missing = root.get("missing", list(_MISSING))
    if not isinstance(missing, list) or not all(isinstance(m, str) for m in missing):
        raise ConfigError("missing: expected a list of texts, in quotes")
    return Columns(
        str(root.get("about", "")),
        _names("id", root["id"]) if "id" in root else (),
        (*(_column(str(k), v) for k, v in fields.items()), *(_own(str(k), v) for k, v in own.items())),
        frozenset(missing),
        _outcome(root["churn"]) if "churn" in root else None,
    )


def load_columns(path: Path) -> Columns:
    """Read a mapping file.

    Raises
    ------
    ConfigError
        If it cannot be read, or contradicts itself.
    """
    try:
        return parse_columns(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from error


@lru_cache(maxsize=1)
def _known_tables() -> tuple[Columns, ...]:
    """Give the record's own names first, then the shipped mappings."""
    own = Columns(
        "columns named after the record",
        ("id", "customer_id"),
        tuple(Column((f.name,), f) for f in record().values()),
        frozenset(_MISSING),
        Outcome("churn", ("1", "yes", "true"), ("0", "no", "false")),
    )
    return (own, *(load_columns(path) for path in SHIPPED))


def recognise(header: Sequence[str]) -> Columns:
    """Find the mapping that fits a table best: the record's own names, or a shipped one.

    Raises
    ------
    ConfigError
        If no column is known.
    """
    header = [name.strip() for name in header]
    best = max(_known_tables(), key=lambda columns: len(columns.places(header)))
    if not best.places(header):
        raise ConfigError("no column of the table is known: name them after the customer record, or give a mapping")
    return best
