"""The review file: a CSV with a column to fill in, written by the audit and applied when training."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from features.errors import ConfigError
from features.taxonomy import Label, Taxonomy
from training.data import Row

__all__ = ["COLUMNS", "FIELDS", "Review", "Suspect", "Verdict", "apply_review", "read_review", "write_review"]

FIELDS: Final = ("category", "tags", "urgency")
COLUMNS: Final = ("id", "source", "field", "given", "suggested", "self_confidence", "decision")
DECISIONS: Final = ("", "accept", "drop", "keep")  # empty: nobody has looked at it yet, so the label stands
# A cell that begins so is a formula to a spreadsheet, and texts are what strangers wrote.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that is likely wrong.

    Attributes
    ----------
    row : int
        Where it stands among the rows that were looked at.
    field : str
        One of `FIELDS`.
    given, suggested : str
        Label keys; of tags any number, in the taxonomy's order, with spaces between.
    confidence : float
        The held-out probability of the given label; of tags, that the tag most in doubt is as given.
    """

    row: int
    field: str
    given: str
    suggested: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line of a review file; `line` is its number in the file."""

    line: int
    id: str
    source: str
    field: str
    given: str
    suggested: str
    decision: str


@dataclass(frozen=True, slots=True)
class Review:
    """A review file, and the SHA-256 of its bytes."""

    name: str
    verdicts: tuple[Verdict, ...]
    digest: str

    def as_dict(self) -> dict[str, object]:
        """Give what a release says of it."""
        said = Counter(v.decision for v in self.verdicts)
        return {"sha256": self.digest, **{d: said[d] for d in DECISIONS if d}}


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_review(path: Path, rows: Sequence[Row], suspects: Sequence[Suspect], *, texts: bool = False) -> None:
    """Write a review file, the likeliest error first.

    Parameters
    ----------
    path : Path
        Must not be there yet: it may be somebody's work.
    rows : sequence of Row
        Those that the suspects stand in.
    suspects : sequence of Suspect
    texts : bool
        Add the texts, for the reader's eyes; nothing reads them back.

    Raises
    ------
    ConfigError
        If the file is there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as file:  # the mark makes a spreadsheet read it as UTF-8
            table = csv.writer(file)
            table.writerow([*COLUMNS, *(["text"] if texts else [])])
            for s in suspects:
                row = rows[s.row]
                cells = [row.id, row.source, s.field, s.given, s.suggested, f"{s.confidence:.4f}", ""]
                table.writerow([*cells, *([_harmless(row.text)] if texts else [])])
    except FileExistsError as error:
        raise ConfigError(f"{path.name} is there already, perhaps filled in: name another, --out") from error


def _verdict(name: str, line: int, cells: Mapping[str, str | None]) -> Verdict:
    found = {c: (cells[c] or "").strip() for c in COLUMNS}
    decision = found["decision"].lower()
    if decision not in DECISIONS:
        raise ConfigError(f"{name}, line {line}: decision must be accept, drop, keep or empty, not {decision!r}")
    if found["field"] not in FIELDS:
        raise ConfigError(f"{name}, line {line}: field must be one of {', '.join(FIELDS)}, not {found['field']!r}")
    del found["self_confidence"], found["decision"]
    return Verdict(line, **found, decision=decision)


def read_review(path: Path) -> Review:
    """Read a filled-in review file.

    Raises
    ------
    ConfigError
        Naming the file, and the line and the rule it breaks: a column is missing, a decision or a field is unknown, or
        a label is decided on twice.
    """
    try:
        raw = path.read_bytes()
        table = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
        missing = [c for c in COLUMNS if c not in (table.fieldnames or ())]
        if missing:
            raise ConfigError(f"{path.name}, line 1: no column {', '.join(missing)}")
        verdicts = [_verdict(path.name, table.line_num, cells) for cells in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path.name} cannot be read as a table in UTF-8: {error}") from error
    seen: dict[tuple[str, str, str], int] = {}
    for v in verdicts:
        first = seen.setdefault((v.source, v.id, v.field), v.line)
        if first != v.line:
            raise ConfigError(f"{path.name}, line {v.line}: the {v.field} of {v.id} is decided on in line {first}")
    return Review(path.name, tuple(verdicts), hashlib.sha256(raw).hexdigest())


def _label(row: Row, field: str) -> str:
    value = getattr(row, field)
    return " ".join(sorted(value or ())) if field == "tags" else str(value or "")


def _canonical(field: str, label: str) -> str:
    return " ".join(sorted(label.split())) if field == "tags" else label


def _accepted(row: Row, verdict: Verdict, where: str, keys: Mapping[str, Iterable[str]]) -> Row:
    new = _canonical(verdict.field, verdict.suggested)
    wanted = new.split() if verdict.field == "tags" else [new]
    if unknown := sorted(set(wanted) - set(keys[verdict.field])):
        raise ConfigError(f"{where}: the suggested {verdict.field} {unknown[0]!r} is no label")
    own = _label(row, verdict.field)
    if own not in {new, _canonical(verdict.field, verdict.given)}:
        raise ConfigError(f"{where}: the {verdict.field} of {row.id} is {own!r}, not {verdict.given!r}: other data?")
    if verdict.field == "tags":
        return replace(row, tags=tuple(wanted))
    return replace(row, category=new) if verdict.field == "category" else replace(row, urgency=new)


def _reviewed(row: Row, verdicts: Sequence[Verdict], file: str, taxonomy: Taxonomy) -> Row:
    keys = {f: [x.key for x in part] for f, part in zip(FIELDS, _parts(taxonomy), strict=True)}
    accepted = [v for v in verdicts if v.decision == "accept"]
    for verdict in accepted:
        row = _accepted(row, verdict, f"{file}, line {verdict.line}", keys)
    allowed = {t.key: t.categories for t in taxonomy.tags}
    moved = [v for v in accepted if v.field != "urgency"]  # what did not fit before is not this review's doing
    for tag in (row.tags or ()) if moved else ():
        if row.category not in allowed[tag]:
            where = f"{file}, line {moved[-1].line}"
            raise ConfigError(f"{where}: {row.id} would hold {tag}, which may not stand under {row.category}")
    return row


def _parts(taxonomy: Taxonomy) -> tuple[Sequence[Label], ...]:
    """Give the labels of every field, in the order of `FIELDS`."""
    return taxonomy.categories, taxonomy.tags, taxonomy.urgency


def apply_review(rows: Sequence[Row], review: Review, taxonomy: Taxonomy) -> list[Row | None]:
    """Give the rows with accepted labels, in order; ``None`` for those dropped.

    Parameters
    ----------
    rows : sequence of Row
        All that the review may speak of.
    review : Review
    taxonomy : Taxonomy

    Raises
    ------
    ConfigError
        Naming the file, the line and the rule: the row is not there, its label is neither the given nor the suggested
        one (a review of other data), the suggestion is no label, or a tag may not stand under the category.
    """
    said: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in review.verdicts:
        said.setdefault((verdict.source, verdict.id), []).append(verdict)
    out: list[Row | None] = []
    for row in rows:
        verdicts = said.pop((row.source, row.id), [])
        dropped = any(v.decision == "drop" for v in verdicts)
        out.append(None if dropped else _reviewed(row, verdicts, review.name, taxonomy) if verdicts else row)
    for (source, name), verdicts in said.items():
        raise ConfigError(f"{review.name}, line {verdicts[0].line}: there is no row {name} in {source}")
    return out
