"""Where training rows come from: the project's own corpus, and the shared data where it is present."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from features.errors import ConfigError
from features.text import normalize

__all__ = ["SOURCES", "Row", "Table", "content_key", "data_root", "load_table", "read_csv_table", "translated_posts"]

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled text; a label that its source does not give is ``None``.

    Attributes
    ----------
    id, text, source : str
    category, urgency : str or None
    tags : tuple of str or None
    """

    id: str
    text: str
    source: str
    category: str | None = None
    tags: tuple[str, ...] | None = None
    urgency: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one origin, with the SHA-256 of the file they were read from."""

    name: str
    rows: tuple[Row, ...]
    digest: str


def content_key(text: str) -> str:
    """Give what two texts share that count as the same: letters and digits of the normal form, or the text itself."""
    normal = normalize(text)
    return re.sub(r"[\W_]", "", normal) or normal or text


def data_root() -> Path:
    """Tell where the shared data lies: ``AFTERSIGHT_DATA``, or ``../shared/data`` beside the project."""
    return Path(os.environ.get("AFTERSIGHT_DATA") or HERE.parents[2] / "shared" / "data")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json_lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _corpus() -> tuple[Path, list[Row]]:
    path = HERE / "corpus.jsonl"
    return path, [
        Row(r["id"], r["text"], f"corpus/{r['voice']}", r["category"], tuple(r["tags"]), r["urgency"])
        for r in _json_lines(path)
    ]


def _gold() -> tuple[Path, list[Row]]:
    path = data_root() / "text" / "gold" / "tickets.jsonl"
    return path, [
        Row(r["id"], r["text"], f"gold/{r['source']}", r["category"], tuple(r["tags"]), r["urgency"])
        for r in _json_lines(path)
    ]


def _gold_english() -> tuple[Path, list[Row]]:
    path = data_root() / "text" / "gold" / "tickets.jsonl"
    return path, [
        Row(r["id"], r["text_en"], "gold/en", r["category"], tuple(r["tags"]), r["urgency"])
        for r in _json_lines(path)
        if r.get("text_en")
    ]


def _jddc() -> tuple[Path, list[Row]]:
    """JD's own intents, mapped to our labels where the map is sure (``jddc_intents.yaml``); silver."""
    path = data_root() / "text" / "jddc_intents" / "utterances.tsv"
    labels = yaml.safe_load((HERE / "jddc_intents.yaml").read_text(encoding="utf-8"))
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    rows = []
    for n, line in enumerate(lines):
        label = labels.get(line["intent"])
        if label:
            rows.append(Row(f"jddc-{n}", line["text"], "jddc", label["category"], tuple(label["tags"])))
    return path, rows


def _review_texts(root: Path) -> dict[str, str]:
    with (root / "reviews" / "online_shopping.csv").open(encoding="utf-8", newline="") as file:
        return {f"osc-{n}": row["review"].lstrip("\ufeff").strip() for n, row in enumerate(csv.DictReader(file))}


def _first_turns(path: Path, joint: str) -> dict[str, str]:
    dialogues = json.loads(path.read_text(encoding="utf-8"))
    return {f"stc3-{d['id']}": joint.join(d["turns"][0]["utterances"]) for d in dialogues}


def _post_texts(root: Path) -> dict[str, str]:
    return _first_turns(root / "stc3" / "dialogues_cn.json", "；")


def translated_posts() -> dict[str, str]:
    """Give the English of posts that people translated, by the ids of the posts; none where the file is not there."""
    path = data_root() / "text" / "stc3" / "dialogues_en.json"
    return _first_turns(path, "; ") if path.is_file() else {}


def _utterance_texts(root: Path) -> dict[str, str]:
    with (root / "jddc_intents" / "utterances.tsv").open(encoding="utf-8", newline="") as file:
        return {f"jddc-{n}": row["text"] for n, row in enumerate(csv.DictReader(file, delimiter="\t"))}


def _turn_texts(root: Path, ids: Iterable[str]) -> dict[str, str]:
    """``uss-<dialogue>-<first turn>-<turns>``: some consecutive turns of the customer."""
    dialogues = json.loads((root / "jddc_satisfaction" / "dialogues.json").read_text(encoding="utf-8"))
    turns = {d["dialogue_id"]: [t["user"] for t in d["turns"]] for d in dialogues}
    texts = {}
    for row in ids:
        if row.startswith("uss-"):
            dialogue, start, count = row.removeprefix("uss-").rsplit("-", 2)
            picked = turns[dialogue][int(start) : int(start) + int(count)]
            texts[row] = "；".join(t for t in picked if t)
    return texts


def _read() -> tuple[Path, list[Row]]:
    """Shared texts labelled by reading for this project: ids and labels here, the texts where they lie."""
    path = HERE / "read_labels.csv"
    with path.open(encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    root = data_root() / "text"
    texts = {**_review_texts(root), **_post_texts(root), **_utterance_texts(root)}
    texts |= _turn_texts(root, (r["id"] for r in labels))
    return path, [
        Row(
            r["id"],
            texts[r["id"]],
            f"read/{r['id'].split('-')[0]}",
            r["category"],
            tuple(r["tags"].split()),
            r["urgency"],
        )
        for r in labels
    ]


SOURCES: Final[dict[str, Callable[[], tuple[Path, list[Row]]]]] = {
    "corpus": _corpus,
    "gold": _gold,
    "gold_english": _gold_english,
    "read": _read,
    "jddc": _jddc,
}


def load_table(name: str) -> Table | None:
    """Load a source; ``None`` where its file is not on this machine.

    Raises
    ------
    ConfigError
        If there is no source of that name.
    """
    if name not in SOURCES:
        raise ConfigError(f"source {name!r} is unknown, there are: {', '.join(SOURCES)}")
    try:
        path, rows = SOURCES[name]()
    except FileNotFoundError:
        return None
    return Table(name, tuple(rows), _digest(path))


def _labelled(reader: csv.DictReader[str], path: Path, text: str, label: str) -> list[Row]:
    columns = reader.fieldnames or []
    for column in (text, label):
        if column not in columns:
            raise ConfigError(f"{path.name} has no column {column!r}, it has: {', '.join(columns)}")
    return [
        Row(f"{path.stem}-{n}", line[text], path.stem, line[label])
        for n, line in enumerate(reader)
        if line[text] and line[label]
    ]


def read_csv_table(path: Path, text: str, label: str) -> Table:
    """Read any table with one text and one label column (CSV, or TSV by its name).

    Raises
    ------
    ConfigError
        If the file cannot be read, a column is not there or the table is empty; the message names the columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _labelled(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","), path, text, label)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path.name} cannot be read as a table in UTF-8: {error}") from error
    if not rows:
        raise ConfigError(f"{path.name} holds no row with both {text!r} and {label!r}")
    return Table(path.stem, tuple(rows), _digest(path))
