"""Tables of photos: a manifest with one row a photo, or a folder for each class."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from features.errors import ConfigError

__all__ = ["PhotoRow", "PhotoTable", "of_phones_and_parcels", "read_photos"]

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic"})
# What the shared photos call a condition -> what the contract calls it. What is not here is not clean enough to learn.
CONDITION_OF: Final = {
    "intact": "intact",
    "screen_crack": "screen_broken",
    "screen_shatter": "screen_broken",
    "display_fault": "display_fault",
    "body_damage": "body_damage",
    "scratch": "scratch",
    "stain": "stain",
    "oil": "stain",
    "parcel_intact": "parcel_intact",
    "parcel_damaged": "parcel_damaged",
    "not_a_product": "nothing_to_diagnose",
    "texture_no_device": "nothing_to_diagnose",
    "illustration": "nothing_to_diagnose",
}


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """One photo of a table.

    Attributes
    ----------
    path : str
        Below the table's folder.
    label : str
    source, group, split : str
        Where it comes from, which object it shows, which part of an official split it belongs to; may be empty.
    """

    path: str
    label: str
    source: str = ""
    group: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class PhotoTable:
    """Photos with labels; the digest is that of their bytes, paths and labels."""

    name: str
    root: Path
    rows: tuple[PhotoRow, ...]
    digest: str

    def data(self, i: int) -> bytes:
        """Give the bytes of the photo of row i."""
        return (self.root / self.rows[i].path).read_bytes()

    def kept(self, rows: Iterable[PhotoRow]) -> PhotoTable:
        """Give a table of other rows of the same folder."""
        return _table(self.name, self.root, tuple(rows))


def _table(name: str, root: Path, rows: tuple[PhotoRow, ...]) -> PhotoTable:
    seen = hashlib.sha256()
    for row in rows:
        path = root / row.path
        if not path.is_file():
            raise ConfigError(f"{name}: {row.path} is listed and not there")
        seen.update(f"{row.path}\t{row.label}\t".encode() + hashlib.sha256(path.read_bytes()).digest())
    return PhotoTable(name, root, rows, seen.hexdigest())


def _listed(path: Path, label: str) -> list[PhotoRow]:
    """Read the rows of a manifest; those without a label may be anything, an empty last line for one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path.name} cannot be read as a table in UTF-8: {error}") from error
    if not lines or not {"path", label} <= set(lines[0]):
        raise ConfigError(f"{path.name}: needs rows with the columns path and {label}")
    for number, line in enumerate(lines, 1):
        if line[label] and not line["path"]:
            raise ConfigError(f"{path.name}: row {number} has no path")
    optional = ("source", "group", "split")
    return [PhotoRow(x["path"], x[label], **{k: x.get(k) or "" for k in optional}) for x in lines]


def read_photos(path: Path, label: str = "condition", source: str | None = None) -> PhotoTable:
    """Read a manifest (CSV) or a folder with one folder a class.

    Parameters
    ----------
    path : Path
        A CSV file with the columns ``path`` (below the file's own folder) and ``label``; ``source``, ``group`` and
        ``split`` are used where they are there. Or a folder.
    label : str
        The label's column.
    source : str, optional
        Keep the rows of one source alone.

    Raises
    ------
    ConfigError
        Where there is no photo, a column or a file is missing, or the file is no table in UTF-8.
    """
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.parent != path)
        rows = [PhotoRow(str(p.relative_to(path)), p.relative_to(path).parts[0]) for p in found]
        root = path
    elif path.is_file():
        rows = _listed(path, label)
        root = path.parent
    else:
        raise ConfigError(f"there is no {path}")
    rows = [r for r in rows if r.label and (source is None or r.source == source)]
    if len({r.label for r in rows}) < 2:
        raise ConfigError(f"{path.name}: needs photos of at least two labels")
    return _table(source or path.stem, root, tuple(rows))


def of_phones_and_parcels(table: PhotoTable, reread: dict[str, str]) -> PhotoTable:
    """Keep what can be learnt from: conditions of the contract, as read again where they were.

    Parameters
    ----------
    table : PhotoTable
    reread : dict of str to str
        Path to condition, or to the empty string for a photo that shows nothing clear.
    """
    rows = []
    for row in table.rows:
        drawn = row.label == "illustration" and "parcel" in row.source
        known = None if drawn else CONDITION_OF.get(row.label)
        if label := reread.get(row.path, known):
            rows.append(replace(row, label=label))
    return table.kept(rows)
