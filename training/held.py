"""What was said of every held-out ticket, kept beside a run, and two such runs side by side with intervals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError
from features.taxonomy import Taxonomy
from models.heads import Probabilities
from training.data import Row
from training.judge import Judged
from training.matrices import Targets
from training.metrics import by_label, decode_tags, score

__all__ = ["FILE", "Told", "markdown", "side_by_side", "told"]

FILE: Final = "held_out.json"
DRAWS: Final = 1000  # of the bootstrap: the ends of a 95 % interval then stand on 25 draws each
FEWEST: Final = 10  # a label with fewer tickets has no F1 worth comparing

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Told:
    """Held-out answers to n tickets.

    Attributes
    ----------
    ids, sources : list of str
    p : Probabilities
    truth : Targets
    tags : ndarray of bool, (n, tags)
        Those that are given.
    """

    ids: list[str]
    sources: list[str]
    p: Probabilities
    truth: Targets
    tags: npt.NDArray[np.bool_]

    @property
    def names(self) -> list[str]:
        """Name every ticket: an id is one of its source's."""
        return [f"{source}/{key}" for source, key in zip(self.sources, self.ids, strict=True)]

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON holds it; no texts."""
        parts = {"category": self.p.category, "tags": self.p.tags, "urgency": self.p.urgency}
        return {
            "ids": self.ids,
            "sources": self.sources,
            "sizes": list(self.truth.sizes),
            "truth": np.where(np.isnan(self.truth.values), -1, self.truth.values).astype(int).tolist(),
            "given": self.tags.astype(int).tolist(),
            **{k: np.round(v.astype(float), 5).tolist() for k, v in parts.items()},
        }

    @classmethod
    def read(cls, file: Path) -> Told:
        """Read what `as_dict` gave.

        Raises
        ------
        ConfigError
            If the file is not such a one.
        """
        try:
            row = json.loads(file.read_text(encoding="utf-8"))
            n, (c, t, u) = len(row["ids"]), row["sizes"]
            values = np.array(row["truth"], np.float32).reshape(n, c + t + u)
            parts = [np.array(row[k], np.float32).reshape(n, -1) for k in ("category", "tags", "urgency")]
            truth = Targets(np.where(values < 0, np.nan, values).astype(np.float32), (int(c), int(t), int(u)))
            given = np.array(row["given"], np.bool_).reshape(n, t)
            return cls(row["ids"], row["sources"], Probabilities(*parts), truth, given)
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise ConfigError(f"{file}: not the held-out answers of a run ({e})") from None

    def take(self, rows: Ints) -> Told:
        """Take some tickets, in the order asked for; one may be taken twice."""
        p = Probabilities(self.p.category[rows], self.p.tags[rows], self.p.urgency[rows])
        truth = Targets(self.truth.values[rows], self.truth.sizes)
        chosen = rows.tolist()
        return Told([self.ids[i] for i in chosen], [self.sources[i] for i in chosen], p, truth, self.tags[rows])

    def figures(self, taxonomy: Taxonomy, labels: Sequence[str]) -> dict[str, float]:
        """Give every figure of every source, and the F1 of some labels."""
        rows = np.arange(len(self.ids))
        by_source = score(self.p, self.truth, rows, self.sources, self.tags)
        out = {f"{s} {k}": v for s, row in by_source.items() for k, v in row.items() if k != "n"}
        found = by_label(self.p, self.truth, rows, self.tags, taxonomy)
        return out | {f"F1 {k}": found[k]["f1"] for k in labels}


def told(judged: Judged, target: Targets, rows: Sequence[Row], taxonomy: Taxonomy) -> Told:
    """Take from a run what it said of the tickets that its figures are of."""
    held = judged.held
    shown = np.isin(held.rows, judged.shown)
    p = Probabilities(held.p.category[shown], held.p.tags[shown], held.p.urgency[shown])
    chosen = [rows[i] for i in judged.shown]
    truth = Targets(target.values[judged.shown], target.sizes)
    tags = decode_tags(p, judged.floor, taxonomy)
    return Told([r.id for r in chosen], [r.source for r in chosen], p, truth, tags)


def side_by_side(one: Told, two: Told, taxonomy: Taxonomy, draws: int = DRAWS) -> Iterator[tuple[str, list[float]]]:
    """Compare two runs on the tickets that both held out, with 95 % bootstrap intervals over tickets.

    Yields
    ------
    tuple of str and list of float
        A figure's name; then the first run's value and interval, the second's, and their difference's: nine numbers.

    Raises
    ------
    ConfigError
        If the runs hold no ticket in common, or know other labels.
    """
    sizes = (len(taxonomy.categories), len(taxonomy.tags), len(taxonomy.urgency) - 1)
    if {one.truth.sizes, two.truth.sizes} != {sizes}:
        raise ConfigError(f"held-out answers by other labels: {one.truth.sizes} and {two.truth.sizes}, not {sizes}")
    names, place = one.names, {name: i for i, name in enumerate(two.names)}
    common = np.array([i for i, name in enumerate(names) if name in place], np.int64)
    if not len(common):
        raise ConfigError("the two runs hold out no ticket in common")
    a, b = one.take(common), two.take(np.array([place[names[i]] for i in common], np.int64))
    found = by_label(b.p, b.truth, np.arange(len(common)), b.tags, taxonomy)
    labels = [k for k, row in found.items() if row["support"] >= FEWEST]
    before, after = a.figures(taxonomy, labels), b.figures(taxonomy, labels)
    rng = np.random.default_rng(0)
    drawn: dict[str, list[tuple[float, float]]] = {k: [] for k in after}
    for _ in range(draws):
        rows = rng.integers(0, len(common), len(common))
        x, y = a.take(rows).figures(taxonomy, labels), b.take(rows).figures(taxonomy, labels)
        for k, values in drawn.items():
            values.append((x.get(k, np.nan), y.get(k, np.nan)))
    for k, pairs in drawn.items():
        yield k, _intervals(before, after, k, np.array(pairs))


def markdown(one: Told, two: Told, taxonomy: Taxonomy, draws: int = DRAWS) -> str:
    """Write `side_by_side` as a table."""
    lines = ["| figure | before | 95 % | after | 95 % | change | 95 % |", "|---|---|---|---|---|---|---|"]
    for name, v in side_by_side(one, two, taxonomy, draws):
        values = [f"{v[i]:.3f} | {v[i + 1]:.3f}–{v[i + 2]:.3f}" for i in (0, 3)]
        lines.append(f"| {name} | {values[0]} | {values[1]} | {v[6]:+.3f} | {v[7]:+.3f} to {v[8]:+.3f} |")
    return "\n".join(lines)


def _intervals(before: Mapping[str, float], after: Mapping[str, float], k: str, pairs: Any) -> list[float]:
    out: list[float] = []
    for value, some in (
        (before[k], pairs[:, 0]),
        (after[k], pairs[:, 1]),
        (after[k] - before[k], pairs[:, 1] - pairs[:, 0]),
    ):
        out += [value, *(float(q) for q in np.nanquantile(some, (0.025, 0.975)))]
    return out
