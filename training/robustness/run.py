"""``robustness``: what a saved release answers to rewritten tickets, logged as a run."""

from __future__ import annotations

from features.errors import ConfigError
from models.triage import TriageModel
from training import track
from training.answers import whole_answers
from training.data import Table, load_table
from training.robustness.slices import make_slices, sample
from training.robustness.table import Slices, tabulate, translations

__all__ = ["answered_slices"]


def answered_slices(name: str, model: TriageModel, table: Table | None = None) -> tuple[Slices, bool]:
    """Take the slice table of whole answers, rules included.

    Parameters
    ----------
    name : str
        Of the release, for the run's experiment.
    model : TriageModel
    table : Table or None
        By default gold, or where the shared data is absent the embedded corpus.

    Returns
    -------
    Slices
    bool
        Whether the release was trained on these rows.

    Raises
    ------
    ConfigError
        If no row is labelled with a category of the release.
    """
    table = table or load_table("gold") or load_table("corpus")
    categories = {c.key for c in model.taxonomy.categories}
    rows = [r for r in (table.rows if table else ()) if r.category in categories]
    if not table or not rows:
        raise ConfigError("no row has a category of this release")
    picked = [rows[i] for i in sample(rows)]
    cases = make_slices(picked, model.taxonomy, translations() if table.name == "gold" else {})
    p, tags = whole_answers(model, [c.row for c in cases])
    slices = tabulate(table.name, cases, p, tags, model.taxonomy)
    with track.run(f"{name}-robustness", {"release": model.release.version, "of": slices.of, "rows": len(picked)}):
        track.log_figures(slices.as_metrics(), {"robustness.json": slices.as_dict()}, {})
    return slices, table.digest in {d["sha256"] for d in model.manifest["data"]}
