"""What context is worth: real last messages answered alone, with all that was said before, and as they are answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from features.context import ENOUGH, own_words, said_before, substance
from features.errors import ConfigError
from features.schema import Ticket
from features.taxonomy import Taxonomy, default_taxonomy
from features.text import normalize
from models.context import read_in_context, settled
from models.heads import Heads, Probabilities
from models.silence import hushed
from training.calibrate import fit_calibration
from training.config import load_config
from training.data import Row, content_key, load_table
from training.data.dialogues import Fragment, load_fragments
from training.data.leaks import drop_copies
from training.dataset import Dataset, family, gather, weigh
from training.heads import fit_heads
from training.judge import hold_out
from training.matrices import build, targets

__all__ = ["changed_matters", "context_figures", "unseen_answers"]

Answers = Callable[[list[str]], Probabilities]
# Enough to tell the ways of reading apart in three minutes; the release learns from more.
KNOBS: Final = ["weights.jddc=0", "weights.corpus=0", "folds=2", "landmarks=1024"]
_READ_ROWS: Final = 5200


def _dialogue(row: Row) -> str:
    """Give the dialogue a row was cut from: ``uss-valid-061`` of ``uss-valid-061-3-2``."""
    return "-".join(row.id.split("-")[:3]) if row.id.startswith("uss-") else row.id


def _unseen(rows: Sequence[Row], fragments: Sequence[Fragment], seed: int) -> list[Row]:
    own = {f.dialogue for f in fragments}
    whole = [Row(f.ticket.id, "；".join([*said_before(f.ticket), f.ticket.text]), "context") for f in fragments]
    kept = drop_copies([r for r in rows if _dialogue(r) not in own], whole)
    read = [r for r in kept if family(r.source) == "read"]
    some = np.sort(np.random.default_rng(seed).permutation(len(read))[:_READ_ROWS])
    return [r for r in kept if family(r.source) == "gold"] + [read[i] for i in some.tolist()]


def unseen_answers(fragments: Sequence[Fragment], taxonomy: Taxonomy) -> Answers:
    """Fit heads on rows that hold nothing of these dialogues; give what answers normalised texts."""
    config = load_config(KNOBS)
    rows = tuple(_unseen(gather(config).rows, fragments, config.seed))
    weight = np.array([weigh(r.source, config.weights) for r in rows], np.float32)
    data = Dataset(rows, weight, np.arange(len(rows)), ())
    matrices, target = build([r.text for r in rows], config), targets(rows, taxonomy)
    held = hold_out(matrices, target, data, config)
    linear = fit_heads(matrices, target, np.arange(len(rows)), weight, config.ridge)
    calibration = fit_calibration(held.scores, target, held.rows)
    heads = Heads(linear.ngrams, linear.dense, linear.bias, calibration, target.sizes)
    space = matrices.space

    def answer(normals: list[str]) -> Probabilities:
        dense = space.dense(space.centred(normals))
        return hushed(heads.calibrate(heads.scores([space.sparse(n) for n in normals], dense)), normals, taxonomy)

    return answer


def changed_matters(fragments: Sequence[Fragment], each: int = 60, seed: int = 0) -> list[Fragment]:
    """Put JD utterances of another category (silver) after real dialogues: the customer has changed the matter."""
    tables = [t for name in ("gold", "read") if (t := load_table(name))]
    known = {content_key(r.text) for t in tables for r in t.rows}
    silver = load_table("jddc")
    rng = np.random.default_rng(seed)
    found, taken = [], dict.fromkeys((c.key for c in default_taxonomy().categories), 0)
    rows = silver.rows if silver else ()
    for i in rng.permutation(len(rows)).tolist():
        row = rows[i]
        fits = row.category is not None and ENOUGH <= substance(normalize(row.text)) <= 20
        if not fits or taken[str(row.category)] >= each or content_key(row.text) in known:
            continue
        taken[str(row.category)] += 1
        others = [f for f in fragments if f.category != row.category]
        other = others[int(rng.integers(len(others)))]
        found.append(Fragment(replace(other.ticket, text=row.text), other.dialogue, str(row.category)))
    return found


def _ways(tickets: Sequence[Ticket], answer: Answers, taxonomy: Taxonomy) -> dict[str, Probabilities]:
    whole = [";".join([*said_before(t), own_words(t)]) for t in tickets]
    readings = read_in_context(tickets, answer, taxonomy)
    return {
        "the last message alone": answer([own_words(t) for t in tickets]),
        "all that the customer said": answer(whole),
        "as it is answered": settled(answer([r.normal for r in readings]), readings),
    }


def context_figures(seed: int = 0) -> dict[str, dict[str, float]]:
    """Give category accuracy by way of reading, on labelled last messages and where the matter was changed.

    Raises
    ------
    ConfigError
        If the dialogues are not on this machine.
    """
    fragments, taxonomy = load_fragments(), default_taxonomy()
    if not fragments:
        raise ConfigError("the shared dialogues are not on this machine")
    answer = unseen_answers(fragments, taxonomy)
    keys, figures = [c.key for c in taxonomy.categories], {}
    for name, cases in (("labelled", fragments), ("changed", changed_matters(fragments, seed=seed))):
        truth = np.array([keys.index(f.category) for f in cases])
        brief = np.array([substance(own_words(f.ticket)) < ENOUGH for f in cases], np.bool_)
        for way, p in _ways([f.ticket for f in cases], answer, taxonomy).items():
            right = p.category.argmax(axis=1) == truth
            row = {"n": float(len(cases)), "accuracy": float(right.mean())}
            row["recall_mean"] = float(np.mean([right[truth == c].mean() for c in np.unique(truth)]))
            if brief.any():
                row |= {"fragments": float(brief.sum()), "fragments_accuracy": float(right[brief].mean())}
            figures[f"{name}: {way}"] = row
    return figures
