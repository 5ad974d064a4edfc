"""``audit``: rows to held-out probabilities to a review file."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from features.errors import ConfigError
from features.taxonomy import Taxonomy, default_taxonomy, flat_taxonomy
from models.heads import Probabilities
from training.audit.review import Suspect, read_review, write_review
from training.audit.suspects import find_suspects
from training.config import TriageConfig, load_config
from training.data import Row, Table
from training.dataset import Dataset, family, gather
from training.judge import hold_out
from training.matrices import build, targets
from training.track import ROOT
from training.triage import fine_tuned

__all__ = ["audit_labels", "suspects_of"]


def suspects_of(
    data: Dataset, taxonomy: Taxonomy, config: TriageConfig, source: str | None = None
) -> tuple[list[Row], list[Suspect]]:
    """Find the likely label errors among the rows that are held out by turns.

    Parameters
    ----------
    data : Dataset
    taxonomy : Taxonomy
    config : TriageConfig
    source : str or None
        Look at the rows of this one alone.

    Returns
    -------
    list of Row
        Those that were looked at.
    list of Suspect
        The likeliest error first.

    Raises
    ------
    ConfigError
        If no row of that source is held out.
    """
    target = targets(data.rows, taxonomy)
    beside = fine_tuned(data, target, config)[1]
    held = hold_out(build([r.text for r in data.rows], config), target, data, config, beside)
    here = np.array([source in (None, family(data.rows[i].source)) for i in held.rows])
    if not here.any():
        raise ConfigError(f"no row of {source} is held out, but of: {', '.join(config.judged)}")
    p = Probabilities(held.p.category[here], held.p.tags[here], held.p.urgency[here])
    return [data.rows[i] for i in held.rows[here]], find_suspects(target.values[held.rows[here]], p, taxonomy)


def audit_labels(arguments: argparse.Namespace, table: Table | None) -> tuple[Path, dict[str, int]]:
    """Audit the configured sources or the caller's table, and write the review file.

    Returns
    -------
    Path
    dict of str to int
        How many labels of each source and field are listed.

    Raises
    ------
    ConfigError
        If the file is there already, before anything is fitted.
    """
    config = load_config(arguments.set)
    out = arguments.out or ROOT / "var" / "audit" / f"{table.name if table else arguments.name}.csv"
    if out.exists():  # before minutes are spent
        raise ConfigError(f"{out.name} is there already, perhaps filled in: name another, --out")
    data = gather(config, table, read_review(arguments.reviewed) if arguments.reviewed else None)
    taxonomy = flat_taxonomy(sorted({str(r.category) for r in data.rows})) if table else default_taxonomy()
    rows, suspects = suspects_of(data, taxonomy, config, arguments.source)
    write_review(out, rows, suspects, texts=arguments.texts)
    found = Counter(f"{family(rows[s.row].source)} {s.field}" for s in suspects)
    return out, dict(sorted(found.items()))
