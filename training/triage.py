"""Fit a triage release: rows in, held-out figures and the weights of a release out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError
from features.taxonomy import Taxonomy
from features.text import normalize
from models.heads import Probabilities
from models.silence import hushed
from models.space import Floats
from training.autonomy import thresholds
from training.calibrate import apply_calibration, fit_calibration
from training.config import TriageConfig
from training.dataset import Dataset, Ints
from training.heads import Linear, fit_heads
from training.judge import Judged, Voice, deal, judge
from training.matrices import Matrices, Targets, build, targets
from training.vectors import for_release, opened

__all__ = ["Fitted", "fine_tuned", "fit"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that a release needs, and all that a run logs.

    Attributes
    ----------
    tensors : dict of str to ndarray
    config : dict
        What the answering code needs besides the weights.
    judged : Judged
    target : Targets
    own : callable
        The final word on rows that were learnt from, to check the saved release against.
    network : training.textnet.voice.Fitted or None
        What answers beside the heads.
    files : tuple of bytes
        What `models.release.save_release` takes of a network: of that one, or of an encoder that no package carries.
    """

    tensors: dict[str, npt.NDArray[Any]]
    config: dict[str, Any]
    judged: Judged
    target: Targets
    own: Callable[[Ints], Probabilities]
    network: Any = None
    files: tuple[bytes, ...] = ()


def _tensors(matrices: Matrices, heads: Linear, calibration: dict[str, Floats]) -> dict[str, npt.NDArray[Any]]:
    half = {"idf": matrices.space.idf, "landmarks": matrices.space.landmarks, "ngrams": heads.ngrams}
    full = {"mean": matrices.space.mean, "dense": heads.dense, "bias": heads.bias}
    return {
        "buckets": matrices.buckets.astype(np.int32),
        **{k: v.astype(np.float16) for k, v in half.items()},
        **{k: v.astype(np.float32) for k, v in full.items()},
        **{f"calibration.{k}": v.astype(np.float32) for k, v in calibration.items()},
    }


def fine_tuned(data: Dataset, target: Targets, config: TriageConfig) -> tuple[Any, Voice | None]:
    """Fine-tune a network for every fold and one for the release.

    Returns
    -------
    tuple of training.textnet.voice.Fitted and Voice
        The released one, and the others; None and None where none is wanted.
    """
    if not config.fine_tune:
        return None, None
    from training.textnet.learn import Schedule  # torch and transformers take seconds to import
    from training.textnet.voice import Job, fit_networks

    knobs: dict[str, Any] = {k: int(v) if k in ("batch", "pieces", "frozen") else v for k, v in config.network.items()}
    fold, texts = deal(data, config), tuple(normalize(r.text) for r in data.rows)
    held = [data.judged[fold == k] for k in range(config.folds)] + [np.empty(0, np.int64)]
    jobs = [
        Job(
            f"network {k}", texts, target, _only(data, rows), rows, config.fine_tune, Schedule(**knobs), config.seed + k
        )
        for k, rows in enumerate(held)
    ]
    *folds, released = fit_networks(jobs, config.workers)
    beside = np.zeros((len(data.judged), sum(target.sizes)), np.float32)
    for k, network in enumerate(folds):
        beside[fold == k] = network.held
    return released, Voice(beside, tuple(network.read for network in folds))


def _only(data: Dataset, held: Ints) -> Floats:
    """Give the rows' weights, and none to those that say in other words what is held out."""
    weight = np.zeros_like(data.weight)
    learnt = data.unseen(held)
    weight[learnt] = data.weight[learnt]
    return weight


def fit(data: Dataset, taxonomy: Taxonomy, config: TriageConfig) -> Fitted:
    """Take figures, calibration and thresholds from rows held out; then fit the heads on all rows.

    Raises
    ------
    ConfigError
        If a release would have to carry two networks.
    """
    encoder, files = for_release(opened(config.encoder))
    if files and config.fine_tune:
        raise ConfigError(f"a release carries one network: the encoder {encoder['name']}, or one that is fine-tuned")
    matrices = build([r.text for r in data.rows], config)
    target = targets(data.rows, taxonomy)
    network, beside = fine_tuned(data, target, config)
    judged = judge(matrices, target, data, taxonomy, config, beside)
    heads = fit_heads(matrices, target, np.arange(len(data.rows)), data.weight, config.ridge, config.ngram_share)
    calibration = fit_calibration(judged.held.scores, target, judged.held.rows, config.freedom)
    likeness = matrices.near[data.judged].max(axis=1, initial=0.0)
    release = {
        "encoder": encoder,
        "gamma": config.gamma,
        "tag_floor": judged.floor,
        "likeness_floor": round(float(np.quantile(likeness, config.out_of_scope_share)), 4),
        "thresholds": thresholds(judged.autonomy),
        **({"network": network.config} if network else {}),
    }

    def own(some: Ints) -> Probabilities:
        texts, scores = [data.rows[i].text for i in some], heads.scores(matrices, some)
        if network:
            scores = np.hstack([scores, network.read(texts)])
        return hushed(apply_calibration(scores, target, calibration), [normalize(t) for t in texts], taxonomy)

    return Fitted(
        tensors=_tensors(matrices, heads, calibration),
        config=release,
        judged=judged,
        target=target,
        own=own,
        network=network,
        files=(network.network, network.tokenizer) if network else files,
    )
