"""The slice table: what is right on every slice, and how often the answer is that of the untouched ticket."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.taxonomy import Taxonomy
from models.heads import Probabilities
from training.data import load_table, translated_posts
from training.dataset import Dataset, family
from training.judge import Judged, answer_unseen
from training.matrices import Targets, targets
from training.metrics import decode_tags, score
from training.robustness.slices import Case, make_slices, sample, translated

__all__ = ["FIGURES", "Slices", "held_out_slices", "slice_figures", "tabulate", "translations"]

Bools = npt.NDArray[np.bool_]
# Of those of `training.metrics.score`: what is right.
FIGURES: Final = ("category_accuracy", "tags_micro_f1", "urgency_accuracy")


@dataclass(frozen=True, slots=True)
class Slices:
    """A slice table.

    Attributes
    ----------
    of : str
        The source of the tickets.
    figures : dict of str to dict
        By slice: ``n``; `FIGURES`; ``category_change``, ``tags_change``, ``urgency_change``, beside the same tickets
        untouched; ``invariance``, the share of answers whose category, tags and urgency are all those of the untouched
        ticket; ``held``, the share of denied faults whose tag was not won by the denial.
    digests : dict of str to str
        By slice: SHA-256 of its texts. Only slices of the same texts can be compared.
    """

    of: str
    figures: dict[str, dict[str, float]]
    digests: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Give what a release says of it, in four digits."""
        figures = {name: {k: round(v, 4) for k, v in row.items()} for name, row in self.figures.items()}
        return {"of": self.of, "figures": figures, "digests": self.digests}

    def as_metrics(self) -> dict[str, dict[str, float]]:
        """Give the figures under the names that a run logs them by: ``slice-typos/category_accuracy``."""
        return {f"slice-{name}": row for name, row in self.figures.items()}


def _right(
    cases: Sequence[Case], names: Sequence[str], p: Probabilities, tags: Bools, taxonomy: Taxonomy
) -> dict[str, dict[str, float]]:
    """Give `FIGURES` by slice, but for those whose truth is not told by all cases."""
    target = targets([c.row for c in cases], taxonomy)
    told = [bool(b.stop > b.start and not np.isnan(target.values[:, b]).any()) for b in target.blocks]
    scored = score(p, replace(target, values=np.nan_to_num(target.values)), np.arange(len(cases)), names, tags)
    shown = list(compress(FIGURES, told))
    return {name: {k: row[k] for k in shown} for name, row in scored.items()}


def _same(p: Probabilities, tags: Bools, before: Probabilities, tags_before: Bools) -> Bools:
    same: Bools = (tags == tags_before).all(axis=1)
    for now, then in ((p.category, before.category), (p.urgency, before.urgency)):
        same &= now.argmax(axis=1) == then.argmax(axis=1)
    return same


def _held(cases: Sequence[Case], tags: Bools, taxonomy: Taxonomy) -> npt.NDArray[np.float64]:
    """Tell where a denied fault's tag was not won, ``(cases,)``; NaN where nothing is denied."""
    place = {t.key: i for i, t in enumerate(taxonomy.tags)}
    held = np.full(len(cases), np.nan)
    for i, case in enumerate(cases):
        if case.denied is not None:
            held[i] = not tags[i, place[case.denied]] or tags[case.origin, place[case.denied]]
    return held


def slice_figures(
    cases: Sequence[Case], p: Probabilities, tags: Bools, taxonomy: Taxonomy
) -> dict[str, dict[str, float]]:
    """Score answers to all cases, by slice.

    Parameters
    ----------
    cases : sequence of Case
    p : Probabilities
        Of the cases, in order.
    tags : ndarray of bool, (len(cases), tags)
        Those given.
    taxonomy : Taxonomy
    """
    names = [c.row.source for c in cases]
    origin = np.array([c.origin for c in cases])
    before = Probabilities(p.category[origin], p.tags[origin], p.urgency[origin])
    now, then = (_right(cases, names, q, t, taxonomy) for q, t in ((p, tags), (before, tags[origin])))
    same, held = _same(p, tags, before, tags[origin]), _held(cases, tags, taxonomy)
    out = {}
    for name in dict.fromkeys(names):
        here = np.array(names) == name
        change = {f"{k.split('_')[0]}_change": v - then[name][k] for k, v in now[name].items()}
        out[name] = {"n": float(here.sum()), **now[name], **change, "invariance": float(same[here].mean())}
        if not np.isnan(held[here]).any():
            out[name]["held"] = float(held[here].mean())
    return out


def translations() -> dict[str, str]:
    """Give tickets' translations into English by people, by their ids; none where the shared data is absent."""
    table = load_table("gold_english")
    return translated_posts() | ({row.id: row.text for row in table.rows} if table else {})


def _digests(cases: Sequence[Case]) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    for case in cases:
        texts.setdefault(case.row.source, []).append(case.row.text)
    return {name: hashlib.sha256("\0".join(found).encode()).hexdigest()[:12] for name, found in texts.items()}


def tabulate(of: str, cases: Sequence[Case], p: Probabilities, tags: Bools, taxonomy: Taxonomy) -> Slices:
    """Make the table of answers to all cases; see `slice_figures`."""
    return Slices(of, slice_figures(cases, p, tags, taxonomy), _digests(cases))


def held_out_slices(
    judged: Judged, target: Targets, data: Dataset, taxonomy: Taxonomy, english: Mapping[str, str]
) -> Slices:
    """Take the table of a run: every rewritten ticket is answered by what did not see its untouched one.

    Parameters
    ----------
    judged : Judged
    target : Targets
    data : Dataset
    taxonomy : Taxonomy
    english : mapping of str to str
        As `translations` gives them. Of tickets of other sources than the first it makes two slices of their own, as
        there are more of them: ``posts`` and ``posts_english``.
    """
    held = judged.held
    of = family(data.rows[judged.shown[0]].source)
    picked = judged.shown[sample([data.rows[i] for i in judged.shown])]
    cases = make_slices([data.rows[i] for i in picked], taxonomy, english)
    others = [i for i in held.rows.tolist() if family(data.rows[i].source) != of and data.rows[i].id in english]
    fold_of = dict(zip(held.rows.tolist(), held.fold.tolist(), strict=True))
    # A written request is in nobody's training data: any fold may answer it, but the same one its denials too.
    folds = len(held.score)
    fold = [fold_of[int(picked[c.origin])] if c.origin < len(picked) else c.origin % folds for c in cases]
    fold += [fold_of[i] for i in others] * 2
    cases += translated([data.rows[i] for i in others], english, len(cases))
    p = answer_unseen(held, target, taxonomy, [c.row.text for c in cases], np.array(fold))
    return tabulate(of, cases, p, decode_tags(p, judged.floor, taxonomy), taxonomy)
