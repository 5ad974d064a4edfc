"""The rows of a run: collected from their sources, weighted, and free of copies of the tickets that judge."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError
from features.taxonomy import Taxonomy, default_taxonomy, flat_taxonomy
from models.space import Floats
from training.audit.review import Review, apply_review
from training.config import TriageConfig
from training.data import Row, Table, content_key, load_table, translated_posts
from training.data.leaks import drop_copies
from training.robustness.taught import rewritten

__all__ = ["Dataset", "family", "gather", "weigh"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of a run, free of copies of judged tickets.

    Attributes
    ----------
    rows : tuple of Row
    weight : ndarray of float32, (n,)
    judged : ndarray of int64
        Where the rows stand that are held out by turns.
    tables : tuple of Table
        Where they came from, for the run's log.
    review : Review or None
        Whose decisions on labels were applied.
    origin : ndarray of int64, (n,), or None
        Of a row that is another in other words, where that one stands; of the others their own place. None: no row is.
    """

    rows: tuple[Row, ...]
    weight: Floats
    judged: Ints
    tables: tuple[Table, ...]
    review: Review | None = None
    origin: Ints | None = None

    def unseen(self, held: Ints) -> Ints:
        """Give the rows to learn from if some are held out: those and their rewritings are none of them."""
        origin = np.arange(len(self.rows)) if self.origin is None else self.origin
        return np.flatnonzero(~np.isin(origin, held))


def family(source: str) -> str:
    """Give the source a row belongs to: ``gold`` of ``gold/stc3``."""
    return source.split("/")[0]


def weigh(source: str, weights: Mapping[str, float]) -> float:
    """Give what a row of a source counts: ``corpus/out_of_scope`` may have a weight of its own, within ``corpus``."""
    return weights.get(source, weights[family(source)])


def _apply(review: Review, tables: Sequence[Table], taxonomy: Taxonomy) -> tuple[Table, ...]:
    rows = iter(apply_review([r for t in tables for r in t.rows], review, taxonomy))
    return tuple(replace(t, rows=tuple(r for _ in t.rows if (r := next(rows)))) for t in tables)


def gather(config: TriageConfig, table: Table | None = None, review: Review | None = None) -> Dataset:
    """Collect the rows of a run: the configured sources, or one table of the caller's.

    Parameters
    ----------
    config : TriageConfig
    table : Table or None
    review : Review or None
        Of labels: accepted suggestions replace them, dropped rows are left out.

    Raises
    ------
    ConfigError
        If fewer than two categories have rows enough to be held out, or the review does not fit the rows.
    """
    if table is not None:
        if review:
            (table,) = _apply(review, [table], flat_taxonomy(sorted({str(r.category) for r in table.rows})))
        rows = _sample(table.rows, config)
        tables: tuple[Table, ...] = (table,)
        judged = np.arange(len(rows))
        named = _names(rows) if config.label_names else []
        weight = np.array([1.0] * len(rows) + [config.label_names] * len(named), np.float32)
        rows += named
    else:
        wanted = [name for name, w in config.weights.items() if w > 0 and family(name) == name]
        tables = tuple(t for name in wanted if (t := load_table(name)))
        for name in wanted:
            if name not in {t.name for t in tables}:
                log.warning("the source %s is not on this machine and is left out", name)
        if review:
            tables = _apply(review, tables, default_taxonomy())
        rows = []
        # In the order of their standing: no source may hold a copy of what a judge before it holds, or a held-out
        # ticket would be learnt from under another name.
        for t in sorted(tables, key=lambda t: config.judged.index(t.name) if t.name in config.judged else len(tables)):
            rows += drop_copies(t.rows, [r for r in rows if family(r.source) in config.judged])
        weight = np.array([weigh(r.source, config.weights) for r in rows], np.float32)
        present = {family(r.source) for r in rows}
        judges = present & set(config.judged) or present  # with the embedded corpus alone, it judges itself
        judged = np.array([i for i, r in enumerate(rows) if family(r.source) in judges], np.int64)
    if len({rows[i].category for i in judged}) < 2 or len(judged) < 2 * config.folds:
        raise ConfigError("too few rows to hold any out: at least two categories and two rows a fold are needed")
    data = Dataset(tuple(rows), weight, judged, tables, review)
    # Of a caller's table nobody knows which rewriting would change its labels.
    return data if table is not None else _in_other_words(data, config)


def _in_other_words(data: Dataset, config: TriageConfig) -> Dataset:
    """Add judged rows rewritten, and translated by people, behind all others."""
    judged = [data.rows[i] for i in data.judged]
    found = [
        *((config.rewritten_weight, i, row) for i, row in rewritten(judged, config.rewritten, config.seed)),
        *((config.translated_weight, i, row) for i, row in _translated(judged) if config.translated_weight),
    ]
    of = data.judged[[i for _, i, _ in found]]
    return replace(
        data,
        rows=(*data.rows, *(r for _, _, r in found)),
        weight=np.append(data.weight, np.array([w for w, _, _ in found], np.float32) * data.weight[of]),
        origin=np.append(np.arange(len(data.rows)), of),
    )


def _translated(rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """Give which row it was, and the row in English; those of gold judge how English is read, and are not learnt."""
    english = translated_posts()
    for i, row in enumerate(rows):
        if row.id in english and family(row.source) != "gold":
            yield i, replace(row, id=f"{row.id}/en", text=english[row.id], source="translated")


def _names(rows: Sequence[Row]) -> list[Row]:
    """Make an example of every category's name that holds letters."""
    names = {c: re.sub(r"[\W_]+", " ", c).strip() for c in sorted({str(r.category) for r in rows})}
    return [Row(f"name-{c}", name, "names", c) for c, name in names.items() if any(x.isalpha() for x in name)]


def _sample(rows: Sequence[Row], config: TriageConfig) -> list[Row]:
    """Drop repeated rows, and keep a table within what one solve holds, label by label."""
    seen: dict[tuple[str, str | None], Row] = {}
    for row in rows:
        seen.setdefault((content_key(row.text), row.category), row)
    unique = list(seen.values())
    if len(unique) <= config.max_rows:
        return unique
    log.warning("%d rows are more than max_rows=%d: a stratified sample is taken", len(unique), config.max_rows)
    order = np.random.default_rng(config.seed).permutation(len(unique))
    size = Counter(r.category for r in unique)
    dealt: Counter[str | None] = Counter()
    place = []
    for i in order:
        dealt[unique[i].category] += 1
        place.append((dealt[unique[i].category] / size[unique[i].category], int(i)))
    return [unique[i] for _, i in sorted(place)[: config.max_rows]]
