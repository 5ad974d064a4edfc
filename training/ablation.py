"""``ablate``: variants of a recipe side by side on the same folds, with what each costs where it answers."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from features.taxonomy import Taxonomy, default_taxonomy
from models.release import load_release, save_release
from models.triage import TriageModel
from training import track
from training.config import HERE, load_config
from training.costs import costs
from training.dataset import Dataset, gather
from training.triage import Fitted, fit

__all__ = ["ablation"]

log = logging.getLogger(__name__)


def ablation(page: str, given: list[str]) -> dict[str, dict[str, float]]:
    """Fit and judge variants; every one is a run in MLflow.

    Parameters
    ----------
    page : str
        Of variants and their knobs, in ``training/configs``.
    given : list of str
        Knobs that are set for all.

    Returns
    -------
    dict
        For each variant its held-out figures, the minutes of its fit, milliseconds a short ticket, megabytes.
    """
    variants: dict[str, list[str]] = yaml.safe_load((HERE / f"{page}.yaml").read_text(encoding="utf-8"))
    table = {}
    for variant, overrides in variants.items():
        config = load_config([*given, *overrides])
        data, taxonomy = gather(config), default_taxonomy()
        started = time.perf_counter()
        with track.run(f"triage-{page}", {**config.as_dict(), "variant": variant}):
            fitted = fit(data, taxonomy, config)
            minutes = (time.perf_counter() - started) / 60
            told = {**fitted.judged.metrics["all"], "minutes": minutes, **_costs(fitted, data, taxonomy)}
            track.log_figures({**fitted.judged.metrics, "all": told}, {}, {})
        table[variant] = {**told, "n": float(len(data.rows))}
        log.info("%s: %s", variant, {k: round(v, 3) for k, v in table[variant].items()})
    return table


def _costs(fitted: Fitted, data: Dataset, taxonomy: Taxonomy) -> dict[str, float]:
    """Tell what a variant would cost where it answers; nothing of it is kept."""
    with TemporaryDirectory() as place:
        folder = save_release(
            "variant", fitted.tensors, taxonomy, fitted.config, {}, "", {}, Path(place), *fitted.files
        )
        model = TriageModel(load_release("variant", folder=folder))
        return costs(model, folder, [data.rows[i].text for i in data.judged])
